//! `spec.stateSchema`: writes of the operator and of `cicdctl` that break it are refused, plain patches that do show.

use cicdcontext_tests::{cluster::Role, receiver::Answer};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    object::{
        Kind, condition, event, expect_condition, expect_handler, expect_outcome, handler, notify, on_success, tells,
        with,
    },
    scene::Scene,
};

/// A context whose `state.count` is an integer of at most 9, in whatever form it is written.
fn counting(configuration: Value) -> Value {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"count": {"$ref": "#/$defs/count"}, "list": {"items": {"$ref": "#/$defs/count"}}},
        "$defs": {"count": {"type": "integer", "maximum": 9}},
    });
    with(configuration, &json!({"state": {"count": 1}, "stateSchema": schema}))
}

const FIVE: &str = "state.count is \"five\" and must be of type integer";

fn write(path: &str, value: &Value) -> Value {
    json!({"contextRef": {"name": "shop"}, "changes": [{"path": path, "value": value}]})
}

async fn patch_state(scene: &Scene, state: Value) {
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": state}})).await;
}

async fn state(scene: &Scene) -> Value {
    scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"].clone()
}

/// Waits until StateValid has a reason, and gives its message.
async fn state_valid(scene: &Scene, status: &str, reason: &str) -> String {
    let reached = |object: &Value| {
        let found = condition(object, "StateValid");
        (found.0.as_str(), found.1.as_str()) == (status, reason)
    };
    let context = scene.wait(Kind::Context, "shop", &format!("has StateValid={status}/{reason}"), reached).await;
    condition(&context, "StateValid").2
}

/// How often the operator has written the status of a context.
async fn status_writes(scene: &Scene) -> u64 {
    let text = scene.metrics().await;
    let line = text.lines().find(|line| line.contains("target=\"context_status\""));
    line.and_then(|line| line.split(' ').next_back()).expect("it is counted").parse().unwrap()
}

#[tokio::test]
async fn a_capture_that_breaks_the_schema_is_refused_and_the_next_handler_runs() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.endpoint("other", "/other", &json!({})).await;
    scene.receiver.answer("/chat", Answer::json(200, &json!({"count": "five"})));
    let mut asks = notify("ask", "chat", "how many?");
    asks["notify"]["capture"] = json!([{"path": "state.count", "fromPath": "$.body.count"}]);
    let handlers = json!([asks, notify("tell", "other", "{{state.count}}")]);
    scene.create(Kind::Context, "shop", &counting(on_success(&handlers))).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    let message = format!("keep state within its schema: {FIVE}");
    expect_handler(&done, "ask", "Failed", "CaptureRefused", &message);
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(scene.receiver.requests_to("/other")[0].body, json!({"text": "1"}));
    assert_eq!(state(&scene).await, json!({"count": 1}));
}

#[tokio::test]
async fn set_values_that_break_the_schema_are_refused_in_earnest_and_in_a_dry_run() {
    let scene = Scene::new().await;
    let sets = |name: &str, value: Value| json!({"name": name, "setValues": [{"path": "state.count", "value": value}]});
    let handlers = json!([sets("wrong", json!("five")), sets("right", json!(5)), sets("large", json!(10))]);
    scene.create(Kind::Context, "shop", &counting(on_success(&handlers))).await;
    let rehearsed = with(event("shop", "build=success"), &json!({"dryRun": true}));
    for (name, spec) in [("dry", &rehearsed), ("e", &event("shop", "build=success"))] {
        let done = scene.run(name, spec).await;
        let message = format!("keep state within its schema: {FIVE}");
        expect_handler(&done, "wrong", "Failed", "ChangeRefused", &message);
        assert_eq!(handler(&done, "right")["phase"], "Succeeded", "{done:#}");
        let message = "keep state within its schema: state.count is 10 and must be at most 9";
        expect_handler(&done, "large", "Failed", "ChangeRefused", message);
    }
    assert_eq!(state(&scene).await, json!({"count": 5}));
}

#[tokio::test]
async fn an_event_whose_set_breaks_the_schema_fails_and_runs_no_handler() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &counting(tells("chat", "built"))).await;
    let set = json!({"set": [{"path": "state.list", "op": "Append", "value": "five"}]});
    let done = scene.run("e", &with(event("shop", "build=success"), &set)).await;
    let message = "apply spec.set: keep state within its schema: state.list[0] is \"five\" and must be of type integer";
    expect_outcome(&done, "Failed", "False", "SetRefused", message);
    scene.nothing_sent_to("/chat");
    assert_eq!(state(&scene).await, json!({"count": 1}));
}

#[tokio::test]
async fn of_state_writes_that_wait_together_only_those_that_break_the_schema_are_refused() {
    let mut scene = Scene::without_operator().await;
    scene.create(Kind::Context, "shop", &counting(json!({}))).await;
    scene.create(Kind::StateWrite, "a", &write("state.other", &json!("a"))).await;
    scene.create(Kind::StateWrite, "b", &write("state.count", &json!("five"))).await;
    scene.create(Kind::StateWrite, "c", &write("state.count", &json!(5))).await;
    scene.start_operator(&[]).await;
    let refused = scene.wait_condition(Kind::StateWrite, "b", "Applied", "False").await;
    expect_condition(&refused, "Applied", "False", "SchemaViolated", &format!("keep state within its schema: {FIVE}"));
    for name in ["a", "c"] {
        scene.wait(Kind::StateWrite, name, "is gone", Value::is_null).await;
    }
    assert_eq!(state(&scene).await, json!({"count": 5, "other": "a"}));
}

