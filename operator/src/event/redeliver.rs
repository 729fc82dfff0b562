//! Annotations that ask for a redelivery: taken in, and taken away.
//!
//! The status notes the id of the redelivery in the same write that lets the delivery wait. A crash before the annotation
//! is taken away leaves an annotation that changes nothing when it is seen again.

use std::{collections::BTreeMap, time::Duration};

use cicdcontext_crds::{
    CicdEvent, EventPhase,
    vocabulary::{annotation::REDELIVER_PREFIX, manager, reason},
};
use cicdcontext_engine::event::redeliver;
use json_patch::{PatchOperation, RemoveOperation, TestOperation, jsonptr::PointerBuf};
use kube::{
    Api,
    api::{Patch, PatchParams},
};

use super::{announce, line, record};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::{RequestError, bounded},
    crash::Point,
    queue::Next,
    report::Severity,
    shared::{Operator, status},
};

/// When an event is looked at again of which a delivery is under way.
const BUSY: Duration = Duration::from_millis(500);

/// Whether somebody asks for a redelivery.
pub fn is_asked_for(event: &Stored<CicdEvent>) -> bool {
    event.metadata.annotations.iter().flat_map(BTreeMap::keys).any(|key| key.starts_with(REDELIVER_PREFIX))
}

/// Takes in what the annotations of the event `key` ask for.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    match take_in(operator, key).await {
        Ok(next) => next,
        Err(error) => {
            tracing::warn!(namespace = key.namespace, event = key.name, %error, "take in a redelivery; it is tried again");
            Next::Retry
        }
    }
}

async fn take_in(operator: &Operator, key: &ObjectKey) -> Result<Next, RequestError> {
    let api: Api<Stored<CicdEvent>> = Api::namespaced(operator.client.clone(), &key.namespace);
    let Some(known) = watch::read(&operator.caches.events, |store| store.get(key)) else { return Ok(Next::Await) };
    let Some(_busy) = operator.busy.enter(known.uid()) else { return Ok(Next::After(BUSY)) };
    let Some(event) = record::live(operator, &known).await? else { return Ok(Next::Await) };
    // What came of an attempt is written down first: on top of an older status it would be forgotten.
    if let Some(status) = operator.unrecorded.get(event.uid()) {
        record::write(operator, &event, &status).await?;
        return Ok(Next::After(BUSY));
    }
    if operator.interrupted.has(event.uid()) {
        return Ok(Next::After(BUSY));
    }
    let mut status = event.status_or_default();
    // Until its handlers have had their turn nothing can be sent again; when they have, the event changes.
    if matches!(status.phase, EventPhase::Pending | EventPhase::Running) || event.metadata.deletion_timestamp.is_some()
    {
        return Ok(Next::Await);
    }
    let annotations = event.metadata.annotations.iter().flatten();
    let asked: Vec<(&str, &str, &str)> = annotations
        .filter_map(|(key, value)| Some((key.as_str(), key.strip_prefix(REDELIVER_PREFIX)?, value.as_str())))
        .collect();
    let before = status.clone();
    for (_, id, handler) in &asked {
        match redeliver(&mut status, id, handler, event.metadata.generation, operator.now()) {
            Ok(handlers) if handlers.is_empty() => {}
            Ok(handlers) => announce::redelivered(operator, &event, &status, id, &handlers),
            Err(error) => {
                let note = format!("{REDELIVER_PREFIX}{id}: {error}");
                operator.reporter.report(&event, Severity::Warning, reason::NOTHING_TO_REDELIVER, "Redeliver", note);
            }
        }
    }
    if status != before {
        // Their times have changed.
        for entry in line::waiting(&event, operator.precise_now(), &operator.settings.identity) {
            operator.waiting.cancel(&entry.id);
        }
        record::write(operator, &event, &status).await?;
    }
    for (annotation, _, value) in asked {
        take_away(operator, &api, &event, annotation, value).await?;
    }
    Ok(Next::Await)
}

/// Takes one annotation away, unless it says something else by now.
async fn take_away(
    operator: &Operator,
    api: &Api<Stored<CicdEvent>>,
    event: &Stored<CicdEvent>,
    annotation: &str,
    value: &str,
) -> Result<(), RequestError> {
    let place = || PointerBuf::from_tokens(["metadata", "annotations", annotation]);
    let patch = Patch::<()>::Json(json_patch::Patch(vec![
        status::test("uid", event.uid()),
        PatchOperation::Test(TestOperation { path: place(), value: value.into() }),
        PatchOperation::Remove(RemoveOperation { path: place() }),
    ]));
    let parameters = PatchParams { field_manager: Some(manager::OPERATOR.to_owned()), ..PatchParams::default() };
    match operator.metrics.write("event_redelivery", bounded(api.patch(event.name(), &parameters, &patch))).await {
        Ok(changed) => {
            record::learn(operator, changed);
            operator.crash.pass(Point::RedeliveryRemoved);
            Ok(())
        }
        // It was changed or taken away meanwhile, or the event is gone.
        Err(error) if error.is_not_found() || error.code() == Some(422) => Ok(()),
        Err(error) => Err(error),
    }
}
