//! Carries one event out as far as it goes: ends it, lets it wait, or performs its run.

use std::sync::Arc;

use cicdcontext_crds::{CicdContext, CicdEvent, Time, vocabulary::reason};
use cicdcontext_engine::event::Outcome;

use super::{
    gather::{self, Found},
    performance::{Interruption, Performance},
    record,
    rehearse::rehearse,
};
use crate::{
    cache::{ObjectKey, Stored},
    client::RequestError,
    queue::Next,
    shared::Operator,
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
    if let Some(status) = operator.unrecorded.get(event.uid()) {
        return match record::write(operator, event, &status).await {
            Ok(_) => Turn::Finished,
            Err(_) => Turn::Unfinished(Next::Retry),
        };
    }
    // State writes that were accepted before the event begins are applied before it.
    if let Err(error) = state_write::apply_waiting(operator, key).await {
        return retry(event, "apply the state writes before it", &error);
    }
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
            let status = record::status_of(operator, event, &outcome, None);
            match record::write(operator, event, &status).await {
                Ok(written) => {
                    if written {
                        record::report_waiting(operator, event, &outcome);
                    }
                    Turn::Unfinished(again.map_or(Next::Await, Next::After))
                }
                Err(error) => retry(event, "write that the event waits", &error),
            }
        }
        Found::Ends(outcome, context) => finish(operator, event, &outcome, None, context.as_ref()).await,
        Found::Ready(ready) if ready.dry_run => {
            let started = Time(operator.now());
            let context = Arc::clone(&ready.context);
            let outcome = rehearse(operator, *ready).await;
            finish(operator, event, &outcome, Some(&started), Some(&context)).await
        }
        Found::Ready(ready) => {
            let started = Time(operator.now());
            match Performance::new(operator, key, event, &started, *ready).run().await {
                Ok((outcome, context)) => finish(operator, event, &outcome, Some(&started), Some(&context)).await,
                Err(Interruption::Stopping) => Turn::Unfinished(Next::Await),
                Err(Interruption::Request(error)) => retry(event, "handle the event", &error),
            }
        }
    }
}

fn retry(event: &Stored<CicdEvent>, what: &str, error: &RequestError) -> Turn {
    tracing::warn!(namespace = event.namespace(), event = event.name(), %error, "{what}; it is tried again");
    Turn::Unfinished(Next::Retry)
}

/// Adopts the event if need be, writes its outcome down and tells people.
async fn finish(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    outcome: &Outcome,
    started: Option<&Time>,
    context: Option<&Arc<Stored<CicdContext>>>,
) -> Turn {
    // A stale copy is not adopted: it is not this context's.
    if let Some(context) = context.filter(|_| outcome.reason != reason::STALE_OWNER) {
        adopt(operator, event, context).await;
    }
    let status = record::status_of(operator, event, outcome, started);
    record::report(operator, event, &status, outcome);
    match record::write(operator, event, &status).await {
        Ok(_) => {
            operator.interrupted.remove(event.uid());
            operator.queues.contexts.add(ObjectKey::new(event.namespace(), context_name(event)));
            Turn::Finished
        }
        Err(_) => Turn::Unfinished(Next::Retry),
    }
}

/// Notes on an event whose creator did not say so whose it is. That it could not be noted harms nobody today.
async fn adopt(operator: &Operator, event: &Stored<CicdEvent>, context: &Stored<CicdContext>) {
    if event.spec().is_ok_and(|spec| spec.context_ref.uid.is_some()) {
        return;
    }
    if let Err(error) = record::adopt(operator, event, context).await {
        tracing::warn!(namespace = event.namespace(), event = event.name(), %error, "note the owner of an event");
    }
}

fn context_name(event: &Stored<CicdEvent>) -> String {
    event.spec().map_or_else(|_| String::new(), |spec| spec.context_ref.name)
}
