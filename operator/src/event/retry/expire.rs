//! Deliveries whose time is over while their endpoint is out of reach, or does not exist: they are given up although no
//! attempt of theirs fails, so that nothing waits for ever.
//!
//! Whatever else holds a delivery up, a limit or a suspension, does not count, and ends nothing here.

use std::time::Duration;

use cicdcontext_crds::{CicdEvent, CicdEventStatus, EventPhase, HandlerPhase, HandlerStatus, Time};
use cicdcontext_dispatch::{WAIT_FOR_ENDPOINT, terms};
use jiff::Timestamp;

use super::{conclude, look_at_all};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::RequestError,
    event::{
        gather::{self, Found},
        line,
        perform::close,
        performance::Performance,
        record,
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
    if event.phase() != EventPhase::Retrying {
        return None;
    }
    let status = event.status_or_default();
    let deadlines = waiting(&status).filter_map(|handler| deadline(operator, event, &status, handler, Duration::ZERO));
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
    let judged = judge(operator, &event);
    if judged.over.is_empty() || operator.unreportable.has(event.uid()) {
        return Next::After(judged.next.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN));
    }
    match give_up(operator, &event).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(namespace = key.namespace, event = key.name, %error, "give up what waited for too long; it is tried again");
            Next::Retry
        }
    }
}

fn waiting(status: &CicdEventStatus) -> impl Iterator<Item = &HandlerStatus> {
    status.handlers.iter().filter(|handler| handler.phase == HandlerPhase::Waiting)
}

/// When the time of a delivery is over that was held up for so long since that was written down.
fn deadline(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    status: &CicdEventStatus,
    handler: &HandlerStatus,
    held: Duration,
) -> Option<Timestamp> {
    let Some(stored) = status.requests.iter().find(|stored| stored.handler == handler.name) else {
        return Some(status.start_time.as_ref()?.0 + WAIT_FOR_ENDPOINT);
    };
    let endpoint = match line::of_status(event.namespace(), handler) {
        Line::Endpoint(key) => watch::read(&operator.caches.endpoints, |store| store.get(&key)),
        Line::Origin { .. } | Line::Judgement { .. } => None,
    };
    let spec = endpoint.and_then(|endpoint| endpoint.spec().ok());
    let deadline = terms::schedule(spec.as_ref()).deadline(&terms::history(stored.history).held(held));
    Timestamp::try_from(deadline).ok()
}

/// What waits for an endpoint that is out of reach or does not exist.
struct Judged {
    /// The handlers whose time is over; with each, how long it was held up.
    over: Vec<(String, Duration)>,
    /// When the time of the next one is over.
    next: Option<Duration>,
}

fn judge(operator: &Operator, event: &Stored<CicdEvent>) -> Judged {
    let (now, status) = (operator.precise_now(), event.status_or_default());
    let mut judged = Judged { over: Vec::new(), next: None };
    for handler in waiting(&status) {
        // One that is not known here is about to be tried, or to come into line.
        let Some(held) = operator.waiting.held(&line::id(event, &handler.name)) else { continue };
        let held = match operator.waiting.why(&line::of_status(event.namespace(), handler)) {
            Some(Why::Unreachable) => held,
            // A line without an endpoint is closed, and holds all that stands in it for as long.
            Some(Why::Missing) => Duration::ZERO,
            _ => continue,
        };
        let Some(deadline) = deadline(operator, event, &status, handler, held) else { continue };
        if deadline <= now {
            judged.over.push((handler.name.clone(), held));
            continue;
        }
        let rest = Duration::try_from(deadline.duration_since(now)).unwrap_or_default();
        judged.next = Some(judged.next.map_or(rest, |next| next.min(rest)));
    }
    judged
}

async fn give_up(operator: &Operator, event: &Stored<CicdEvent>) -> Result<Next, RequestError> {
    let Some(busy) = operator.busy.enter(event.uid()) else { return Ok(Next::After(BUSY)) };
    let Some(live) = record::live(operator, event).await? else { return Ok(Next::Await) };
    if live.phase() != EventPhase::Retrying || live.metadata.deletion_timestamp.is_some() {
        return Ok(Next::Await);
    }
    if let Some(status) = operator.unrecorded.get(live.uid()) {
        record::write(operator, &live, &status).await?;
        return Ok(Next::After(BUSY));
    }
    let Some(key) = context_of_event(&live) else { return Ok(Next::Await) };
    let begun = live.status_or_default().start_time.unwrap_or_else(|| Time(operator.now()));
    match gather::gather(operator, &key, &live).await? {
        Found::NotOurs | Found::Waits { .. } => {}
        Found::Ends(outcome, context) => {
            close(operator, &live, &outcome.over(&live.status_or_default()), None, context.as_ref()).await?;
        }
        Found::Ready(ready) => {
            // What was gathered may have told of an endpoint that no watch tells of.
            let over = judge(operator, &live).over;
            let mut performance = Performance::new(operator, &busy, &key, &live, &begun, *ready);
            performance.expire(&over);
            conclude(operator, &begun, Box::pin(performance.run()).await).await?;
            look_at_all(operator, &live);
        }
    }
    // What is left and due before that is told by the change of the event.
    Ok(Next::After(LOOK_AGAIN))
}
