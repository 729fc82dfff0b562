//! Each CEL rule (`x-kubernetes-validations`) of the CRDs, with values that it accepts and values that it refuses.
//!
//! The rules are evaluated here as the API server does it, by kube's `cel` feature; the integration suite shows that a
//! real API server compiles them within its cost budget.

// A test that cannot go on should stop loudly, here as in unit tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeSet, sync::LazyLock};

use cicdcontext_crds::manifests::{Manifest, manifests};
use kube::core::cel::Validator;
use serde_json::{Value, json};

/// Generated once: that takes longer than all that is looked at.
static CRDS: LazyLock<Vec<Manifest>> = LazyLock::new(|| manifests().unwrap());

fn schema(kind: &str) -> &'static Value {
    let crd = CRDS.iter().find(|crd| crd.json["spec"]["names"]["kind"] == kind).unwrap();
    &crd.json["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

fn check(kind: &str, spec: &Value, old: Option<&Value>) -> Vec<(String, String)> {
    let object = json!({ "spec": spec });
    let old = old.map(|old| json!({ "spec": old }));
    match Validator::new().validate(schema(kind), &object, old.as_ref()) {
        Ok(()) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| (error.field_path, error.message)).collect(),
    }
}

#[track_caller]
fn accepted(kind: &str, spec: &Value) {
    assert_eq!(check(kind, spec, None), [], "{spec:#}");
}

#[track_caller]
fn refused(kind: &str, spec: &Value, path: &str, message: &str) {
    assert_eq!(check(kind, spec, None), [(path.to_owned(), message.to_owned())], "{spec:#}");
}

#[track_caller]
fn change_refused(kind: &str, old: &Value, new: &Value, message: &str) {
    assert_eq!(check(kind, old, Some(old)), [], "an update that changes nothing is no change");
    assert_eq!(check(kind, new, Some(old)), [("spec".to_owned(), message.to_owned())], "{new:#}");
}

const EVENT: &str = "an event cannot be changed; create another one";
const STATE_WRITE: &str = "a state write cannot be changed; create another one";
const PIPELINE: &str = "pipeline is required";
const CLUSTER_BASE: &str = "a ClusterCicdBase may only build on ClusterCicdBases";
const URL: &str = "url must start with https:// (or with http:// if allowHttp is true)";
const AUTHORIZATION: &str = "auth and an Authorization header exclude each other";

#[test]
fn every_rule_of_the_crds_is_tested_here() {
    fn collect(value: &Value, messages: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for rule in map.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                    messages.insert(rule["message"].as_str().expect("each rule has a message").to_owned());
                }
                map.values().for_each(|value| collect(value, messages));
            }
            Value::Array(list) => list.iter().for_each(|value| collect(value, messages)),
            _ => {}
        }
    }
    let mut messages = BTreeSet::new();
    CRDS.iter().for_each(|crd| collect(&crd.json, &mut messages));
    let tested = BTreeSet::from([EVENT, STATE_WRITE, PIPELINE, CLUSTER_BASE, URL, AUTHORIZATION].map(str::to_owned));
    assert_eq!(messages, tested);
}

fn event() -> Value {
    json!({
        "contextRef": {"name": "shop"}, "pipeline": "build", "event": "success",
        "data": {"run": 7, "list": [{"a": 1}]}, "vars": {"ctx.flag": true}, "varsFrom": {"ctx.tag": "state.tag"},
        "set": [{"path": "state.a", "value": {"b": 1}}],
    })
}

#[test]
fn an_event_cannot_be_changed_in_any_part() {
    let changes = [
        ("/contextRef/name", json!("other")),
        ("/event", json!("failure")),
        ("/pipeline", json!("deploy")),
        ("/data/run", json!(8)),
        ("/data/list/0", json!({"b": 1})),
        ("/data", json!({"renamed": 7, "list": [{"a": 1}]})),
        ("/vars", json!({"ctx.other": true})),
        ("/varsFrom", json!({"ctx.other": "state.tag"})),
        ("/set/0/value", json!({"c": 1})),
        ("/set/0/value/b", Value::Null),
    ];
    for (place, value) in changes {
        let mut new = event();
        *new.pointer_mut(place).unwrap() = value;
        change_refused("CicdEvent", &event(), &new, EVENT);
    }
}

