//! The bases of the fake. It has no endpoints.

use cicdcontext_crds::{BaseReference, CicdContext, CicdEndpoint};

use super::Fake;
use crate::source::{Base, Configuration, Problem, SourceError};

impl Configuration for Fake {
    async fn whole_context(&self, name: &str) -> Result<CicdContext, SourceError> {
        Self::fail("get CicdContext", Problem::NotFound(format!("{name} not found")))
    }

    async fn base(&self, reference: &BaseReference) -> Result<Option<Base>, SourceError> {
        Ok(self.bases.get(&reference.name).cloned().map(Ok))
    }

    async fn endpoint(&self, _: &str, _: &str) -> Result<Option<CicdEndpoint>, SourceError> {
        Ok(None)
    }
}
