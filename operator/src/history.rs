//! History: finished events that go when there are enough of them or when they are old enough, and contexts that go when
//! nothing has happened in them for long.
//!
//! `finished` and `idle` decide without any I/O; `events` and `contexts` carry it out with `cleaning`; `memory` holds what
//! they need to know between two turns, such that a turn costs as much as it deletes and not as much as there is. This
//! module says when there is something to look at, and knows nothing of how events are run.

pub mod cleaning;
pub mod contexts;
pub mod events;
pub mod finished;
pub mod idle;
pub mod memory;

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{CicdContext, CicdEvent, CicdStateWrite};
use cicdcontext_engine::event::annotation;
use serde::Deserialize;

use self::finished::Limits;
use crate::{
    cache::{ObjectKey, Stored, store::Changed, watch},
    queue::Next,
    shared::{Operator, context_of_event, context_of_state_write},
};

/// Kinds of what is deleted, in metrics.
pub const EVENT: &str = "event";
/// The same for contexts.
pub const CONTEXT: &str = "context";
/// The same for refused state writes.
pub const STATE_WRITE: &str = "state_write";

/// Changes of one context that come soon after each other are looked at together.
const SETTLE: Duration = Duration::from_secs(1);

/// Looks through what there is of one context, and tells when to look again.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let Some(context) = watch::read(&operator.caches.contexts, |store| store.get(key)) else {
        return retry(key, events::without_context(operator, key).await);
    };
    if context.metadata.deletion_timestamp.is_some() {
        return Next::Await;
    }
    // A context whose own words on it cannot be read keeps what it has.
    let Ok(kept) = serde_json::from_str::<Kept>(context.raw_spec()) else { return Next::Await };
    let cleaned = retry(key, events::of_context(operator, key, &context, &kept.limits()).await);
    let ttl = kept.ttl_seconds_after_last_activity;
    let expired = match ttl {
        Some(ttl) if cleaned != Next::Retry => retry(key, contexts::expire(operator, key, &context, ttl).await),
        _ => Next::Await,
    };
    cleaned.sooner(expired)
}

fn retry(key: &ObjectKey, result: Result<Next, cleaning::CleaningError>) -> Next {
    result.unwrap_or_else(|error| {
        tracing::warn!(namespace = key.namespace, context = key.name, %error, "clean up the history of a context; it is tried again");
        Next::Retry
    })
}

/// How much a context keeps, read without the rest of its spec, which may be large.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kept {
    event_history_limit: Option<i32>,
    failed_event_history_limit: Option<i32>,
    ttl_seconds_after_last_activity: Option<i64>,
}

impl Kept {
    fn limits(&self) -> Limits {
        Limits::new(self.event_history_limit, self.failed_event_history_limit)
    }
}

/// A context came, changed or went.
pub fn context_changed(operator: &Operator, changed: &Changed<CicdContext>) {
    let key = &changed.key;
    let (Some(before), Some(after)) = (&changed.before, &changed.after) else {
        operator.queues.history.add_after(key.clone(), SETTLE);
        return;
    };
    let edited = before.metadata.generation != after.metadata.generation || before.uid() != after.uid();
    let fired = has_other_annotations(after, before);
    if edited || fired {
        operator.history.active(key, operator.now());
    }
    // An event may go once its annotation is gone.
    if edited || has_other_annotations(before, after) {
        operator.queues.history.add_after(key.clone(), SETTLE);
    }
}

/// Whether the first has event annotations that the second has not.
fn has_other_annotations(one: &Stored<CicdContext>, other: &Stored<CicdContext>) -> bool {
    let Some(annotations) = &one.metadata.annotations else { return false };
    annotation::ids(annotations)
        .into_iter()
        .any(|found| other.annotation(&found.front.key(found.id)) != Some(found.value))
}

/// An event came, changed or went.
pub fn event_changed(operator: &Operator, changed: &Changed<CicdEvent>) {
    let of = |event: &Option<Arc<Stored<CicdEvent>>>| event.as_ref().and_then(|event| context_of_event(event));
    let (before, after) = (of(&changed.before), of(&changed.after));
    if before != after
        && let Some(former) = &before
    {
        operator.history.forget_event(former, &changed.key.name);
        // A context that is gone and has no events left is forgotten.
        operator.queues.history.add_after(former.clone(), SETTLE);
    }
    let Some(context) = after else { return };
    // What the cache holds now counts: two tasks may tell of two versions in either order.
    let look = || watch::read(&operator.caches.events, |store| store.get(&changed.key));
    if let Some(finished) = operator.history.look_at_event(&context, &changed.key.name, look) {
        let age = operator.now().duration_since(finished);
        let rest = operator.history.rules().minimum_age.saturating_sub(age);
        operator.queues.history.add_after(context, Duration::try_from(rest).unwrap_or_default());
    }
}

/// A state write came, changed or went.
pub fn state_write_changed(operator: &Operator, changed: &Changed<CicdStateWrite>) {
    let Some(write) = changed.after.as_ref().filter(|_| changed.before.is_none()) else { return };
    // Of contexts that are not there nothing is remembered: anybody may name as many as they like.
    if let (Some(context), Some(created)) = (context_of_state_write(write), &write.metadata.creation_timestamp)
        && watch::read(&operator.caches.contexts, |store| store.get(&context)).is_some()
    {
        operator.history.active(&context, created.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(annotations: &str) -> Stored<CicdContext> {
        serde_json::from_str(&format!(r#"{{"metadata":{{"name":"c","annotations":{annotations}}},"spec":{{}}}}"#))
            .unwrap()
    }

    #[test]
    fn limits_are_read_whatever_else_the_spec_holds() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        let spec = format!(r#"{{"state":{deep},"eventHistoryLimit":3,"pipelines":7}}"#);
        let kept: Kept = serde_json::from_str(&spec).unwrap();
        assert_eq!(kept.limits(), Limits { succeeded: 3, failed: 20 });
        assert!(serde_json::from_str::<Kept>(r#"{"eventHistoryLimit":"three"}"#).is_err());
    }

    #[test]
    fn event_annotations_that_are_new_or_have_another_value_are_told_from_those_that_are_known() {
        let one = context(r#"{"event.cicdcontext.io/1":"build=success","note":"a"}"#);
        let same = context(r#"{"event.cicdcontext.io/1":"build=success","note":"b"}"#);
        let more = context(r#"{"event.cicdcontext.io/1":"build=success","generate.cicdcontext.io/2":"build.x"}"#);
        let other = context(r#"{"event.cicdcontext.io/1":"build=failure"}"#);
        assert!(!has_other_annotations(&one, &same));
        assert!(has_other_annotations(&more, &one));
        assert!(!has_other_annotations(&one, &more));
        assert!(has_other_annotations(&other, &one));
    }
}
