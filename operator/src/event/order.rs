//! The order of a context's events: that in which the API server accepted them.

use std::sync::Arc;

use cicdcontext_crds::{CicdEvent, EventPhase, HandlerPhase, HandlerStatus, vocabulary::annotation};

use crate::cache::Stored;

/// The events whose handlers have not all had their turn, in their order. Those of which only deliveries wait hold up
/// nobody.
pub fn to_run(events: Vec<Arc<Stored<CicdEvent>>>) -> Vec<Arc<Stored<CicdEvent>>> {
    let mut events: Vec<_> =
        events.into_iter().filter(|event| is_to_run(event) && event.metadata.deletion_timestamp.is_none()).collect();
    events.sort_by_cached_key(|event| (order(event), event.name().to_owned()));
    events
}

/// Whether the event's handlers have not all had their turn. One that only waits, and of which nothing waits, was left by
/// somebody in the middle.
pub fn is_to_run(event: &Stored<CicdEvent>) -> bool {
    let waits = |one: &HandlerStatus| matches!(one.phase, HandlerPhase::Waiting | HandlerPhase::Sending);
    match event.phase() {
        EventPhase::Pending | EventPhase::Running => true,
        EventPhase::Retrying => !event.status_or_default().handlers.iter().any(waits),
        EventPhase::Succeeded | EventPhase::Failed | EventPhase::Skipped => false,
    }
}

/// An event's place: what its status or its annotation says, or else the resourceVersion under which it is seen.
///
/// Whoever writes to an event that has not begun must record this in the same request, since the write changes the
/// resourceVersion.
pub fn order(event: &Stored<CicdEvent>) -> u64 {
    let recorded = event.status_or_default().order.and_then(|order| u64::try_from(order).ok());
    let annotated = || event.annotation(annotation::ORDER).and_then(|order| order.parse().ok());
    recorded.or_else(annotated).unwrap_or_else(|| event.resource_version())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, version: u64, status: &str) -> Arc<Stored<CicdEvent>> {
        Arc::new(
            serde_json::from_str(&format!(
                r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}},
                   "spec":{{"contextRef":{{"name":"c"}}}},"status":{status}}}"#
            ))
            .unwrap(),
        )
    }

    fn names(events: Vec<Arc<Stored<CicdEvent>>>) -> Vec<String> {
        to_run(events).iter().map(|event| event.name().to_owned()).collect()
    }

    #[test]
    fn events_go_in_the_order_in_which_the_server_took_them_whatever_their_names() {
        assert_eq!(names(vec![event("a", 100, "{}"), event("b", 9, "{}"), event("c", 20, "{}")]), ["b", "c", "a"]);
    }

    #[test]
    fn a_recorded_order_outlives_later_writes() {
        let pending = event("first", 90, r#"{"phase":"Pending","order":5}"#);
        assert_eq!(names(vec![event("second", 10, "{}"), pending]), ["first", "second"]);
    }

    #[test]
    fn finished_events_and_those_that_only_wait_have_no_turn() {
        let done = event("done", 1, r#"{"phase":"Failed"}"#);
        let waits = event("waits", 1, r#"{"phase":"Retrying","handlers":[{"name":"tell","phase":"Waiting"}]}"#);
        assert_eq!(names(vec![done, waits, event("next", 2, r#"{"phase":"Running"}"#)]), ["next"]);
    }
}
