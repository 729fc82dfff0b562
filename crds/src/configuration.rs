//! The configuration block that bases and contexts share, and references to bases.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{change::Change, handler::EventHandler, schema};

/// Longest template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 65_536;
/// Most handlers that one event may have.
pub const MAX_HANDLERS: usize = 64;
/// Most bases that one object may name, and how deep bases may be nested.
pub const MAX_BASES: usize = 32;
/// Longest name of a pipeline, event, generator or handler.
pub const MAX_NAME_BYTES: usize = 63;

/// The language of templates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::schema::without_description)]
pub enum TemplateEngine {
    /// Handlebars.
    #[default]
    Handlebars,
    /// Jinja2 as the predecessor, cicdstatemgr, understood it.
    Jinja,
}

/// Which kind of base a reference names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::schema::without_description)]
pub enum BaseKind {
    /// A base of the same namespace.
    CicdBase,
    /// A base for all namespaces.
    ClusterCicdBase,
}

/// Names a base whose configuration is inherited.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct BaseReference {
    /// CicdBase (of the same namespace) or ClusterCicdBase.
    pub kind: BaseKind,
    /// The base's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Configuration: settings, templates, pipelines with their event handlers and generators.
///
/// The same block is the spec of a base and stands inline in a CicdContext.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationBlock {
    /// The language of the templates written in this block. Default: Handlebars. A template keeps the language of the
    /// block that wrote it, also when another block inherits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_engine: Option<TemplateEngine>,
    /// Free-form settings that templates read as settings.*. Maps of several blocks are merged key by key; lists and
    /// scalars are replaced by the later block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_form_object")]
    pub settings: Option<Map<String, Value>>,
    /// Templates with a name, rendered whenever another template reads variables.NAME.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 512, "additionalProperties" = {"type": "string", "maxLength": 65536}))]
    pub variables: Option<BTreeMap<String, String>>,
    /// Templates that others include as {{> NAME}}. Seen by templates of the same language only. In Jinja: macros, put
    /// in front of every template in the order of their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 512, "additionalProperties" = {"type": "string", "maxLength": 65536}))]
    pub partials: Option<BTreeMap<String, String>>,
    /// The pipelines of every context, by name ([A-Za-z0-9_-], at most 63 characters).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 256))]
    pub pipelines: Option<BTreeMap<String, PipelineConfiguration>>,
    /// Named cicd contexts such as stage or prod. The one that a CicdContext selects is merged over all the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub contexts: Option<BTreeMap<String, ContextConfiguration>>,
    /// Inherited keys that this block removes, as paths: settings.a.b, variables.c,
    /// pipelines.build.eventHandlers.success. A path that nothing inherited has is not an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 1024)))]
    pub unset: Option<Vec<String>>,
}

/// What a selected cicd context adds or changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContextConfiguration {
    /// Free-form settings, merged over the common ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_form_object")]
    pub settings: Option<Map<String, Value>>,
    /// Templates with a name; they win over the common ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 512, "additionalProperties" = {"type": "string", "maxLength": 65536}))]
    pub variables: Option<BTreeMap<String, String>>,
    /// Templates that others include; they win over the common ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 512, "additionalProperties" = {"type": "string", "maxLength": 65536}))]
    pub partials: Option<BTreeMap<String, String>>,
    /// Pipelines, merged over the common ones: handlers and generators by their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 256))]
    pub pipelines: Option<BTreeMap<String, PipelineConfiguration>>,
}

/// One pipeline: what happens on its events, and its generators.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineConfiguration {
    /// Free-form settings of this pipeline; templates read them as pipeline.settings.*.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_form_object")]
    pub settings: Option<Map<String, Value>>,
    /// For each event ([A-Za-z0-9_-], at most 63 characters) its handlers, which run in the order of the list. Lists
    /// of several blocks are merged by the handlers' names; the order is that in which a name was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "event_handlers")]
    pub event_handlers: Option<BTreeMap<String, Vec<EventHandler>>>,
    /// For each generator ([A-Za-z0-9_-], at most 63 characters) its items, which run in the order of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "generators")]
    pub generators: Option<BTreeMap<String, Vec<Generator>>>,
}

/// One conditional list of changes of state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// Name of this item, unique in its list. A later block changes the item of the same name.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// False switches an inherited item off. Default: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// A template; if its text is blank, false, 0, null or none, the item is left out. Default: the item runs.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub condition: Option<String>,
    /// The changes, made one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub set: Option<Vec<Change>>,
}

fn event_handlers(generator: &mut SchemaGenerator) -> Schema {
    named_lists::<EventHandler>(generator)
}

fn generators(generator: &mut SchemaGenerator) -> Schema {
    named_lists::<Generator>(generator)
}

/// A map of lists that the API server merges, and checks for duplicates, by `name`.
fn named_lists<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 256,
        "additionalProperties": {
            "type": "array",
            "maxItems": MAX_HANDLERS,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": generator.subschema_for::<T>(),
        },
    })
}
