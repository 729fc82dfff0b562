//! Secrets: what is used in a request shows nowhere else, not even when the receiver sends it back.

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, notify, on_success},
    scene::Scene,
};

const TOKEN: &str = "xoxb-5ecret/of+the=chat";
const PATH: &str = "/hooks/T0K3N-0F-THE-URL";

#[tokio::test]
async fn a_token_that_the_receiver_echoes_shows_in_no_status_log_state_or_kubernetes_event() {
    let scene = Scene::new().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "chat"},
        "stringData": {"token": TOKEN, "url": scene.receiver.url(PATH)},
    });
    scene.create_object(Kind::Secret, secret).await;
    scene.receiver.program("/echo", |request| {
        let echo = request.header("authorization").to_owned();
        let body = json!({"you": echo, "token": TOKEN, "in": {TOKEN: 1}});
        Answer::json(200, &body).header("x-echo", &echo).header("set-cookie", "session=5ecret-session")
    });
    scene.receiver.answer("/fails", Answer::text(500, format!("no such token: {TOKEN}")).header("x-echo", TOKEN));
    let bearer = json!({"auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}}});
    scene.endpoint("echo", "/echo", &bearer).await;
    scene.endpoint("fails", "/fails", &bearer).await;
    scene.endpoint("hook", "/hook", &json!({})).await;
    let from_secret = json!({"spec": {"url": null, "urlFrom": {"secretKeyRef": {"name": "chat", "key": "url"}}}});
    scene.patch(Kind::Endpoint, "hook", &from_secret).await;
    scene.receiver.answer(PATH, Answer::text(404, format!("no such hook: {PATH}")));
    let mut echo = notify("echo", "echo", "built");
    echo["notify"]["capture"] = json!([
        {"path": "state.body", "fromPath": "$.body"},
        {"path": "state.headers", "fromPath": "$.headers"},
    ]);
    let handlers = json!([echo, notify("fails", "fails", "built"), notify("hook", "hook", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;

    assert_eq!(scene.receiver.requests_to("/echo")[0].header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(scene.receiver.requests_to(PATH).len(), 1);
    expect_handler(&done, "echo", "Succeeded", "Delivered", "");
    expect_handler(&done, "fails", "Failed", "ServerError", "fails answered with status 500");
    expect_handler(&done, "hook", "Failed", "NotFound", "hook answered with status 404");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let state = &context["spec"]["state"];
    assert_eq!(state["body"], json!({"you": "Bearer ***", "token": "***", "in": {"***": 1}}));
    assert_eq!(state["headers"]["x-echo"], "Bearer ***");
    assert_eq!(state["headers"].get("set-cookie"), None);

    scene.told(Kind::Event, "e", "EventFailed").await;
    let endpoints: Vec<Value> = scene.list(Kind::Endpoint).await;
    let told = scene.kubernetes_events().await;
    let places = [
        ("the event", done.to_string()),
        ("the context", context.to_string()),
        ("the endpoints", json!(endpoints).to_string()),
        ("the log", scene.log()),
        ("Kubernetes Events", serde_json::to_string(&told).unwrap()),
    ];
    for (place, text) in places {
        for secret in [TOKEN, PATH, "5ecret-session", &data_encoding::BASE64.encode(TOKEN.as_bytes())] {
            assert!(!text.contains(secret), "{place} shows {secret}: {text}");
        }
    }
    scene.others_work().await;
}
