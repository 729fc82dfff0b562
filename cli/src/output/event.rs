//! Events for people: a list of several, all about one, and what a dry run would send.

use cicdcontext_crds::vocabulary::condition;
use cicdcontext_crds::{CicdEvent, CicdEventSpec, HandlerStatus, Time, conditions, vocabulary::annotation};
use cicdcontext_engine::event::{annotation::Front, name::event_name};
use jiff::{SignedDuration, Timestamp};

use super::{color::Palette, handlers::word, table};
use crate::console::{one_line, plain_lines};

/// A line for each event. `by_id` names them by their ids, which are unique in one context only.
pub fn list(events: &[CicdEvent], by_id: bool, now: Timestamp, palette: Palette) -> String {
    let rows: Vec<[String; 6]> = events.iter().map(|event| row(event, by_id, now)).collect();
    let name = if by_id { "ID" } else { "NAME" };
    table::painted([name, "EVENT", "PHASE", "AGE", "HANDLERS", "REASON"], &rows, 2, palette)
}

fn row(event: &CicdEvent, by_id: bool, now: Timestamp) -> [String; 6] {
    let status = event.status.clone().unwrap_or_default();
    let done = status.handlers.iter().filter(|handler| handler.phase.is_final()).count();
    let reason = conditions::get(&status.conditions, condition::SUCCEEDED).map(|outcome| outcome.reason.clone());
    [
        if by_id { id(event) } else { name(event) }.to_owned(),
        happened(&event.spec),
        word(&status.phase),
        event.metadata.creation_timestamp.as_ref().map(|created| age(created, now)).unwrap_or_default(),
        format!("{done}/{}", status.handlers.len()),
        reason.unwrap_or_default(),
    ]
}

/// All about one event, and about each of its handlers.
pub fn details(event: &CicdEvent, now: Timestamp, palette: Palette) -> String {
    let status = event.status.clone().unwrap_or_default();
    let outcome = conditions::get(&status.conditions, condition::SUCCEEDED);
    let at = |time: Option<&Time>| time.map(|time| format!("{} ({} ago)", time.0, age(time, now))).unwrap_or_default();
    let id = id(event);
    let mut text = table::pairs(
        "",
        &[
            ("Name", name(event).to_owned()),
            ("Id", if id == name(event) { String::new() } else { id.to_owned() }),
            ("Context", event.spec.context_ref.name.clone()),
            ("Event", happened(&event.spec)),
            ("Dry run", if event.spec.dry_run == Some(true) { "yes".to_owned() } else { String::new() }),
            ("Created", at(event.metadata.creation_timestamp.as_ref())),
            ("Finished", at(status.completion_time.as_ref())),
            ("Phase", word(&status.phase)),
            ("Reason", outcome.map(|outcome| outcome.reason.clone()).unwrap_or_default()),
            ("Message", outcome.map(|outcome| outcome.message.clone()).unwrap_or_default()),
            ("Wrote", status.paths.join(", ")),
        ],
    );
    for handler in &status.handlers {
        text.push('\n');
        text.push_str(&delivery(handler, now, palette));
    }
    text
}

fn delivery(handler: &HandlerStatus, now: Timestamp, palette: Palette) -> String {
    let kind = handler.handler_type.as_ref().map(|kind| format!(" ({})", word(kind))).unwrap_or_default();
    let answer = match (handler.http_status, handler.duration_ms) {
        (Some(code), Some(duration)) => format!("{code} after {duration} ms"),
        (Some(code), None) => code.to_string(),
        (None, Some(duration)) => format!("none within {duration} ms"),
        (None, None) => String::new(),
    };
    let next = handler.next_attempt_time.as_ref().map(|time| {
        let ahead = time.0.duration_since(now);
        if ahead.is_positive() { format!("{}, in {}", time.0, span(ahead)) } else { format!("{}, due", time.0) }
    });
    let head = format!("{}{kind}: {}\n", one_line(&handler.name), palette.phase(&word(&handler.phase)));
    let rows = [
        ("Attempts", handler.attempts.map(|count| count.to_string()).unwrap_or_default()),
        ("Next attempt", next.unwrap_or_default()),
        ("Endpoint", handler.endpoint.clone().unwrap_or_default()),
        ("Answer", answer),
        ("Reason", handler.reason.clone().unwrap_or_default()),
        ("Message", handler.message.clone().unwrap_or_default()),
        ("If", handler.condition.clone().unwrap_or_default()),
        ("Wrote", handler.paths.join(", ")),
        ("Redelivered", handler.redeliveries.join(", ")),
        ("Webhook id", handler.webhook_id.clone().unwrap_or_default()),
    ];
    head + &table::pairs("  ", &rows)
}

/// The requests that a dry run would send, each below the name of its handler.
pub fn requests(event: &CicdEvent) -> String {
    let handlers = event.status.iter().flat_map(|status| &status.handlers);
    let shown = handlers.filter_map(|handler| {
        let request = plain_lines(handler.request.as_deref()?);
        Some(format!("\n{} would send:\n\n{}\n", one_line(&handler.name), request.trim_end()))
    });
    shown.collect()
}

