//! Carries one event out as far as it goes: ends it, lets it wait, or performs its run.

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{CicdContext, CicdEvent, CicdEventStatus, Time, vocabulary::reason};
use cicdcontext_engine::event::Outcome;

use super::{
    announce,
    gather::{self, Found},
    order::order,
    performance::{End, Interruption, Performance, Performed},
    record,
    rehearse::rehearse,
};
use crate::{
    cache::{ObjectKey, Stored},
    client::RequestError,
    queue::Next,
    shared::{Operator, acknowledged::ended},
    state_write,
};

/// How far an event came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is finished and recorded: the next one's turn has come.
    Finished,
    /// It is not; what is to happen with its context.
    Unfinished(Next),
}

/// Handles one event of the context `key` as far as it goes.
pub async fn perform(operator: &Operator, key: &ObjectKey, event: &Stored<CicdEvent>) -> Turn {
    let Some(busy) = operator.busy.enter(event.uid()) else { return Turn::Unfinished(Next::After(BUSY)) };
    if let Some(status) = operator.unrecorded.get(event.uid()) {
        return turn(record::write(operator, event, &status).await.map(|_| ()));
    }
    // State writes that were accepted before the event begins are applied before it.
    match state_write::apply_waiting(operator, key).await {
        Err(error) => return retry(event, "apply the state writes before it", &error),
        Ok(progress) if progress.more && state_write::has_waiting_before(operator, key, order(event)) => {
            return Turn::Unfinished(Next::After(SOON));
        }
        Ok(_) => {}
    }
    // What a former process wrote down of it counts as it is now.
    let live;
    let event = if event.status_or_default().handlers.is_empty() {
        event
    } else {
        match record::live(operator, event).await {
            Ok(Some(found)) => {
                live = found;
                &live
            }
            Ok(None) => return Turn::Unfinished(Next::Await),
            Err(error) => return retry(event, "read the event", &error),
        }
    };
    let found = match gather::gather(operator, key, event).await {
        Ok(found) => found,
        Err(error) => return retry(event, "gather what the event needs", &error),
    };
    match found {
        Found::NotOurs => Turn::Unfinished(Next::Await),
        Found::Waits { outcome, again, context } => {
            // From now on it belongs to this very context, and goes with it.
            if let Some(context) = &context {
                adopt(operator, event, context).await;
            }
            // What a run that was interrupted has done is not forgotten.
            let begun = event.status_or_default();
            let outcome = Outcome { handlers: begun.handlers, requests: begun.requests, paths: begun.paths, ..outcome };
            let status = record::status_of(operator, event, &outcome, None);
            match record::write(operator, event, &status).await {
                Ok(written) => {
                    if written.is_some() {
                        announce::waiting(operator, event, &outcome);
                    }
                    Turn::Unfinished(again.map_or(Next::Await, Next::After))
                }
                Err(error) => retry(event, "write that the event waits", &error),
            }
        }
        Found::Ends(outcome, context) => {
            let outcome = outcome.over(&event.status_or_default());
            turn(close(operator, event, &outcome, None, context.as_ref()).await)
        }
        Found::Ready(ready) if ready.dry_run => {
            let started = Time(operator.now());
            let context = Arc::clone(&ready.context);
            let outcome = rehearse(operator, *ready).await;
            turn(close(operator, event, &outcome, Some(&started), Some(&context)).await)
        }
        Found::Ready(mut ready) => {
            let begun = event.status_or_default();
            if begun.handlers.is_empty() {
                operator.metrics.events_started.inc();
            }
            let started = begun.start_time.unwrap_or_else(|| Time(operator.now()));
            ready.run.expire_claims(&Time(operator.now()));
            match Box::pin(Performance::new(operator, &busy, key, event, &started, *ready).run()).await {
                Ok(performed) => turn(record_end(operator, &started, performed).await),
                Err(Interruption::Stopping) => Turn::Unfinished(Next::Await),
                Err(Interruption::Request(error)) => retry(event, "handle the event", &error),
                Err(Interruption::NotClaimed(error)) => retry(event, "claim an attempt", &error),
            }
        }
    }
}

