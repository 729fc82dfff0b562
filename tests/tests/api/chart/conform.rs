//! JSON schemas for kubeconform, made of what the API server publishes of its kinds and of the CRDs of this project.
//!
//! kubeconform then judges what an API server does not look at in every request: keys that are there twice, and fields of
//! kinds whose CRDs are not installed. Nothing is fetched.

use std::{collections::BTreeSet, fs, io::Write, path::Path};

use cicdcontext_tests::cluster::{Access, Role, workspace};
use serde_json::{Map, Value, json};
use tempfile::{NamedTempFile, TempDir};
use tokio::process::Command;

use super::helm::{Ran, run, tools};

/// A folder with one schema for each kind.
pub(super) struct Schemas {
    folder: TempDir,
}

impl Schemas {
    /// Asks an API server for the schemas of its kinds.
    pub(super) async fn of(access: &Access) -> Self {
        let mut command = Command::from(access.kubectl_as(Role::Admin));
        let published = run(command.args(["get", "--raw", "/openapi/v2"])).await.printed();
        let published: Value = serde_json::from_str(&published).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let definitions = published["definitions"].as_object().unwrap();
        for (name, definition) in definitions {
            let kinds = definition["x-kubernetes-group-version-kind"].as_array();
            for kind in kinds.into_iter().flatten() {
                let schema = with_definitions(name, definitions);
                write(folder.path(), kind, &schema);
            }
        }
        for file in fs::read_dir(workspace().join("crds/manifests")).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                definition(folder.path(), &serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap());
            }
        }
        Self { folder }
    }

    /// Runs kubeconform over manifests. A kind without a schema is an error.
    pub(super) async fn check(&self, manifests: &str) -> Ran {
        let schemas = self.folder.path().join("{{.Group}}-{{.ResourceAPIVersion}}-{{.ResourceKind}}.json");
        let mut input = NamedTempFile::with_suffix(".yaml").unwrap();
        input.write_all(manifests.as_bytes()).unwrap();
        let mut command = Command::new(tools().await.kubeconform());
        command.args(["-strict", "-summary", "-schema-location"]).arg(schemas).arg(input.path());
        run(&mut command).await
    }
}

/// Writes the schema of a kind where kubeconform looks for it.
fn write(folder: &Path, kind: &Value, schema: &Value) {
    let text = |key: &str| kind[key].as_str().unwrap_or_default().to_lowercase();
    // kubeconform takes the version for the group where there is none.
    let group = if text("group").is_empty() { text("version") } else { text("group") };
    let name = format!("{group}-{}-{}.json", text("version"), text("kind"));
    fs::write(folder.join(name), schema.to_string()).unwrap();
}

/// The schemas of a CRD's versions.
fn definition(folder: &Path, crd: &Value) {
    for version in crd["spec"]["versions"].as_array().unwrap() {
        let mut schema = version["schema"]["openAPIV3Schema"].clone();
        for field in ["apiVersion", "kind", "metadata"] {
            schema["properties"][field] = json!({});
        }
        close(&mut schema);
        let kind = json!({
            "group": crd["spec"]["group"], "version": version["name"], "kind": crd["spec"]["names"]["kind"],
        });
        write(folder, &kind, &schema);
    }
}

/// A definition together with all that it refers to.
fn with_definitions(name: &str, all: &Map<String, Value>) -> Value {
    let (mut wanted, mut used) = (vec![name.to_owned()], BTreeSet::new());
    while let Some(name) = wanted.pop() {
        if used.insert(name.clone()) {
            references(&all[&name], &mut wanted);
        }
    }
    let definitions: Map<String, Value> = used
        .into_iter()
        .map(|name| {
            let mut schema = match name.rsplit('.').next() {
                // Published as texts, accepted as numbers, too.
                Some("Quantity" | "IntOrString") => json!({"type": ["string", "number"]}),
                _ => all[&name].clone(),
            };
            close(&mut schema);
            (name, schema)
        })
        .collect();
    json!({"$ref": format!("#/definitions/{name}"), "definitions": definitions})
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            let reference = map.get("$ref").and_then(Value::as_str);
            found.extend(reference.and_then(|text| text.strip_prefix("#/definitions/")).map(str::to_owned));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Refuses fields that are not named, and turns what is OpenAPI's own into JSON Schema.
fn close(schema: &mut Value) {
    let Value::Object(map) = schema else { return };
    let is_open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if map.contains_key("properties") && !map.contains_key("additionalProperties") && !is_open {
        map.insert("additionalProperties".to_owned(), json!(false));
    }
    if map.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        map.insert("type".to_owned(), json!(["string", "integer"]));
    }
    if map.remove("nullable") == Some(json!(true))
        && let Some(Value::String(kind)) = map.get("type").cloned()
    {
        map.insert("type".to_owned(), json!([kind, "null"]));
    }
    // Formats are OpenAPI's (int32, double) and patterns are checked by the API server.
    map.remove("format");
    for part in ["properties", "definitions"] {
        if let Some(Value::Object(inner)) = map.get_mut(part) {
            inner.values_mut().for_each(close);
        }
    }
    for part in ["items", "additionalProperties"] {
        if let Some(inner) = map.get_mut(part) {
            close(inner);
        }
    }
}
