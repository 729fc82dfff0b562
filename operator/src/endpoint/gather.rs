//! The endpoints of one event's handlers, found and compiled before its run asks for them.

use std::{collections::HashMap, sync::Arc};

use cicdcontext_crds::{CicdEndpoint, CicdEndpointSpec, handler::EndpointReference};
use cicdcontext_delivery::limit::Limits;
use cicdcontext_dispatch::Specs;
use cicdcontext_engine::handler::{EndpointLookup, Endpoints};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    core::{Selector, SelectorExt},
};

use crate::{
    cache::{ObjectKey, Stored, watch},
    client::{RequestError, bounded},
    event::line::gate,
    shared::Operator,
    waiting::{Gate, Line},
};

/// What was found under each reference.
#[derive(Debug, Default)]
pub struct Gathered {
    lookups: HashMap<EndpointReference, EndpointLookup>,
    specs: HashMap<EndpointReference, (Arc<Stored<CicdEndpoint>>, CicdEndpointSpec)>,
}

impl Gathered {
    /// Takes in what has changed since: an attempt is made with the endpoint as it is then. One that went stays as it was,
    /// so that its answer is still judged: the gate of its line knows of that.
    pub async fn refresh(
        &mut self,
        operator: &Operator,
        namespace: &str,
        references: &[EndpointReference],
    ) -> Result<(), RequestError> {
        let is_old = |reference: &&EndpointReference| {
            let home = reference.namespace.as_deref().unwrap_or(namespace);
            let key = ObjectKey::new(home, reference.name.as_str());
            let Some(known) = watch::read(&operator.caches.endpoints, |store| store.get(&key)) else { return false };
            self.stored(reference).is_none_or(|stored| {
                (known.uid(), known.metadata.generation) != (stored.uid(), stored.metadata.generation)
            })
        };
        let old: Vec<_> = references.iter().filter(is_old).cloned().collect();
        if old.is_empty() {
            return Ok(());
        }
        let mut found = gather(operator, namespace, &old).await?;
        for (reference, lookup) in found.lookups {
            match found.specs.remove(&reference) {
                Some(spec) => self.specs.insert(reference.clone(), spec),
                None if matches!(lookup, EndpointLookup::NotFound) => continue,
                None => self.specs.remove(&reference),
            };
            self.lookups.insert(reference, lookup);
        }
        Ok(())
    }

    /// The object of an endpoint that was found.
    pub fn stored(&self, reference: &EndpointReference) -> Option<&Stored<CicdEndpoint>> {
        self.specs.get(reference).map(|(stored, _)| &**stored)
    }
}

impl Endpoints for Gathered {
    fn find(&self, reference: &EndpointReference) -> EndpointLookup {
        self.lookups.get(reference).cloned().unwrap_or(EndpointLookup::NotFound)
    }
}

impl Specs for Gathered {
    fn spec(&self, reference: &EndpointReference) -> Option<(&str, &CicdEndpointSpec)> {
        self.specs.get(reference).map(|(stored, spec)| (stored.namespace(), spec))
    }
}

/// Finds the endpoints that `references` name for a context of `namespace`.
pub async fn gather(
    operator: &Operator,
    namespace: &str,
    references: &[EndpointReference],
) -> Result<Gathered, RequestError> {
    let mut gathered = Gathered::default();
    for reference in references {
        let home = reference.namespace.as_deref().unwrap_or(namespace);
        let lookup = match find(operator, &ObjectKey::new(home, reference.name.as_str())).await? {
            // Whether there is one is nobody else's business.
            None if home != namespace => EndpointLookup::NotAllowed,
            None => EndpointLookup::NotFound,
            Some(stored) => match stored.spec() {
                Err(_) if home != namespace => EndpointLookup::NotAllowed,
                Err(malformed) => EndpointLookup::Broken(malformed.to_string()),
                Ok(spec) => match allowed(operator, &spec, home, namespace).await? {
                    Allowed::No => EndpointLookup::NotAllowed,
                    Allowed::CannotTell => EndpointLookup::Broken(CANNOT_TELL.to_owned()),
                    Allowed::Yes => match operator.compiled(&stored, &spec).await {
                        Ok(endpoint) => {
                            gathered.specs.insert(reference.clone(), (Arc::clone(&stored), spec));
                            EndpointLookup::Found(endpoint)
                        }
                        Err(problem) => EndpointLookup::Broken(problem),
                    },
                },
            },
        };
        gathered.lookups.insert(reference.clone(), lookup);
    }
    Ok(gathered)
}

/// The endpoint from the cache, or else from the API server: one that was created a moment before the event may not
/// have come through its watch, and one of a namespace that is not watched never does.
pub(super) async fn find(
    operator: &Operator,
    key: &ObjectKey,
) -> Result<Option<Arc<Stored<CicdEndpoint>>>, RequestError> {
    if let Some(stored) = watch::read(&operator.caches.endpoints, |store| store.get(key)) {
        return Ok(Some(stored));
    }
    let api: Api<Stored<CicdEndpoint>> = Api::namespaced(operator.client.clone(), &key.namespace);
    match bounded(api.get_opt(&key.name)).await {
        Ok(found) => {
            // No watch has told of it yet, or ever will.
            let watched = watch::read(&operator.caches.endpoints, |store| store.get(key).is_some());
            if let Some(spec) = found.as_ref().filter(|_| !watched).map(Stored::spec) {
                let gate = spec.map_or(Gate::Open(Limits::default()), |spec| gate(&spec));
                operator.waiting.set_gate(&Line::Endpoint(key.clone()), gate);
            }
            Ok(found.map(Arc::new))
        }
        // A namespace whose endpoints the operator may not read has none for us.
        Err(error) if error.code() == Some(403) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether an endpoint may be used.
enum Allowed {
    Yes,
    No,
    /// Its selector asks for labels that the operator may not read.
    CannotTell,
}

const CANNOT_TELL: &str = "the operator may not get Namespaces, so spec.allowedNamespaces.selector cannot be checked; \
                           allow it that, or list the namespace in spec.allowedNamespaces.names";

/// Whether an endpoint of namespace `home` allows contexts of `namespace`.
async fn allowed(
    operator: &Operator,
    spec: &CicdEndpointSpec,
    home: &str,
    namespace: &str,
) -> Result<Allowed, RequestError> {
    if home == namespace {
        return Ok(Allowed::Yes);
    }
    let Some(allowed) = &spec.allowed_namespaces else { return Ok(Allowed::No) };
    if allowed.names.iter().flatten().any(|name| name == namespace) {
        return Ok(Allowed::Yes);
    }
    let Some(selector) = &allowed.selector else { return Ok(Allowed::No) };
    // A selector that cannot be read selects nothing.
    let Ok(selector) = Selector::try_from(selector.clone()) else { return Ok(Allowed::No) };
    let api: Api<Namespace> = Api::all(operator.client.clone());
    match bounded(api.get_metadata(namespace)).await {
        Ok(found) if selector.matches(&found.metadata.labels.clone().unwrap_or_default()) => Ok(Allowed::Yes),
        Ok(_) => Ok(Allowed::No),
        // Asked again and again, it would hold up every event of the context, and nobody would be told.
        Err(error) if error.code() == Some(403) => Ok(Allowed::CannotTell),
        Err(error) => Err(error),
    }
}
