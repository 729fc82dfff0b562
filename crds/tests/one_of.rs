//! Each structural `oneOf` of the CRDs, with values that match exactly one branch and values that match none or several.
//!
//! The integration suite shows the API server's own words for each of them.

// A test that cannot go on should stop loudly, here as in unit tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{collections::BTreeMap, sync::LazyLock};

use cicdcontext_crds::manifests::{Manifest, manifests};
use serde_json::{Value, json};

/// Generated once: that takes longer than all that is looked at.
static CRDS: LazyLock<Vec<Manifest>> = LazyLock::new(|| manifests().unwrap());

/// Where in which kind a `oneOf` is looked at; `[]` are items, `*` any key.
struct Place(&'static str, &'static str);

const EVENT: Place = Place("CicdEvent", "spec");
const EVENT_CHANGE: Place = Place("CicdEvent", "spec.set[]");
const CHANGE: Place = Place("CicdStateWrite", "spec.changes[]");
const PRECONDITION: Place = Place("CicdStateWrite", "spec.preconditions[]");
const HANDLER: Place = Place("CicdContext", "spec.pipelines.*.eventHandlers.*[]");
const SELECTED_HANDLER: Place = Place("CicdBase", "spec.contexts.*.pipelines.*.eventHandlers.*[]");
const WEBHOOK: Place = Place("CicdBase", "spec.pipelines.*.eventHandlers.*[].webhook");
const CAPTURE: Place = Place("CicdBase", "spec.pipelines.*.eventHandlers.*[].notify.capture[]");
const SET_VALUES: Place = Place("ClusterCicdBase", "spec.pipelines.*.eventHandlers.*[].setValues[]");
const GENERATED: Place = Place("CicdContext", "spec.pipelines.*.generators.*[].set[]");
const ENDPOINT: Place = Place("CicdEndpoint", "spec");
const AUTH: Place = Place("CicdEndpoint", "spec.auth");
const HEADER: Place = Place("CicdEndpoint", "spec.headers[]");
const CERTIFICATE: Place = Place("CicdEndpoint", "spec.tls.ca");

impl Place {
    fn one_of(&self) -> Vec<Value> {
        let Self(kind, path) = self;
        let crd = CRDS.iter().find(|crd| crd.json["spec"]["names"]["kind"] == *kind).unwrap();
        let mut schema = &crd.json["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for segment in path.split('.') {
            let (name, lists) = segment.split_once('[').map_or((segment, 0), |(name, _)| (name, 1));
            schema = if name == "*" { &schema["additionalProperties"] } else { &schema["properties"][name] };
            schema = if lists == 1 { &schema["items"] } else { schema };
        }
        schema["oneOf"].as_array().unwrap_or_else(|| panic!("{kind}.{path} has a oneOf: {schema:#}")).clone()
    }

    /// How many branches a value matches.
    fn matches(&self, value: &Value) -> usize {
        self.one_of().iter().filter(|branch| valid(branch, value)).count()
    }

    #[track_caller]
    fn accepts(&self, value: &Value) {
        assert_eq!(self.matches(value), 1, "{value:#}");
    }

    #[track_caller]
    fn refuses(&self, value: &Value) {
        assert_ne!(self.matches(value), 1, "{value:#}");
    }
}

/// As much of JSON Schema as the branches use; whatever else one uses must fail here and not be passed over.
fn valid(schema: &Value, value: &Value) -> bool {
    schema.as_object().unwrap().iter().all(|(keyword, argument)| match keyword.as_str() {
        "required" => argument.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some()),
        "not" => !valid(argument, value),
        "anyOf" => argument.as_array().unwrap().iter().any(|schema| valid(schema, value)),
        "properties" => argument
            .as_object()
            .unwrap()
            .iter()
            .all(|(name, schema)| value.get(name).is_none_or(|value| valid(schema, value))),
        "enum" => argument.as_array().unwrap().contains(value),
        other => panic!("{other} is not understood by this test"),
    })
}

#[test]
fn every_one_of_the_crds_is_tested_here() {
    fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
        if let Value::Object(map) = value {
            if let Some(one_of) = map.get("oneOf") {
                found.entry(one_of.to_string()).or_insert_with(|| path.to_owned());
            }
            for (key, value) in map {
                collect(&format!("{path}.{key}"), value, found);
            }
        }
    }
    let mut found = BTreeMap::new();
    for crd in CRDS.iter() {
        collect(&crd.name, &crd.json["spec"]["versions"][0]["schema"], &mut found);
    }
    let places = [EVENT, CHANGE, PRECONDITION, HANDLER, WEBHOOK, CAPTURE, ENDPOINT, AUTH, HEADER, CERTIFICATE];
    for place in places {
        let one_of = Value::from(place.one_of()).to_string();
        assert!(found.remove(&one_of).is_some(), "{}.{} is not a oneOf of its own", place.0, place.1);
    }
    assert_eq!(found, BTreeMap::new(), "a oneOf without a test");
}

#[test]
fn an_event_is_exactly_one_of_event_generate_and_raw() {
    for field in ["event", "generate", "raw"] {
        EVENT.accepts(&json!({"pipeline": "build", field: "x"}));
    }
    EVENT.refuses(&json!({"pipeline": "build"}));
    EVENT.refuses(&json!({"pipeline": "build", "event": "x", "generate": "y"}));
    EVENT.refuses(&json!({"event": "x", "raw": "y"}));
}

