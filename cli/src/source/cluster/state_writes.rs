//! The state writes of a cluster.

use std::time::Duration;

use cicdcontext_crds::{CicdContext, CicdStateWrite, vocabulary::manager};
use futures::stream::LocalBoxStream;
use json_patch::PatchOperation;
use kube::{
    Api,
    api::{DeleteParams, GetParams, PostParams, Preconditions},
};

use super::{Cluster, change::state_write::StateWrites, stored, watch_one};
use crate::source::{Context, Problem, SourceError};

impl StateWrites for Cluster {
    async fn create_state_write(&self, write: &CicdStateWrite) -> Result<CicdStateWrite, SourceError> {
        let name = write.metadata.name.as_deref().unwrap_or_default();
        let body = self.read::<CicdStateWrite, _>("create", name, serde_json::to_vec(write))?;
        let parameters = PostParams { field_manager: Some(manager::CLI.to_owned()), ..PostParams::default() };
        let text = self.send::<CicdStateWrite>("create", name, |request| request.create(&parameters, body)).await?;
        self.read::<CicdStateWrite, _>("create", name, serde_json::from_str(&text))
    }

    async fn state_write(&self, name: &str) -> Result<Option<CicdStateWrite>, SourceError> {
        let text = self.send::<CicdStateWrite>("get", name, |request| request.get(name, &GetParams::default())).await;
        match text {
            Ok(text) => self.read::<CicdStateWrite, _>("get", name, serde_json::from_str(&text)).map(Some),
            Err(SourceError { problem: Problem::NotFound(_), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn delete_state_write(&self, name: &str, uid: &str) -> Result<bool, SourceError> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match self.send::<CicdStateWrite>("delete", name, |request| request.delete(name, &parameters)).await {
            Ok(_) => Ok(true),
            Err(SourceError { problem: Problem::NotFound(_) | Problem::Conflict, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn watch_state_write(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdStateWrite>, SourceError>> {
        let api: Api<CicdStateWrite> = Api::namespaced(self.client.clone(), &self.namespace);
        let request = self.described::<CicdStateWrite>("watch", name);
        watch_one(api, name, request, Ok)
    }

    async fn patch_within(
        &self,
        name: &str,
        operations: &[PatchOperation],
        limit: Duration,
    ) -> Result<(), SourceError> {
        self.patch_with_limit(name, operations, Some(limit)).await
    }

    async fn context_metadata(&self, name: &str) -> Result<Context, SourceError> {
        let build = |request: kube::core::Request| request.get_metadata(name, &GetParams::default());
        let text = self.send::<CicdContext>("get", name, build).await?;
        self.read::<CicdContext, _>("get", name, stored::read(&text))
    }
}
