//! CicdStateWrite: a change of state that is handed to the operator, and gone once it is applied.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    change::{Precondition, ValueChange},
    event::ContextReference,
};

/// Changes of one context's state, made all or none. It cannot be changed; its name is its idempotency key.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cicdcontext.io",
    version = "v1alpha1",
    kind = "CicdStateWrite",
    plural = "cicdstatewrites",
    singular = "cicdstatewrite",
    shortname = "csw",
    category = "cicd",
    namespaced,
    status = "CicdStateWriteStatus",
    derive = "PartialEq",
    derive = "Default",
    selectable = ".spec.contextRef.name",
    doc = "CicdStateWrite changes the state of a CicdContext through the operator, which applies all that wait for one context in one patch and then deletes them. Many writers of one context use it, and everyone who appends or compares before setting.",
    printcolumn(name = "Context", type_ = "string", json_path = ".spec.contextRef.name"),
    printcolumn(
        name = "Applied",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Applied')].status",
        description = "False: refused. Once applied it is gone"
    ),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Applied')].reason"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Applied')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "self == oldSelf", "message": "a state write cannot be changed; create another one"},
]))]
pub struct CicdStateWriteSpec {
    /// The context whose state is changed.
    pub context_ref: ContextReference,
    /// The changes, made one after the other; at most 256, and 256 KiB in all.
    #[schemars(length(min = 1, max = 256))]
    pub changes: Vec<ValueChange>,
    /// What must hold before the first change, or nothing is changed. Default: nothing must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub preconditions: Option<Vec<Precondition>>,
    /// When the creator made it. On a copy that is restored much later it tells the copy from the original.
    /// Default: metadata.creationTimestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
}

/// What the operator says of a state write that it did not apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CicdStateWriteStatus {
    /// Generation of the state write that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Applied=False with the reason why it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
