//! Writing a status: the whole of it, on top of exactly the version that was read.
//!
//! The version is not tested because others might write the same status: nobody but the operator that leads does. It is
//! tested so that a write which a former leader has begun, and which arrives late, cannot land on top of what the new one
//! wrote: see [`Connection::fenced`](crate::client::Connection::fenced).

use cicdcontext_crds::vocabulary::manager;
use json_patch::{AddOperation, PatchOperation, TestOperation, jsonptr::PointerBuf};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::Serialize;
use serde_json::Value;

use super::Operator;
use crate::{
    cache::Stored,
    client::{RequestError, bounded},
};

/// How often a status is offered on top of a newer version. Pipelines patch a hot context dozens of times in a second.
const ATTEMPTS: usize = 10;

/// Replaces the status of an object of a namespaced kind, unless another object has its name now. Gives the object as
/// it is then; `target` says in the metrics what was written.
pub async fn replace<K, S>(
    operator: &Operator,
    object: &Stored<K>,
    status: &S,
    target: &'static str,
) -> Result<Stored<K>, RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    S: Serialize,
{
    patch(operator, &api_of(operator, object), object, status, target).await
}

/// Replaces the status of exactly this version of an object: if anybody has changed it since, that is an error, and
/// nothing is written.
pub async fn replace_version<K, S>(
    operator: &Operator,
    object: &Stored<K>,
    status: &S,
    target: &'static str,
) -> Result<Stored<K>, RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    S: Serialize,
{
    let version = object.metadata.resource_version.as_deref().unwrap_or_default();
    let patch = replacement(object.uid(), version, to_value(status)?);
    let api = api_of(operator, object);
    operator.metrics.write(target, bounded(api.patch_status(object.name(), &parameters(), &patch))).await
}

/// The same for any API handle, cluster-wide kinds included. A 422 means that the status will never be taken, or that
/// another object has the name.
pub async fn patch<K, S>(
    operator: &Operator,
    api: &Api<Stored<K>>,
    object: &Stored<K>,
    status: &S,
    target: &'static str,
) -> Result<Stored<K>, RequestError>
where
    K: Resource<DynamicType = ()>,
    S: Serialize,
{
    let value = to_value(status)?;
    let mut version = object.metadata.resource_version.clone().unwrap_or_default();
    for _ in 0..ATTEMPTS {
        let patch = replacement(object.uid(), &version, value.clone());
        let (name, parameters) = (object.name_any(), parameters());
        let writing = bounded(api.patch_status(&name, &parameters, &patch));
        let refused = match operator.metrics.write(target, writing).await {
            Err(error) if error.code() == Some(422) => error,
            answered => return answered,
        };
        // Another object, another version, or a status that is not valid: the same code for all three.
        let live = bounded(api.get_metadata(&object.name_any())).await?.metadata;
        let newer = live.resource_version.unwrap_or_default();
        if live.uid.as_deref() != Some(object.uid()) || newer == version {
            return Err(refused);
        }
        version = newer;
    }
    Err(RequestError::Overtaken(ATTEMPTS))
}

fn api_of<K>(operator: &Operator, object: &Stored<K>) -> Api<Stored<K>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Api::namespaced(operator.client.clone(), object.namespace())
}

fn to_value(status: &impl Serialize) -> Result<Value, RequestError> {
    serde_json::to_value(status).map_err(|error| RequestError::from(kube::Error::SerdeError(error)))
}

fn parameters() -> PatchParams {
    PatchParams { field_manager: Some(manager::OPERATOR.to_owned()), ..PatchParams::default() }
}

fn replacement(uid: &str, version: &str, status: Value) -> Patch<()> {
    Patch::Json(json_patch::Patch(vec![
        test("uid", uid),
        test("resourceVersion", version),
        PatchOperation::Add(AddOperation { path: PointerBuf::from_tokens(["status"]), value: status }),
    ]))
}

/// A test of a field of the metadata.
pub fn test(field: &str, value: &str) -> PatchOperation {
    PatchOperation::Test(TestOperation { path: PointerBuf::from_tokens(["metadata", field]), value: value.into() })
}
