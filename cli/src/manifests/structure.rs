//! A manifest against the schema of its CRD, as `kubectl apply --validate=strict` does on a server: unknown fields, wrong
//! types, missing fields, limits. What a field means is not looked at, and rules in CEL are the API server's.

use std::{collections::BTreeMap, fmt::Write as _, sync::LazyLock};

use cicdcontext_crds::manifests::manifests;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::arguments::is_object_name;

/// Bytes of a message of the schema library that are told: some of them hold whole objects.
const TOLD: usize = 200;
/// What metadata may hold.
const METADATA: [&str; 15] = [
    "name",
    "namespace",
    "labels",
    "annotations",
    "generateName",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
];

/// Something that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `KIND/NAME`.
    pub object: String,
    /// Where in it, as `spec.pipelines.build`; blank for all of it.
    pub place: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

/// A CRD's schema, to ask and to look things up in.
struct Kind {
    schema: Value,
    validator: Validator,
}

/// All kinds by name, or why they cannot be checked.
static KINDS: LazyLock<Result<BTreeMap<String, Kind>, String>> =
    LazyLock::new(|| kinds().map_err(|error| error.to_string()));

/// What is wrong with a manifest by its kind's schema; nothing for kinds of others. Whoever read it has looked at its
/// apiVersion and kind.
pub fn validate_manifest(manifest: &Value) -> Vec<Finding> {
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let object = format!("{}/{}", text("/kind"), text("/metadata/name"));
    let finding = |place: String, problem: String| Finding { object: object.clone(), place, problem };
    let kinds = match &*KINDS {
        Ok(kinds) => kinds,
        Err(problem) => return vec![finding(String::new(), format!("read the CRDs: {problem}"))],
    };
    let Some(known) = kinds.get(text("/kind")) else { return Vec::new() };
    let mut findings: Vec<Finding> =
        metadata(manifest.get("metadata")).into_iter().map(|(place, problem)| finding(place, problem)).collect();
    let found = known.validator.iter_errors(manifest).flat_map(|error| problems(&error, &known.schema));
    findings.extend(found.map(|(place, problem)| finding(place, problem)));
    findings.sort_by(|one, other| one.place.cmp(&other.place));
    findings.dedup();
    findings
}

/// What is wrong with the metadata: CRDs say nothing of it.
fn metadata(metadata: Option<&Value>) -> Vec<(String, String)> {
    let Some(metadata) = metadata.and_then(Value::as_object) else {
        return vec![("metadata".to_owned(), "it is missing: write metadata.name".to_owned())];
    };
    let unknown = metadata.keys().filter(|key| !METADATA.contains(&key.as_str()));
    let mut found: Vec<_> = unknown.map(|key| ("metadata".to_owned(), format!("unknown field {key:?}"))).collect();
    match metadata.get("name").or(metadata.get("generateName")) {
        Some(Value::String(name)) if is_object_name(name.trim_end_matches('-')) => {}
        Some(name) => {
            let problem = format!("{name} is no name: write lower-case letters, digits, '-' and '.'");
            found.push(("metadata.name".to_owned(), problem));
        }
        None => found.push(("metadata.name".to_owned(), "it is missing".to_owned())),
    }
    for field in ["labels", "annotations"] {
        let texts = match metadata.get(field) {
            None | Some(Value::Null) => true,
            Some(Value::Object(map)) => map.values().all(Value::is_string),
            Some(_) => false,
        };
        if !texts {
            found.push((format!("metadata.{field}"), "write a map of texts".to_owned()));
        }
    }
    found
}

