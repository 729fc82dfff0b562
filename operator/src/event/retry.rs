//! The next attempt of a delivery that waits, once its turn has come.
//!
//! It is founded on the event as the API server has it now: its stored request, its outcome so far, the live context and
//! endpoint.

pub mod expire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use cicdcontext_crds::{CicdContext, CicdEvent, EventPhase, Time};
use kube::Api;

use super::{
    gather::{self, Found},
    line,
    perform::{close, record_end},
    performance::{Interruption, Performance, Performed, Place},
};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::{RequestError, bounded},
    queue::Next,
    shared::Operator,
    waiting::{DeliveryId, Entry, Released},
};

/// When a delivery is looked at again that could not be tried for a reason of our own.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long another delivery of the same event may be under way until this one gives its place to others, and for how
/// long.
const ONE_AT_A_TIME: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(400));

/// Deliveries whose turn has come, until a worker has them.
#[derive(Debug, Default)]
pub struct Due(Mutex<HashMap<ObjectKey, Released>>);

impl Due {
    /// The key under which a worker finds it.
    pub fn put(&self, released: Released) -> ObjectKey {
        let id = &released.id;
        let key = ObjectKey::new(&*id.namespace, format!("{}/{}", id.event, id.handler));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), released);
        key
    }

    fn take(&self, key: &ObjectKey) -> Option<Released> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key)
    }
}

/// Tries what is due under `key`.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    if let Some(released) = operator.due.take(key) {
        let (id, context) = (released.id.clone(), Arc::clone(&released.context));
        if let Err(error) = Box::pin(attempt(operator, released)).await {
            tracing::warn!(namespace = %id.namespace, context = %context, event = %id.event, handler = %id.handler, %error, "try a delivery again; it is done later");
            again(operator, &id, LOOK_AGAIN);
        }
    }
    Next::Await
}

/// Puts a delivery in line again that was not tried.
fn again(operator: &Operator, id: &DeliveryId, delay: Duration) {
    let key = ObjectKey::new(&*id.namespace, &*id.event);
    let Some(event) = watch::read(&operator.caches.events, |store| store.get(&key)) else { return };
    let entry = line::waiting(&event, operator.precise_now(), &operator.settings.identity)
        .into_iter()
        .find(|entry| entry.id == *id);
    if let Some(entry) = entry {
        operator.waiting.wait(Entry { not_before: Some(Instant::now() + delay), ..entry });
    }
}

/// What could not be looked at waits where it stood, and those behind it wait for it.
fn put_back(operator: &Operator, released: Released, error: &RequestError) {
    let id = &released.id;
    tracing::warn!(namespace = %id.namespace, event = %id.event, handler = %id.handler, %error, "look at a delivery that is due; it is tried later");
    operator.waiting.put_back(released, LOOK_AGAIN);
}

async fn attempt(operator: &Operator, released: Released) -> Result<(), RequestError> {
    let Some(busy) = operator.busy.enter_within(&released.id.uid, ONE_AT_A_TIME.0).await else {
        operator.waiting.put_back(released, ONE_AT_A_TIME.1);
        return Ok(());
    };
    let id = released.id.clone();
    let api: Api<Stored<CicdEvent>> = Api::namespaced(operator.client.clone(), &id.namespace);
    let event = match bounded(api.get_opt(&id.event)).await {
        Ok(event) => event,
        Err(error) => {
            put_back(operator, released, &error);
            return Ok(());
        }
    };
    let Released { context, held, slot, .. } = released;
    let Some(event) = event.filter(|event| event.uid() == &*id.uid) else {
        drop(slot);
        operator.waiting.forget_event(&id.uid);
        return Ok(());
    };
    if event.metadata.deletion_timestamp.is_some()
        || event.phase() != EventPhase::Retrying
        || operator.unreportable.has(event.uid())
    {
        return Ok(());
    }
    if let Some(status) = operator.unrecorded.get(event.uid()) {
        drop(slot);
        super::record::write(operator, &event, &status).await?;
        look_at_all(operator, &event);
        return Ok(());
    }
    // It may have been put in line by what an older status said.
    let waiting = line::waiting(&event, operator.precise_now(), &operator.settings.identity);
    let Some(entry) = waiting.into_iter().find(|entry| entry.id == id) else { return Ok(()) };
    if entry.not_before.is_some() {
        drop(slot);
        operator.waiting.wait(entry);
        return Ok(());
    }
    let key = ObjectKey::new(&*id.namespace, &*context);
    let begun = event.status_or_default().start_time.unwrap_or_else(|| Time(operator.now()));
    let found = match gather::gather(operator, &key, &event).await {
        Ok(found) => found,
        Err(error) => {
            put_back(operator, Released { id, context, held, slot }, &error);
            return Ok(());
        }
    };
    match found {
        // It comes back if the context is selected again.
        Found::NotOurs => operator.waiting.park(&key, Released { id, context, held, slot }),
        Found::Ends(outcome, context) => {
            drop(slot);
            let outcome = outcome.over(&event.status_or_default());
            close(operator, &event, &outcome, None, context.as_ref()).await?;
        }
        Found::Waits { context: seen, .. } => {
            operator.waiting.park(&key, Released { id, context, held, slot });
            // It comes back with the context, which may have changed before it was parked.
            let newest = watch::read(&operator.caches.contexts, |store| store.get(&key));
            let version = |context: Arc<Stored<CicdContext>>| context.resource_version();
            if newest.map(version) > seen.map(version) {
                operator.waiting.unpark(&key);
            }
        }
        Found::Ready(mut ready) => {
            ready.run.expire_claims(&Time(operator.now()));
            let mut performance = Performance::new(operator, &busy, &key, &event, &begun, *ready);
            performance.retry(Place { handler: id.handler.to_string(), line: entry.line, slot, held });
            conclude(operator, &begun, Box::pin(performance.run()).await).await?;
            look_at_all(operator, &event);
        }
    }
    Ok(())
}

/// Writes down how far the run came.
async fn conclude(
    operator: &Operator,
    begun: &Time,
    performed: Result<Performed, Interruption>,
) -> Result<(), RequestError> {
    match performed {
        Ok(performed) => record_end(operator, begun, performed).await,
        Err(Interruption::Stopping) => Ok(()),
        Err(Interruption::Request(error) | Interruption::NotClaimed(error)) => Err(error),
    }
}

/// Puts whatever waits of the event in line, as the cache knows it by now: also what this attempt did not change.
fn look_at_all(operator: &Operator, event: &Stored<CicdEvent>) {
    let key = ObjectKey::new(event.namespace(), event.name());
    let known = watch::read(&operator.caches.events, |store| store.get(&key));
    if let Some(known) = known.filter(|known| known.uid() == event.uid()) {
        operator
            .waiting
            .set_event(known.uid(), line::waiting(&known, operator.precise_now(), &operator.settings.identity));
    }
}
