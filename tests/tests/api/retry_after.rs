//! A receiver that says when it wants to be asked again.

use std::time::{Duration, SystemTime};

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, handler, tells},
    scene::{
        Scene,
        deliveries::{patient, three_attempts},
    },
};

async fn shop(endpoint: &Value) -> Scene {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", endpoint).await;
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene
}

fn later(value: &str) -> Answer {
    Answer::json(503, &json!({})).header("retry-after", value)
}

/// How long after the first request the second one came.
async fn waited(scene: &Scene) -> Duration {
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 2, "{arrived:?}");
    arrived[1].at - arrived[0].at
}

#[tokio::test]
async fn a_receiver_that_names_seconds_is_not_asked_again_before() {
    let scene = shop(&patient()).await;
    scene.receiver.answers("/chat", [later("3")]);
    let waited = waited(&scene).await;
    assert!(waited >= Duration::from_secs(3), "{waited:?}");
}

#[tokio::test]
async fn a_receiver_that_names_a_date_is_not_asked_again_before() {
    let scene = shop(&patient()).await;
    // A date has no parts of a second: it lies at least three seconds ahead.
    let mut first = true;
    scene.receiver.program("/chat", move |_| {
        let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(4));
        if std::mem::take(&mut first) { later(&date) } else { Answer::default() }
    });
    let waited = waited(&scene).await;
    assert!(waited >= Duration::from_secs(3), "{waited:?}");
}

#[tokio::test]
async fn what_cannot_be_meant_as_a_time_is_as_if_it_were_not_there() {
    for value in ["-7200", "soon", "1.5e9", "99999999999999999999999"] {
        let scene = shop(&three_attempts()).await;
        scene.receiver.answers("/chat", [later(value)]);
        // The endpoint's own schedule says one second at most, and times are full seconds.
        let waited = waited(&scene).await;
        assert!(waited < Duration::from_secs(20), "{value}: {waited:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_asks_for_years_is_asked_again_after_the_longest_wait_of_the_endpoint() {
    let scene = shop(&json!({"retry": {"maxAttempts": 3, "initialDelaySeconds": 1, "maxDelaySeconds": 2}})).await;
    scene.receiver.answers("/chat", [later("99999999")]);
    let waited = waited(&scene).await;
    assert!(waited >= Duration::from_secs(2), "{waited:?}");
}

#[tokio::test]
async fn a_receiver_that_asks_for_more_time_than_is_left_is_not_asked_again() {
    let scene = shop(&json!({"retry": {"maxAttempts": 3, "maxElapsedSeconds": 60, "maxDelaySeconds": 3600}})).await;
    scene.receiver.answers("/chat", [later("100")]);
    let done = scene.run("e", &event("shop", "build=success")).await;
    assert_eq!((&handler(&done, "tell")["phase"], &handler(&done, "tell")["attempts"]), (&json!("Failed"), &json!(1)));
    let message = handler(&done, "tell")["message"].as_str().unwrap();
    let begin = "chat answered with status 503; given up after 1 attempt: ";
    assert!(message.starts_with(begin) && message.contains("100 s") && message.contains("60 s"), "{message}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}
