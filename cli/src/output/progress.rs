//! What has changed in an event since it was last seen, in lines for a log or a person who follows it.

use std::collections::BTreeMap;

use cicdcontext_crds::{CicdEvent, EventPhase, HandlerPhase, HandlerStatus, conditions, vocabulary::condition};

use super::{color::Palette, handlers::word};
use crate::console::one_line;

/// What was last seen of one event.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    phase: Option<EventPhase>,
    handlers: BTreeMap<String, HandlerPhase>,
}

/// One thing that changed: of a handler, or of the event itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The handler; none for the event itself.
    pub handler: Option<String>,
    /// The phase that it has now.
    pub phase: String,
    /// Reason and message; blank if there are none.
    pub why: String,
}

impl Seen {
    /// The handlers whose phase is another than before, in their order; one that is seen for the first time was Pending.
    pub fn handlers(&mut self, event: &CicdEvent) -> Vec<Changed> {
        let mut changed = Vec::new();
        for handler in event.status.iter().flat_map(|status| &status.handlers) {
            let before = self.handlers.insert(handler.name.clone(), handler.phase).unwrap_or_default();
            if before != handler.phase {
                changed.push(Changed::of(handler));
            }
        }
        changed
    }

    /// The phase of the event, if it is another than before or seen for the first time.
    pub fn event(&mut self, event: &CicdEvent) -> Option<Changed> {
        let status = event.status.clone().unwrap_or_default();
        if self.phase.replace(status.phase) == Some(status.phase) {
            return None;
        }
        let outcome = conditions::get(&status.conditions, condition::SUCCEEDED);
        let why = outcome.map(|outcome| joined([&outcome.reason, &outcome.message])).unwrap_or_default();
        Some(Changed { handler: None, phase: word(&status.phase), why })
    }
}

impl Changed {
    fn of(handler: &HandlerStatus) -> Self {
        let why = joined([&handler.reason, &handler.message].map(|text| text.as_deref().unwrap_or_default()));
        Self { handler: Some(handler.name.clone()), phase: word(&handler.phase), why }
    }

    /// `tell Waiting ServerError: chat answered with status 503`; `-` stands for the event itself.
    pub fn line(&self, palette: Palette) -> String {
        let handler = one_line(self.handler.as_deref().unwrap_or("-"));
        let line = format!("{handler} {} {}", palette.phase(&self.phase), one_line(&self.why));
        line.trim_end().to_owned()
    }
}

/// Texts with colons between them, without those that are blank.
fn joined(texts: [&str; 2]) -> String {
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(status: &Value) -> CicdEvent {
        serde_json::from_value(
            json!({"metadata": {"name": "e"}, "spec": {"contextRef": {"name": "shop"}}, "status": status}),
        )
        .unwrap()
    }

    fn lines(changed: impl IntoIterator<Item = Changed>) -> Vec<String> {
        changed.into_iter().map(|changed| changed.line(Palette::Plain)).collect()
    }

    #[test]
    fn only_what_is_new_since_the_last_look_is_told() {
        let mut seen = Seen::default();
        let pending = event(&json!({"phase": "Pending", "handlers": [{"name": "tell", "phase": "Pending"}]}));
        assert_eq!(seen.handlers(&pending), []);
        assert_eq!(lines(seen.event(&pending)), ["- Pending"]);
        let waiting = event(&json!({"phase": "Retrying", "handlers": [
            {"name": "tell", "phase": "Waiting", "reason": "ServerError", "message": "chat answered with status 503"},
            {"name": "log", "phase": "Succeeded"}]}));
        assert_eq!(
            lines(seen.handlers(&waiting)),
            ["tell Waiting ServerError: chat answered with status 503", "log Succeeded"]
        );
        assert_eq!(lines(seen.event(&waiting)), ["- Retrying"]);
        assert_eq!((seen.handlers(&waiting), seen.event(&waiting)), (Vec::new(), None));
    }
}
