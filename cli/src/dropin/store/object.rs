//! A document as a CicdContext holds it, and the patch that makes one of another. Pure.
//!
//! | in the document | in the object |
//! |---|---|
//! | `state` | `spec.state` |
//! | texts of `variables` | `spec.variableValues`, which nobody renders |
//! | everything else | `spec.settings`, as it is |
//!
//! What the schema of the object does not take stays in `spec.settings` too: variables that are no text or too long, and a
//! `state` or `variables` that is no map.

use std::collections::BTreeMap;

use cicdcontext_compat::document::{Document, STATE, VARIABLES};
use cicdcontext_crds::{CicdContext, CicdContextSpec, ConfigurationBlock, vocabulary::annotation::DATA_ID};
use cicdcontext_engine::state::patch::{add, annotation_pointer, holds_untestable_null, remove, test};
use json_patch::{PatchOperation, jsonptr::PointerBuf};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use super::name::name;

/// The longest text that `spec.variableValues` takes, in characters.
const LONGEST_VALUE: usize = 65_536;
/// How many of them it takes.
const MOST_VALUES: usize = 512;

/// The parts of a spec that hold a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parts {
    settings: Map<String, Value>,
    state: Option<Map<String, Value>>,
    values: BTreeMap<String, String>,
}

impl From<&Document> for Parts {
    fn from(document: &Document) -> Self {
        let mut parts = Self::default();
        for (key, value) in &document.0 {
            match (key.as_str(), value) {
                (STATE, Value::Object(state)) => parts.state = Some(state.clone()),
                (VARIABLES, Value::Object(variables)) => {
                    let mut others = Map::new();
                    for (name, value) in variables {
                        match value {
                            Value::String(text)
                                if parts.values.len() < MOST_VALUES && text.chars().count() <= LONGEST_VALUE =>
                            {
                                parts.values.insert(name.clone(), text.clone());
                            }
                            other => {
                                others.insert(name.clone(), other.clone());
                            }
                        }
                    }
                    if !others.is_empty() || variables.is_empty() {
                        parts.settings.insert(VARIABLES.to_owned(), Value::Object(others));
                    }
                }
                (_, value) => {
                    parts.settings.insert(key.clone(), value.clone());
                }
            }
        }
        parts
    }
}

impl From<CicdContextSpec> for Parts {
    fn from(spec: CicdContextSpec) -> Self {
        Self {
            settings: spec.configuration.settings.unwrap_or_default(),
            state: spec.state,
            values: spec.variable_values.unwrap_or_default(),
        }
    }
}

impl From<Parts> for Document {
    fn from(parts: Parts) -> Self {
        let Parts { mut settings, state, values } = parts;
        let others = settings.shift_remove(VARIABLES);
        if let Some(state) = state.filter(|_| !settings.contains_key(STATE)) {
            settings.insert(STATE.to_owned(), Value::Object(state));
        }
        let variables = match others {
            Some(Value::Object(mut others)) => {
                others.extend(values.into_iter().map(|(name, text)| (name, Value::String(text))));
                Some(Value::Object(others))
            }
            None if values.is_empty() => None,
            None => Some(values.into_iter().map(|(name, text)| (name, Value::String(text))).collect()),
            other => other,
        };
        settings.extend(variables.map(|variables| (VARIABLES.to_owned(), variables)));
        Self(settings)
    }
}

impl Parts {
    /// What makes up the spec: the operator has no business with it.
    fn fields(&self) -> [(&'static str, Option<Value>); 4] {
        let values = self.values.iter().map(|(name, text)| (name.clone(), Value::from(text.as_str()))).collect();
        [
            ("settings", Some(Value::Object(self.settings.clone()))),
            ("state", self.state.clone().map(Value::Object)),
            ("variableValues", Some(Value::Object(values))),
            ("suspend", Some(Value::Bool(true))),
        ]
    }

    /// The object of a run that begins.
    pub(super) fn object(&self, id: &str) -> CicdContext {
        let metadata = ObjectMeta {
            name: Some(name(id)),
            annotations: Some(BTreeMap::from([(DATA_ID.to_owned(), id.to_owned())])),
            ..ObjectMeta::default()
        };
        let configuration =
            ConfigurationBlock { settings: Some(self.settings.clone()), ..ConfigurationBlock::default() };
        let spec = CicdContextSpec {
            configuration,
            variable_values: Some(self.values.clone()),
            state: self.state.clone(),
            suspend: Some(true),
            ..CicdContextSpec::default()
        };
        CicdContext { metadata, spec, status: None }
    }

    /// Replaces whatever document the object of this run holds.
    pub(super) fn replacement(&self, id: &str) -> Vec<PatchOperation> {
        let owner = test(annotation_pointer(Some(DATA_ID)), Value::from(id));
        let empty = || Value::Object(Map::new());
        let fields =
            self.fields().into_iter().map(|(field, value)| add(pointer(&[field]), value.unwrap_or_else(empty)));
        [owner].into_iter().chain(fields).collect()
    }

    /// Makes `new` of this: only what changes is written, each place under the condition that it is as it was read, so that
    /// those who write elsewhere are not in the way. None if nothing changes; `resource_version` guards what cannot be
    /// tested by itself.
    pub(super) fn patch(&self, new: &Self, resource_version: &str) -> Vec<PatchOperation> {
        let mut patch = Patch::default();
        for ((field, old), (_, new)) in self.fields().into_iter().zip(new.fields()) {
            patch.value(&mut vec![field], old.as_ref(), new.as_ref());
        }
        let Patch { mut operations, needs_version } = patch;
        if needs_version {
            operations.insert(0, cicdcontext_engine::state::patch::test_resource_version(resource_version));
        }
        operations
    }

    /// Bytes of it as JSON.
    pub(super) fn bytes(&self) -> usize {
        let fields = self.fields().into_iter().filter_map(|(_, value)| value);
        fields.map(|value| serde_json::to_vec(&value).map_or(0, |text| text.len())).sum()
    }
}

fn pointer(path: &[&str]) -> PointerBuf {
    PointerBuf::from_tokens(["spec"].into_iter().chain(path.iter().copied()))
}

#[derive(Default)]
struct Patch {
    operations: Vec<PatchOperation>,
    /// A list that holds null cannot be tested.
    needs_version: bool,
}

impl Patch {
    fn value<'v>(&mut self, path: &mut Vec<&'v str>, old: Option<&'v Value>, new: Option<&'v Value>) {
        match (old, new) {
            (old, new) if old == new => {}
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
                    path.push(key);
                    self.value(path, old.get(key), new.get(key));
                    path.pop();
                }
            }
            (old, new) => {
                let at = pointer(path);
                match old {
                    Some(old) if holds_untestable_null(old) => self.needs_version = true,
                    old => self.operations.push(test(at.clone(), old.cloned().unwrap_or_default())),
                }
                self.operations.push(match new {
                    Some(new) => add(at, new.clone()),
                    None => remove(at),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
