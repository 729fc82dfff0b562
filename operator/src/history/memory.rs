//! What is remembered of each context between two turns: its finished events in order, and when something last happened.
//! All of it can be read again after a restart, from the caches and from the API server.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cicdcontext_crds::CicdEvent;
use jiff::Timestamp;

use super::finished::{Decision, Finished, FinishedEvent, Rules, Standing};
use crate::cache::{ObjectKey, Stored};

/// What is remembered of all contexts.
#[derive(Debug)]
pub struct History {
    rules: Rules,
    contexts: Mutex<HashMap<ObjectKey, Remembered>>,
}

#[derive(Debug, Default)]
struct Remembered {
    finished: Finished,
    active: Option<Timestamp>,
}

impl Remembered {
    fn active(&mut self, at: Timestamp) {
        self.active = self.active.max(Some(at));
    }
}

impl History {
    /// A history with these rules.
    pub fn new(rules: Rules) -> Self {
        Self { rules, contexts: Mutex::default() }
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Something happened in a context.
    pub fn active(&self, context: &ObjectKey, at: Timestamp) {
        self.lock().entry(context.clone()).or_default().active(at);
    }

    /// When something last happened in a context, as far as that was seen.
    pub fn last_activity(&self, context: &ObjectKey) -> Option<Timestamp> {
        self.lock().get(context)?.active
    }

    /// Takes in the event of this name as `look` gives it. If it is finished and may go one day, gives when it finished.
    pub fn look_at_event(
        &self,
        context: &ObjectKey,
        name: &str,
        look: impl FnOnce() -> Option<Arc<Stored<CicdEvent>>>,
    ) -> Option<Timestamp> {
        let mut contexts = self.lock();
        let remembered = contexts.entry(context.clone()).or_default();
        let event = look();
        if let Some(created) = event.as_ref().and_then(|event| event.metadata.creation_timestamp.as_ref()) {
            remembered.active(created.0);
        }
        let Some(finished) = event.and_then(|event| FinishedEvent::of(&event)) else {
            remembered.finished.remove(name, &self.rules);
            return None;
        };
        let completed = finished.completed;
        remembered.active(completed);
        remembered.finished.put(finished, &self.rules);
        Some(completed)
    }

    /// An event is gone.
    pub fn forget_event(&self, context: &ObjectKey, name: &str) {
        if let Some(remembered) = self.lock().get_mut(context) {
            remembered.finished.remove(name, &self.rules);
        }
    }

    /// Decides which events of a context go now; see [`Finished::decide`].
    pub fn decide(
        &self,
        context: &ObjectKey,
        now: Timestamp,
        standing: Standing,
        most: usize,
        is_held: impl FnMut(&FinishedEvent) -> bool,
    ) -> Decision {
        let contexts = self.lock();
        let Some(remembered) = contexts.get(context) else { return Decision::default() };
        remembered.finished.decide(now, standing, &self.rules, most, is_held)
    }

    /// Forgets a context that is gone, if it has no events any more.
    pub fn forget_without_events(&self, context: &ObjectKey) {
        let mut contexts = self.lock();
        if contexts.get(context).is_some_and(|remembered| remembered.finished.is_empty()) {
            contexts.remove(context);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Remembered>> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::history::finished::Limits;

    fn event(phase: &str, annotations: &str) -> Arc<Stored<CicdEvent>> {
        let text = format!(
            r#"{{"metadata":{{"name":"e","uid":"u","resourceVersion":"7","creationTimestamp":"2026-01-01T00:00:00Z",
                "annotations":{annotations}}},"spec":{{"contextRef":{{"name":"c"}}}},
                "status":{{"phase":"{phase}","completionTime":"2026-01-01T00:01:00Z"}}}}"#
        );
        Arc::new(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn an_event_is_known_as_long_as_nothing_is_left_to_be_done_with_it() {
        let minute = SignedDuration::from_secs(60);
        let history = History::new(Rules { minimum_age: minute, orphaned_age: minute });
        let key = ObjectKey::new("a", "c");
        let (end, none) = ("2026-01-01T00:01:00Z".parse().ok(), Limits { succeeded: 0, failed: 0 });
        let goes = || history.decide(&key, Timestamp::MAX, Standing::Kept(none), 9, |_| false).delete.len();

        assert_eq!(history.look_at_event(&key, "e", || Some(event("Running", "{}"))), None);
        assert_eq!(history.last_activity(&key), "2026-01-01T00:00:00Z".parse().ok());
        assert_eq!((history.look_at_event(&key, "e", || Some(event("Failed", "{}"))), goes()), (end, 1));
        assert_eq!(history.last_activity(&key), end);
        let redelivery = r#"{"redeliver.cicdcontext.io/1":"*"}"#;
        assert_eq!((history.look_at_event(&key, "e", || Some(event("Failed", redelivery))), goes()), (None, 0));
        assert_eq!((history.look_at_event(&key, "e", || Some(event("Skipped", "{}"))), goes()), (end, 1));
        history.forget_without_events(&key);
        assert_eq!(goes(), 1, "it has an event");
        assert_eq!((history.look_at_event(&key, "e", || None), goes()), (None, 0));
        history.forget_without_events(&key);
        assert!(history.lock().is_empty());
    }
}
