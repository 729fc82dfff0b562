//! Contexts: event annotations become events, configuration is resolved, and the status says how it stands.

pub mod intake;
pub mod status;

use std::sync::Arc;

use crate::{
    cache::{ObjectKey, watch},
    queue::Next,
    shared::Operator,
};

/// Brings one context up to date.
pub async fn reconcile(operator: &Arc<Operator>, key: &ObjectKey) -> Next {
    let Some(context) = watch::read(&operator.caches.contexts, |store| store.get(key)) else {
        operator.configurations.forget(key);
        operator.writers.forget(key);
        operator.looks.forget(key);
        operator.trickle.forget(key);
        operator.refusals.forget(key);
        // Its events, if there are any, have to be told.
        operator.queues.events.add(key.clone());
        return Next::Await;
    };
    let context = operator.writers.newest_known(key, context).await;
    let taken_in = intake::intake(operator, key, &context).await;
    let reported = status::reconcile(operator, key, &context).await;
    taken_in.sooner(reported)
}
