//! The ledger of a context that has much to wait for: what is written down elsewhere leaves it.

use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, notify, on_success},
    scene::Scene,
};

const EVENTS: usize = 50;

/// How many effects the ledger of the context `shop` remembers.
async fn effects(scene: &Scene) -> usize {
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let ledger = context["metadata"]["annotations"]["cicdcontext.io/applied"].as_str().unwrap();
    let ledger: Value = serde_json::from_str(ledger).unwrap();
    ledger["done"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn events_whose_deliveries_wait_leave_the_ledger_as_small_as_it_was() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({"suspend": true})).await;
    let note = json!([{"path": "state.log", "op": "Append", "template": "{{event.id}}"}]);
    let handlers = json!([{"name": "note", "setValues": note}, notify("tell", "chat", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    for number in 0..EVENTS {
        scene.create(Kind::Event, &format!("e{number}"), &event("shop", "build=success")).await;
    }
    for number in 0..EVENTS {
        let waits = |event: &Value| event["status"]["phase"] == "Retrying";
        scene.wait(Kind::Event, &format!("e{number}"), "waits", waits).await;
    }
    let log = scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"]["log"].clone();
    assert_eq!(log.as_array().map(Vec::len), Some(EVENTS), "each appended once: {log}");
    let kept = effects(&scene).await;
    assert!(kept <= 3, "the ledger keeps {kept} effects that statuses tell of");

    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"suspend": false}})).await;
    for number in 0..EVENTS {
        let done = scene.finished(&format!("e{number}")).await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    }
    assert_eq!(scene.receiver.requests_to("/chat").len(), EVENTS);
}
