//! The one form of change to `spec.state`, used by handlers, captures, generators, events, state writes and the CLI.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema;

/// What a change does to the value at its path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::schema::without_description)]
pub enum ChangeOperation {
    /// Replace the whole value at the path.
    #[default]
    Set,
    /// Append to the list at the path; an absent list is created.
    Append,
    /// Append what the list does not hold yet; order is kept.
    Add,
    /// Remove the path.
    Unset,
    /// Empty the list or map at the path; an absent path becomes an empty list.
    Clear,
}

/// One change of state whose value may come from a template or from a JSONPath.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("example" = [
    {"required": ["value"]},
    {"required": ["template"]},
    {"required": ["fromPath"]},
    {"required": ["op"], "properties": {"op": {"enum": ["Unset", "Clear"]}}},
]))]
pub struct Change {
    /// Where to write: `state.a.b`, `state.a['key.with.dots']` or `state.list[2]`. It may be a template.
    /// Missing maps on the way are created; a scalar on the way is an error.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// Set replaces the value; Append and Add extend a list (Add leaves out what is there already); Unset removes the
    /// path; Clear empties a list or map. Default: Set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<ChangeOperation>,
    /// Literal JSON to write, never rendered. Append and Add take each item of a list, or the value itself.
    #[serde(default, deserialize_with = "schema::present", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub value: Option<Value>,
    /// A template; its rendered text is written. Blank text writes nothing, unless writeBlank is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub template: Option<String>,
    /// An RFC 9535 JSONPath over what templates see (`$.body.ts`, `$.state.list`); the value keeps its type.
    /// No match writes nothing, several matches give a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub from_path: Option<String>,
    /// Append and Add only: split a text at this separator into items. Default: the text is one item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub split: Option<String>,
    /// Write a rendered text even if it is blank. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_blank: Option<bool>,
}

/// A value to keep from a response: a [`Change`] that sees the response as `body`, `status` and `headers`.
pub type Capture = Change;

/// One change of state with a literal value, as events and state writes carry it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("example" = [
    {"required": ["value"]},
    {"required": ["op"], "properties": {"op": {"enum": ["Unset", "Clear"]}}},
]))]
pub struct ValueChange {
    /// Where to write: `state.a.b`, `state.a['key.with.dots']` or `state.list[2]`.
    /// Missing maps on the way are created; a scalar on the way is an error.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// Set replaces the value; Append and Add extend a list (Add leaves out what is there already); Unset removes the
    /// path; Clear empties a list or map. Default: Set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<ChangeOperation>,
    /// Literal JSON to write; required for Set, Append and Add. Append and Add take each item of a list, or the value
    /// itself.
    #[serde(default, deserialize_with = "schema::present", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub value: Option<Value>,
    /// Append and Add only: split a text at this separator into items. Default: the text is one item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub split: Option<String>,
}

impl From<ValueChange> for Change {
    fn from(change: ValueChange) -> Self {
        Self { path: change.path, op: change.op, value: change.value, split: change.split, ..Self::default() }
    }
}

/// What must hold in the state before a state write is applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("example" = [{"required": ["equals"]}, {"required": ["exists"]}]))]
pub struct Precondition {
    /// The path to look at, as in a change.
    #[schemars(length(min = 1, max = 1024))]
    pub path: String,
    /// The value that must stand there, compared as JSON.
    #[serde(default, deserialize_with = "schema::present", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub equals: Option<Value>,
    /// True: something must stand there. False: nothing may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_null_is_a_value_and_an_absent_one_is_not() {
        let null: Change = serde_json::from_str(r#"{"path": "state.a", "value": null}"#).unwrap();
        assert_eq!(null.value, Some(Value::Null));
        let absent: Change = serde_json::from_str(r#"{"path": "state.a", "op": "Unset"}"#).unwrap();
        assert_eq!(absent.value, None);
    }
}
