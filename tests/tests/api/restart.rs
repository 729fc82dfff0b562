//! An operator that is killed in the middle of an event: the next one brings it to its end, and does nothing twice.

use cicdcontext_tests::receiver::Answer;
use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, handler, logs_and_tells},
    scene::Scene,
};

#[tokio::test]
async fn an_event_that_was_interrupted_by_a_kill_is_brought_to_its_end() {
    let mut scene = Scene::new().await;
    scene.receiver.answers("/chat", [Answer::hang(), Answer::json(200, &json!({"ts": "17.4"}))]);
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    scene.kill_operator().await;
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"]["log"], json!(["start", "built"]));

    scene.start_operator(&[]).await;
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let recorded = "what it wrote was in the state already when the operator started anew";
    expect_handler(&done, "log", "Succeeded", "RecordedBefore", recorded);
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"], json!({"log": ["start", "built", "told"], "ts": "17.4"}));
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 2, "sent once more, since nobody knows whether it arrived: {arrived:?}");
    assert_eq!(arrived[0].body, arrived[1].body);
    let id = arrived[0].header("webhook-id");
    assert_eq!((id, arrived[1].header("webhook-id")), (arrived[0].header("idempotency-key"), id));
    assert_eq!(handler(&done, "tell")["webhookId"], id);
    scene.receiver.release();
    scene.others_work().await;
}

#[tokio::test]
async fn an_annotation_that_was_seen_by_nobody_is_taken_in_at_the_next_start() {
    let mut scene = Scene::without_operator().await;
    scene.shop().await;
    scene.annotate("shop", "r1", "build=success").await;
    scene.start_operator(&[]).await;
    scene.finished_annotation("shop", "r1").await;
    scene.kill_operator().await;
    scene.annotate("shop", "r2", "build=success").await;
    scene.start_operator(&[]).await;
    scene.finished_annotation("shop", "r2").await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2, "one for each id");
}

#[tokio::test]
async fn an_operator_that_is_asked_to_stop_ends_in_order() {
    let mut scene = Scene::new().await;
    scene.shop().await;
    scene.run("e", &event("shop", "build=success")).await;
    scene.stop_operator().await;
    let log = scene.log();
    assert!(log.contains("all work is done"), "{log}");
}
