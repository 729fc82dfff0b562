//! CicdBase and ClusterCicdBase: configuration that contexts inherit.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::configuration::{BaseReference, ConfigurationBlock};

/// Reusable configuration of one namespace.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cicdcontext.io",
    version = "v1alpha1",
    kind = "CicdBase",
    plural = "cicdbases",
    singular = "cicdbase",
    shortname = "cbase",
    category = "cicd",
    namespaced,
    status = "BaseStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "CicdBase is configuration that the CicdContexts and CicdBases of its namespace inherit by naming it.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct CicdBaseSpec {
    /// Bases that this one builds on, in this order; a later one wins, and this one over them. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub bases: Option<Vec<BaseReference>>,
    /// The configuration.
    #[serde(flatten)]
    pub configuration: ConfigurationBlock,
}

/// Reusable configuration for all namespaces.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cicdcontext.io",
    version = "v1alpha1",
    kind = "ClusterCicdBase",
    plural = "clustercicdbases",
    singular = "clustercicdbase",
    shortname = "ccbase",
    category = "cicd",
    status = "BaseStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "ClusterCicdBase is configuration that every CicdContext, CicdBase and ClusterCicdBase of the cluster may inherit by naming it. All who may read it anywhere see it: it must hold no secrets.",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    {"rule": "!has(self.bases) || self.bases.all(base, base.kind == 'ClusterCicdBase')",
     "message": "a ClusterCicdBase may only build on ClusterCicdBases", "fieldPath": ".bases"},
]))]
pub struct ClusterCicdBaseSpec {
    /// ClusterCicdBases that this one builds on, in this order; a later one wins, and this one over them.
    /// Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub bases: Option<Vec<BaseReference>>,
    /// The configuration.
    #[serde(flatten)]
    pub configuration: ConfigurationBlock,
}

/// What the operator says of a base.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BaseStatus {
    /// Generation of the base that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready: the base, and what it builds on, can be merged, and its templates compile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