#[test]
fn an_event_names_its_pipeline_unless_it_is_one_that_could_not_be_read() {
    accepted("CicdEvent", &event());
    accepted("CicdEvent", &json!({"contextRef": {"name": "shop"}, "raw": "built it"}));
    let nothing = json!({"contextRef": {"name": "shop"}, "event": "success"});
    refused("CicdEvent", &nothing, "spec", PIPELINE);
}

#[test]
fn a_state_write_cannot_be_changed_in_any_part() {
    let old = json!({
        "contextRef": {"name": "shop"}, "changes": [{"path": "state.a", "value": {"b": 1}}],
        "preconditions": [{"path": "state.c", "equals": {"d": 1}}],
    });
    accepted("CicdStateWrite", &old);
    let changes = [
        ("/contextRef/name", json!("other")),
        ("/changes/0/path", json!("state.b")),
        ("/changes/0/value", json!({"c": 1})),
        ("/changes/0/value", Value::Null),
        ("/preconditions/0/equals", json!({"e": 1})),
    ];
    for (place, value) in changes {
        let mut new = old.clone();
        *new.pointer_mut(place).unwrap() = value;
        change_refused("CicdStateWrite", &old, &new, STATE_WRITE);
    }
}

#[test]
fn a_cluster_wide_base_builds_on_cluster_wide_bases_only() {
    let on = |kinds: &[&str]| {
        let bases: Vec<Value> = kinds.iter().map(|kind| json!({"kind": kind, "name": "b"})).collect();
        json!({ "bases": bases })
    };
    accepted("ClusterCicdBase", &json!({}));
    accepted("ClusterCicdBase", &on(&[]));
    accepted("ClusterCicdBase", &on(&["ClusterCicdBase"]));
    refused("ClusterCicdBase", &on(&["ClusterCicdBase", "CicdBase"]), "spec.bases", CLUSTER_BASE);
    accepted("CicdBase", &on(&["ClusterCicdBase", "CicdBase"]));
}

#[test]
fn an_endpoint_is_https_unless_it_allows_http() {
    let endpoint = |url: &str, allow: Option<bool>| {
        let mut spec = json!({ "url": url });
        if let Some(allow) = allow {
            spec["allowHttp"] = json!(allow);
        }
        spec
    };
    let secret = json!({"urlFrom": {"secretKeyRef": {"name": "chat", "key": "url"}}});
    accepted("CicdEndpoint", &secret);
    accepted("CicdEndpoint", &endpoint("https://chat.example/hook", None));
    accepted("CicdEndpoint", &endpoint("http://chat.example/hook", Some(true)));
    let refusals = [
        endpoint("http://chat.example/hook", None),
        endpoint("http://chat.example/hook", Some(false)),
        endpoint("ftp://chat.example/hook", Some(true)),
        endpoint("chat.example", None),
        endpoint("https:/chat.example", None),
    ];
    for spec in refusals {
        refused("CicdEndpoint", &spec, "spec.url", URL);
    }
}

#[test]
fn auth_and_an_authorization_header_exclude_each_other() {
    let auth = json!({"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}});
    let endpoint = |header: &str, auth: Option<&Value>| {
        let mut spec = json!({"url": "https://chat.example", "headers": [{"name": header, "value": "x"}]});
        if let Some(auth) = auth {
            spec["auth"] = auth.clone();
        }
        spec
    };
    accepted("CicdEndpoint", &endpoint("Authorization", None));
    accepted("CicdEndpoint", &endpoint("X-Authorization", Some(&auth)));
    accepted("CicdEndpoint", &json!({"url": "https://chat.example", "auth": auth}));
    for spelling in ["Authorization", "authorization", "AUTHORIZATION"] {
        refused("CicdEndpoint", &endpoint(spelling, Some(&auth)), "spec.headers", AUTHORIZATION);
    }
}
