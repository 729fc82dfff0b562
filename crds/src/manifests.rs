//! The CustomResourceDefinitions, as they are committed to `crds/manifests` and printed by `operator crd`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use crate::{CicdBase, CicdContext, CicdEndpoint, CicdEvent, CicdStateWrite, ClusterCicdBase, schema::ONE_OF_MARKER};

/// Largest CRD as JSON. Client-side `kubectl apply` copies an object into an annotation, which may have 256 KiB.
pub const MAX_CRD_BYTES: usize = 200 * 1024;

/// A CRD in the form in which it is written to files.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// `<plural>.cicdcontext.io`
    pub name: String,
    /// The CRD as JSON.
    pub json: Value,
}

impl Manifest {
    /// The name of its file below `crds/manifests`.
    pub fn file_name(&self) -> String {
        format!("{}.yaml", self.name)
    }

    /// The CRD as YAML.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::ser::Error> {
        serde_saphyr::to_string(&self.json)
    }
}

/// All CRDs, in the order in which a newcomer meets the kinds.
pub fn manifests() -> Result<Vec<Manifest>, serde_json::Error> {
    [
        CicdContext::crd(),
        CicdEvent::crd(),
        CicdStateWrite::crd(),
        CicdBase::crd(),
        ClusterCicdBase::crd(),
        CicdEndpoint::crd(),
    ]
    .into_iter()
    .map(manifest)
    .collect()
}

fn manifest(crd: CustomResourceDefinition) -> Result<Manifest, serde_json::Error> {
    let name = crd.metadata.name.clone().unwrap_or_default();
    let mut json = serde_json::to_value(crd)?;
    tidy(&mut json);
    // As an API server gives them back, and so that moving a field in Rust changes no file.
    json.sort_all_objects();
    Ok(Manifest { name, json })
}

/// Renames the `oneOf` markers and takes out what Rust's types say and Kubernetes has no use for.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            // Below `properties` the same word would be a field's name, with a schema and not a list.
            if map.get(ONE_OF_MARKER).is_some_and(Value::is_array)
                && let Some(one_of) = map.remove(ONE_OF_MARKER)
            {
                map.insert("oneOf".to_owned(), one_of);
            }
            // A default would be written into every object. Below `properties` the same word would be a field's name, with a
            // schema.
            if map.get("default").is_some_and(|default| !default.is_object()) {
                map.remove("default");
            }
            // A format is for numbers here; schemars also gives "uint32" and the like, which Kubernetes does not know.
            if map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}