/// When an event is looked at again before which more state writes wait than go into the state at once.
const SOON: Duration = Duration::from_millis(20);

/// When an event is looked at again whose delivery is under way.
const BUSY: Duration = Duration::from_millis(500);

/// The next event's turn has come once this one's outcome is written down.
fn turn<E>(recorded: Result<(), E>) -> Turn {
    recorded.map_or(Turn::Unfinished(Next::Retry), |()| Turn::Finished)
}

fn retry(event: &Stored<CicdEvent>, what: &str, error: &RequestError) -> Turn {
    tracing::warn!(namespace = event.namespace(), context = context_name(event), event = event.name(), %error, "{what}; it is tried again");
    Turn::Unfinished(Next::Retry)
}

/// Writes down how far a run came, on top of what it has written itself.
pub async fn record_end(operator: &Operator, started: &Time, performed: Performed) -> Result<(), RequestError> {
    let Performed { end, event, context } = performed;
    match end {
        End::Done(outcome) => close(operator, &event, &outcome, Some(started), Some(&context)).await,
        End::Waits(outcome) => pause(operator, &event, &outcome, started, &context).await,
    }
}

/// Adopts the event if need be, writes its outcome down and tells people.
pub async fn close(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    outcome: &Outcome,
    started: Option<&Time>,
    context: Option<&Arc<Stored<CicdContext>>>,
) -> Result<(), RequestError> {
    // A stale copy is not adopted: it is not this context's.
    if let Some(context) = context.filter(|_| outcome.reason != reason::STALE_OWNER) {
        adopt(operator, event, context).await;
    }
    let status = record::status_of(operator, event, outcome, started);
    announce::finished(operator, event, &status, outcome);
    record::write(operator, event, &status).await?;
    retire(operator, event, &status, context);
    operator.interrupted.remove(event.uid());
    operator.queues.contexts.add(ObjectKey::new(event.namespace(), context_name(event)));
    Ok(())
}

/// Adopts the event if need be, and writes down what waits of it: from then on it stands in line.
async fn pause(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    outcome: &Outcome,
    started: &Time,
    context: &Arc<Stored<CicdContext>>,
) -> Result<(), RequestError> {
    adopt(operator, event, context).await;
    let status = record::status_of(operator, event, outcome, Some(started));
    announce::retrying(operator, event, &status, outcome);
    record::write(operator, event, &status).await?;
    retire(operator, event, &status, Some(context));
    operator.queues.contexts.add(ObjectKey::new(event.namespace(), context_name(event)));
    Ok(())
}

/// What is written down now need not stay in the context's ledger.
fn retire(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    status: &CicdEventStatus,
    context: Option<&Arc<Stored<CicdContext>>>,
) {
    if let Some(context) = context {
        let key = ObjectKey::new(context.namespace(), context.name());
        operator.writers.retire(&key, ended(context, event.uid(), status));
    }
}

/// Notes on an event whose it is and that it is no copy, unless its creator said both: with the UID of its context and the
/// time when it was made. The UID alone does not tell a copy beside the living context. That it could not be noted harms
/// nobody today.
async fn adopt(operator: &Operator, event: &Stored<CicdEvent>, context: &Stored<CicdContext>) {
    if event.spec().is_ok_and(|spec| spec.context_ref.uid.is_some() && spec.created_at.is_some()) {
        return;
    }
    if let Err(error) = record::adopt(operator, event, context).await {
        tracing::warn!(namespace = event.namespace(), context = context_name(event), event = event.name(), %error, "note the owner of an event");
    }
}

fn context_name(event: &Stored<CicdEvent>) -> String {
    event.spec().map_or_else(|_| String::new(), |spec| spec.context_ref.name)
}