fn kinds() -> Result<BTreeMap<String, Kind>, Box<dyn std::error::Error + Send + Sync>> {
    let mut kinds = BTreeMap::new();
    for manifest in manifests()? {
        let kind = manifest.json.pointer("/spec/names/kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let schema = manifest.json.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default();
        let mut schema = plain(schema);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("metadata".to_owned(), json!({}));
            properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
            properties.insert("kind".to_owned(), json!({"type": "string"}));
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(false)
            .build(&schema)
            .map_err(|error| error.to_string())?;
        kinds.insert(kind, Kind { schema, validator });
    }
    Ok(kinds)
}

/// A structural schema as a JSON Schema: what is not named is not allowed, and `nullable` allows null.
fn plain(schema: Value) -> Value {
    let Value::Object(mut map) = schema else { return schema };
    let open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let nullable = map.remove("nullable") == Some(Value::Bool(true));
    for word in ["properties", "additionalProperties", "items"] {
        let Some(below) = map.remove(word) else { continue };
        let below = match below {
            Value::Object(fields) if word == "properties" => {
                Value::Object(fields.into_iter().map(|(name, schema)| (name, plain(schema))).collect::<Map<_, _>>())
            }
            other => plain(other),
        };
        map.insert(word.to_owned(), below);
    }
    if map.contains_key("properties") && !map.contains_key("additionalProperties") && !open {
        map.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if let Some(Value::String(of)) = map.get("type").cloned()
        && nullable
    {
        map.insert("type".to_owned(), json!(["null", of]));
        if let Some(Value::Array(options)) = map.get_mut("enum") {
            options.push(Value::Null);
        }
    }
    Value::Object(map)
}

/// The places and words of one error.
fn problems(error: &ValidationError<'_>, schema: &Value) -> Vec<(String, String)> {
    let place = place(error.instance_path().as_str());
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|name| (place.clone(), format!("unknown field {name:?}"))).collect()
        }
        ValidationErrorKind::Required { property } => {
            vec![(place, format!("{} is missing", property.as_str().unwrap_or_default()))]
        }
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::OneOfMultipleValid { .. } => {
            let branches = schema.pointer(error.schema_path().as_str()).and_then(Value::as_array);
            let names: Vec<&str> = branches.into_iter().flatten().filter_map(required).collect();
            vec![(place, format!("exactly one of {} is needed", names.join(", ")))]
        }
        _ => {
            let text = error.to_string();
            let told = cicdcontext_crds::conditions::cut(&text, TOLD);
            vec![(place, if told.len() < text.len() { format!("{told}...") } else { text })]
        }
    }
}

/// The field that a branch asks for.
fn required(branch: &Value) -> Option<&str> {
    branch.pointer("/required/0").and_then(Value::as_str)
}

/// `/spec/a/0/b` as `spec.a[0].b`.
fn place(pointer: &str) -> String {
    // Writing into a String cannot fail.
    let mut text = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            write!(text, "[{part}]").ok();
        } else if part.contains(['.', '/', '[', ' ']) {
            write!(text, "['{part}']").ok();
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&part);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(manifest: &Value) -> Vec<String> {
        let findings = validate_manifest(manifest).into_iter();
        findings.map(|Finding { object, place, problem }| format!("{object}: {place}: {problem}")).collect()
    }

    fn context(spec: &Value) -> Value {
        json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "metadata": {"name": "shop"}, "spec": spec})
    }

    #[test]
    fn what_the_api_server_would_take_is_fine() {
        let free = json!({"any": [{"thing": null}]});
        assert!(found(&context(&json!({"state": free, "settings": {"a": {"b": [1]}}, "context": null}))).is_empty());
        let handler = json!({"name": "note", "setValues": [{"path": "state.a", "value": null}]});
        let pipelines = json!({"build": {"eventHandlers": {"success": [handler]}}});
        let nothing: Vec<String> = Vec::new();
        assert_eq!(found(&context(&json!({"pipelines": pipelines}))), nothing);
        assert_eq!(found(&json!({"apiVersion": "v1", "kind": "Secret", "anything": 1})), nothing);
    }

    #[test]
    fn an_unknown_field_and_a_wrong_type_are_named_with_their_place() {
        assert_eq!(
            found(&context(&json!({"contex": "stage", "suspend": "yes", "bases": [{"kind": "CicdBase"}]}))),
            [
                "CicdContext/shop: spec: unknown field \"contex\"",
                "CicdContext/shop: spec.bases[0]: name is missing",
                "CicdContext/shop: spec.suspend: \"yes\" is not of types \"null\", \"boolean\"",
            ]
        );
    }

    #[test]
    fn a_handler_of_two_types_is_told_what_there_is_to_choose() {
        let handler = json!({"name": "x", "notify": {"message": "a"}, "generate": {"generator": "b"}});
        let found = found(&context(&json!({"pipelines": {"build": {"eventHandlers": {"a": [handler]}}}})));
        assert_eq!(found.len(), 1, "{found:?}");
        let start = "CicdContext/shop: spec.pipelines.build.eventHandlers.a[0]: exactly one of notify, respond, ";
        assert!(found[0].starts_with(start), "{found:?}");
    }

    #[test]
    fn metadata_is_checked_too() {
        let manifest = json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdBase", "spec": {},
            "metadata": {"name": "A", "lables": {}, "labels": {"a": 1}}});
        assert_eq!(
            found(&manifest),
            [
                "CicdBase/A: metadata: unknown field \"lables\"",
                "CicdBase/A: metadata.labels: write a map of texts",
                "CicdBase/A: metadata.name: \"A\" is no name: write lower-case letters, digits, '-' and '.'",
            ]
        );
    }
}
