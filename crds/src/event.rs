//! CicdEvent: one event of one context: what happened, how it was handled, what came of it.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{change::ValueChange, handler::HandlerType, schema};

/// Names the context that an event or a state write is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ContextReference {
    /// Name of the CicdContext, in the same namespace.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// UID of the CicdContext. With it, the event is only for that very object and not for a later one of its name.
    /// Default: whichever object has the name when the event is first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub uid: Option<String>,
}

/// One event. It cannot be changed once it is created; its name is its idempotency key.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cicdcontext.io",
    version = "v1alpha1",
    kind = "CicdEvent",
    plural = "cicdevents",
    singular = "cicdevent",
    shortname = "cev",
    category = "cicd",
    namespaced,
    status = "CicdEventStatus",
    derive = "PartialEq",
    derive = "Default",
    selectable = ".spec.contextRef.name",
    doc = "CicdEvent says that something happened in a pipeline of a CicdContext. The operator runs the handlers configured for it and reports each of them here.",
    printcolumn(
        name = "Context",
        type_ = "string",
        json_path = ".spec.contextRef.name",
        description = "The CicdContext it belongs to"
    ),
    printcolumn(name = "Pipeline", type_ = "string", json_path = ".spec.pipeline"),
    printcolumn(name = "Event", type_ = "string", json_path = ".spec.event"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Succeeded')].reason",
        description = "Why it ended, or does not go on"
    ),
    printcolumn(name = "Generator", type_ = "string", json_path = ".spec.generate", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Succeeded')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend(
    "example" = [{"required": ["event"]}, {"required": ["generate"]}, {"required": ["raw"]}],
    "x-kubernetes-validations" = [
        {"rule": "self == oldSelf", "message": "an event cannot be changed; create another one"},
        {"rule": "has(self.raw) || has(self.pipeline)", "message": "pipeline is required"},
    ],
))]
pub struct CicdEventSpec {
    /// The context that the event belongs to.
    pub context_ref: ContextReference,
    /// The pipeline in which it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub pipeline: Option<String>,
    /// What happened, for instance success: a name below the pipeline's eventHandlers. Exactly one of event,
    /// generate and raw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub event: Option<String>,
    /// Instead of an event: the name of a generator of the pipeline to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub generate: Option<String>,
    /// The first 4 KiB of an annotation that could not be understood. For the operator's own use: such an event fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub raw: Option<String>,
    /// Free-form facts about what happened; templates read them as event.data. Any JSON. data, vars and set together
    /// may have 256 KiB.
    #[serde(default, deserialize_with = "schema::present", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub data: Option<Value>,
    /// Values that this event's templates see at the given paths, as {path: literal}: they may open a new root (`ctx.flag`) or
    /// change this event's copy of the state. Default: none.
    #[serde(default, deserialize_with = "schema::present", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub vars: Option<Value>,
    /// As vars, with values read from the state when the event starts, as {path: path in the state}. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "maxProperties" = 64,
        "additionalProperties" = {"type": "string", "minLength": 1, "maxLength": 1024},
    ))]
    pub vars_from: Option<BTreeMap<String, String>>,
    /// Changes of the state, made all or none before the first handler. If they are refused the event fails and
    /// nothing is sent. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub set: Option<Vec<ValueChange>>,
    /// Render what would be sent and written into the status, and neither send nor write it. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// When the creator made the event. On a copy that is restored much later it tells the copy from the original.
    /// Default: metadata.creationTimestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    /// Delete the event so many seconds after it finished, but not within a minute. Default: the context's history
    /// limits alone decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 315_360_000))]
    pub ttl_seconds_after_finished: Option<i64>,
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum EventPhase {
    /// Its turn has not come.
    #[default]
    Pending,
    /// Its handlers run.
    Running,
    /// At least one delivery waits for its next attempt.
    Retrying,
    /// Every handler succeeded or was skipped.
    Succeeded,
    /// At least one handler failed, or the event itself could not be handled.
    Failed,
    /// Nothing was to be done.
    Skipped,
}

impl EventPhase {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }
}

/// What the operator says of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CicdEventStatus {
    /// Generation of the event that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Pending, Running, Retrying, Succeeded, Failed or Skipped.
    #[serde(default)]
    pub phase: EventPhase,
    /// Finished: nothing more will happen. Succeeded: how it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Place of the event in its context's order: the resourceVersion under which it was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// When the first handler started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Time>,
    /// When the event was finished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<Time>,
    /// Paths that spec.set wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// Each handler of the event, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub handlers: Vec<HandlerStatus>,
    /// Requests that wait to be sent, or that ended Failed or Unknown and can be sent again: compressed, at most 768 KiB
    /// in all. Nothing of a Secret is in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["handler"]))]
    pub requests: Vec<StoredRequest>,
}

/// Where a handler stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum HandlerPhase {
    /// Its turn has not come.
    #[default]
    Pending,
    /// Its request waits for its next attempt.
    Waiting,
    /// Its request is under way.
    Sending,
    /// Done.
    Succeeded,
    /// Failed for good.
    Failed,
    /// Left out.
    Skipped,
    /// Whether the request arrived cannot be known.
    Unknown,
}

impl HandlerPhase {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped | Self::Unknown)
    }
}

/// What became of one handler.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HandlerStatus {
    /// Name of the handler.
    pub name: String,
    /// What it does.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub handler_type: Option<HandlerType>,
    /// Pending, Waiting, Sending, Succeeded, Failed, Skipped or Unknown.
    #[serde(default)]
    pub phase: HandlerPhase,
    /// A word that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// A sentence that says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The text of the handler's `if`, when it was skipped for it.
    #[serde(rename = "if", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Attempts that were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i32>,
    /// When the next attempt is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_time: Option<Time>,
    /// The id that every attempt carries as webhook-id and Idempotency-Key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<String>,
    /// The endpoint, as name or namespace/name; for a webhook with a url of its own, scheme and host of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Status code of the last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<i32>,
    /// Milliseconds that the last attempt took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<i64>,
    /// Paths of the state that the handler wrote.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// The ids of the last redeliveries that were asked for, at most 8, the newest last: what follows
    /// redeliver.cicdcontext.io/ in the annotation. Each is taken in once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub redeliveries: Vec<String>,
    /// AtMostOnce: who makes the attempt, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// Dry run: the request that would be sent, credentials redacted, at most 16 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// A claim to the one attempt that AtMostOnce allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The operator process that makes the attempt.
    pub holder: String,
    /// Which attempt it is.
    pub attempt: i32,
    /// From when on another process may say that the outcome is unknown.
    pub deadline: Time,
}

/// A rendered request that waits, or that can be sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredRequest {
    /// The handler that made it.
    pub handler: String,
    /// Method, URL if it came from a template, template headers and body: compressed JSON in base64.
    #[schemars(length(max = 1_048_576))]
    pub content: String,
    /// What decides when the next attempt is made, or that none is.
    pub history: AttemptHistory,
}

/// What is remembered of a request between two attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttemptHistory {
    /// Attempts since the request was to be sent, or since its redelivery was asked for.
    #[schemars(range(min = 0))]
    pub attempts: i32,
    /// When it was to be sent, in milliseconds since 1970: from then on retry.maxElapsedSeconds counts.
    #[schemars(range(min = 0))]
    pub start_ms: i64,
    /// Milliseconds since then that do not count: suspended, or queued for a limit. Default: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub held_ms: Option<i64>,
}
