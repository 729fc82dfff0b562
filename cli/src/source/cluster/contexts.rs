//! The contexts of a cluster.

use std::time::Duration;

use cicdcontext_crds::{CicdContext, vocabulary::manager};
use cicdcontext_engine::state::patch;
use futures::stream::LocalBoxStream;
use http::{HeaderValue, header::ACCEPT, uri::InvalidUri};
use json_patch::{Patch as JsonPatch, PatchOperation};
use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, GetParams, Patch, PatchParams, PostParams, Preconditions},
    core::{Request, request},
};

use super::{Cluster, change, stored, watch_one};
use crate::{
    failure::Failure,
    setting::Occasion,
    source::{Change, Changed, Context, Contexts, Problem, SourceError},
};

/// An answer with the metadata of an object, and no spec.
const METADATA_ALONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

impl Contexts for Cluster {
    fn namespace(&self) -> &str {
        &self.namespace
    }

    async fn context(&self, name: &str) -> Result<Context, SourceError> {
        let text = self.send::<CicdContext>("get", name, |request| request.get(name, &GetParams::default())).await?;
        self.read::<CicdContext, _>("get", name, stored::read(&text))
    }

    fn watch_context(&self, name: &str) -> LocalBoxStream<'_, Result<Option<Context>, SourceError>> {
        let kind = ApiResource::erase::<CicdContext>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &kind);
        let request = self.described::<CicdContext>("watch", name);
        let read = |object: DynamicObject| {
            let text = serde_json::to_string(&object).map_err(|error| error.to_string())?;
            stored::read(&text).map_err(|error| error.to_string())
        };
        watch_one(api, name, request, read)
    }

    async fn create_context(&self, context: &CicdContext) -> Result<(), SourceError> {
        let name = context.metadata.name.as_deref().unwrap_or_default();
        let body = self.read::<CicdContext, _>("create", name, serde_json::to_vec(context))?;
        let parameters = PostParams { field_manager: Some(manager::CLI.to_owned()), ..PostParams::default() };
        self.send::<CicdContext>("create", name, |request| request.create(&parameters, body)).await.map(drop)
    }

    async fn delete_context(&self, name: &str, uid: &str) -> Result<(), SourceError> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let deleted = self.send::<CicdContext>("delete", name, |request| request.delete(name, &parameters)).await;
        match deleted {
            // What a step of a pipeline may do does not reach so far.
            Err(SourceError { request, problem: Problem::Forbidden(message) }) => {
                Err(SourceError { request, problem: Problem::Privileged(message) })
            }
            deleted => deleted.map(drop),
        }
    }

    async fn patch_context(&self, name: &str, operations: &[PatchOperation]) -> Result<(), SourceError> {
        self.patch_with_limit(name, operations, None).await
    }

    async fn change(&self, name: &str, change: &Change) -> Result<Changed, Failure> {
        change::make(self, name, change, &Occasion::now()?).await
    }
}

impl Cluster {
    /// Patches a context; the API server gives up after `limit`, if there is one.
    pub(super) async fn patch_with_limit(
        &self,
        name: &str,
        operations: &[PatchOperation],
        limit: Option<Duration>,
    ) -> Result<(), SourceError> {
        let body = self.read::<CicdContext, _>("patch", name, patch::body(operations))?;
        let parameters = PatchParams { field_manager: Some(manager::CLI.to_owned()), ..PatchParams::default() };
        let build = |request: Request| {
            let mut request = request.patch(name, &parameters, &Patch::<()>::Json(JsonPatch(Vec::new())))?;
            // The API server compares texts as they are written: see `cicdcontext_engine::state::patch`.
            *request.body_mut() = body;
            // Nobody looks at the whole object that would come back.
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(METADATA_ALONE));
            if let Some(limit) = limit {
                let uri = format!("{}&timeout={}ms", request.uri(), limit.as_millis());
                *request.uri_mut() =
                    uri.parse().map_err(|error: InvalidUri| request::Error::BuildRequest(error.into()))?;
            }
            Ok(request)
        };
        self.send::<CicdContext>("patch", name, build).await.map(drop)
    }
}
