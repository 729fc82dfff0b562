//! Events: run in order, one at a time for each context, and reported on.
//!
//! `gather` collects what a run is founded on, the engine's [`Run`](cicdcontext_engine::event::Run) decides step by
//! step, `perform` and `performance` carry the steps out, `delivered` notes how each delivery ended, `record` writes down
//! what came of it.

pub mod delivered;
pub mod gather;
pub mod order;
pub mod perform;
pub mod performance;
pub mod record;
pub mod rehearse;
pub mod send;

use self::perform::Turn;
use crate::{cache::ObjectKey, queue::Next, shared::Operator};

/// Runs the next event of the context `key`, if there is one whose turn it is.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let mut events = operator.unfinished_events_of(key);
    events.retain(|event| !operator.unreportable.has(event.uid()));
    let unfinished = order::unfinished(events);
    let Some(event) = unfinished.first() else { return Next::Await };
    match perform::perform(operator, key, event).await {
        // One event a turn, so that a context with many events does not keep others waiting.
        Turn::Finished if unfinished.len() > 1 => Next::After(std::time::Duration::ZERO),
        Turn::Finished => Next::Await,
        Turn::Unfinished(next) => next,
    }
}
