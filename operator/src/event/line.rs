//! In which line a delivery stands, whether that lets deliveries go, and what stands in the lines by what is written down of an event.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_crds::{
    AttemptHistory, CicdEndpointSpec, CicdEvent, EventPhase, HandlerPhase, HandlerStatus, vocabulary::reason,
};
use cicdcontext_dispatch::terms;
use cicdcontext_engine::handler::Target;
use jiff::Timestamp;

use super::order::order;
use crate::{
    cache::{ObjectKey, Stored},
    shared::context_of_event,
    waiting::{DeliveryId, Entry, Gate, Line, Why},
};

/// The line of a request that a handler of `namespace` sends.
pub fn of_target(namespace: &str, target: &Target) -> Line {
    match target.endpoint() {
        Some(endpoint) => {
            Line::Endpoint(ObjectKey::new(endpoint.namespace.as_deref().unwrap_or(namespace), &*endpoint.name))
        }
        None => Line::Origin { namespace: namespace.into(), origin: target.to_string().into() },
    }
}

/// The line of a handler whose status names where it sends to.
pub fn of_status(namespace: &str, handler: &HandlerStatus) -> Line {
    let endpoint = handler.endpoint.as_deref().unwrap_or_default();
    if endpoint.contains("://") {
        return Line::Origin { namespace: namespace.into(), origin: endpoint.into() };
    }
    Line::Endpoint(match endpoint.split_once('/') {
        Some((home, name)) => ObjectKey::new(home, name),
        None => ObjectKey::new(namespace, endpoint),
    })
}

/// The place of a delivery that has not been tried.
pub fn first(event: &Stored<CicdEvent>, handler: &str, position: usize, line: Line) -> Entry {
    Entry {
        id: id(event, handler),
        line,
        context: context(event),
        order: (order(event), u32::try_from(position).unwrap_or(u32::MAX)),
        not_before: None,
        held_before: Duration::ZERO,
    }
}

/// All that waits of an event, in the eyes of the process with this `identity`. `now` is the API server's time.
///
/// An attempt that another process has claimed is not made again, only judged: no limit or gate of its endpoint holds that
/// up.
pub fn waiting(event: &Stored<CicdEvent>, now: Timestamp, identity: &str) -> Vec<Entry> {
    if event.phase() != EventPhase::Retrying || event.metadata.deletion_timestamp.is_some() {
        return Vec::new();
    }
    let status = event.status_or_default();
    let context = context(event);
    let handlers = status.handlers.iter().enumerate();
    handlers
        .filter(|(_, handler)| matches!(handler.phase, HandlerPhase::Waiting | HandlerPhase::Sending))
        .map(|(position, handler)| {
            // Who claimed an attempt may tell how it ended until then.
            let claimed = handler.claim.as_ref().map(|claim| claim.deadline.0);
            let due = claimed.or(handler.next_attempt_time.as_ref().map(|time| time.0));
            let (not_before, held_before) = match due {
                Some(due) if due > now => {
                    let rest = Duration::try_from(due.duration_since(now)).unwrap_or_default();
                    (Some(Instant::now() + rest), Duration::ZERO)
                }
                // It has been due since then: whatever held it up was not its own failure.
                Some(due) => (None, Duration::try_from(now.duration_since(due)).unwrap_or_default()),
                // It has not been tried yet: nothing of the time since then was its own failure.
                None => {
                    let kept = status.requests.iter().find(|kept| kept.handler == handler.name);
                    let untried = kept.map(|kept| kept.history).filter(|history| history.attempts == 0);
                    (None, untried.map(|history| since(&history, now)).unwrap_or_default())
                }
            };
            Entry {
                id: id(event, &handler.name),
                line: match &handler.claim {
                    Some(claim) if claim.holder != identity => Line::Judgement { namespace: event.namespace().into() },
                    _ => of_status(event.namespace(), handler),
                },
                context: Arc::clone(&context),
                order: (order(event), u32::try_from(position).unwrap_or(u32::MAX)),
                not_before,
                held_before,
            }
        })
        .collect()
}

/// The time since a delivery could first have been sent that is not noted as held yet.
fn since(history: &AttemptHistory, now: Timestamp) -> Duration {
    let noted = history.start_ms.saturating_add(history.held_ms.unwrap_or_default());
    let passed = now.as_millisecond().saturating_sub(noted);
    Duration::from_millis(u64::try_from(passed).unwrap_or_default())
}

/// Why a delivery starts as waiting, as a word and a sentence.
pub fn told(why: Why, target: &Target) -> (&'static str, String) {
    match why {
        Why::Suspended => (reason::SUSPENDED, format!("spec.suspend of CicdEndpoint {target} is true")),
        Why::Missing => (reason::ENDPOINT_NOT_FOUND, format!("find CicdEndpoint {target}: there is none of this name")),
        Why::Unreachable => (
            reason::ENDPOINT_UNREACHABLE,
            format!("the last attempt at {target} timed out or found no connection; it is tried with growing pauses"),
        ),
        Why::RateLimited => (reason::LIMITED, format!("{target} takes no more requests at the moment (rateLimit)")),
        Why::Crowded => {
            (reason::LIMITED, format!("as many requests to {target} are under way as it takes (concurrency)"))
        }
        Why::Behind => (reason::LIMITED, format!("requests of earlier events to {target} leave first")),
    }
}

