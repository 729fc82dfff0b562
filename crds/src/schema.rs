//! Schema fragments and (de)serialisation that the derive macros cannot express: free-form JSON that the API server
//! must not prune, values whose `null` counts, and "exactly one of" rules.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A free-form JSON object. The API server keeps every key below it; server-side apply owns it key by key.
pub fn free_form_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Any JSON value, `null` included.
///
/// The schema carries no type on purpose: CEL compares an untyped field as a whole, whereas `self == oldSelf` on a
/// typed free-form object does not notice a key that was renamed, and immutability would have a hole.
pub fn any_value(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"nullable": true, "x-kubernetes-preserve-unknown-fields": true})
}

/// Leaves an enum's own description out, which kube would put in the place of the description of the field.
pub fn without_description(schema: &mut Schema) {
    schema.remove("description");
}

/// The key under which a type declares its `oneOf`, as a list; [`crate::manifests`] renames it.
///
/// It cannot be called `oneOf` from the start, since kube's rewriter takes each `oneOf` for an enum and moves its
/// branches' properties up. Nor can it have a name of its own, since a CRD is made through a type that drops what it does
/// not know. `example` may hold any JSON, and nothing here has examples.
pub const ONE_OF_MARKER: &str = "example";

/// Deserialises a field such that an explicit `null` is `Some(Value::Null)` and only an absent field is `None`.
pub fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
