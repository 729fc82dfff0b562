//! Deliveries whose time is over while their endpoint is out of reach, or does not exist: they are given up although no
//! attempt of theirs fails, so that nothing waits for ever.
//!
//! Whatever else holds a delivery up, a limit or a suspension, does not count, and ends nothing here.

use std::time::Duration;

use cicdcontext_crds::{CicdEvent, CicdEventStatus, EventPhase, HandlerPhase, HandlerStatus, Time};
use jiff::Timestamp;
use kube::Api;

use super::{conclude, look_at_all, verdict::WAIT_FOR_ENDPOINT};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::{RequestError, bounded},
    endpoint::terms,
    event::{
        gather::{self, Found},
        line,
        perform::close,
        performance::Performance,
    },
    queue::Next,
    shared::{Operator, context_of_event},
    waiting::{Line, Why},
};

/// When deliveries are looked at again whose time is over, and which wait for something that does not count.
const LOOK_AGAIN: Duration = Duration::from_mins(10);
/// When an event is looked at again of which a delivery is under way.
const BUSY: Duration = Duration::from_secs(1);

/// How long it is until the first time of a delivery of this event is over, if nothing holds it up that does not count.
pub fn first_deadline(operator: &Operator, event: &Stored<CicdEvent>) -> Option<Duration> {
    let deadlines =
        waiting(event).into_iter().filter_map(|(status, handler)| deadline(operator, event, &status, &handler));
    let rest = deadlines.min()?.duration_since(operator.precise_now());
    Some(Duration::try_from(rest).unwrap_or_default())
}

/// Gives up what is over of the event `key`.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let Some(event) = watch::read(&operator.caches.events, |store| store.get(key)) else { return Next::Await };
    match first_deadline(operator, &event) {
        None => return Next::Await,
        Some(rest) if !rest.is_zero() => return Next::After(rest),
        Some(_) => {}
    }
    let over = over(operator, &event);
    if over.is_empty() || operator.unreportable.has(event.uid()) {
        return Next::After(LOOK_AGAIN);
    }
    match give_up(operator, &event, &over).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(namespace = key.namespace, event = key.name, %error, "give up what waited for too long; it is tried again");
            Next::Retry
        }
    }
}

fn waiting(event: &Stored<CicdEvent>) -> Vec<(CicdEventStatus, HandlerStatus)> {
    if event.phase() != EventPhase::Retrying {
        return Vec::new();
    }
    let status = event.status_or_default();
    let waiting = status.handlers.iter().filter(|handler| handler.phase == HandlerPhase::Waiting);
    waiting.map(|handler| (status.clone(), handler.clone())).collect()
}

/// When the time of a delivery is over.
fn deadline(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    status: &CicdEventStatus,
    handler: &HandlerStatus,
) -> Option<Timestamp> {
    let Some(stored) = status.requests.iter().find(|stored| stored.handler == handler.name) else {
        return Some(status.start_time.as_ref()?.0 + WAIT_FOR_ENDPOINT);
    };
    let endpoint = match line::of_status(event.namespace(), handler) {
        Line::Endpoint(key) => watch::read(&operator.caches.endpoints, |store| store.get(&key)),
        Line::Origin { .. } | Line::Judgement { .. } => None,
    };
    let spec = endpoint.and_then(|endpoint| endpoint.spec().ok());
    let deadline = terms::schedule(spec.as_ref()).deadline(&terms::history(stored.history));
    Timestamp::try_from(deadline).ok()
}

/// The handlers whose time is over, and whose endpoint is the reason.
fn over(operator: &Operator, event: &Stored<CicdEvent>) -> Vec<String> {
    let now = operator.precise_now();
    let over = waiting(event).into_iter().filter(|(status, handler)| {
        let line = line::of_status(event.namespace(), handler);
        deadline(operator, event, status, handler).is_some_and(|deadline| deadline <= now)
            && matches!(operator.waiting.why(&line), Some(Why::Missing | Why::Unreachable))
    });
    over.map(|(_, handler)| handler.name).collect()
}

async fn give_up(operator: &Operator, event: &Stored<CicdEvent>, over: &[String]) -> Result<Next, RequestError> {
    let Some(busy) = operator.busy.enter(event.uid()) else { return Ok(Next::After(BUSY)) };
    if operator.unrecorded.get(event.uid()).is_some() || operator.interrupted.has(event.uid()) {
        return Ok(Next::After(BUSY));
    }
    let api: Api<Stored<CicdEvent>> = Api::namespaced(operator.client.clone(), event.namespace());
    let Some(live) = bounded(api.get_opt(event.name())).await?.filter(|live| live.uid() == event.uid()) else {
        return Ok(Next::Await);
    };
    let Some(key) = context_of_event(&live) else { return Ok(Next::Await) };
    let begun = live.status_or_default().start_time.unwrap_or_else(|| Time(operator.now()));
    match gather::gather(operator, &key, &live).await? {
        Found::NotOurs => Ok(Next::Await),
        Found::Waits { .. } => Ok(Next::After(LOOK_AGAIN)),
        Found::Ends(outcome, context) => {
            close(operator, &live, &outcome.over(&live.status_or_default()), None, context.as_ref()).await?;
            Ok(Next::Await)
        }
        Found::Ready(ready) => {
            let mut performance = Performance::new(operator, &busy, &key, &live, &begun, *ready);
            performance.expire(over);
            conclude(operator, &begun, Box::pin(performance.run()).await).await?;
            look_at_all(operator, &live);
            Ok(Next::After(BUSY))
        }
    }
}
