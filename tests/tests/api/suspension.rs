//! `suspend` of endpoints and contexts, and deliveries that wait for its end.

use cicdcontext_tests::receiver::Answer;
use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, handler, notify, on_success, tells, with},
    scene::{
        Scene,
        deliveries::{expect_one_delivery, patient, texts},
    },
};

async fn suspend(scene: &Scene, kind: Kind, name: &str, suspend: bool) {
    scene.patch(kind, name, &json!({"spec": {"suspend": suspend}})).await;
}

/// Another context's delivery, which is tried again three seconds after its first attempt: when it is done, what was due
/// within that time and could go has gone.
async fn three_seconds_pass(scene: &Scene) {
    scene.endpoint("clock", "/clock", &patient()).await;
    scene.receiver.answers("/clock", [Answer::json(503, &json!({})).header("retry-after", "3")]);
    scene.create(Kind::Context, "clock", &tells("clock", "tick")).await;
    scene.run("clock", &event("clock", "build=success")).await;
}

#[tokio::test]
async fn first_attempts_at_a_suspended_endpoint_wait_and_leave_in_event_order_when_it_is_let_go() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({"suspend": true})).await;
    scene.endpoint("log", "/log", &json!({})).await;
    let handlers = json!([
        notify("tell", "chat", "{{event.id}} a"),
        notify("again", "chat", "{{event.id}} b"),
        notify("log", "log", "{{event.id}}"),
    ]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let names: Vec<String> = (0..10).map(|number| format!("e{number}")).collect();
    for name in &names {
        scene.create(Kind::Event, name, &event("shop", "build=success")).await;
    }
    for name in &names {
        let waits = scene.in_phase(name, "again", "Waiting").await;
        let message = "spec.suspend of CicdEndpoint chat is true";
        expect_handler(&waits, "tell", "Waiting", "Suspended", message);
        assert_eq!(handler(&waits, "tell").get("attempts"), None, "{waits:#}");
    }
    scene.arrived("/log", 10).await;
    scene.nothing_sent_to("/chat");
    suspend(&scene, Kind::Endpoint, "chat", false).await;
    for name in &names {
        let done = scene.finished(name).await;
        expect_handler(&done, "tell", "Succeeded", "Delivered", "");
        expect_handler(&done, "again", "Succeeded", "Delivered", "");
    }
    let order: Vec<String> = names.iter().flat_map(|name| [format!("{name} a"), format!("{name} b")]).collect();
    assert_eq!(texts(&scene.receiver.requests_to("/chat")), order);
}

#[tokio::test]
async fn retries_at_a_suspended_endpoint_wait_and_that_time_does_not_count() {
    let scene = Scene::new().await;
    let short =
        json!({"retry": {"maxAttempts": 5, "maxElapsedSeconds": 4, "initialDelaySeconds": 1, "maxDelaySeconds": 1}});
    scene.endpoint("chat", "/chat", &short).await;
    scene.receiver.answers("/chat", [Answer::json(503, &json!({})), Answer::json(503, &json!({}))]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    suspend(&scene, Kind::Endpoint, "chat", true).await;
    scene.in_phase("e", "tell", "Waiting").await;
    let before = scene.receiver.requests_to("/chat").len();
    three_seconds_pass(&scene).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), before, "nothing was sent while it was suspended");
    // Without the time in which it was suspended less than four seconds have passed after the next attempts.
    suspend(&scene, Kind::Endpoint, "chat", false).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    expect_one_delivery(&done, "tell", &scene.receiver.requests_to("/chat"));
}

#[tokio::test]
async fn retries_of_a_suspended_context_wait_until_it_is_let_go() {
    let mut scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &patient()).await;
    scene.receiver.answers("/chat", [Answer::json(503, &json!({})).header("retry-after", "2")]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.in_phase("e", "tell", "Waiting").await;
    suspend(&scene, Kind::Context, "shop", true).await;
    three_seconds_pass(&scene).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "nothing was sent while it was suspended");
    // The next operator finds it so.
    scene.kill_operator().await;
    scene.start_operator(&[]).await;
    scene.others_work().await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    suspend(&scene, Kind::Context, "shop", false).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    expect_one_delivery(&done, "tell", &scene.receiver.requests_to("/chat"));
}

#[tokio::test]
async fn an_endpoint_that_is_suspended_in_the_middle_of_an_event_lets_the_handlers_before_it_be() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.endpoint("log", "/log", &json!({})).await;
    scene.receiver.answer("/log", Answer::default().held());
    let handlers = json!([notify("log", "log", "log"), notify("tell", "chat", "tell")]);
    scene.create(Kind::Context, "shop", &with(on_success(&handlers), &json!({}))).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/log", 1).await;
    suspend(&scene, Kind::Endpoint, "chat", true).await;
    scene.wait(Kind::Endpoint, "chat", "is seen", |chat| chat["status"]["observedGeneration"] == 2).await;
    scene.receiver.release();
    let waits = scene.in_phase("e", "tell", "Waiting").await;
    expect_handler(&waits, "log", "Succeeded", "Delivered", "");
    scene.nothing_sent_to("/chat");
    suspend(&scene, Kind::Endpoint, "chat", false).await;
    scene.finished("e").await;
    assert_eq!((scene.receiver.requests_to("/log").len(), scene.receiver.requests_to("/chat").len()), (1, 1));
}
