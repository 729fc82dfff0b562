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

use std::time::Duration;

use cicdcontext_crds::{CicdEvent, endpoint::DEFAULT_MAX_ELAPSED_SECONDS};
use jiff::SignedDuration;

use self::perform::Turn;
use crate::{
    cache::{ObjectKey, Stored},
    queue::Next,
    shared::Operator,
};

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
    let Some(event) = events.first() else { return wait_for_endpoints(operator, key).await };
    match perform::perform(operator, key, event).await {
        // One event a turn, so that a context with many events does not keep others waiting.
        Turn::Finished if events.len() > 1 => Next::After(Duration::ZERO),
        Turn::Finished => wait_for_endpoints(operator, key).await,
        Turn::Unfinished(next) => next,
    }
}

/// Gives up the next event whose endpoint did not appear for too long, and tells when to look again.
async fn wait_for_endpoints(operator: &Operator, key: &ObjectKey) -> Next {
    let waiting = operator.events_without_endpoint_of(key);
    let deadline = |event: &Stored<CicdEvent>| Some(event.status_or_default().start_time?.0 + WAIT_FOR_ENDPOINT);
    let Some((deadline, event)) =
        waiting.iter().filter_map(|event| Some((deadline(event)?, event))).min_by_key(|(deadline, _)| *deadline)
    else {
        return Next::Await;
    };
    let rest = Duration::try_from(deadline.duration_since(operator.now())).unwrap_or_default();
    if !rest.is_zero() {
        return Next::After(rest);
    }
    match perform::perform(operator, key, event).await {
        Turn::Finished => Next::After(Duration::ZERO),
        Turn::Unfinished(next) => next,
    }
}

/// How long a handler waits for an endpoint that does not exist.
pub const WAIT_FOR_ENDPOINT: SignedDuration = SignedDuration::from_secs(DEFAULT_MAX_ELAPSED_SECONDS);
