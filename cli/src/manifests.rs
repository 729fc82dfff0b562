//! Manifests as configuration that is tried offline: what each namespace of them sees, and their structure.
//!
//! Reading files is the business of [`crate::source::files`]; nothing here keeps state or events.

#[cfg(test)]
pub(crate) mod fixture;
pub mod structure;

use std::{fs, path::Path};

use cicdcontext_crds::{BaseKind, BaseReference, CicdBase, CicdContext, CicdEndpoint, ClusterCicdBase};

use crate::{
    configuration::ConfigurationFailure,
    source::{
        Base, Configuration, Problem, SourceError,
        files::{Kind, Manifest, Manifests},
    },
};

/// Bytes of a file that is no manifest.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Manifests as one of their namespaces sees them.
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
        let kind = match reference.kind {
            BaseKind::CicdBase => Kind::Base,
            BaseKind::ClusterCicdBase => Kind::ClusterBase,
        };
        let found = self.manifests.get(kind, self.namespace, &reference.name);
        Ok(found.map(|manifest| match reference.kind {
            BaseKind::CicdBase => {
                manifest.typed().map(|CicdBase { spec, .. }| (spec.bases.unwrap_or_default(), spec.configuration))
            }
            BaseKind::ClusterCicdBase => manifest
                .typed()
                .map(|ClusterCicdBase { spec, .. }| (spec.bases.unwrap_or_default(), spec.configuration)),
        }))
    }

    async fn endpoint(&self, namespace: &str, name: &str) -> Result<Option<CicdEndpoint>, SourceError> {
        let request = format!("read CicdEndpoint {name} of namespace {namespace}");
        let found = self.manifests.get(Kind::Endpoint, namespace, name).map(Manifest::typed).transpose();
        found.map_err(|problem| SourceError { request, problem: Problem::Unreadable(problem) })
    }
}

/// The text of a file that is no manifest.
pub fn text_of(path: &Path) -> Result<String, ConfigurationFailure> {
    let bytes = fs::metadata(path).map_or(0, |about| about.len());
    if bytes > MAX_FILE_BYTES {
        return Err(failure(path, &format!("it has {bytes} bytes; at most {MAX_FILE_BYTES} are read")));
    }
    fs::read_to_string(path).map_err(|error| failure(path, &error.to_string()))
}

/// That a file cannot be used.
pub fn failure(path: &Path, problem: &str) -> ConfigurationFailure {
    ConfigurationFailure::File { path: path.display().to_string(), problem: problem.to_owned() }
}
