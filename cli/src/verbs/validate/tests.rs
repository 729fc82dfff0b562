use std::io;

use serde_json::{Value, json};

use super::*;
use crate::{
    console::Recorded,
    exit::Exit,
    manifests::fixture::{Shop, TEAM, documents, shop, shop_with},
};

/// What is printed, what is noted, and how it ended.
async fn validated(shop: &Shop) -> (String, String, Result<(), Failure>) {
    let (data, notes) = (Recorded::default(), Recorded::default());
    let mut console = Console::new(data.clone(), notes.clone());
    let result = all(shop.seen().manifests, ValueFormat::Text, &mut console).await;
    (data.text(), notes.text(), result)
}

#[track_caller]
fn expect(printed: &str, lines: &[&str]) {
    assert_eq!(printed.lines().collect::<Vec<_>>(), lines);
}

#[tokio::test]
async fn what_is_right_prints_nothing_and_says_how_much_was_looked_at() {
    let (data, notes, result) = validated(&shop()).await;
    result.unwrap();
    assert_eq!((data.as_str(), notes.as_str()), ("", "validate: nothing wrong in 5 objects\n"));
}

#[tokio::test]
async fn each_finding_is_a_line_with_object_and_place_and_the_exit_code_is_1() {
    let wrong = shop_with("CicdBase/base", |base| {
        base["spec"]["pipelines"]["build"]["eventHandlers"]["success"][1]["setValues"][0]["template"] =
            json!("{{#if a}}");
        base["spec"]["contexts"]["stage"]["variables"] = json!({"broken": "{{nohelper 1}}"});
    });
    let (data, _, result) = validated(&wrong).await;
    let lines: Vec<&str> = data.lines().collect();
    for object in ["CicdBase/base", "CicdContext/shop"] {
        let path = "pipelines.build.eventHandlers.success[record].setValues[0].template";
        assert!(
            lines.iter().any(|line| line.starts_with(&format!("{object}: {path}: compile `{path}` at line 1"))),
            "{data}"
        );
        assert!(lines.iter().any(|line| line.starts_with(&format!("{object}: variables.broken: "))), "{data}");
    }
    let failure = result.unwrap_err();
    assert_eq!((failure.exit(), failure.to_string().as_str()), (Exit::Failed, "validate: 4 problems in 5 objects"));
}

#[tokio::test]
async fn missing_endpoints_bases_and_generators_are_found() {
    let wrong = shop_with("CicdEndpoint/chat", |endpoint| endpoint["metadata"]["name"] = json!("other"));
    expect(
        &validated(&wrong).await.0,
        &[
            "CicdContext/shop: pipelines.build.eventHandlers.success[tell]: there is no CicdEndpoint chat in namespace team \
           (and 1 more handler names it)",
        ],
    );
    let wrong = shop_with("CicdContext/shop", |context| context["spec"]["context"] = json!("prod"));
    let (data, ..) = validated(&wrong).await;
    assert!(data.starts_with("CicdContext/shop: spec: select context \"prod\" for CicdContext/shop: "), "{data}");
    let wrong = shop_with("CicdContext/shop", |context| {
        let handlers = json!([{"name": "make", "generate": {"generator": "tags"}}]);
        context["spec"]["pipelines"] = json!({"build": {"eventHandlers": {"started": handlers}}});
    });
    expect(
        &validated(&wrong).await.0,
        &[
            "CicdContext/shop: pipelines.build.eventHandlers.started[make]: pipeline \"build\" has no generator \"tags\"",
        ],
    );
}

#[tokio::test]
async fn state_is_held_against_schema_and_limits() {
    let with = |schema: Value, state: Value| {
        shop_with("CicdContext/shop", |context| {
            context["spec"]["stateSchema"] = schema;
            context["spec"]["state"] = state;
        })
    };
    let wrong = with(json!({"properties": {"app": {"type": "integer"}}}), json!({"app": "shop"}));
    expect(
        &validated(&wrong).await.0,
        &["CicdContext/shop: spec.state: state.app is \"shop\" and must be of type integer"],
    );
    let wrong = with(json!({"type": "nothing"}), json!({}));
    assert!(validated(&wrong).await.0.starts_with("CicdContext/shop: spec.stateSchema: "));
    let wrong = with(json!({}), json!({"a": "x".repeat(600 * 1024)}));
    assert!(validated(&wrong).await.0.starts_with("CicdContext/shop: spec.state: keep state of 6"));
}

