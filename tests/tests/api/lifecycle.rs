//! Contexts and events that come, go and pause while events are handled.

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_condition, expect_handler, expect_outcome, notify, on_success, tells, with},
    scene::Scene,
};

fn has_status(object: &Value) -> bool {
    !object["status"]["phase"].is_null()
}

#[tokio::test]
async fn an_event_that_is_earlier_than_its_context_runs_when_that_appears() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let waits = scene.wait(Kind::Event, "e", "has a status", has_status).await;
    assert_eq!(waits["status"]["phase"], "Pending", "{waits:#}");
    let message = format!(
        "there is no CicdContext shop in namespace {} yet; the event waits for it up to 600 s",
        scene.namespace
    );
    expect_condition(&waits, "Finished", "False", "ContextNotFound", &message);
    scene.nothing_sent_to("/chat");
    scene.others_work().await;

    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn an_event_whose_context_never_comes_fails_after_the_grace_period() {
    let scene = Scene::with_flags(&["--unknown-context-grace", "2s"]).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    let message = format!("there is no CicdContext shop in namespace {}; the event waited 2 s for it", scene.namespace);
    expect_outcome(&done, "Failed", "False", "ContextNotFound", &message);
    assert_eq!(scene.told(Kind::Event, "e", "EventFailed").await, format!("ContextNotFound: {message}"));
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
    scene.others_work().await;
    scene.nothing_sent_to("/chat");
}

/// A context whose first handler is held by the receiver, and the event that runs it.
async fn held(scene: &Scene) {
    scene.receiver.answer("/first", Answer::hang());
    scene.endpoint("first", "/first", &json!({})).await;
    scene.endpoint("second", "/second", &json!({})).await;
    let handlers = json!([notify("first", "first", "built"), notify("second", "second", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/first", 1).await;
}

#[tokio::test]
async fn an_event_that_takes_longer_than_a_second_shows_as_running() {
    let scene = Scene::new().await;
    held(&scene).await;
    let running = scene.wait(Kind::Event, "e", "is Running", |event| event["status"]["phase"] == "Running").await;
    expect_condition(&running, "Finished", "False", "Running", "handlers run");
    scene.receiver.release();
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
}

#[tokio::test]
async fn a_context_that_is_deleted_while_an_event_runs_cancels_what_was_not_sent() {
    let scene = Scene::new().await;
    held(&scene).await;
    scene.delete(Kind::Context, "shop").await;
    scene.receiver.release();
    let message = "the CicdContext was deleted while the event was handled";
    let told = scene.told(Kind::Event, "e", "EventFailed").await;
    assert_eq!(told, format!("ContextDeleted: {message}"));
    // Where a controller manager runs, it may have taken the event away with its owner.
    let ended = |event: &Value| event.is_null() || event["status"]["completionTime"].is_string();
    let done = scene.wait(Kind::Event, "e", "is finished or gone", ended).await;
    if done.is_object() {
        expect_outcome(&done, "Failed", "False", "ContextDeleted", message);
        expect_handler(&done, "first", "Succeeded", "Delivered", "");
        expect_handler(&done, "second", "Skipped", "ContextDeleted", message);
    }
    scene.others_work().await;
    scene.nothing_sent_to("/second");
}

#[tokio::test]
async fn an_event_that_waits_behind_another_is_cancelled_with_its_context() {
    let scene = Scene::new().await;
    held(&scene).await;
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let mut spec = event("shop", "build=success");
    spec["contextRef"]["uid"] = context["metadata"]["uid"].clone();
    scene.create(Kind::Event, "behind", &spec).await;
    scene.delete(Kind::Context, "shop").await;
    scene.receiver.release();
    let told = scene.told(Kind::Event, "behind", "EventFailed").await;
    assert_eq!(told, "ContextDeleted: the CicdContext shop was deleted before the event was handled; nothing was sent");
    assert_eq!(scene.receiver.requests_to("/first").len(), 1);
    scene.others_work().await;
}

#[tokio::test]
async fn an_event_that_is_deleted_while_it_runs_sends_nothing_more() {
    let scene = Scene::new().await;
    held(&scene).await;
    scene.delete(Kind::Event, "e").await;
    scene.others_work().await;
    scene.receiver.release();
    scene.create(Kind::Event, "next", &event("shop", "build=failure")).await;
    scene.finished("next").await;
    scene.nothing_sent_to("/second");
    let cancelled = scene.told(Kind::Event, "e", "EventFailed").await;
    assert!(cancelled.contains("deleted"), "{cancelled}");
}

#[tokio::test]
async fn an_event_that_is_deleted_while_it_waits_is_not_run() {
    let scene = Scene::new().await;
    scene.shop_with(&json!({"suspend": true})).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.wait(Kind::Event, "e", "has a status", has_status).await;
    scene.delete(Kind::Event, "e").await;
    scene.wait(Kind::Event, "e", "is gone", Value::is_null).await;
    scene.patch(Kind::Context, "shop", &json!({"spec": {"suspend": false}})).await;
    let done = scene.run("next", &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn a_suspended_context_holds_its_events_and_lets_them_go_in_their_order() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let spec = with(tells("chat", "{{event.id}} {{state.tag}}"), &json!({"suspend": true, "state": {"tag": "1.4"}}));
    scene.create(Kind::Context, "shop", &spec).await;
    for id in ["b", "a"] {
        scene.annotate("shop", id, "build=success").await;
        scene.taken_in("shop", id).await;
    }
    scene.create(Kind::Event, "c", &event("shop", "build=success")).await;
    let first = scene.taken_in("shop", "b").await;
    let waits = scene.wait(Kind::Event, crate::object::name(&first), "has a status", has_status).await;
    assert_eq!(waits["status"]["phase"], "Pending", "{waits:#}");
    expect_condition(&waits, "Finished", "False", "Suspended", "spec.suspend of the CicdContext is true");
    scene.others_work().await;
    scene.nothing_sent_to("/chat");

    // State can be written all the while.
    let go = json!({"spec": {"suspend": false, "state": {"tag": "1.5"}}});
    scene.patch(Kind::Context, "shop", &go).await;
    scene.finished("c").await;
    let arrived = scene.receiver.requests_to("/chat");
    let texts: Vec<_> = arrived.iter().map(|request| request.body["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["b 1.5", "a 1.5", "c 1.5"]);
}
