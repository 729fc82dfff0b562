//! Deletes finished events, after they were entered into the ledger of their context: a copy of one that is restored
//! later does not run again.

use std::{collections::HashSet, sync::Arc, time::Duration};

use cicdcontext_crds::{CicdContext, CicdEvent};
use cicdcontext_engine::event::{annotation, name::event_name};
use futures::StreamExt;
use jiff::Timestamp;
use kube::api::Preconditions;

use super::{
    EVENT,
    cleaning::{CleaningError, remove},
    finished::{FinishedEvent, Limits, Standing},
};
use crate::{
    cache::{ObjectKey, Stored, watch},
    crash::Point,
    queue::Next,
    shared::Operator,
    state::{Intent, WriteError},
};

/// Events that go with one patch of their context. The ledger remembers the last 128 of them.
const AT_ONCE: usize = 64;
/// How many of them are deleted at the same time.
const IN_PARALLEL: usize = 4;
/// When events are looked at again whose context is there, but is not one of ours.
const NOT_OURS: Duration = Duration::from_hours(1);

/// Deletes what goes beyond the limits of a context, and what has reached a time limit of its own.
pub async fn of_context(
    operator: &Operator,
    key: &ObjectKey,
    context: &Arc<Stored<CicdContext>>,
    limits: &Limits,
) -> Result<Next, CleaningError> {
    let context = operator.writers.newest_known(key, Arc::clone(context)).await;
    let now = operator.now();
    let held = annotated(&context);
    let is_held = |event: &FinishedEvent| held.contains(&event.name);
    let decision = operator.history.decide(key, now, Standing::Kept(*limits), AT_ONCE, is_held);
    if !decision.delete.is_empty() {
        let remembered = decision.delete.iter().map(|event| (event.name.clone(), event.uid.clone())).collect();
        let committed = match operator.writers.write(key, &context, Intent::Remember(remembered)).await {
            Ok(committed) => committed,
            // The watch tells, and then the rules for events without a context hold.
            Err(WriteError::Gone) => return Ok(Next::Await),
            Err(error) => return Err(error.into()),
        };
        // An annotation may have been put back while the events were entered.
        let held = annotated(&committed.context);
        let (held, gone): (Vec<_>, Vec<_>) = decision.delete.into_iter().partition(|event| held.contains(&event.name));
        delete_all(operator, key, gone).await?;
        // How many there are is part of the context's status.
        operator.queues.contexts.add(key.clone());
        if !held.is_empty() {
            return Ok(Next::After(Duration::ZERO));
        }
    }
    Ok(again(decision.again, now))
}

/// Deletes the events of a context that is gone, an hour after they finished.
pub async fn without_context(operator: &Operator, key: &ObjectKey) -> Result<Next, CleaningError> {
    let now = operator.now();
    let decision = operator.history.decide(key, now, Standing::Orphaned, AT_ONCE, |_| false);
    if !decision.delete.is_empty() {
        // It may be one that --selector leaves to others. Events that name no context that could exist have none.
        if !key.name.is_empty() && operator.live_context(key).await?.is_some() {
            return Ok(Next::After(NOT_OURS));
        }
        delete_all(operator, key, decision.delete).await?;
    }
    operator.history.forget_without_events(key);
    Ok(again(decision.again, now))
}

fn again(at: Option<Timestamp>, now: Timestamp) -> Next {
    at.map_or(Next::Await, |at| Next::After(Duration::try_from(at.duration_since(now)).unwrap_or_default()))
}

/// Names of the events whose annotations the context still carries.
fn annotated(context: &Stored<CicdContext>) -> HashSet<String> {
    let annotations = context.metadata.annotations.iter().flat_map(annotation::ids);
    annotations.map(|found| event_name(context.name(), context.uid(), found.front, found.id)).collect()
}

async fn delete_all(operator: &Operator, key: &ObjectKey, events: Vec<FinishedEvent>) -> Result<(), CleaningError> {
    let deletions = events.into_iter().map(|event| delete_one(operator, key, event));
    let results: Vec<_> = futures::stream::iter(deletions).buffer_unordered(IN_PARALLEL).collect().await;
    results.into_iter().collect()
}

async fn delete_one(operator: &Operator, key: &ObjectKey, event: FinishedEvent) -> Result<(), CleaningError> {
    // The very version that was judged: somebody may ask for a redelivery right now.
    let judged = Preconditions { uid: Some(event.uid.clone()), resource_version: Some(event.resource_version.clone()) };
    let object = ObjectKey::new(key.namespace.clone(), event.name.clone());
    if remove::<CicdEvent>(operator, &object, judged, "event_delete", Point::EventDeleted, EVENT).await? {
        tracing::info!(namespace = key.namespace, context = key.name, event = event.name, "finished event deleted");
    }
    watch::write(&operator.caches.events, |store| store.forget(&object, &event.uid));
    operator.history.forget_event(key, &event.name);
    Ok(())
}
