//! The status of bases: whether each, with what it builds on, can be merged and compiled.

use cicdcontext_crds::{
    BaseKind, BaseReference, BaseStatus, CicdBase, ClusterCicdBase, ConfigurationBlock, Time, conditions,
    vocabulary::{condition, reason},
};
use kube::{Api, Resource, core::object::HasStatus};

use crate::{
    cache::{Malformed, ObjectKey, Stored, watch},
    crash::Point,
    queue::Next,
    report::Severity,
    shared::{Operator, status},
};

/// Brings the status of a base up to date; a blank namespace is a ClusterCicdBase.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let client = operator.client.clone();
    if key.namespace.is_empty() {
        let Some(stored) = watch::read(&operator.caches.cluster_bases, |store| store.get(key)) else {
            return Next::Await;
        };
        let content = stored.spec().map(|spec| (spec.bases.unwrap_or_default(), spec.configuration));
        let api: Api<Stored<ClusterCicdBase>> = Api::all(client);
        check(operator, &api, &stored, BaseKind::ClusterCicdBase, content).await
    } else {
        let Some(stored) = watch::read(&operator.caches.bases, |store| store.get(key)) else { return Next::Await };
        let content = stored.spec().map(|spec| (spec.bases.unwrap_or_default(), spec.configuration));
        let api: Api<Stored<CicdBase>> = Api::namespaced(client, &key.namespace);
        check(operator, &api, &stored, BaseKind::CicdBase, content).await
    }
}

async fn check<K>(
    operator: &Operator,
    api: &Api<Stored<K>>,
    stored: &Stored<K>,
    kind: BaseKind,
    content: Result<(Vec<BaseReference>, ConfigurationBlock), Malformed>,
) -> Next
where
    K: Resource<DynamicType = ()> + HasStatus<Status = BaseStatus>,
{
    let reference = BaseReference { kind, name: stored.name().to_owned() };
    let problem = match content {
        Err(malformed) => Some((malformed.reason(), malformed.to_string())),
        Ok((bases, block)) => {
            let check = || operator.configurations.of_base(&reference, stored.namespace(), &bases, &block);
            match operator.compute(stored.namespace(), check).await {
                Err(not_ready) => Some((not_ready.reason, not_ready.message)),
                Ok(template_error) => template_error.map(|error| (reason::INVALID_TEMPLATE, error)),
            }
        }
    };
    let before = stored.status_or_default();
    let mut after = before.clone();
    let generation = stored.metadata.generation;
    after.observed_generation = generation;
    let (ready, why, message) = match &problem {
        None => (true, reason::VALID, "the base can be used"),
        Some((reason, message)) => (false, *reason, message.as_str()),
    };
    conditions::set(&mut after.conditions, condition::READY, ready, why, message, generation, &Time(operator.now()));
    if after != before {
        if !ready {
            operator.reporter.report(stored, Severity::Warning, why, "Check", message);
        }
        match status::patch(operator, api, stored, &after, "base_status").await {
            Ok(_) => operator.crash.pass(Point::BaseStatus),
            // An object that breaks its schema takes no status either; a change of it brings it here again.
            Err(error) if matches!(error.code(), Some(404 | 422)) => {}
            Err(error) => {
                tracing::warn!(base = stored.name(), %error, "write the status of a base");
                return Next::Retry;
            }
        }
    }
    Next::Await
}
