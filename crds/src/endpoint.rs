//! CicdEndpoint: where deliveries go, with which credentials, and within which limits.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    change::Capture,
    configuration::TemplateEngine,
    handler::{HttpMethod, NamedTemplate},
};

/// Seconds that an attempt may take in all by default.
pub const DEFAULT_TIMEOUT_SECONDS: i32 = 15;
/// Attempts that are made by default.
pub const DEFAULT_MAX_ATTEMPTS: i32 = 8;
/// Seconds after which a delivery is given up by default: a day.
pub const DEFAULT_MAX_ELAPSED_SECONDS: i64 = 86_400;

/// Where deliveries go.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "cicdcontext.io",
    version = "v1alpha1",
    kind = "CicdEndpoint",
    plural = "cicdendpoints",
    singular = "cicdendpoint",
    shortname = "cend",
    category = "cicd",
    namespaced,
    status = "CicdEndpointStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "CicdEndpoint is a receiver of deliveries: its URL, credentials, bodies, limits and retries. Whoever may write one can use the ordinary Secrets of its namespace.",
    printcolumn(name = "Preset", type_ = "string", json_path = ".spec.preset"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Last Success", type_ = "date", json_path = ".status.lastSuccessTime"),
    printcolumn(name = "Last Failure", type_ = "date", json_path = ".status.lastFailureTime"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend(
    "example" = [{"required": ["url"]}, {"required": ["urlFrom"]}],
    "x-kubernetes-validations" = [
        {"rule": "!has(self.url) || self.url.startsWith('https://') || (self.url.startsWith('http://') && has(self.allowHttp) && self.allowHttp)",
         "message": "url must start with https:// (or with http:// if allowHttp is true)", "fieldPath": ".url"},
        {"rule": "!has(self.auth) || !has(self.headers) || self.headers.all(h, h.name.lowerAscii() != 'authorization')",
         "message": "auth and an Authorization header exclude each other", "fieldPath": ".headers"},
    ],
))]
pub struct CicdEndpointSpec {
    /// The URL, not a template. Exactly one of url and urlFrom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2048))]
    pub url: Option<String>,
    /// The URL is a secret, as a chat's incoming webhook is. Exactly one of url and urlFrom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_from: Option<SecretSource>,
    /// Hosts that a respond handler's URL may have: exact names, or *.suffix. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub allowed_hosts: Option<Vec<String>>,
    /// Other namespaces whose contexts may use this endpoint. Default: none but its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_namespaces: Option<AllowedNamespaces>,
    /// What webhook handlers may choose themselves. Default: nothing; they may only send the endpoint's method to
    /// its url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Allow>,
    /// True allows plain http. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_http: Option<bool>,
    /// Bodies and headers for a known service. Default: Generic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// HTTP method. Default: POST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// Headers of every request. Default: Content-Type: application/json where there is a body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Option<Vec<EndpointHeader>>,
    /// Credentials. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// Sign requests as Standard Webhooks 1.0 says. Default: unsigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,
    /// Certificates. Default: the operator's trust store, no client certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Name of one of the operator's proxies. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub proxy: Option<String>,
    /// Seconds that one attempt may take in all. Default: 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: Option<i32>,
    /// When and how often a failed attempt is repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How many requests may be sent in which time. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How many requests may be under way at once. Default: 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub concurrency: Option<i32>,
    /// The language of this endpoint's templates. Default: Handlebars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_engine: Option<TemplateEngine>,
    /// Templates that the bodies include. Nobody else's partials are seen there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 128, "additionalProperties" = {"type": "string", "maxLength": 65536}))]
    pub partials: Option<std::collections::BTreeMap<String, String>>,
    /// Templates of the request bodies. Default: those of the preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<Bodies>,
    /// Arguments of every triggerPipeline body; each value is a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub args: Option<Vec<NamedTemplate>>,
    /// Values of every response to keep in the state, before a handler's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub capture: Option<Vec<Capture>>,
    /// A template over a 2xx response (body, status, headers); if its text is blank, false, 0, null or none, the
    /// delivery failed. Default: every 2xx is a success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub success_when: Option<String>,
    /// A template over a 2xx response that is no success; unless its text is blank, false, 0, null or none, the
    /// attempt is repeated. Default: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub retry_when: Option<String>,
    /// AtLeastOnce: a request whose outcome is unclear is sent again with the same webhook-id. AtMostOnce: it is not.
    /// Default: AtLeastOnce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_guarantee: Option<DeliveryGuarantee>,
    /// True holds deliveries back; they wait. Default: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// A key of a Secret of the endpoint's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretSource {
    /// The Secret and its key.
    pub secret_key_ref: SecretKeyReference,
}

/// Names a key of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct SecretKeyReference {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the Secret's data.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// Names a key of a Secret or of a ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("example" = [{"required": ["secretKeyRef"]}, {"required": ["configMapKeyRef"]}]))]
pub struct CertificateSource {
    /// A key of a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyReference>,
    /// A key of a ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<ConfigMapKeyReference>,
}

