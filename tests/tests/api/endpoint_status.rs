//! The status of an endpoint: whether it can be used, when deliveries last succeeded and failed, and how seldom that is
//! written.

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, condition, event, expect_condition, expect_handler, is, tells},
    scene::Scene,
};

/// How often the operator has written the status of an endpoint.
async fn writes(scene: &Scene) -> u64 {
    scene.metric(r#"cicdcontext_api_writes_total{target="endpoint_status"}"#).await
}

#[tokio::test]
async fn an_endpoint_becomes_ready_when_its_secret_comes_and_is_not_when_it_goes() {
    let scene = Scene::new().await;
    let bearer = json!({"auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}}});
    scene.endpoint("chat", "/chat", &bearer).await;
    let endpoint = scene.wait_condition(Kind::Endpoint, "chat", "Ready", "False").await;
    let problem = "read Secret chat: it does not exist in the endpoint's namespace";
    expect_condition(&endpoint, "Ready", "False", "SecretNotFound", problem);
    scene.secret("chat", &json!({"token": "abcdef"})).await;
    let endpoint = scene.wait_condition(Kind::Endpoint, "chat", "Ready", "True").await;
    expect_condition(&endpoint, "Ready", "True", "Valid", "the endpoint can be used");

    // Secrets are not watched: a delivery finds out.
    scene.delete(Kind::Secret, "chat").await;
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Failed", "SecretNotFound", &format!("use CicdEndpoint chat: {problem}"));
    scene.wait_condition(Kind::Endpoint, "chat", "Ready", "False").await;
}

#[tokio::test]
async fn a_template_or_proxy_that_cannot_be_used_shows_in_ready() {
    let scene = Scene::new().await;
    scene.endpoint("broken", "/x", &json!({"successWhen": "{{#if}"})).await;
    let endpoint = scene.wait_condition(Kind::Endpoint, "broken", "Ready", "False").await;
    let (_, reason, message) = condition(&endpoint, "Ready");
    assert_eq!(reason, "InvalidTemplate");
    assert!(message.contains("spec.successWhen"), "{message}");
    scene.endpoint("proxied", "/x", &json!({"proxy": "out"})).await;
    let endpoint = scene.wait_condition(Kind::Endpoint, "proxied", "Ready", "False").await;
    let problem = "use spec.proxy: there is no proxy \"out\"; known are none";
    expect_condition(&endpoint, "Ready", "False", "EndpointNotReady", problem);
}

#[tokio::test]
async fn many_deliveries_write_the_status_once_and_the_first_failure_after_them_at_once() {
    let scene = Scene::new().await;
    scene.shop().await;
    let ready = scene.wait_condition(Kind::Endpoint, "chat", "Ready", "True").await;
    assert_eq!(ready["status"].get("lastSuccessTime"), None);
    let before = writes(&scene).await;
    scene.run("first", &event("shop", "build=success")).await;
    let told = |field: &'static str| move |endpoint: &Value| endpoint["status"][field].is_string();
    scene.wait(Kind::Endpoint, "chat", "has succeeded", told("lastSuccessTime")).await;
    for number in 0..20 {
        scene.create(Kind::Event, &format!("e{number}"), &event("shop", "build=success")).await;
    }
    for number in 0..20 {
        scene.finished(&format!("e{number}")).await;
    }
    scene.receiver.answer("/chat", Answer::json(503, &json!({})));
    for number in 0..5 {
        scene.run(&format!("f{number}"), &event("shop", "build=success")).await;
    }
    let failed = scene.wait(Kind::Endpoint, "chat", "has failed", told("lastFailureTime")).await;
    assert_eq!(failed["status"]["lastFailureReason"], "ServerError");
    assert!(is(&failed, "Ready", "True"), "a receiver that fails says nothing of the endpoint: {failed:#}");
    assert_eq!(writes(&scene).await - before, 2, "26 deliveries: the first success, and the first failure");
}
