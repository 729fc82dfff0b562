//! What the state folder holds of one context, and the object that it makes together with the context's manifest: the
//! configuration is always the manifest's, the state never.

use std::collections::BTreeMap;

use cicdcontext_crds::{
    CicdContext, Time,
    vocabulary::{GROUP, VERSION},
};
use json_patch::PatchOperation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Manifest;
use crate::source::Context;

/// What the state folder holds of a context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// Its UID, for ever.
    pub(super) uid: String,
    /// Counts every change of the context and of its events.
    pub(super) resource_version: u64,
    /// When it was first touched.
    pub(super) creation_timestamp: Time,
    /// Its annotations; among them the ledger of effects that are in the state.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
    /// Its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<Map<String, Value>>,
    /// The rest of its spec, if no manifest has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) spec: Option<Value>,
}

/// Why a patch was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotPatched {
    /// A `test` does not hold, or there is nothing where it writes.
    Conflict,
    /// It would change more than what the state folder holds.
    Refused(String),
}

impl Record {
    /// That of a context which has never been touched.
    pub(super) fn first(manifest: &Manifest, uid: String, now: Time) -> Self {
        let object = |pointer| manifest.object.pointer(pointer).and_then(Value::as_object).cloned();
        let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
        Self {
            uid,
            resource_version: 1,
            creation_timestamp: now,
            annotations: object("/metadata/annotations").into_iter().flatten().filter_map(text).collect(),
            state: object("/spec/state"),
            spec: None,
        }
    }

    /// That of a context which is created without a manifest.
    pub(super) fn created(context: &CicdContext, uid: String, now: Time) -> Result<Self, serde_json::Error> {
        let mut spec = context.spec.clone();
        let state = spec.state.take();
        let annotations = context.metadata.annotations.clone().unwrap_or_default();
        let spec = Some(serde_json::to_value(spec)?);
        Ok(Self { uid, resource_version: 1, creation_timestamp: now, annotations, state, spec })
    }

    /// What verbs about the state read.
    pub(super) fn context(&self, name: &str, manifest: Option<&Manifest>) -> Context {
        let spec = manifest.and_then(|manifest| manifest.object.get("spec")).or(self.spec.as_ref());
        Context {
            name: name.to_owned(),
            uid: self.uid.clone(),
            resource_version: self.resource_version.to_string(),
            annotations: self.annotations.clone(),
            state: self.state.clone(),
            state_schema: spec.and_then(|spec| spec.get("stateSchema")).and_then(Value::as_object).cloned(),
            conditions: Vec::new(),
        }
    }

    /// The whole object.
    pub(super) fn object(&self, (namespace, name): (&str, &str), manifest: Option<&Manifest>) -> Value {
        let mut object = match manifest {
            Some(manifest) => manifest.object.clone(),
            None => json!({"apiVersion": format!("{GROUP}/{VERSION}"), "kind": "CicdContext", "spec": self.spec}),
        };
        let mut metadata = json!({
            "name": name,
            "namespace": namespace,
            "uid": self.uid,
            "resourceVersion": self.resource_version.to_string(),
            "creationTimestamp": self.creation_timestamp,
        });
        if !self.annotations.is_empty() {
            metadata["annotations"] = json!(self.annotations);
        }
        if let Some(labels) = object.pointer_mut("/metadata/labels").map(Value::take) {
            metadata["labels"] = labels;
        }
        if !object["spec"].is_object() {
            object["spec"] = json!({});
        }
        object["metadata"] = metadata;
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.shift_remove("state");
            spec.extend(self.state.clone().map(|state| ("state".to_owned(), Value::Object(state))));
        }
        object
    }

    /// Applies a patch of the whole object, all or nothing.
    pub(super) fn patch(
        &mut self,
        name: (&str, &str),
        manifest: Option<&Manifest>,
        operations: &[PatchOperation],
    ) -> Result<(), NotPatched> {
        let mut object = self.object(name, manifest);
        for operation in operations {
            // As the API server has it: absent is as good as null, as long as there is something that it is absent from.
            if let PatchOperation::Test(test) = operation
                && test.value.is_null()
                && object.pointer(test.path.as_str()).is_none()
            {
                let parent = test.path.split_back().map(|(parent, _)| parent.as_str());
                if parent.is_some_and(|parent| object.pointer(parent).is_some_and(|it| it.is_object() || it.is_array()))
                {
                    continue;
                }
                return Err(NotPatched::Conflict);
            }
            // The library would move the last key of a map into the place of the one that goes.
            if let PatchOperation::Remove(gone) = operation
                && let Some((parent, key)) = gone.path.split_back()
                && let Some(Value::Object(map)) = object.pointer_mut(parent.as_str())
            {
                map.shift_remove(key.decoded().as_ref()).ok_or(NotPatched::Conflict)?;
                continue;
            }
            json_patch::patch(&mut object, std::slice::from_ref(operation)).map_err(|_| NotPatched::Conflict)?;
        }
        let mut patched = self.clone();
        let annotations = object["metadata"].as_object_mut().and_then(|metadata| metadata.shift_remove("annotations"));
        patched.annotations = annotations.map(serde_json::from_value).transpose().map_err(refused)?.unwrap_or_default();
        let state = object["spec"].as_object_mut().and_then(|spec| spec.shift_remove("state"));
        patched.state = state.map(serde_json::from_value).transpose().map_err(refused)?;
        if manifest.is_none() {
            let spec = object["spec"].take();
            // Whoever reads it must understand it.
            serde_json::from_value::<cicdcontext_crds::CicdContextSpec>(spec.clone()).map_err(refused)?;
            patched.spec = Some(spec);
        } else {
            let before = Self { annotations: BTreeMap::new(), state: None, ..self.clone() }.object(name, manifest);
            if object != before {
                let place = manifest.map(|manifest| manifest.origin.to_string()).unwrap_or_default();
                return Err(NotPatched::Refused(format!(
                    "its manifest is not rewritten, and only state and annotations stand beside it: change {place}"
                )));
            }
        }
        *self = patched;
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn refused(error: serde_json::Error) -> NotPatched {
    NotPatched::Refused(format!("what the patch makes of it is no CicdContext: {error}"))
}
