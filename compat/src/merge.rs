//! The predecessor's merge: maps deeply, lists as a whole, a falsy old value gives way to anything, another type is an error.

use serde_json::{Map, Value};

/// Two sources disagree about the type of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("merge {path}: {old} says {old_kind}, {new} says {new_kind}; make them the same type")]
pub struct MergeError {
    /// Where.
    pub path: String,
    /// Who wrote the old value.
    pub old: String,
    /// Its type.
    pub old_kind: &'static str,
    /// Who writes the new one.
    pub new: String,
    /// Its type.
    pub new_kind: &'static str,
}

/// Merges layers, each with the name of its source, in their order.
pub fn merge<'l>(
    layers: impl IntoIterator<Item = (&'l str, &'l Map<String, Value>)>,
) -> Result<Map<String, Value>, MergeError> {
    let _ = layers.into_iter();
    todo!()
}
