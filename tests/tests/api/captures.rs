//! Captures: what is kept of an answer, with its types, in which order, and what is refused.

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, handler, notify, on_success, with},
    scene::Scene,
};

/// Runs the context `shop` with one handler `tell` that captures so, and gives the event and the state after it.
async fn captured(scene: &Scene, capture: &Value, more: &Value) -> (Value, Value) {
    let mut tell = notify("tell", "chat", "built");
    tell["notify"]["capture"] = capture.clone();
    let next = notify("next", "next", "{{state.text}} {{state.template}}");
    scene.endpoint("next", "/next", &json!({})).await;
    scene.create(Kind::Context, "shop", &with(on_success(&json!([tell, next])), more)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    (done, context["spec"]["state"].clone())
}

#[tokio::test]
async fn from_path_keeps_types_and_the_endpoints_captures_come_before_the_handlers() {
    let scene = Scene::new().await;
    let own = json!([
        {"path": "state.both", "value": "endpoint"},
        {"path": "state.endpoint", "fromPath": "$.body.list"},
    ]);
    scene.endpoint("chat", "/chat", &json!({"capture": own})).await;
    let body = json!({
        "no": false, "zero": 0, "nothing": null, "list": [1, "a", [true]], "map": {"a": {"b": 1.5}},
        "text": "{{state.tag}} \"x\"", "items": [{"id": 7}, {"id": 8}],
    });
    scene.receiver.answer("/chat", Answer::json(201, &body).header("x-run", "17"));
    let capture = json!([
        {"path": "state.no", "fromPath": "$.body.no"},
        {"path": "state.zero", "fromPath": "$.body.zero"},
        {"path": "state.nothing", "fromPath": "$.body.nothing"},
        {"path": "state.list", "fromPath": "$.body.list"},
        {"path": "state.map", "fromPath": "$.body.map"},
        {"path": "state.text", "fromPath": "$.body.text"},
        {"path": "state.ids", "fromPath": "$.body.items[*].id"},
        {"path": "state.absent", "fromPath": "$.body.absent"},
        {"path": "state.blank", "template": "{{body.absent}}"},
        {"path": "state.emptied", "template": "{{body.absent}}", "writeBlank": true},
        {"path": "state.status", "fromPath": "$.status"},
        {"path": "state.run", "template": "run {{lookup headers 'x-run'}}"},
        {"path": "state['{{state.tag}}'].image", "fromPath": "$.variables.image"},
        {"path": "state.log", "op": "Append", "fromPath": "$.body.items"},
        {"path": "state.both", "value": "handler"},
        {"path": "state.template", "value": "{{state.tag}}"},
        {"path": "state.tag", "value": "new"},
        {"path": "state.seen", "template": "{{state.tag}}"},
    ]);
    let more = json!({"state": {"tag": "old", "log": ["first"]}, "variables": {"image": "shop:{{state.tag}}"}});
    let (done, state) = captured(&scene, &capture, &more).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let expected = json!({
        "both": "handler", "endpoint": [1, "a", [true]], "no": false, "zero": 0, "nothing": null,
        "list": [1, "a", [true]], "map": {"a": {"b": 1.5}}, "text": "{{state.tag}} \"x\"", "ids": [7, 8],
        "emptied": "", "status": 201, "run": "run 17", "old": {"image": "shop:old"},
        "log": ["first", {"id": 7}, {"id": 8}], "template": "{{state.tag}}", "tag": "new",
        // Captures of one reply do not see each other.
        "seen": "old",
    });
    assert_eq!(state, expected, "{state:#}");
    let paths = handler(&done, "tell")["paths"].as_array().unwrap();
    assert_eq!((&paths[0], paths.len()), (&json!("state.both"), 17), "{paths:?}: sixteen and how many more");
    assert_eq!(paths[16], "and 1 more");
    // What was captured is data: the next handler prints it, and nobody renders it.
    assert_eq!(scene.receiver.requests_to("/next")[0].body, json!({"text": "{{state.tag}} \"x\" {{state.tag}}"}));
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_a_text_and_no_failure() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.receiver.answer("/chat", Answer::text(200, "<ok>\n{not json"));
    let capture = json!([
        {"path": "state.body", "fromPath": "$.body"},
        {"path": "state.ts", "fromPath": "$.body.ts"},
    ]);
    let (done, state) = captured(&scene, &capture, &json!({"state": {}})).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(state, json!({"body": "<ok>\n{not json"}));
}

#[tokio::test]
async fn a_captured_value_over_16_kib_is_refused_and_none_of_the_handlers_captures_is_written() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.receiver.answer("/chat", Answer::json(200, &json!({"ts": "1700.1", "big": "x".repeat(17_000)})));
    let capture = json!([
        {"path": "state.ts", "fromPath": "$.body.ts"},
        {"path": "state.big", "fromPath": "$.body.big"},
    ]);
    let (done, state) = captured(&scene, &capture, &json!({"state": {"kept": true}})).await;
    let message = "write state.big: the value has 17002 bytes, at most 16384 bytes are allowed";
    expect_handler(&done, "tell", "Failed", "CaptureRefused", message);
    expect_handler(&done, "next", "Succeeded", "Delivered", "");
    expect_outcome(&done, "Failed", "False", "HandlerFailed", &format!("1 of 2 handlers failed: tell: {message}"));
    assert_eq!(state, json!({"kept": true}));
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "it is never sent again");
}

#[tokio::test]
async fn a_capture_through_a_scalar_is_refused_and_names_the_segment() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.receiver.answer("/chat", Answer::json(200, &json!({"ts": "1700.1"})));
    let capture = json!([
        {"path": "state.ts", "fromPath": "$.body.ts"},
        {"path": "state.tag.ts", "fromPath": "$.body.ts"},
    ]);
    let (done, state) = captured(&scene, &capture, &json!({"state": {"tag": "1.4"}})).await;
    let tell = handler(&done, "tell");
    assert_eq!((&tell["phase"], &tell["reason"]), (&json!("Failed"), &json!("CaptureRefused")), "{tell:#}");
    let message = tell["message"].as_str().unwrap();
    assert!(message.contains("state.tag"), "{message}");
    assert_eq!(state, json!({"tag": "1.4"}));
}
