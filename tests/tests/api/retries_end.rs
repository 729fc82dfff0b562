//! Deliveries that wait when their context or event is deleted, or when the operator is killed.

use std::time::Duration;

use cicdcontext_tests::receiver::Answer;
use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, handler, tells, with},
    scene::{
        Scene,
        deliveries::{expect_one_delivery, patient},
    },
};

fn busy(seconds: u32) -> Answer {
    Answer::json(503, &json!({})).header("retry-after", &seconds.to_string())
}

/// A scene in which the delivery of event `e` waits for two seconds. Its spec may have more.
async fn waiting(more: &serde_json::Value) -> Scene {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &patient()).await;
    scene.receiver.answers("/chat", [busy(2)]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &with(event("shop", "build=success"), more)).await;
    scene.in_phase("e", "tell", "Waiting").await;
    scene
}

/// Waits until a delivery has been tried again that began to wait after all others, and for longer.
async fn time_is_over(scene: &Scene) {
    scene.endpoint("clock", "/clock", &patient()).await;
    scene.receiver.answers("/clock", [busy(3)]);
    scene.create(Kind::Context, "clock", &tells("clock", "tick")).await;
    scene.run("clock", &event("clock", "build=success")).await;
}

const CANCELLED: &str = "EventDeleted: it was deleted before it was finished; what was not sent yet is not sent";

#[tokio::test]
async fn nothing_more_is_sent_of_an_event_that_is_deleted_and_somebody_is_told() {
    let scene = waiting(&json!({})).await;
    scene.delete(Kind::Event, "e").await;
    assert_eq!(scene.told(Kind::Event, "e", "EventCancelled").await, CANCELLED);
    time_is_over(&scene).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    // One of the same name is another event, with a time of its own.
    let again = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&again, "tell", "Succeeded", "Delivered", "");
    assert_eq!(handler(&again, "tell")["attempts"], 1);
}

#[tokio::test]
async fn nothing_more_is_sent_of_a_context_that_is_deleted_and_somebody_is_told() {
    let scene = waiting(&json!({})).await;
    scene.delete(Kind::Context, "shop").await;
    let failed = "the CicdContext shop was deleted before the event was finished; what was not sent yet is not sent";
    // A garbage collector takes the event away, before or after the operator sees that its context is gone.
    let look = async || {
        let all = scene.all_told(Kind::Event, "e").await;
        let told = all.iter().any(|(_, note)| note == CANCELLED || *note == format!("ContextDeleted: {failed}"));
        if told { Ok(()) } else { Err(format!("{all:#?}")) }
    };
    scene.until("somebody is told", look).await;
    if let Some(event) = scene.get(Kind::Event, "e").await {
        expect_handler(&event, "tell", "Skipped", "ContextDeleted", failed);
        assert_eq!(event["status"].get("requests"), None, "it can never be sent again: {event:#}");
    }
    time_is_over(&scene).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn an_operator_that_is_started_anew_goes_on_with_the_same_bytes_and_count_at_the_same_time() {
    let mut scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &patient()).await;
    scene.receiver.answers("/chat", [busy(1), busy(5)]);
    let spec = with(tells("chat", "built {{state.tag}}"), &json!({"state": {"tag": "1.4"}}));
    scene.create(Kind::Context, "shop", &spec).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let waits = scene.wait(Kind::Event, "e", "waits for the third attempt", |event| {
        event["status"]["handlers"][0]["attempts"] == 2 && event["status"]["phase"] == "Retrying"
    });
    let waits = waits.await;
    scene.kill_operator().await;
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"tag": "2.0"}}})).await;
    scene.start_operator(&[]).await;
    scene.others_work().await;
    let still = scene.get(Kind::Event, "e").await.unwrap();
    assert_eq!(still["status"], waits["status"], "the start changes nothing");
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(handler(&done, "tell")["attempts"], 3);
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 3);
    expect_one_delivery(&done, "tell", &arrived);
    let waited = arrived[2].at - arrived[1].at;
    assert!(waited >= Duration::from_secs(5), "not before its time: {waited:?}");
}

#[tokio::test]
async fn a_retry_that_came_due_while_no_operator_ran_is_made_at_once() {
    let mut scene = waiting(&json!({})).await;
    scene.kill_operator().await;
    // Two seconds are over when those of another receiver are, which somebody else counts.
    let other = Scene::new().await;
    time_is_over(&other).await;
    scene.start_operator(&[]).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(handler(&done, "tell")["attempts"], 2);
    expect_one_delivery(&done, "tell", &scene.receiver.requests_to("/chat"));
}
