//! The order of a context's events: that in which the API server accepted them.

use std::sync::Arc;

use cicdcontext_crds::{CicdEvent, vocabulary::annotation};

use crate::cache::Stored;

/// The events that are not finished, in their order.
pub fn unfinished(events: Vec<Arc<Stored<CicdEvent>>>) -> Vec<Arc<Stored<CicdEvent>>> {
    let mut unfinished: Vec<_> = events
        .into_iter()
        .filter(|event| !event.status_or_default().phase.is_final())
        .filter(|event| event.metadata.deletion_timestamp.is_none())
        .collect();
    unfinished.sort_by_cached_key(|event| (order(event), event.name().to_owned()));
    unfinished
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
        unfinished(events).iter().map(|event| event.name().to_owned()).collect()
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
    fn finished_events_have_no_turn() {
        let done = event("done", 1, r#"{"phase":"Failed"}"#);
        assert_eq!(names(vec![done, event("next", 2, r#"{"phase":"Running"}"#)]), ["next"]);
    }
}