#[tokio::test]
async fn a_plain_patch_that_breaks_the_schema_shows_and_can_be_mended_by_state_writes() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &counting(json!({}))).await;
    assert_eq!(state_valid(&scene, "True", "Valid").await, "");
    patch_state(&scene, json!({"count": "five", "list": [1, 2, 99]})).await;
    let message = state_valid(&scene, "False", "SchemaViolated").await;
    assert_eq!(message, format!("{FIVE}; state.list[2] is 99 and must be at most 9"));
    assert_eq!(scene.told(Kind::Context, "shop", "SchemaViolated").await, message);

    scene.create(Kind::StateWrite, "worse", &write("state.list", &json!([1, "x", 99]))).await;
    let refused = scene.wait_condition(Kind::StateWrite, "worse", "Applied", "False").await;
    let worse = "keep state within its schema: state.list[1] is \"x\" and must be of type integer";
    expect_condition(&refused, "Applied", "False", "SchemaViolated", worse);
    for (name, path, value) in [("one", "state.count", json!(5)), ("two", "state.list", json!([]))] {
        scene.create(Kind::StateWrite, name, &write(path, &value)).await;
        scene.wait(Kind::StateWrite, name, "is gone", Value::is_null).await;
    }
    assert_eq!(state_valid(&scene, "True", "Valid").await, "");
}

#[tokio::test]
async fn patches_that_leave_a_broken_state_broken_cost_the_operator_no_write() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &counting(json!({}))).await;
    state_valid(&scene, "True", "Valid").await;
    patch_state(&scene, json!({"count": "x"})).await;
    state_valid(&scene, "False", "SchemaViolated").await;
    let before = status_writes(&scene).await;
    for count in 0..10 {
        patch_state(&scene, json!({"count": format!("x{count}")})).await;
    }
    // The flip is written, and it comes after everything that the patches before could have caused.
    patch_state(&scene, json!({"count": 1})).await;
    state_valid(&scene, "True", "Valid").await;
    assert_eq!(status_writes(&scene).await, before + 1);
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_shows_where_and_refuses_nothing() {
    let scene = Scene::new().await;
    let foreign = json!({"properties": {"count": {"$ref": "https://schemas.example/count.json"}}});
    scene.create(Kind::Context, "shop", &json!({"state": {"count": 1}, "stateSchema": foreign})).await;
    let message = state_valid(&scene, "False", "SchemaInvalid").await;
    assert_eq!(
        message,
        "compile spec.stateSchema at #/properties/count/$ref: https://schemas.example/count.json refers to another \
         document, which is never fetched; refer to a place in this one: #/$defs/name; until it is mended, state is not \
         checked and no write is refused for it"
    );
    scene.create(Kind::StateWrite, "w", &write("state.count", &json!("five"))).await;
    scene.wait(Kind::StateWrite, "w", "is gone", Value::is_null).await;
    let mended = json!({"spec": {"stateSchema": {"properties": {"count": {"$ref": null, "type": "integer"}}}}});
    scene.patch(Kind::Context, "shop", &mended).await;
    assert_eq!(state_valid(&scene, "False", "SchemaViolated").await, FIVE);
    scene.patch(Kind::Context, "shop", &json!({"spec": {"stateSchema": null}})).await;
    assert_eq!(state_valid(&scene, "True", "Valid").await, "");
}

#[tokio::test]
async fn a_schema_that_means_harm_shows_and_others_work() {
    let scene = Scene::new().await;
    let doubling = |at: usize| {
        let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
        (format!("d{at}"), json!({"properties": {"a": {"allOf": [next, next]}}}))
    };
    let mut definitions: serde_json::Map<String, Value> = (0..50).map(doubling).collect();
    definitions.insert("d50".to_owned(), json!(true));
    let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    let deep = (0..60).fold(json!(1), |inner, _| json!({"a": inner}));
    scene.create(Kind::Context, "shop", &json!({"state": deep, "stateSchema": schema})).await;
    let message = state_valid(&scene, "False", "SchemaTooCostly").await;
    assert!(message.contains("it takes more than 500000 steps, at most 500000 are allowed"), "{message}");
    scene.others_work().await;
}

#[tokio::test]
async fn limits_come_before_the_schema() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &counting(json!({}))).await;
    patch_state(&scene, json!({"count": "five", "large": "x".repeat(520 * 1024)})).await;
    state_valid(&scene, "False", "TooLarge").await;
    patch_state(&scene, json!({"large": null})).await;
    assert_eq!(state_valid(&scene, "False", "SchemaViolated").await, FIVE);
}

#[tokio::test]
async fn cicdctl_set_refuses_what_breaks_the_schema_with_exit_4() {
    let scene = Scene::without_operator().await;
    scene.create(Kind::Context, "shop", &counting(json!({}))).await;
    let set = async |assignment: &str| {
        let mut command = Command::new(crate::cli::program());
        command.args(["set", "shop", assignment, "-n", &scene.namespace]).env_clear();
        let output = command.env("KUBECONFIG", scene.access.kubeconfig(Role::Admin)).output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, errors) = set("state.count=five").await;
    assert_eq!(code, Some(4), "{errors}");
    assert_eq!(errors, format!("error: change CicdContext shop: keep state within its schema: {FIVE}\n"));
    assert_eq!(set("state.count:=5").await, (Some(0), String::new()));
    assert_eq!(state(&scene).await, json!({"count": 5}));
}
