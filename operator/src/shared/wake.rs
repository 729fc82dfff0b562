//! Which change of which object gives whom something to do.

use std::sync::Arc;

use cicdcontext_crds::{BaseKind, BaseReference, CicdContext, CicdEndpoint, CicdEvent, CicdStateWrite, EventPhase};
use cicdcontext_delivery::limit::Limits;

use super::{Operator, context_of_event, context_of_state_write};
use crate::{
    cache::{
        ObjectKey, Stored,
        store::Changed,
        watch::{self, Shared},
    },
    event::{line, redeliver::is_asked_for, retry::expire::first_deadline},
    history,
    report::Severity,
    waiting::{Gate, Line},
};

/// A context came, changed or went.
pub fn context_changed(operator: &Operator, changed: &Changed<CicdContext>) {
    operator.queues.contexts.add(changed.key.clone());
    history::context_changed(operator, changed);
    // A context that appears, or is let go on, has events waiting.
    if changed.before.is_none() {
        operator.queues.state_writes.add(changed.key.clone());
    }
    let woken = match (&changed.before, &changed.after) {
        (Some(before), Some(after)) => before.metadata.generation != after.metadata.generation,
        _ => true,
    };
    if woken && is_let_go_on(operator, changed) {
        operator.waiting.unpark(&changed.key);
    }
    // What only waits has nothing to run, but is to end if the context is gone.
    let events = match &changed.after {
        Some(_) => operator.events_to_run_of(&changed.key),
        None => operator.unfinished_events_of(&changed.key),
    };
    if woken && !events.is_empty() {
        operator.queues.events.add(changed.key.clone());
    }
}

/// Whether deliveries that were parked may go on. A patch of the state of a suspended context lets nothing go: it would
/// only be found suspended again. What waits for a configuration goes on when that is ready.
fn is_let_go_on(operator: &Operator, changed: &Changed<CicdContext>) -> bool {
    let suspended = |context: &Stored<CicdContext>| context.spec().is_ok_and(|spec| spec.suspend == Some(true));
    match (&changed.before, &changed.after) {
        (Some(_), Some(after)) => operator.waiting.has_parked(&changed.key) && !suspended(after),
        _ => true,
    }
}

/// Reason of the Kubernetes Event about an event that is deleted before it is finished.
const CANCELLED: &str = "EventCancelled";

/// A state write came, changed or went.
pub fn state_write_changed(operator: &Operator, changed: &Changed<CicdStateWrite>) {
    if let Some(context) = changed.after.as_ref().and_then(|write| context_of_state_write(write)) {
        operator.queues.state_writes.add(context);
    }
    history::state_write_changed(operator, changed);
}

/// An endpoint came, changed or went.
pub fn endpoint_changed(operator: &Operator, changed: &Changed<CicdEndpoint>) {
    if is_same_spec(changed) {
        return;
    }
    // Of one that went, something is remembered.
    operator.queues.endpoints.add(changed.key.clone());
    let line = Line::Endpoint(changed.key.clone());
    let spec = changed.after.as_ref().map(|endpoint| endpoint.spec());
    // One whose spec cannot be read lets deliveries go: each of them is told what is wrong.
    let gate = spec.map_or(Gate::Missing, |spec| spec.map_or(Gate::Open(Limits::default()), |spec| line::gate(&spec)));
    operator.waiting.set_gate(&line, gate);
    operator.waiting.forget_backing_off(&line);
}

/// Whether no more than metadata and status changed.
fn is_same_spec<K>(changed: &Changed<K>) -> bool {
    matches!((&changed.before, &changed.after), (Some(before), Some(after))
        if before.metadata.generation == after.metadata.generation && before.uid() == after.uid())
}

/// An event came, changed or went: its context may have work.
pub fn event_changed(operator: &Operator, changed: &Changed<CicdEvent>) {
    let replaced = |gone: &Stored<CicdEvent>| changed.after.as_ref().is_none_or(|after| after.uid() != gone.uid());
    if let Some(gone) = changed.before.as_ref().filter(|before| replaced(before)) {
        operator.unreportable.forget(gone.uid());
        operator.unrecorded.remove(gone.uid());
        operator.offered.remove(gone.uid());
        operator.begun.forget(gone.uid());
        operator.interrupted.remove(gone.uid());
        operator.waiting.forget_event(gone.uid());
        if !gone.phase().is_final() {
            let note = "EventDeleted: it was deleted before it was finished; what was not sent yet is not sent";
            operator.reporter.report(&**gone, Severity::Warning, CANCELLED, "Handle", note);
        }
    }
    history::event_changed(operator, changed);
    if let Some(event) = &changed.after {
        let waiting = line::waiting(event, operator.precise_now(), &operator.settings.identity);
        let waited = changed.before.as_ref().is_some_and(|before| before.phase() == EventPhase::Retrying);
        let lines: Vec<Line> = waiting.iter().map(|entry| entry.line.clone()).collect();
        if waited || !waiting.is_empty() {
            operator.waiting.set_event(event.uid(), waiting);
        }
        for line in &lines {
            if let Line::Endpoint(key) = line
                && !watch::read(&operator.caches.endpoints, |store| store.get(key).is_some())
            {
                // The watch does not tell of it, but it may be there: in a namespace that is not watched.
                operator.queues.endpoints.add(key.clone());
            }
        }
        if let Some(rest) = first_deadline(operator, event) {
            operator.queues.expiries.add_after(changed.key.clone(), rest);
        }
        if is_asked_for(event) {
            operator.queues.redeliveries.add(changed.key.clone());
        }
    }
    for object in [&changed.before, &changed.after].into_iter().flatten() {
        if let Some(context) = context_of_event(object) {
            let finished = changed.after.is_some() && object.phase().is_final();
            if !finished {
                operator.queues.events.add(context);
            }
        }
    }
}

/// A base came, changed or went. That its status was written changes nothing for those who use it.
pub fn base_changed<K>(operator: &Operator, changed: &Changed<K>, reference: &BaseReference, namespace: Option<&str>) {
    if is_same_spec(changed) {
        return;
    }
    let (key, gone) = (&changed.key, changed.after.is_none());
    if gone {
        operator.configurations.forget_base(reference.kind, key);
    }
    for context in operator.configurations.users_of(reference, namespace) {
        if !operator.unfinished_events_of(&context).is_empty() {
            operator.queues.events.add(context.clone());
        }
        operator.waiting.unpark(&context);
        operator.queues.contexts.add(context);
    }
    let namespaced = keys(&operator.caches.bases).into_iter().map(|key| (BaseKind::CicdBase, key));
    let cluster = keys(&operator.caches.cluster_bases).into_iter().map(|key| (BaseKind::ClusterCicdBase, key));
    let bases: Vec<(BaseReference, ObjectKey)> = namespaced
        .filter(|(_, key)| namespace.is_none_or(|namespace| key.namespace == namespace))
        .chain(cluster)
        .map(|(kind, key)| (BaseReference { kind, name: key.name.clone() }, key))
        .collect();
    for builder in operator.configurations.builders_on(reference, &bases) {
        operator.queues.bases.add(builder);
    }
    if !gone {
        operator.queues.bases.add(key.clone());
    }
}

fn keys<K>(store: &Shared<K>) -> Vec<ObjectKey> {
    watch::read(store, |store| {
        store.iter().map(|object: &Arc<Stored<K>>| ObjectKey::new(object.namespace(), object.name())).collect()
    })
}
