//! A CicdContext as it is stored, read as far as the verbs need it. Its configuration is never parsed: a context with a
//! broken or very large one still has a state.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::source::Context;

/// What cannot be read of a context.
#[derive(Debug, Error)]
pub(super) enum StoredError {
    /// It is not an object of this kind at all.
    #[error("{0}")]
    Object(serde_json::Error),
    /// The state is nested deeper than can be read, or no map.
    #[error("spec.state: {0}; state may be nested 64 deep: unset the part that is deeper with kubectl patch")]
    State(serde_json::Error),
}

#[derive(Deserialize)]
struct Stored<'a> {
    metadata: Metadata,
    #[serde(borrow)]
    spec: Option<Spec<'a>>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    uid: String,
    resource_version: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow)]
    state: Option<&'a RawValue>,
    #[serde(borrow)]
    state_schema: Option<&'a RawValue>,
}

/// Reads the JSON of a context.
pub(super) fn read(text: &str) -> Result<Context, StoredError> {
    let stored: Stored<'_> = serde_json::from_str(text).map_err(StoredError::Object)?;
    let (state, schema) = stored.spec.map_or((None, None), |spec| (spec.state, spec.state_schema));
    let state = state.map(|state| serde_json::from_str(state.get())).transpose().map_err(StoredError::State)?;
    // A schema that nobody can read keeps nobody from the state.
    let state_schema = schema.and_then(|schema| serde_json::from_str(schema.get()).ok());
    // Nor does such a status.
    let status = stored.status.and_then(|status| serde_json::from_str(status.get()).ok());
    let Status { conditions } = status.unwrap_or_default();
    let Metadata { name, uid, resource_version, annotations } = stored.metadata;
    Ok(Context { name, uid, resource_version, annotations, state, state_schema, conditions })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stored(spec: &str) -> String {
        format!(r#"{{"metadata": {{"name": "shop", "uid": "u", "resourceVersion": "7"}}, "spec": {spec}}}"#)
    }

    #[test]
    fn only_metadata_state_and_schema_are_read() {
        let context = read(&stored(r#"{"pipelines": "broken", "state": {"a": null}}"#)).unwrap();
        assert_eq!(
            (context.name.as_str(), context.uid.as_str(), context.resource_version.as_str()),
            ("shop", "u", "7")
        );
        assert_eq!(context.state, json!({"a": null}).as_object().cloned());
        assert_eq!(read(&stored("{}")).unwrap().state, None);
        let context = read(&stored(r#"{"stateSchema": {"required": ["a"]}}"#)).unwrap();
        assert_eq!(context.state_schema, json!({"required": ["a"]}).as_object().cloned());
    }

    #[test]
    fn a_state_nested_200_deep_is_an_error_and_so_deep_a_configuration_is_none() {
        let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        assert!(read(&stored(&format!(r#"{{"settings": {deep}, "stateSchema": {deep}, "state": {{}}}}"#))).is_ok());
        let error = read(&stored(&format!(r#"{{"state": {deep}}}"#))).unwrap_err().to_string();
        assert!(error.starts_with("spec.state: recursion limit exceeded"), "{error}");
    }
}
