//! Deletes one object whose time is over, counts that, and says why cleaning did not go on.

use kube::{Resource, api::Preconditions, core::NamespaceResourceScope};

use crate::{
    cache::{ObjectKey, Stored},
    client::RequestError,
    crash::Point,
    metrics::KindLabel,
    shared::{
        Operator,
        deletion::{Deletion, delete},
    },
    state::WriteError,
};

/// Why cleaning did not go on.
#[derive(Debug, thiserror::Error)]
pub enum CleaningError {
    /// A request to the API server failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The events could not be entered into the ledger.
    #[error("enter events into the ledger: {0}")]
    Ledger(#[from] WriteError),
    /// An event or a context has changed since it was judged.
    #[error("{0} changed meanwhile")]
    Changed(String),
}

/// Deletes an object if it still is the one that was judged. Tells whether it was there.
pub async fn remove<K>(
    operator: &Operator,
    key: &ObjectKey,
    judged: Preconditions,
    target: &'static str,
    point: Point,
    kind: &'static str,
) -> Result<bool, CleaningError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    Stored<K>: std::fmt::Debug,
{
    match delete::<K>(operator, key, judged, target).await? {
        Deletion::Changed => Err(CleaningError::Changed(format!("{} {key}", K::kind(&())))),
        Deletion::Gone => Ok(false),
        Deletion::Deleted => {
            operator.crash.pass(point);
            operator.metrics.history_deleted.get_or_create(&KindLabel { kind }).inc();
            Ok(true)
        }
    }
}
