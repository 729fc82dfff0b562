//! Pipelines and the operator write one context at the same time: nobody loses anything.

use std::collections::BTreeSet;

use cicdcontext_tests::receiver::Answer;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, notify, on_success, with},
    scene::Scene,
};

const WRITERS: usize = 4;
const PATCHES: usize = 25;
const EVENTS: usize = 25;

#[tokio::test]
async fn patches_of_pipelines_and_what_handlers_write_never_disturb_each_other() {
    let scene = Scene::new().await;
    let mut number = 0;
    scene.receiver.program("/chat", move |_| {
        number += 1;
        Answer::json(200, &json!({"ts": number}))
    });
    scene.endpoint("chat", "/chat", &json!({})).await;
    let log = json!({"name": "log", "setValues": [{"path": "state.log", "op": "Append", "template": "{{event.id}}"}]});
    let mut tell = notify("tell", "chat", "built");
    tell["notify"]["capture"] = json!([{"path": "state.sent['{{event.id}}']", "fromPath": "$.body.ts"}]);
    let spec = with(on_success(&json!([log, tell])), &json!({"state": {"steps": {}}}));
    scene.create(Kind::Context, "shop", &spec).await;

    let step = async |writer: usize| {
        for patch in 0..PATCHES {
            let state = json!({"steps": {format!("w{writer}"): {format!("p{patch}"): patch}}});
            scene.patch(Kind::Context, "shop", &json!({"spec": {"state": state}})).await;
        }
    };
    let events = async {
        for number in 0..EVENTS {
            scene.create(Kind::Event, &format!("e{number:02}"), &event("shop", "build=success")).await;
        }
    };
    tokio::join!(join_all((0..WRITERS).map(step)), events);
    for number in 0..EVENTS {
        let done = scene.finished(&format!("e{number:02}")).await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    }

    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let state = &context["spec"]["state"];
    for writer in 0..WRITERS {
        let written = state["steps"][format!("w{writer}")].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(written, PATCHES, "patches of writer {writer}");
    }
    let names: Vec<Value> = (0..EVENTS).map(|number| json!(format!("e{number:02}"))).collect();
    assert_eq!(state["log"], json!(names), "one entry for each event, in the order of the events");
    let sent: BTreeSet<i64> = state["sent"].as_object().unwrap().values().map(|ts| ts.as_i64().unwrap()).collect();
    assert_eq!(sent.len(), EVENTS, "each answer is kept under its own event");
}

#[tokio::test]
async fn the_ledger_does_not_grow_with_the_events() {
    let scene = Scene::new().await;
    let log = json!({"name": "log", "setValues": [{"path": "state.log", "op": "Append", "template": "{{event.id}}"}]});
    scene.create(Kind::Context, "shop", &on_success(&json!([log]))).await;
    for number in 0..10 {
        scene.run(&format!("e{number}"), &event("shop", "build=success")).await;
    }
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"]["log"].as_array().map(Vec::len), Some(10));
    let ledger = context["metadata"]["annotations"]["cicdcontext.io/applied"].as_str().unwrap();
    let ledger: Value = serde_json::from_str(ledger).unwrap();
    let done = ledger["done"].as_array().map_or(0, Vec::len);
    assert!(done <= 2, "what is acknowledged leaves with the next patch: {ledger}");
}
