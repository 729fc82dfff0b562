//! What an endpoint adds to a request: signatures, a token that was changed, a proxy, a preset's body.

use axum::http::HeaderMap;
use cicdcontext_tests::receiver::{Arrived, Receiver, tls::Authority};
use serde_json::json;
use standardwebhooks::Webhook;

use crate::{
    object::{Kind, event, expect_condition, expect_handler, handler, notify, on_success, tells},
    scene::Scene,
    small_proxy::SmallProxy,
};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Whether the library that receivers use takes the request as signed with this key.
fn verified(key: &str, request: &Arrived) -> bool {
    let headers: HeaderMap = request.headers.clone();
    Webhook::new(key).unwrap().verify(request.text.as_bytes(), &headers).is_ok()
}

#[tokio::test]
async fn a_signed_request_is_verified_by_the_published_library_with_each_key_and_after_a_rotation_with_the_new_one() {
    let scene = Scene::new().await;
    scene.secret("signing", &json!({"old": OLD, "new": NEW})).await;
    let keys = |names: &[&str]| -> serde_json::Value {
        names.iter().map(|name| json!({"secretKeyRef": {"name": "signing", "key": name}})).collect()
    };
    scene.endpoint("chat", "/chat", &json!({"signing": {"keys": keys(&["old", "new"])}})).await;
    scene.create(Kind::Context, "shop", &tells("chat", "built \"1.4\"")).await;
    let done = scene.run("both", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    let arrived = scene.receiver.requests_to("/chat");
    assert!(verified(OLD, &arrived[0]) && verified(NEW, &arrived[0]), "{:?}", arrived[0].headers);
    assert_eq!(arrived[0].header("webhook-id"), handler(&done, "tell")["webhookId"]);

    // The sender forgets the old key: first the endpoint, and later the Secret itself changes.
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"signing": {"keys": keys(&["new"])}}})).await;
    scene.wait(Kind::Endpoint, "chat", "is seen", |chat| chat["status"]["observedGeneration"] == 2).await;
    scene.run("one", &event("shop", "build=success")).await;
    scene.patch(Kind::Secret, "signing", &json!({"stringData": {"new": OLD}})).await;
    scene.run("rotated", &event("shop", "build=success")).await;
    let arrived = scene.receiver.requests_to("/chat");
    assert!(verified(NEW, &arrived[1]) && !verified(OLD, &arrived[1]), "{:?}", arrived[1].headers);
    assert!(verified(OLD, &arrived[2]) && !verified(NEW, &arrived[2]), "{:?}", arrived[2].headers);
    assert!(!scene.log().contains("MfKQ9r8GKYqr") && !scene.log().contains("C2FVsBQIhrsc"), "a key shows in the log");
}

#[tokio::test]
async fn a_signing_key_that_is_none_is_named_by_its_place_and_shows_nowhere() {
    let scene = Scene::new().await;
    scene.secret("signing", &json!({"key": "c4nary-signing-key"})).await;
    let keys = json!([{"secretKeyRef": {"name": "signing", "key": "key"}}]);
    scene.endpoint("chat", "/chat", &json!({"signing": {"keys": keys}})).await;
    let endpoint = scene.wait_condition(Kind::Endpoint, "chat", "Ready", "False").await;
    let problem = "use spec.signing.keys[0] (key \"key\" of Secret signing): sign with key 1 of the endpoint: it does \
                   not start with whsec_; write whsec_ and the base64 of 24 to 64 random bytes";
    expect_condition(&endpoint, "Ready", "False", "EndpointNotReady", problem);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Failed", "EndpointNotReady", &format!("use CicdEndpoint chat: {problem}"));
    scene.nothing_sent_to("/chat");
    assert!(!done.to_string().contains("c4nary") && !scene.log().contains("c4nary"));
    scene.others_work().await;
}