/// What happened, as it is written on a command line.
pub fn happened(spec: &CicdEventSpec) -> String {
    let pipeline = spec.pipeline.as_deref().unwrap_or_default();
    match (&spec.event, &spec.generate) {
        (Some(event), _) => format!("{pipeline}={event}"),
        (None, Some(generator)) => format!("{pipeline}.{generator}"),
        (None, None) => "(unreadable)".to_owned(),
    }
}

/// The id of an event, from which its name was made; its name if that was made otherwise.
pub fn id(event: &CicdEvent) -> &str {
    let reference = &event.spec.context_ref;
    let id = event.metadata.annotations.as_ref().and_then(|annotations| annotations.get(annotation::SOURCE_ID));
    let (Some(id), Some(uid)) = (id, &reference.uid) else { return name(event) };
    let made = |front| event_name(&reference.name, uid, front, id) == name(event);
    if made(Front::Event) || made(Front::Generate) { id } else { name(event) }
}

fn name(event: &CicdEvent) -> &str {
    event.metadata.name.as_deref().unwrap_or_default()
}

/// How long ago something was, in one unit.
fn age(then: &Time, now: Timestamp) -> String {
    span(now.duration_since(then.0))
}

fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-01-02T03:04:05Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn event(name: &str, status: &Value) -> CicdEvent {
        serde_json::from_value(json!({
            "metadata": {"name": name, "creationTimestamp": "2026-01-02T03:00:05Z",
                "annotations": {"cicdcontext.io/source-id": "run-1"}},
            "spec": {"contextRef": {"name": "shop", "uid": "u1"}, "pipeline": "build", "event": "success"},
            "status": status,
        }))
        .unwrap()
    }

    fn retrying() -> Value {
        json!({"phase": "Retrying", "conditions": [{"type": "Succeeded", "status": "Unknown", "reason": "Retrying",
            "message": "1 of 2 handlers wait", "lastTransitionTime": NOW}], "handlers": [
            {"name": "tell", "type": "notify", "phase": "Waiting", "attempts": 2, "endpoint": "chat", "httpStatus": 503,
             "durationMs": 12, "nextAttemptTime": "2026-01-02T03:04:10Z", "message": "bad\u{1b}[2Jwords", "webhookId": "w1"},
            {"name": "set", "type": "setValues", "phase": "Succeeded", "paths": ["state.a"]}]})
    }

    #[test]
    fn a_list_fits_80_columns_with_names_as_we_make_them_and_longer_ones_stay_whole() {
        let usual = event("shop-17-success-rdxyp4zf5h", &retrying());
        let text = list(&[usual, event("e", &Value::Null)], false, now(), Palette::Plain);
        assert!(text.lines().all(|line| line.chars().count() <= table::WIDTH), "{text}");
        assert!(text.contains("build=success  Retrying  4m   1/2       Retrying"), "{text}");
        let name = "z".repeat(232);
        let text = list(&[event(&name, &retrying())], false, now(), Palette::Plain);
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with(&name)), "{text}");
    }

    #[test]
    fn in_a_context_events_go_by_the_ids_from_which_their_names_were_made() {
        let named = event_name("shop", "u1", Front::Event, "run-1");
        assert_eq!(id(&event(&named, &Value::Null)), "run-1");
        assert_eq!(id(&event("copied", &Value::Null)), "copied", "an id that leads elsewhere is none");
        let text = list(&[event(&named, &retrying())], true, now(), Palette::Plain);
        assert_eq!(
            text,
            "ID     EVENT          PHASE     AGE  HANDLERS  REASON\n\
             run-1  build=success  Retrying  4m   1/2       Retrying\n"
        );
    }

    #[test]
    fn details_tell_each_delivery_and_no_text_moves_the_cursor() {
        let text = details(&event("e", &retrying()), now(), Palette::Plain);
        assert_eq!(
            text,
            "Name:     e\nContext:  shop\nEvent:    build=success\nCreated:  2026-01-02T03:00:05Z (4m ago)\n\
             Phase:    Retrying\nReason:   Retrying\nMessage:  1 of 2 handlers wait\n\n\
             tell (notify): Waiting\n\
             \u{20} Attempts:      2\n\
             \u{20} Next attempt:  2026-01-02T03:04:10Z, in 5s\n\
             \u{20} Endpoint:      chat\n\
             \u{20} Answer:        503 after 12 ms\n\
             \u{20} Message:       bad [2Jwords\n\
             \u{20} Webhook id:    w1\n\n\
             set (setValues): Succeeded\n\
             \u{20} Wrote:  state.a\n"
        );
    }

    #[test]
    fn requests_of_a_dry_run_stand_below_their_handlers() {
        let status = json!({"phase": "Succeeded", "handlers": [{"name": "set"},
            {"name": "tell", "request": "POST https://chat.example/\nwebhook-id: w\n\n{\"text\": \"a\u{1b}[2J\"}"}]});
        assert_eq!(
            requests(&event("e", &status)),
            "\ntell would send:\n\nPOST https://chat.example/\nwebhook-id: w\n\n{\"text\": \"a [2J\"}\n"
        );
    }

    #[test]
    fn ages_have_one_unit() {
        for (seconds, expected) in [(-5, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172_800, "2d")] {
            assert_eq!(span(SignedDuration::from_secs(seconds)), expected);
        }
    }
}
