//! Events: run in order, one at a time for each context, and reported on.
//!
//! `gather` collects what a run is founded on, the engine's [`Run`](cicdcontext_engine::event::Run) decides step by
//! step, `perform` and `performance` carry the steps out, `delivered` notes how each attempt ended, `record` writes down
//! what came of it, `announce` tells. What waits after that stands in a `line`; `retry` tries it when its turn has come, `redeliver` puts
//! back in line what somebody asks for.

pub mod announce;
pub mod delivered;
pub mod gather;
pub mod line;
pub mod order;
pub mod perform;
pub mod performance;
pub mod record;
pub mod redeliver;
pub mod rehearse;
pub mod retry;
pub mod send;

use self::perform::Turn;
use crate::{cache::ObjectKey, queue::Next, shared::Operator};

/// Runs the next event of the context `key`, if there is one whose turn it is.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let mut events = operator.events_to_run_of(key);
    events.retain(|event| !operator.unreportable.has(event.uid()));
    let mut events = order::to_run(events);
    if events.is_empty() && !operator.knows_context(key) {
        // What waits is not sent any more if the context is gone.
        events = operator.unfinished_events_of(key);
        events.retain(|event| event.metadata.deletion_timestamp.is_none() && !operator.unreportable.has(event.uid()));
    }
    let Some(event) = events.first() else { return Next::Await };
    match perform::perform(operator, key, event).await {
        // One event a turn, so that a context with many events does not keep others waiting.
        Turn::Finished if events.len() > 1 => Next::After(std::time::Duration::ZERO),
        Turn::Finished => Next::Await,
        Turn::Unfinished(next) => next,
    }
}
