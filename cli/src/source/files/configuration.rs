//! Configuration out of manifests: contexts, and what they refer to.

use cicdcontext_crds::{BaseKind, BaseReference, CicdBase, CicdContext, CicdEndpoint, ClusterCicdBase};
use cicdcontext_delivery::Policy;
use serde::Deserialize;

use super::{Files, Kind, Manifest, Manifests, egress};
use crate::source::{Base, Configuration, Problem, SourceError};

impl Configuration for Files {
    async fn whole_context(&self, name: &str) -> Result<CicdContext, SourceError> {
        let failed = || self.failed("read", name);
        let manifest = self.manifests.get(Kind::Context, &self.namespace, name);
        let record = self.record(name).map_err(|error| failed()(error.into()))?;
        let object = match (&record, manifest) {
            (Some(record), _) => record.object((&self.namespace, name), manifest),
            // What only reads configuration leaves nothing behind.
            (None, Some(manifest)) => manifest.object.clone(),
            (None, None) => return Err(failed()(self.not_found(name))),
        };
        let read = CicdContext::deserialize(object).map_err(|error| {
            let place = manifest.map(|manifest| format!("; it stands in {}", manifest.origin)).unwrap_or_default();
            failed()(Problem::Files(format!("{error}{place}")))
        });
        let mut context = read?;
        context.metadata.namespace = Some(self.namespace.clone());
        Ok(context)
    }

    async fn base(&self, reference: &BaseReference) -> Result<Option<Base>, SourceError> {
        self.seen().base(reference).await
    }

    /// Also to the hosts that the manifests name, as they are written there.
    fn egress_policy(&self) -> Option<Policy> {
        self.seen().egress_policy()
    }

    async fn endpoint(&self, namespace: &str, name: &str) -> Result<Option<CicdEndpoint>, SourceError> {
        self.seen().endpoint(namespace, name).await
    }
}

impl Files {
    /// The manifests alone, without what the state folder knows.
    fn seen(&self) -> Seen<'_> {
        Seen { manifests: &self.manifests, namespace: &self.namespace }
    }
}

/// Manifests as one of their namespaces sees them: as they are written, whatever a state folder holds.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'m> {
    /// The manifests.
    pub manifests: &'m Manifests,
    /// The namespace of contexts and of their bases.
    pub namespace: &'m str,
}

impl Configuration for Seen<'_> {
    async fn whole_context(&self, name: &str) -> Result<CicdContext, SourceError> {
        let failed = |problem| {
            Err(SourceError { request: format!("read CicdContext {name} of namespace {}", self.namespace), problem })
        };
        let Some(manifest) = self.manifests.get(Kind::Context, self.namespace, name) else {
            return failed(Problem::NotFound("no manifest has it".to_owned()));
        };
        manifest.typed().or_else(|problem| failed(Problem::Files(problem)))
    }

    async fn base(&self, reference: &BaseReference) -> Result<Option<Base>, SourceError> {
        Ok(base(self.manifests, self.namespace, reference))
    }

    fn egress_policy(&self) -> Option<Policy> {
        Some(egress::policy(&egress::named(self.manifests)))
    }

    async fn endpoint(&self, namespace: &str, name: &str) -> Result<Option<CicdEndpoint>, SourceError> {
        let request = format!("read CicdEndpoint {name} of namespace {namespace}");
        let found = self.manifests.get(Kind::Endpoint, namespace, name).map(Manifest::typed).transpose();
        found.map_err(|problem| SourceError { request, problem: Problem::Files(problem) })
    }
}

/// A base as a context of `namespace` sees it.
pub(super) fn base(manifests: &Manifests, namespace: &str, reference: &BaseReference) -> Option<Base> {
    Some(match reference.kind {
        BaseKind::CicdBase => manifests
            .get(Kind::Base, namespace, &reference.name)?
            .typed::<CicdBase>()
            .map(|base| (base.spec.bases.unwrap_or_default(), base.spec.configuration)),
        BaseKind::ClusterCicdBase => manifests
            .get(Kind::ClusterBase, "", &reference.name)?
            .typed::<ClusterCicdBase>()
            .map(|base| (base.spec.bases.unwrap_or_default(), base.spec.configuration)),
    })
}