/// The delivery of a handler of this event.
pub fn id(event: &Stored<CicdEvent>, handler: &str) -> DeliveryId {
    DeliveryId {
        namespace: event.namespace().into(),
        event: event.name().into(),
        uid: event.uid().into(),
        handler: handler.into(),
    }
}

fn context(event: &Stored<CicdEvent>) -> Arc<str> {
    context_of_event(event).map(|key| key.name).unwrap_or_default().into()
}

/// Whether the endpoint with this spec lets deliveries go, and how many.
pub fn gate(spec: &CicdEndpointSpec) -> Gate {
    let limits = terms::limits(spec);
    if spec.suspend == Some(true) { Gate::Suspended(limits) } else { Gate::Open(limits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(status: &str) -> Stored<CicdEvent> {
        let text = format!(
            r#"{{"metadata":{{"name":"e","namespace":"shop","uid":"u","resourceVersion":"90"}},
               "spec":{{"contextRef":{{"name":"stage"}}}},"status":{status}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_waits_stands_in_the_line_of_its_endpoint_at_the_place_of_its_event() {
        let event = event(
            r#"{"phase":"Retrying","order":7,"handlers":[
                {"name":"done","phase":"Succeeded","endpoint":"chat"},
                {"name":"tell","phase":"Waiting","endpoint":"chat","nextAttemptTime":"1970-01-01T00:01:00Z"},
                {"name":"ask","phase":"Waiting","endpoint":"team/chat","nextAttemptTime":"1970-01-01T00:00:30Z"},
                {"name":"call","phase":"Waiting","endpoint":"https://ci.example"},
                {"name":"once","phase":"Sending","endpoint":"chat",
                 "claim":{"holder":"a","attempt":1,"deadline":"1970-01-01T00:00:50Z"}},
                {"name":"new","phase":"Waiting","endpoint":"chat"},
                {"name":"held","phase":"Pending"}],
               "requests":[{"handler":"new","content":"","history":{"attempts":0,"startMs":10000}},
                {"handler":"call","content":"","history":{"attempts":2,"startMs":10000}}]}"#,
        );
        let entries = waiting(&event, at(40), "b");
        let names: Vec<&str> = entries.iter().map(|entry| &*entry.id.handler).collect();
        assert_eq!(names, ["tell", "ask", "call", "once", "new"]);
        assert_eq!(entries[0].line, Line::Endpoint(ObjectKey::new("shop", "chat")));
        assert_eq!((entries[0].order, &*entries[0].context), ((7, 1), "stage"));
        let rest = entries[0].not_before.unwrap().saturating_duration_since(Instant::now());
        assert!(rest > Duration::from_secs(15) && rest <= Duration::from_secs(20), "{rest:?}");
        assert_eq!(entries[1].line, Line::Endpoint(ObjectKey::new("team", "chat")));
        assert_eq!((entries[1].not_before, entries[1].held_before), (None, Duration::from_secs(10)), "due for 10 s");
        assert_eq!(entries[2].line, Line::Origin { namespace: "shop".into(), origin: "https://ci.example".into() });
        assert_eq!(entries[2].held_before, Duration::ZERO);
        assert!(entries[3].not_before.is_some(), "whoever claimed it has time until then");
        assert_eq!(entries[3].line, Line::Judgement { namespace: "shop".into() }, "whatever becomes of the endpoint");
        assert_eq!(waiting(&event, at(40), "a")[3].line, entries[0].line, "it may be made again by who claimed it");
        assert_eq!(entries[4].held_before, Duration::from_secs(30), "it was never tried");
    }

    #[test]
    fn time_before_the_first_attempt_is_held_whichever_process_it_passed_in() {
        let event = event(
            r#"{"phase":"Retrying","order":7,"handlers":[
                {"name":"first","phase":"Waiting","endpoint":"chat","reason":"Suspended"},
                {"name":"again","phase":"Waiting","endpoint":"chat","attempts":3},
                {"name":"unrendered","phase":"Waiting","endpoint":"chat"}],
                "requests":[
                {"handler":"first","content":"","history":{"attempts":0,"startMs":10000,"heldMs":4000}},
                {"handler":"again","content":"","history":{"attempts":3,"startMs":10000}}]}"#,
        );
        let held: Vec<_> = waiting(&event, at(100_000), "b").into_iter().map(|entry| entry.held_before).collect();
        assert_eq!(held, [Duration::from_secs(100_000 - 14), Duration::ZERO, Duration::ZERO]);
    }

    #[test]
    fn nothing_waits_of_an_event_that_still_runs_or_has_finished() {
        for phase in ["Pending", "Running", "Failed"] {
            let event = event(&format!(r#"{{"phase":"{phase}","handlers":[{{"name":"tell","phase":"Waiting"}}]}}"#));
            assert!(waiting(&event, at(0), "a").is_empty(), "{phase}");
        }
    }

    #[test]
    fn a_request_and_its_status_lead_to_the_same_line() {
        let reference = |namespace: Option<&str>| cicdcontext_crds::handler::EndpointReference {
            name: "chat".into(),
            namespace: namespace.map(Into::into),
        };
        for target in [
            Target::Endpoint(reference(None)),
            Target::Endpoint(reference(Some("team"))),
            Target::Foreign { endpoint: reference(None), url: "https://hooks.chat.example/x".into() },
            Target::Url("https://ci.example:8443/path?secret".into()),
        ] {
            let status = HandlerStatus { endpoint: Some(target.to_string()), ..HandlerStatus::default() };
            assert_eq!(of_target("shop", &target), of_status("shop", &status), "{target}");
        }
    }
}
