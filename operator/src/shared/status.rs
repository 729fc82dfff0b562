//! Writing a status: the whole of it, under the object's UID.

use cicdcontext_crds::vocabulary::manager;
use json_patch::{AddOperation, PatchOperation, TestOperation, jsonptr::PointerBuf};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::NamespaceResourceScope,
};
use serde::Serialize;

use super::Operator;
use crate::{
    cache::Stored,
    client::{RequestError, bounded},
};

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
    let api: Api<Stored<K>> = Api::namespaced(operator.client.clone(), object.namespace());
    patch(operator, &api, object, status, target).await
}

/// The same for any API handle, cluster-wide kinds included.
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
    let value = serde_json::to_value(status).map_err(|error| RequestError::from(kube::Error::SerdeError(error)))?;
    let uid = TestOperation { path: PointerBuf::from_tokens(["metadata", "uid"]), value: object.uid().into() };
    let add = AddOperation { path: PointerBuf::from_tokens(["status"]), value };
    let operations = json_patch::Patch(vec![PatchOperation::Test(uid), PatchOperation::Add(add)]);
    operator.metrics.wrote(target);
    let parameters = PatchParams { field_manager: Some(manager::OPERATOR.to_owned()), ..PatchParams::default() };
    bounded(api.patch_status(&object.name_any(), &parameters, &Patch::<()>::Json(operations))).await
}