#[tokio::test]
async fn a_token_that_was_changed_is_used_from_the_next_event_on() {
    let scene = Scene::new().await;
    scene.secret("chat", &json!({"token": "first-token"})).await;
    let bearer = json!({"auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}}});
    scene.endpoint("chat", "/chat", &bearer).await;
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.run("first", &event("shop", "build=success")).await;
    scene.patch(Kind::Secret, "chat", &json!({"stringData": {"token": "second-token"}})).await;
    scene.run("second", &event("shop", "build=success")).await;
    let sent = scene.receiver.requests_to("/chat");
    let tokens: Vec<&str> = sent.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(tokens, ["Bearer first-token", "Bearer second-token"]);
}

#[tokio::test]
async fn an_endpoint_reaches_its_receiver_through_the_operators_proxy_and_an_unknown_one_is_told() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["hooks.chat.example"]).unwrap();
    let receiver = Receiver::start_tls(&identity).await.unwrap();
    let proxy = SmallProxy::to(receiver.address()).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    std::fs::write(&file, "robot:pr0xy-word\n").unwrap();
    let flags = [format!("--proxy=out={}", proxy.url()), format!("--proxy-credentials=out={}", file.display())];
    let scene = Scene::with_flags(&flags.each_ref().map(String::as_str)).await;
    let ca = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": authority.pem()}});
    scene.create_object(Kind::ConfigMap, ca).await;
    // Nobody resolves this name but the proxy.
    let through = json!({
        "url": "https://hooks.chat.example/chat", "proxy": "out",
        "tls": {"ca": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}},
    });
    scene.endpoint("chat", "/chat", &through).await;
    scene.endpoint("lost", "/lost", &json!({"proxy": "uot"})).await;
    let handlers = json!([notify("tell", "chat", "built"), notify("lost", "lost", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(receiver.requests_to("/chat").len(), 1);
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    assert!(heads[0].starts_with("CONNECT hooks.chat.example:443 "), "{}", heads[0]);
    let credentials = format!("Basic {}", data_encoding::BASE64.encode(b"robot:pr0xy-word"));
    assert!(heads[0].contains(&credentials), "{}", heads[0]);

    let problem = "use spec.proxy: there is no proxy \"uot\"; known are out";
    expect_handler(&done, "lost", "Failed", "EndpointNotReady", &format!("use CicdEndpoint lost: {problem}"));
    let lost = scene.wait_condition(Kind::Endpoint, "lost", "Ready", "False").await;
    expect_condition(&lost, "Ready", "False", "EndpointNotReady", problem);
    scene.nothing_sent_to("/lost");
    assert!(!scene.log().contains("pr0xy-word"));
}

#[tokio::test]
async fn a_presets_body_is_sent_unless_the_endpoint_has_one() {
    let scene = Scene::new().await;
    for (name, preset) in [("slack", "Slack"), ("discord", "Discord"), ("tekton", "TektonTrigger")] {
        let spec = json!({"url": scene.receiver.url(&format!("/{name}")), "allowHttp": true, "preset": preset});
        scene.create(Kind::Endpoint, name, &spec).await;
    }
    scene.endpoint("own", "/own", &json!({"preset": "Slack"})).await;
    let mut slack = notify("slack", "slack", "built \"1.4\"");
    slack["notify"]["fields"] = json!([{"name": "channel", "value": "#ci"}]);
    let trigger = json!({"name": "tekton", "triggerPipeline": {
        "endpoint": {"name": "tekton"}, "name": "deploy", "args": [{"name": "tag", "value": "1.4"}],
    }});
    let handlers = json!([slack, notify("discord", "discord", "built"), trigger, notify("own", "own", "mine")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    scene.run("e", &event("shop", "build=success")).await;
    let body = |path: &str| scene.receiver.requests_to(path)[0].body.clone();
    assert_eq!(body("/slack"), json!({"channel": "#ci", "text": "built \"1.4\""}));
    assert_eq!(body("/discord")["content"], "built");
    assert_eq!(body("/tekton"), json!({"tag": "1.4"}));
    assert_eq!(body("/own"), json!({"text": "mine"}));
}
