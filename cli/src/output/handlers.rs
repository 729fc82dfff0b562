//! The handlers of an event as a table.

use cicdcontext_crds::{CicdEvent, HandlerStatus, conditions, vocabulary::condition};
use serde::Serialize;
use serde_json::Value;

use super::{color::Palette, table};

const HEADINGS: [&str; 5] = ["HANDLER", "TYPE", "PHASE", "REASON", "MESSAGE"];

/// A line for each handler; for an event without any, a line that says how it ended.
pub fn handlers(event: &CicdEvent, palette: Palette) -> String {
    let status = event.status.clone().unwrap_or_default();
    if status.handlers.is_empty() {
        let outcome = conditions::get(&status.conditions, condition::SUCCEEDED);
        let (reason, message) =
            outcome.map(|outcome| (outcome.reason.clone(), outcome.message.clone())).unwrap_or_default();
        let row = [word(&status.phase), reason, message];
        return table::painted(["PHASE", "REASON", "MESSAGE"], &[row], 0, palette);
    }
    let rows: Vec<[String; 5]> = status.handlers.iter().map(row).collect();
    table::painted(HEADINGS, &rows, 2, palette)
}

fn row(handler: &HandlerStatus) -> [String; 5] {
    [
        handler.name.clone(),
        handler.handler_type.as_ref().map(word).unwrap_or_default(),
        word(&handler.phase),
        handler.reason.clone().unwrap_or_default(),
        handler.message.clone().unwrap_or_default(),
    ]
}

/// A member of an enumeration as it is written in objects.
pub fn word<T: Serialize>(member: &T) -> String {
    match serde_json::to_value(member) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(status: &Value) -> CicdEvent {
        serde_json::from_value(
            json!({"metadata": {"name": "e"}, "spec": {"contextRef": {"name": "shop"}}, "status": status}),
        )
        .unwrap()
    }

    #[test]
    fn each_handler_has_a_line() {
        let event = event(&json!({"phase": "Failed", "handlers": [
            {"name": "tell", "type": "notify", "phase": "Succeeded", "reason": "Delivered"},
            {"name": "deploy", "type": "triggerPipeline", "phase": "Failed", "reason": "Delivered",
             "message": "POST https://ci.example: 403 Forbidden, which no further attempt will change"},
        ]}));
        assert_eq!(
            handlers(&event, Palette::Plain),
            "HANDLER  TYPE             PHASE      REASON     MESSAGE\n\
             tell     notify           Succeeded  Delivered\n\
             deploy   triggerPipeline  Failed     Delivered  POST https://ci.example: 403\n\
             \u{20}                                               Forbidden, which no further\n\
             \u{20}                                               attempt will change\n"
        );
    }

    #[test]
    fn an_event_without_handlers_says_how_it_ended() {
        let event = event(&json!({"phase": "Skipped", "conditions": [{"type": "Succeeded", "status": "True",
            "reason": "NoHandlers", "message": "nobody listens", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}));
        assert_eq!(
            handlers(&event, Palette::Plain),
            "PHASE    REASON      MESSAGE\nSkipped  NoHandlers  nobody listens\n"
        );
    }
}
