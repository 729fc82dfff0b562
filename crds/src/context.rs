//! CicdContext: the selected configuration and the shared state of one logical run.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    configuration::{BaseReference, ConfigurationBlock},
    event::EventPhase,
    schema,
};

/// Finished events that a context keeps by default, and failed ones.
pub const DEFAULT_EVENT_HISTORY_LIMIT: i32 = 20;

/// What a CicdContext selects and holds.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cicdcontext.io",
    version = "v1alpha1",
    kind = "CicdContext",
    plural = "cicdcontexts",
    singular = "cicdcontext",
    shortname = "cctx",
    category = "cicd",
    namespaced,
    status = "CicdContextStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "CicdContext is the memory of one logical CI/CD run: it selects configuration and holds the state that every step of the run reads and writes by patching it.",
    printcolumn(
        name = "Context",
        type_ = "string",
        json_path = ".spec.context",
        description = "The cicd context that is selected"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status",
        description = "Whether configuration is resolved"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        description = "Why it is, or is not"
    ),
    printcolumn(
        name = "Last Event",
        type_ = "string",
        json_path = ".status.lastEvent.event",
        description = "The event that finished last"
    ),
    printcolumn(
        name = "Phase",
        type_ = "string",
        json_path = ".status.lastEvent.phase",
        description = "Outcome of that event"
    ),
    printcolumn(
        name = "Pending",
        type_ = "integer",
        json_path = ".status.events.pending",
        description = "Events that wait for their turn"
    ),
    printcolumn(
        name = "Failed",
        type_ = "integer",
        json_path = ".status.events.failed",
        description = "Events that failed and are still kept",
        priority = 1
    ),
    printcolumn(
        name = "State",
        type_ = "integer",
        json_path = ".status.stateBytes",
        description = "Size of the state in bytes",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        description = "What is wrong, if anything is",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct CicdContextSpec {
    /// Name of the entry of contexts (stage, prod, ...) whose configuration is merged over the common parts.
    /// Default: the common parts alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub context: Option<String>,
    /// Bases whose configuration is inherited, in this order; a later one wins. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub bases: Option<Vec<BaseReference>>,
    /// Configuration of this context alone; it wins over its bases.
    #[serde(flatten)]
    pub configuration: ConfigurationBlock,
    /// Literal texts of variables, by name. They win over variables and are never rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 512, "additionalProperties" = {"type": "string", "maxLength": 65536}))]
    pub variable_values: Option<BTreeMap<String, String>>,
    /// The state: one free-form JSON object that every step reads and writes by patching this object (kubectl patch
    /// --type merge, or any client), and that handlers write into. At most 512 KiB, nested at most 64 deep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_form_object")]
    pub state: Option<Map<String, Value>>,
    /// A JSON Schema (2020-12) that the state must satisfy; at most 64 KiB, with references inside the document only
    /// (#/$defs/name) and patterns without look-around and backreferences. What events, handlers, state writes and
    /// cicdctl set would add is refused if it breaks the schema; a plain patch is not, and shows as condition
    /// StateValid=False, which names the paths. Nobody is refused because of what was broken before, or because the
    /// schema itself cannot be used (SchemaInvalid) or would take too long (SchemaTooCostly). Default: any state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_form_object")]
    pub state_schema: Option<Map<String, Value>>,
    /// True holds events and retries back; the state can still be written. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// How many finished events that succeeded or were skipped are kept. The oldest go first, none within a minute.
    /// Default: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub event_history_limit: Option<i32>,
    /// How many failed events are kept. The oldest go first, none within a minute. Default: 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub failed_event_history_limit: Option<i32>,
    /// Delete this context so many seconds after its last activity (a change of its spec or an event), if nothing is
    /// unfinished. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 315_360_000))]
    pub ttl_seconds_after_last_activity: Option<i64>,
}

/// What the operator says of a CicdContext.
///
/// There is no observedGeneration: each patch of the state raises the generation, so that `kubectl wait` would never
/// see the two agree. `configurationHash` says which configuration was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CicdContextStatus {
    /// Ready: configuration is resolved. StateValid: the state satisfies its schema and limits. Stalled: nothing will
    /// happen until somebody changes something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The cicd context that was selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected_context: Option<String>,
    /// Hash of the resolved configuration. Contexts with the same hash have the same configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_hash: Option<String>,
    /// All bases that went into the configuration, bases of bases included, in the order of merging.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bases: Vec<BaseReference>,
    /// How many events there are. Brought up to date with other writes, or within 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<EventCounts>,
    /// The event that finished last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event: Option<LastEvent>,
    /// Size of the state as JSON, in bytes. Brought up to date with other writes, or within 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_bytes: Option<i64>,
    /// When the context's spec or events were last seen to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_time: Option<Time>,
}

/// Events of a context, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventCounts {
    /// Events whose turn has not come.
    pub pending: i32,
    /// Events with deliveries that wait for their next attempt.
    pub waiting: i32,
    /// Failed events that are still kept.
    pub failed: i32,
}

/// The event that finished last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastEvent {
    /// Name of the CicdEvent.
    pub name: String,
    /// Its pipeline and event, as `pipeline=event`.
    pub event: String,
    /// How it ended.
    pub phase: EventPhase,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
}
