//! Objects as JSON: the kinds of the suite, what a test looks at in them, and what it expects there.

use cicdcontext_crds::{CicdBase, CicdContext, CicdEndpoint, CicdEvent, CicdStateWrite, ClusterCicdBase};
use k8s_openapi::api::core::v1::{ConfigMap, Secret, ServiceAccount};
use kube::core::ApiResource;
use serde_json::{Value, json};

/// The kinds that tests create and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Context,
    Event,
    StateWrite,
    Base,
    ClusterBase,
    Endpoint,
    Secret,
    ConfigMap,
    ServiceAccount,
}

impl Kind {
    pub(crate) fn resource(self) -> ApiResource {
        match self {
            Self::Context => ApiResource::erase::<CicdContext>(&()),
            Self::Event => ApiResource::erase::<CicdEvent>(&()),
            Self::StateWrite => ApiResource::erase::<CicdStateWrite>(&()),
            Self::Base => ApiResource::erase::<CicdBase>(&()),
            Self::ClusterBase => ApiResource::erase::<ClusterCicdBase>(&()),
            Self::Endpoint => ApiResource::erase::<CicdEndpoint>(&()),
            Self::Secret => ApiResource::erase::<Secret>(&()),
            Self::ConfigMap => ApiResource::erase::<ConfigMap>(&()),
            Self::ServiceAccount => ApiResource::erase::<ServiceAccount>(&()),
        }
    }

    pub(crate) fn is_namespaced(self) -> bool {
        self != Self::ClusterBase
    }

    /// A complete object.
    pub(crate) fn object(self, name: &str, spec: &Value) -> Value {
        let resource = self.resource();
        json!({
            "apiVersion": resource.api_version, "kind": resource.kind,
            "metadata": {"name": name}, "spec": spec,
        })
    }
}

/// Status, reason and message of a condition; blank if it is not there.
pub(crate) fn condition(object: &Value, kind: &str) -> (String, String, String) {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == kind).cloned().unwrap_or_default();
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"), text("message"))
}

/// Whether a condition has a status.
pub(crate) fn is(object: &Value, kind: &str, status: &str) -> bool {
    condition(object, kind).0 == status
}

/// Fails unless the condition has this status, reason and message.
#[track_caller]
pub(crate) fn expect_condition(object: &Value, kind: &str, status: &str, reason: &str, message: &str) {
    let expected = (status.to_owned(), reason.to_owned(), message.to_owned());
    assert_eq!(condition(object, kind), expected, "condition {kind} of {object:#}");
}

/// Fails unless the event ended so.
#[track_caller]
pub(crate) fn expect_outcome(event: &Value, phase: &str, succeeded: &str, reason: &str, message: &str) {
    assert_eq!(event["status"]["phase"], phase, "{event:#}");
    expect_condition(event, "Finished", "True", reason, message);
    expect_condition(event, "Succeeded", succeeded, reason, message);
}

/// The status of one handler of an event.
#[track_caller]
pub(crate) fn handler<'a>(event: &'a Value, name: &str) -> &'a Value {
    let handlers = event["status"]["handlers"].as_array().expect("the event has handlers");
    handlers.iter().find(|handler| handler["name"] == name).expect("the handler is there")
}

/// Fails unless the handler ended so.
#[track_caller]
pub(crate) fn expect_handler(event: &Value, name: &str, phase: &str, reason: &str, message: &str) {
    let handler = handler(event, name);
    let text = |field: &str| handler[field].as_str().unwrap_or_default().to_owned();
    let found = (text("phase"), text("reason"), text("message"));
    assert_eq!(found, (phase.to_owned(), reason.to_owned(), message.to_owned()), "handler {name} of {event:#}");
}

/// `metadata.name`
pub(crate) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("the object has a name")
}

/// `metadata.uid`
pub(crate) fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().expect("the object has a uid")
}

/// Configuration: on build=success the handler `tell` sends `message` to an endpoint.
pub(crate) fn tells(endpoint: &str, message: &str) -> Value {
    on_success(&json!([notify("tell", endpoint, message)]))
}

/// A context whose events append `built` to `state.log`, tell `chat`, and then append `told` and keep the answer's `ts`.
pub(crate) fn logs_and_tells() -> Value {
    let log = json!({"name": "log", "setValues": [{"path": "state.log", "op": "Append", "value": "built"}]});
    let mut tell = notify("tell", "chat", "built {{json state.log}}");
    tell["notify"]["capture"] = json!([
        {"path": "state.ts", "fromPath": "$.body.ts"},
        {"path": "state.log", "op": "Append", "value": "told"},
    ]);
    with(on_success(&json!([log, tell])), &json!({"state": {"log": ["start"]}}))
}

/// Configuration: on build=success these handlers run.
pub(crate) fn on_success(handlers: &Value) -> Value {
    json!({"pipelines": {"build": {"eventHandlers": {"success": handlers}}}})
}

/// A handler that sends a message.
pub(crate) fn notify(name: &str, endpoint: &str, message: &str) -> Value {
    json!({"name": name, "notify": {"endpoint": {"name": endpoint}, "message": message}})
}

/// A spec with more fields.
pub(crate) fn with(mut spec: Value, more: &Value) -> Value {
    json_merge(&mut spec, more);
    spec
}

/// The spec of an event.
pub(crate) fn event(context: &str, pipeline_and_event: &str) -> Value {
    let (pipeline, event) = pipeline_and_event.split_once('=').expect("pipeline=event");
    json!({"contextRef": {"name": context}, "pipeline": pipeline, "event": event})
}

fn json_merge(target: &mut Value, more: &Value) {
    match (target, more) {
        (Value::Object(target), Value::Object(more)) => {
            for (key, value) in more {
                json_merge(target.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (target, more) => target.clone_from(more),
    }
}