#[test]
fn a_change_with_a_literal_has_a_value_unless_it_removes() {
    for place in [CHANGE, EVENT_CHANGE] {
        for value in [json!(1), json!(0), json!(false), json!(""), Value::Null, json!({"a": null})] {
            place.accepts(&json!({"path": "state.a", "value": value}));
        }
        place.accepts(&json!({"path": "state.a", "op": "Append", "value": 1, "split": ","}));
        place.accepts(&json!({"path": "state.a", "op": "Unset"}));
        place.accepts(&json!({"path": "state.a", "op": "Clear"}));
        place.refuses(&json!({"path": "state.a"}));
        place.refuses(&json!({"path": "state.a", "op": "Set"}));
        place.refuses(&json!({"path": "state.a", "op": "Append"}));
        place.refuses(&json!({"path": "state.a", "op": "Unset", "value": 1}));
        place.refuses(&json!({"path": "state.a", "op": "Clear", "value": null}));
    }
}

#[test]
fn a_configured_change_has_exactly_one_source_of_its_value() {
    for place in [CAPTURE, SET_VALUES, GENERATED] {
        place.accepts(&json!({"path": "state.a", "value": null}));
        place.accepts(&json!({"path": "state.a", "template": ""}));
        place.accepts(&json!({"path": "state.a", "op": "Add", "fromPath": "$.body.ts"}));
        place.accepts(&json!({"path": "state.a", "op": "Unset"}));
        place.refuses(&json!({"path": "state.a"}));
        place.refuses(&json!({"path": "state.a", "op": "Add"}));
        place.refuses(&json!({"path": "state.a", "value": 1, "template": "x"}));
        place.refuses(&json!({"path": "state.a", "template": "x", "fromPath": "$.body"}));
        place.refuses(&json!({"path": "state.a", "op": "Unset", "template": "x"}));
    }
}

#[test]
fn a_precondition_has_exactly_one_of_equals_and_exists() {
    PRECONDITION.accepts(&json!({"path": "state.a", "equals": null}));
    PRECONDITION.accepts(&json!({"path": "state.a", "exists": false}));
    PRECONDITION.refuses(&json!({"path": "state.a"}));
    PRECONDITION.refuses(&json!({"path": "state.a", "equals": 1, "exists": true}));
}

#[test]
fn a_handler_has_one_type_or_only_changes_an_inherited_one() {
    let types = ["notify", "respond", "manualChoice", "triggerPipeline", "setValues", "generate", "webhook"];
    for place in [HANDLER, SELECTED_HANDLER] {
        place.accepts(&json!({"name": "tell", "enabled": false}));
        for (index, one) in types.iter().enumerate() {
            place.accepts(&json!({"name": "tell", *one: {}}));
            let other = types[(index + 1) % types.len()];
            place.refuses(&json!({"name": "tell", *one: {}, other: {}}));
        }
        let all: serde_json::Map<String, Value> = types.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect();
        place.refuses(&Value::Object(all));
    }
}

#[test]
fn a_webhook_has_an_endpoint_or_a_url_and_not_both() {
    WEBHOOK.accepts(&json!({"endpoint": {"name": "ci"}}));
    WEBHOOK.accepts(&json!({"url": "https://ci.example"}));
    WEBHOOK.accepts(&json!({"method": "PUT"}));
    WEBHOOK.refuses(&json!({"endpoint": {"name": "ci"}, "url": "https://ci.example"}));
}

#[test]
fn an_endpoint_has_exactly_one_of_url_and_url_from() {
    ENDPOINT.accepts(&json!({"url": "https://chat.example"}));
    ENDPOINT.accepts(&json!({"urlFrom": {"secretKeyRef": {"name": "chat", "key": "url"}}}));
    ENDPOINT.refuses(&json!({"preset": "Slack"}));
    ENDPOINT.refuses(&json!({"url": "https://chat.example", "urlFrom": {"secretKeyRef": {"name": "c", "key": "u"}}}));
}

#[test]
fn credentials_are_exactly_one_of_bearer_and_basic() {
    AUTH.accepts(&json!({"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}}));
    AUTH.accepts(&json!({"basic": {"secretName": "chat"}}));
    AUTH.refuses(&json!({}));
    AUTH.refuses(&json!({"bearer": {}, "basic": {}}));
}

#[test]
fn a_header_has_exactly_one_of_value_and_value_from() {
    HEADER.accepts(&json!({"name": "X-Team", "value": "shop"}));
    HEADER.accepts(&json!({"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "chat", "key": "key"}}}));
    HEADER.refuses(&json!({"name": "X-Team"}));
    HEADER.refuses(&json!({"name": "X-Team", "value": "shop", "valueFrom": {}}));
}

#[test]
fn a_certificate_is_in_exactly_one_of_secret_and_config_map() {
    CERTIFICATE.accepts(&json!({"secretKeyRef": {"name": "ca", "key": "ca.crt"}}));
    CERTIFICATE.accepts(&json!({"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}));
    CERTIFICATE.refuses(&json!({}));
    CERTIFICATE.refuses(&json!({"secretKeyRef": {}, "configMapKeyRef": {}}));
}
