//! The status of a CicdEndpoint: whether it can be used.

use std::time::Duration;

use cicdcontext_crds::{
    CicdEndpoint, CicdEndpointSpec, Time, conditions,
    endpoint::DeliveryGuarantee,
    vocabulary::{condition, reason},
};
use cicdcontext_delivery::Scope;

use super::{destination::destination, secret::Secrets};
use crate::{
    cache::{ObjectKey, Stored, watch},
    queue::Next,
    report::Severity,
    shared::{Operator, status},
};

/// How often an endpoint that is not ready is looked at again: Secrets are not watched.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Brings the status of an endpoint up to date.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let Some(stored) = watch::read(&operator.caches.endpoints, |store| store.get(key)) else { return Next::Await };
    let ignored = stored.spec().map(|spec| without_effect(&spec)).unwrap_or_default();
    let usable = if ignored.is_empty() {
        "the endpoint can be used".to_owned()
    } else {
        format!("the endpoint can be used; without effect in this version: {}", ignored.join(", "))
    };
    let verdict = match stored.spec() {
        Err(malformed) => Err((malformed.reason(), malformed.to_string())),
        Ok(spec) => check(operator, &stored, &spec).await,
    };
    let before = stored.status_or_default();
    let mut after = before.clone();
    let (ready, why, message) = match &verdict {
        Ok(()) => (true, reason::VALID, usable.as_str()),
        Err((reason, message)) => (false, *reason, message.as_str()),
    };
    let generation = stored.metadata.generation;
    after.observed_generation = generation;
    conditions::set(&mut after.conditions, condition::READY, ready, why, message, generation, &Time(operator.now()));
    if after != before {
        if !ready {
            operator.reporter.report(&*stored, Severity::Warning, why, "Check", message);
        }
        match status::replace(operator, &*stored, &after, "endpoint_status").await {
            Ok(_) => {}
            // An object that breaks its schema takes no status either; a change of it brings it here again.
            Err(error) if matches!(error.code(), Some(404 | 422)) => return Next::Await,
            Err(error) => {
                tracing::warn!(endpoint = %key, %error, "write the status of an endpoint");
                return Next::Retry;
            }
        }
    }
    if ready { Next::Await } else { Next::After(LOOK_AGAIN) }
}

/// Fields that are set and that this version does not act on. Those that protect a delivery are refused instead.
fn without_effect(spec: &CicdEndpointSpec) -> Vec<&'static str> {
    let fields = [
        (spec.retry.is_some(), "retry"),
        (spec.rate_limit.is_some(), "rateLimit"),
        (spec.concurrency.is_some(), "concurrency"),
        (spec.retry_when.is_some(), "retryWhen"),
        (spec.delivery_guarantee == Some(DeliveryGuarantee::AtMostOnce), "deliveryGuarantee"),
    ];
    fields.into_iter().filter_map(|(set, field)| set.then_some(field)).collect()
}

async fn check(
    operator: &Operator,
    stored: &Stored<CicdEndpoint>,
    spec: &CicdEndpointSpec,
) -> Result<(), (&'static str, String)> {
    operator.compiled(stored, spec).await.map_err(|problem| (reason::INVALID_TEMPLATE, problem))?;
    let mut secrets = Secrets::new(operator.client.clone(), stored.namespace());
    let scope = Scope::namespace(stored.namespace(), &operator.settings.cluster_domain);
    match destination(spec, &mut secrets, scope, &[]).await {
        Ok(_) => Ok(()),
        Err(error) => Err((error.reason(), error.to_string())),
    }
}