#[tokio::test]
async fn structure_comes_first_and_endpoints_events_and_writes_are_checked_too() {
    let wrong = shop_with("CicdEndpoint/ci", |endpoint| endpoint["spec"]["alow"] = json!({}));
    expect(&validated(&wrong).await.0, &["CicdEndpoint/ci: spec: unknown field \"alow\""]);
    let wrong = shop_with("CicdEndpoint/ci", |endpoint| endpoint["spec"]["url"] = json!("http://ci.example"));
    assert!(validated(&wrong).await.0.contains("CicdEndpoint/ci: spec: refuse to send to http://ci.example: "));
    let mut objects = documents();
    let object = |kind: &str, spec: Value| json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": spec});
    let vars = json!({"settings.a": 1});
    let reference = json!({"name": "shop"});
    objects.push(object("CicdEvent", json!({"contextRef": reference, "pipeline": "b", "event": "e", "vars": vars})));
    objects
        .push(object("CicdStateWrite", json!({"contextRef": reference, "changes": [{"path": "sta.a", "value": 1}]})));
    let (data, ..) = validated(&Shop::of(&objects)).await;
    let lines: Vec<&str> = data.lines().collect();
    assert_eq!(lines.len(), 2, "{data}");
    assert!(lines[0].starts_with("CicdEvent/x: spec: spec.vars: settings.a: "), "{data}");
    assert!(lines[1].starts_with("CicdStateWrite/x: "), "{data}");
}

/// The shop whose chat belongs to another namespace, and is named as `endpoint` says.
fn chat_elsewhere(endpoint: &str) -> Shop {
    let moved = shop_with("CicdEndpoint/chat", |endpoint| {
        endpoint["metadata"]["namespace"] = json!("platform");
        endpoint["spec"]["allowedNamespaces"] = json!({"selector": {"matchLabels": {"env": "test"}}});
    });
    let objects: Vec<Value> = moved.seen().manifests.iter().map(|manifest| manifest.object.clone()).collect();
    let text = serde_json::to_string(&objects).unwrap().replace(r#""endpoint":{"name":"chat"}"#, endpoint);
    Shop::of(&serde_json::from_str::<Vec<Value>>(&text).unwrap())
}

#[tokio::test]
async fn one_context_is_checked_alone() {
    let data = Recorded::default();
    let mut console = Console::new(data.clone(), io::sink());
    let shop = chat_elsewhere(r#""endpoint":{"name":"chat"}"#);
    let result = context(&shop.seen(), TEAM, "shop", ValueFormat::Json, &mut console).await;
    assert_eq!(result.unwrap_err().to_string(), "validate: 1 problem in 1 object");
    let found: Value = serde_json::from_str(&data.text()).unwrap();
    assert_eq!(found[0]["object"], "CicdContext/shop");
    let missing = context(&shop.seen(), TEAM, "nothing", ValueFormat::Text, &mut console).await;
    assert_eq!(missing.unwrap_err().exit(), Exit::NotFound);
}

#[tokio::test]
async fn what_only_labels_of_namespaces_could_tell_is_a_note_and_no_problem() {
    let shop = chat_elsewhere(r#""endpoint":{"name":"chat","namespace":"platform"}"#);
    let (data, notes, result) = validated(&shop).await;
    result.unwrap();
    assert_eq!(data, "");
    assert!(notes.contains("whether spec.allowedNamespaces.selector of CicdEndpoint chat"), "{notes}");
}

#[tokio::test]
async fn the_sample_is_right() {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/samples/release");
    let manifests = Manifests::read(&[sample], "default").unwrap();
    let (data, notes) = (Recorded::default(), Recorded::default());
    let result = all(&manifests, ValueFormat::Text, &mut Console::new(data.clone(), notes.clone())).await;
    assert!(result.is_ok(), "{}", data.text());
    assert_eq!(notes.text(), "validate: nothing wrong in 6 objects\n");
}
