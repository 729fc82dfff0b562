//! Writing down what came of an event.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use cicdcontext_crds::{
    CicdContext, CicdEvent, CicdEventStatus, EventPhase, Time,
    vocabulary::{annotation, manager},
};
use cicdcontext_engine::event::Outcome;
use json_patch::{AddOperation, PatchOperation, jsonptr::PointerBuf};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::order::order;
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::{RequestError, bounded},
    context::intake::owner,
    crash::Point,
    shared::{Operator, status, wake::event_changed},
};

/// How often an outcome is offered to the API server before its context's turn ends.
const ATTEMPTS: usize = 6;

/// How much longer the pause is when the API server has too much to do.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);

/// The status of an event that waits or runs, or how it ended.
pub fn status_of(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    outcome: &Outcome,
    started: Option<&Time>,
) -> CicdEventStatus {
    let mut status = event.status_or_default();
    outcome.apply(&mut status, event.metadata.generation, &Time(operator.now()));
    status.order = i64::try_from(order(event)).ok();
    if status.start_time.is_none() {
        status.start_time = started.cloned();
    }
    status
}

/// Writes a status, unless it says what the object says already, or the object is gone. Gives the object as it is then,
/// if it was written.
pub async fn write(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    new: &CicdEventStatus,
) -> Result<Option<Stored<CicdEvent>>, RequestError> {
    // The cache has no contents: a status that is founded on it must not take those away that are kept.
    debug_assert!(new.requests.iter().all(|request| !request.content.is_empty()), "of {}", event.name());
    if event.status().is_ok_and(|old| old == *new) {
        operator.unrecorded.remove(event.uid());
        return Ok(None);
    }
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(ATTEMPTS)
        .with_jitter()
        .build();
    let mut last = RequestError::Timeout;
    // What is not written here, and yet stands there, is somebody else's: a leader that came after us, or before us.
    // So is what this process has offered before, and did not hear of again.
    let (known, offered) = (Slim::of(event), operator.offered.get(event.uid()).map(Slim::new));
    let is_ours = |status: &Slim| *status == known || offered.as_ref() == Some(status);
    let mut base = newest_known(operator, event)
        .filter(|newest| is_ours(&Slim::of(newest)))
        .map_or_else(|| event.clone(), |newest| (*newest).clone());
    for pause in pauses {
        let error = match status::replace_version(operator, &base, new, "event_status").await {
            Ok(written) => return Ok(Some(wrote(operator, written, new))),
            Err(error) => error,
        };
        // Another version, another object, no object, or a status that is refused.
        if error.is_not_found() || error.code() == Some(422) {
            let live = match live(operator, event).await {
                Ok(Some(live)) => live,
                Ok(None) => {
                    forget(operator, event);
                    return Ok(None);
                }
                Err(error) => {
                    last = error;
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            if Slim::of(&live) == Slim::new(new.clone()) {
                return Ok(Some(wrote(operator, live, new)));
            }
            if !is_ours(&Slim::of(&live)) {
                operator.unrecorded.remove(event.uid());
                operator.offered.remove(event.uid());
                learn(operator, live);
                return Err(RequestError::Overtaken(1));
            }
            if live.resource_version() == base.resource_version() {
                operator.unrecorded.remove(event.uid());
                tracing::warn!(event = event.name(), namespace = event.namespace(), %error, "the status of an event is refused; it is left alone");
                operator.unreportable.note(event.uid());
                return Ok(None);
            }
            base = live;
            continue;
        }
        tracing::warn!(event = event.name(), namespace = event.namespace(), %error, "write the status of an event");
        let asked = if error.is_overload() { OVERLOAD_PAUSE } else { Duration::ZERO };
        last = error;
        tokio::time::sleep(pause + asked).await;
    }
    operator.offered.keep(event.uid(), new);
    // What only shows how far a run has come is told again by that run.
    if new.phase.is_final() || new.phase == EventPhase::Retrying {
        operator.unrecorded.keep(event.uid(), new);
    }
    Err(last)
}

/// A status without the contents of its requests, as the cache has it.
#[derive(PartialEq)]
struct Slim(CicdEventStatus);

impl Slim {
    fn of(event: &Stored<CicdEvent>) -> Self {
        Self::new(event.status_or_default())
    }

    fn new(mut status: CicdEventStatus) -> Self {
        for request in &mut status.requests {
            request.content.clear();
        }
        Self(status)
    }
}

/// What follows on a status that was written.
fn wrote(operator: &Operator, written: Stored<CicdEvent>, new: &CicdEventStatus) -> Stored<CicdEvent> {
    operator.crash.pass(Point::event_status(new.phase));
    operator.unrecorded.remove(written.uid());
    operator.offered.remove(written.uid());
    if new.handlers.iter().all(|handler| handler.claim.is_none()) {
        operator.begun.forget(written.uid());
    }
    learn(operator, written.clone());
    written
}

/// Nobody is left to tell: the event was deleted, or another one has its name.
fn forget(operator: &Operator, event: &Stored<CicdEvent>) {
    operator.unrecorded.remove(event.uid());
    operator.offered.remove(event.uid());
    let key = ObjectKey::new(event.namespace(), event.name());
    let changed = watch::write(&operator.caches.events, |store| store.forget(&key, event.uid()));
    if let Some(changed) = changed {
        event_changed(operator, &changed);
    }
}

/// The event as the API server has it now, unless it is gone.
pub async fn live(operator: &Operator, event: &Stored<CicdEvent>) -> Result<Option<Stored<CicdEvent>>, RequestError> {
    let api: Api<Stored<CicdEvent>> = Api::namespaced(operator.client.clone(), event.namespace());
    let found = bounded(api.get_opt(event.name())).await?;
    Ok(found.filter(|found| found.uid() == event.uid()))
}

/// The cache learns of a version that we wrote: the watch will not tell of what the cache has already.
pub(super) fn learn(operator: &Operator, written: Stored<CicdEvent>) {
    let changed = watch::write(&operator.caches.events, |store| store.put_if_newer(written));
    if let Some(changed) = changed {
        event_changed(operator, &changed);
    }
}

/// How often a claim is offered on top of a newer version of the event.
const CLAIM_ATTEMPTS: usize = 4;

/// Writes that an attempt is made, on top of exactly the status that the event is known to have: if anybody else has
/// written that meanwhile, or the event is being deleted, the attempt is not this process's to make. What else others
/// change of the event, a label for example, is no reason to give up. Gives the event as it is then.
///
/// If the answer to the write is lost, the event itself tells whether it was made: nobody else makes this very claim.
pub async fn claim(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    new: &CicdEventStatus,
) -> Result<Stored<CicdEvent>, ClaimError> {
    let api: Api<Stored<CicdEvent>> = Api::namespaced(operator.client.clone(), event.namespace());
    let (known, offered) = (event.status_or_default(), operator.offered.get(event.uid()));
    let mut newest = event.clone();
    for _ in 0..CLAIM_ATTEMPTS {
        let problem = match status::replace_version(operator, &newest, new, "event_claim").await {
            Ok(written) => return Ok(claimed(operator, written)),
            Err(error) => error,
        };
        let live = bounded(api.get_opt(event.name())).await.map_err(ClaimError::Request)?;
        let Some(live) = live.filter(|live| live.uid() == event.uid()) else {
            return Err(ClaimError::Overtaken(problem));
        };
        let status = live.status_or_default();
        if status == *new {
            return Ok(claimed(operator, live));
        }
        let is_same = live.resource_version() == newest.resource_version();
        if (status != known && offered.as_ref() != Some(&status)) || live.metadata.deletion_timestamp.is_some() {
            learn(operator, live);
            return Err(ClaimError::Overtaken(problem));
        }
        if is_same {
            if problem.code() == Some(422) {
                // It breaks its schema, and with it every status of it does.
                tracing::warn!(event = event.name(), namespace = event.namespace(), error = %problem, "the claim of an attempt is refused; the event is left alone");
                operator.unreportable.note(event.uid());
                return Err(ClaimError::Overtaken(problem));
            }
            return Err(ClaimError::Request(problem));
        }
        newest = live;
    }
    Err(ClaimError::Request(RequestError::Overtaken(CLAIM_ATTEMPTS)))
}

/// Why an attempt is not claimed.
#[derive(Debug)]
pub enum ClaimError {
    /// Others have changed what the claim was founded on.
    Overtaken(RequestError),
    /// The API server did not take it, or did not say so.
    Request(RequestError),
}

/// The claim says all that is known of the event: nothing older is to be written over it.
fn claimed(operator: &Operator, written: Stored<CicdEvent>) -> Stored<CicdEvent> {
    operator.unrecorded.remove(written.uid());
    operator.offered.remove(written.uid());
    learn(operator, written.clone());
    written
}

/// The event as our own writes or the watch have left it, if that is newer: its status goes on top of that.
fn newest_known(operator: &Operator, event: &Stored<CicdEvent>) -> Option<Arc<Stored<CicdEvent>>> {
    let key = ObjectKey::new(event.namespace(), event.name());
    let known = watch::read(&operator.caches.events, |store| store.get(&key))?;
    (known.uid() == event.uid() && known.resource_version() > event.resource_version()).then_some(known)
}

/// How often the note is offered on top of a newer version of the event.
const ADOPT_ATTEMPTS: usize = 4;

/// Notes on the event whose it is and that it is no copy: by that a restored event is told from the original.
pub async fn adopt(
    operator: &Operator,
    event: &Stored<CicdEvent>,
    context: &Stored<CicdContext>,
) -> Result<(), RequestError> {
    // The patch raises the resourceVersion, which is the event's place in the order until one is recorded.
    let order = order(event);
    let api: Api<Stored<CicdEvent>> = Api::namespaced(operator.client.clone(), event.namespace());
    let parameters = PatchParams { field_manager: Some(manager::OPERATOR.to_owned()), ..PatchParams::default() };
    let mut newest = event.clone();
    for _ in 0..ADOPT_ATTEMPTS {
        if newest.uid() != event.uid() || newest.annotation(annotation::EVENT_UID) == Some(event.uid()) {
            return Ok(());
        }
        let patch = Patch::<()>::Json(json_patch::Patch(adoption(&newest, context, order)));
        let writing = bounded(api.patch(event.name(), &parameters, &patch));
        match operator.metrics.write("event_adopt", writing).await {
            Ok(adopted) => {
                operator.crash.pass(Point::EventAdopted);
                learn(operator, adopted);
                return Ok(());
            }
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) if error.code() == Some(422) => match bounded(api.get_opt(event.name())).await? {
                Some(live) if live.resource_version() != newest.resource_version() => newest = live,
                // Gone, or an event that breaks its schema and takes no note.
                _ => return Ok(()),
            },
            Err(error) => return Err(error),
        }
    }
    Err(RequestError::Overtaken(ADOPT_ATTEMPTS))
}

/// The note, on top of exactly this version of the event.
fn adoption(event: &Stored<CicdEvent>, context: &Stored<CicdContext>, order: u64) -> Vec<PatchOperation> {
    let version = event.metadata.resource_version.as_deref().unwrap_or_default();
    let mut operations = vec![status::test("uid", event.uid()), status::test("resourceVersion", version)];
    let owners = event.metadata.owner_references.clone().unwrap_or_default();
    if !owners.iter().any(|reference| reference.uid == context.uid()) {
        let mut owners: Vec<Value> = owners.iter().map(|owner| json!(owner)).collect();
        owners.push(json!(owner(context)));
        operations.push(add(["metadata", "ownerReferences"], Value::Array(owners)));
    }
    if event.metadata.annotations.is_none() {
        let notes = json!({ annotation::EVENT_UID: event.uid(), annotation::ORDER: order.to_string() });
        operations.push(add(["metadata", "annotations"], notes));
    } else {
        operations.push(add(["metadata", "annotations", annotation::EVENT_UID], event.uid().into()));
        operations.push(add(["metadata", "annotations", annotation::ORDER], order.to_string().into()));
    }
    operations
}

fn add<const N: usize>(path: [&str; N], value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: PointerBuf::from_tokens(path), value })
}
