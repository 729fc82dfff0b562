//! What follows on the end of an event: the ledger forgets what is written down elsewhere, and old events go.

use std::collections::HashSet;

use cicdcontext_crds::{
    CicdContextSpec, CicdEvent, CicdEventStatus, EventPhase, HandlerPhase, context::DEFAULT_EVENT_HISTORY_LIMIT,
    vocabulary::annotation::APPLIED,
};
use cicdcontext_engine::{
    event::run::effects_of,
    state::{
        Effect, Ledger,
        ledger::{EffectHash, effect_hash},
    },
};
use jiff::{SignedDuration, Timestamp};

use super::ledger;
use crate::source::{
    Problem,
    files::{Files, contexts::Locked, events::is_finished, folder},
};

/// How long a finished event is kept in any case.
const KEPT: SignedDuration = SignedDuration::from_secs(60);

/// How many finished events a context keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    succeeded: usize,
    failed: usize,
}

impl History {
    pub(super) fn of(spec: &CicdContextSpec) -> Self {
        let limit =
            |limit: Option<i32>| usize::try_from(limit.unwrap_or(DEFAULT_EVENT_HISTORY_LIMIT)).unwrap_or_default();
        Self { succeeded: limit(spec.event_history_limit), failed: limit(spec.failed_event_history_limit) }
    }

    /// The events that go, of all of a context in their order.
    fn surplus<'e>(&self, events: &'e [CicdEvent], now: Timestamp) -> Vec<&'e CicdEvent> {
        let (mut succeeded, mut failed) = (0, 0);
        let is_surplus = |event: &&CicdEvent| {
            let status = event.status.clone().unwrap_or_default();
            let (count, limit) = match status.phase {
                EventPhase::Succeeded | EventPhase::Skipped => (&mut succeeded, self.succeeded),
                EventPhase::Failed => (&mut failed, self.failed),
                EventPhase::Pending | EventPhase::Running | EventPhase::Retrying => return false,
            };
            *count += 1;
            let is_old = status.completion_time.is_some_and(|time| now.duration_since(time.0) >= KEPT);
            *count > limit && is_old
        };
        // The newest are counted first.
        events.iter().rev().filter(is_surplus).collect()
    }
}

/// Tidies up after `event`, as it was written down last. `locked` is its context.
pub(super) fn tidy(files: &Files, mut locked: Locked, event: &CicdEvent, history: History) -> Result<(), Problem> {
    let events = files.list(Some(&event.spec.context_ref.name))?;
    let mut ledger: Ledger = ledger(&locked);
    let known = ledger.to_annotation();
    let is_other = |other: &&CicdEvent| other.metadata.uid != event.metadata.uid && !is_finished(other);
    let retired: Vec<EffectHash> = if events.iter().any(|other| is_other(&other)) {
        written_down(event)
    } else {
        // What others have left there in a crash needs no one any more.
        let open = open(event);
        ledger.done().iter().filter(|effect| !open.contains(*effect)).cloned().collect()
    };
    for effect in &retired {
        ledger.retire(effect);
    }
    let surplus = history.surplus(&events, Timestamp::now());
    for event in &surplus {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        ledger.enter_event(&text(&event.metadata.name), &text(&event.metadata.uid));
    }
    if ledger.to_annotation() != known {
        locked.record.annotations.insert(APPLIED.to_owned(), ledger.to_annotation());
        locked.write()?;
    }
    for event in surplus {
        folder::remove(&locked.folder.event(event.metadata.name.as_deref().unwrap_or_default()))?;
    }
    Ok(())
}

fn uid(event: &CicdEvent) -> &str {
    event.metadata.uid.as_deref().unwrap_or_default()
}

/// The effects that the event can still have.
fn open(event: &CicdEvent) -> HashSet<EffectHash> {
    let status = event.status.clone().unwrap_or_default();
    let effects = if status.handlers.is_empty() { None } else { effects_of(&event.spec, uid(event), &status, None) };
    effects.unwrap_or_default().into_iter().collect()
}

/// The effects of the event that its status tells of.
fn written_down(event: &CicdEvent) -> Vec<EffectHash> {
    let mut all: CicdEventStatus = event.status.clone().unwrap_or_default();
    all.handlers.iter_mut().for_each(|handler| handler.phase = HandlerPhase::Pending);
    let mut effects = if all.handlers.is_empty() { None } else { effects_of(&event.spec, uid(event), &all, None) };
    let open = open(event);
    let mut effects = effects.take().unwrap_or_default();
    effects.retain(|effect| !open.contains(effect));
    effects.push(effect_hash(Effect::Set { event_uid: uid(event) }));
    effects
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str, phase: &str, completed: &str) -> CicdEvent {
        serde_json::from_value(json!({
            "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEvent",
            "metadata": {"name": name, "uid": name},
            "spec": {"contextRef": {"name": "shop"}},
            "status": {"phase": phase, "completionTime": completed},
        }))
        .unwrap()
    }

    #[test]
    fn the_oldest_finished_events_go_but_none_within_a_minute() {
        let spec: CicdContextSpec =
            serde_json::from_value(json!({"eventHistoryLimit": 1, "failedEventHistoryLimit": 0})).unwrap();
        let old = "2026-01-01T00:00:00Z";
        let events = [
            event("a", "Succeeded", old),
            event("b", "Retrying", old),
            event("c", "Failed", old),
            event("d", "Failed", "2026-01-01T00:59:30Z"),
            event("e", "Skipped", old),
        ];
        let now = "2026-01-01T01:00:00Z".parse().unwrap();
        let names: Vec<_> = History::of(&spec).surplus(&events, now).into_iter().map(uid).collect();
        assert_eq!(names, ["c", "a"]);
        assert!(History::of(&CicdContextSpec::default()).surplus(&events, now).is_empty());
    }
}