/// Names a key of a ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigMapKeyReference {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in the ConfigMap's data.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// Which other namespaces may use an endpoint; either names or selector suffices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllowedNamespaces {
    /// Their names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 63)))]
    pub names: Option<Vec<String>>,
    /// A selector over the labels of Namespaces; an empty one selects all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// What webhook handlers may choose themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allow {
    /// Methods besides the endpoint's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5))]
    pub methods: Option<Vec<HttpMethod>>,
    /// What a handler's path must start with, segment by segment: /api allows /api and /api/x, not /apis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 1024), regex(pattern = "^/")))]
    pub path_prefixes: Option<Vec<String>>,
    /// Names of headers that a handler may set, in any case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub headers: Option<Vec<String>>,
}

/// Services whose request bodies are built in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::schema::without_description)]
pub enum Preset {
    /// Slack's chat.postMessage and incoming webhooks.
    Slack,
    /// Microsoft Teams, as Adaptive Cards.
    Teams,
    /// Discord's webhooks.
    Discord,
    /// A Tekton EventListener.
    TektonTrigger,
    /// A CloudEvents-like JSON object with everything that is known.
    #[default]
    Generic,
}

/// A header of every request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("example" = [{"required": ["value"]}, {"required": ["valueFrom"]}]))]
pub struct EndpointHeader {
    /// Name of the header.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"))]
    pub name: String,
    /// A template of the value. Exactly one of value and valueFrom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8192))]
    pub value: Option<String>,
    /// The value is a secret, with literal text around it if need be. Exactly one of value and valueFrom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_from: Option<HeaderSource>,
}

/// A header value out of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeaderSource {
    /// The Secret and its key.
    pub secret_key_ref: SecretKeyReference,
    /// Text before the secret, for instance `Token `. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub prefix: Option<String>,
    /// Text behind the secret. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub suffix: Option<String>,
}

/// Credentials: exactly one of bearer and basic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("example" = [{"required": ["bearer"]}, {"required": ["basic"]}]))]
pub struct Auth {
    /// `Authorization: Bearer` with the token from a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<SecretSource>,
    /// `Authorization: Basic` with user name and password from a Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<BasicAuth>,
}

/// A Secret with user name and password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BasicAuth {
    /// Name of a Secret, as one of type kubernetes.io/basic-auth has it.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// Key of the user name. Default: username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub username_key: Option<String>,
    /// Key of the password. Default: password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub password_key: Option<String>,
}

/// Signatures as Standard Webhooks 1.0 has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signing {
    /// Symmetric keys (`whsec_` and base64). Each gives one signature, so that a receiver can change from one to the
    /// next.
    #[schemars(length(min = 1, max = 4))]
    pub keys: Vec<SecretSource>,
}

/// Certificates of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// PEM certificates that are trusted instead of the operator's. Default: the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<CertificateSource>,
    /// Name of a Secret of type kubernetes.io/tls with a client certificate. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub client_certificate_secret_name: Option<String>,
}

/// When a failed attempt is repeated: after a random part of initialDelaySeconds, doubled each time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Attempts in all. Default: 8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 50))]
    pub max_attempts: Option<i32>,
    /// Seconds after which a delivery is given up. Default: 86400, a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 604_800))]
    pub max_elapsed_seconds: Option<i64>,
    /// Seconds before the second attempt. Default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub initial_delay_seconds: Option<i32>,
    /// Longest wait between two attempts, in seconds. Default: 3600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub max_delay_seconds: Option<i32>,
}

/// How many requests may be sent in which time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Requests in each period.
    #[schemars(range(min = 1, max = 100_000))]
    pub requests: i32,
    /// Length of the period in seconds. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 86_400))]
    pub per_seconds: Option<i32>,
}

/// Templates of the request bodies, by the type of the handler that sends them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bodies {
    /// Body of notify handlers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub notify: Option<String>,
    /// Body of respond handlers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub respond: Option<String>,
    /// Body of manualChoice handlers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub manual_choice: Option<String>,
    /// Body of triggerPipeline handlers. Default: a JSON object of all args.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub trigger_pipeline: Option<String>,
}

/// What holds for a request whose outcome is unclear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(transform = crate::schema::without_description)]
pub enum DeliveryGuarantee {
    /// It is sent again.
    #[default]
    AtLeastOnce,
    /// It is not.
    AtMostOnce,
}

/// What the operator says of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CicdEndpointStatus {
    /// Generation of the endpoint that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready: the endpoint can be used: its templates compile, its Secrets are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// When a delivery last succeeded; written at most once in 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success_time: Option<Time>,
    /// When an attempt last failed; written at most once in 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_time: Option<Time>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_reason: Option<String>,
}
