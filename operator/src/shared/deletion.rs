//! Deleting an object only if it still is the one that was judged.

use kube::{
    Api, Resource,
    api::{DeleteParams, Preconditions},
    core::NamespaceResourceScope,
};

use super::Operator;
use crate::{
    cache::{ObjectKey, Stored},
    client::{RequestError, bounded},
};

/// What a deletion came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is deleted, or is being deleted.
    Deleted,
    /// It was gone before.
    Gone,
    /// It is another object, or another version of it, than the preconditions ask for.
    Changed,
}

/// Deletes an object under preconditions; `target` says in the metrics what is deleted. What it owns is left to garbage
/// collection.
pub async fn delete<K>(
    operator: &Operator,
    key: &ObjectKey,
    preconditions: Preconditions,
    target: &'static str,
) -> Result<Deletion, RequestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    Stored<K>: std::fmt::Debug,
{
    let api: Api<Stored<K>> = Api::namespaced(operator.client.clone(), &key.namespace);
    let parameters = DeleteParams::background().preconditions(preconditions);
    match operator.metrics.write(target, bounded(api.delete(&key.name, &parameters))).await {
        Ok(_) => Ok(Deletion::Deleted),
        Err(error) if error.is_not_found() => Ok(Deletion::Gone),
        Err(error) if error.code() == Some(409) => Ok(Deletion::Changed),
        Err(error) => Err(error),
    }
}
