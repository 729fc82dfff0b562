//! The configuration in a cluster.

use cicdcontext_crds::{
    BaseKind, BaseReference, CicdBase, CicdContext, CicdEndpoint, ClusterCicdBase, ConfigurationBlock,
};
use kube::{Resource, api::GetParams};
use serde::de::DeserializeOwned;

use super::Cluster;
use crate::source::{Base, Configuration, Problem, SourceError};

impl Configuration for Cluster {
    async fn whole_context(&self, name: &str) -> Result<CicdContext, SourceError> {
        let text = self.send::<CicdContext>("get", name, |request| request.get(name, &GetParams::default())).await?;
        self.read::<CicdContext, _>("get", name, serde_json::from_str(&text))
    }

    async fn base(&self, reference: &BaseReference) -> Result<Option<Base>, SourceError> {
        fn content<K: DeserializeOwned>(
            text: &str,
            content: impl FnOnce(K) -> (Option<Vec<BaseReference>>, ConfigurationBlock),
        ) -> Base {
            let base = serde_json::from_str(text).map_err(|error| error.to_string())?;
            let (bases, block) = content(base);
            Ok((bases.unwrap_or_default(), block))
        }
        let found = match reference.kind {
            BaseKind::CicdBase => self
                .found::<CicdBase>(Some(&self.namespace), &reference.name)
                .await?
                .map(|text| content(&text, |base: CicdBase| (base.spec.bases, base.spec.configuration))),
            BaseKind::ClusterCicdBase => self
                .found::<ClusterCicdBase>(None, &reference.name)
                .await?
                .map(|text| content(&text, |base: ClusterCicdBase| (base.spec.bases, base.spec.configuration))),
        };
        Ok(found)
    }

    async fn endpoint(&self, namespace: &str, name: &str) -> Result<Option<CicdEndpoint>, SourceError> {
        let Some(text) = self.found::<CicdEndpoint>(Some(namespace), name).await? else { return Ok(None) };
        self.read::<CicdEndpoint, _>("get", name, serde_json::from_str(&text)).map(Some)
    }
}

impl Cluster {
    /// The text of an object; none if there is none.
    async fn found<K: Resource<DynamicType = ()>>(
        &self,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<String>, SourceError> {
        let place = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
        let request = format!("get {} {name}{place}", K::kind(&()));
        let path = K::url_path(&(), namespace);
        match self.send_to(&path, request, "get", |request| request.get(name, &GetParams::default())).await {
            Ok(text) => Ok(Some(text)),
            Err(SourceError { problem: Problem::NotFound(_), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
