//! Deliveries that do not succeed: the handler's status says why, and shows of a URL its scheme and host only.

use std::net::TcpListener;

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_condition, expect_handler, expect_outcome, handler, notify, on_success, tells, with},
    scene::Scene,
};

/// Runs build=success of the context `shop`, whose only handler `tell` fails, and checks status and Kubernetes Event.
async fn expect_failed(scene: &Scene, reason: &str, message: &str) -> Value {
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Failed", reason, message);
    let all = format!("1 of 1 handlers failed: tell: {message}");
    expect_outcome(&done, "Failed", "False", "HandlerFailed", &all);
    assert_eq!(scene.told(Kind::Event, "e", "EventFailed").await, format!("HandlerFailed: {all}"));
    done
}

#[tokio::test]
async fn a_handler_whose_endpoint_is_unknown_waits_for_it_alone() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let handlers = json!([notify("lost", "chta", "built"), notify("tell", "chat", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let waits = |event: &Value| event["status"]["phase"] == "Retrying";
    let event = scene.wait(Kind::Event, "e", "waits", waits).await;
    let message = "find CicdEndpoint chta: there is none of this name";
    expect_handler(&event, "lost", "Waiting", "EndpointNotFound", message);
    expect_handler(&event, "tell", "Succeeded", "Delivered", "");
    let all = format!("Retrying: 1 of 2 handlers wait: lost: {message}");
    assert_eq!(scene.told(Kind::Event, "e", "EventWaiting").await, all);
    scene.others_work().await;
}

#[tokio::test]
async fn a_missing_secret_and_a_missing_key_are_named_and_nothing_is_sent() {
    let scene = Scene::new().await;
    let bearer = json!({"auth": {"bearer": {"secretKeyRef": {"name": "chat-token", "key": "token"}}}});
    scene.endpoint("chat", "/chat", &bearer).await;
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let problem = "read Secret chat-token: it does not exist in the endpoint's namespace";
    let endpoint = scene.wait_condition(Kind::Endpoint, "chat", "Ready", "False").await;
    expect_condition(&endpoint, "Ready", "False", "SecretNotFound", problem);
    expect_failed(&scene, "SecretNotFound", &format!("use CicdEndpoint chat: {problem}")).await;

    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "chat-token"}, "stringData": {"tokn": "abcdef"},
    });
    scene.create_object(Kind::Secret, secret).await;
    let done = scene.run("e2", &event("shop", "build=success")).await;
    let problem = r#"use CicdEndpoint chat: read Secret chat-token: it has no key "token""#;
    expect_handler(&done, "tell", "Failed", "SecretNotFound", problem);
    scene.nothing_sent_to("/chat");
    scene.others_work().await;

    scene.patch(Kind::Secret, "chat-token", &json!({"stringData": {"token": "abcdef"}})).await;
    let done = scene.run("e3", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(scene.receiver.requests_to("/chat")[0].header("authorization"), "Bearer abcdef");
}

#[tokio::test]
async fn a_service_accounts_token_is_never_sent() {
    let scene = Scene::new().await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}});
    scene.create_object(Kind::ServiceAccount, account).await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "robot-token", "annotations": {"kubernetes.io/service-account.name": "robot"}},
        "stringData": {"token": "not-a-real-one"},
    });
    scene.create_object(Kind::Secret, secret).await;
    let bearer = json!({"auth": {"bearer": {"secretKeyRef": {"name": "robot-token", "key": "token"}}}});
    scene.endpoint("chat", "/chat", &bearer).await;
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let message = "use CicdEndpoint chat: read Secret robot-token: Secrets of type kubernetes.io/service-account-token \
                   are never sent";
    expect_failed(&scene, "SecretRefused", message).await;
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn a_receiver_that_is_down_is_named_by_scheme_and_host_only() {
    let scene = Scene::new().await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/hooks/T0K3N?key=K3Y");
    scene.shop().await;
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"url": url}})).await;
    let message = "connect to http://127.0.0.1: Connection refused (os error 111)";
    let done = expect_failed(&scene, "ConnectFailed", message).await;
    assert!(!done["status"].to_string().contains("T0K3N"), "{done:#}");
    assert_eq!(handler(&done, "tell")["attempts"], 1);
    assert!(!scene.log().contains("T0K3N") && !scene.log().contains("K3Y"), "the log shows the URL");
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn an_answer_500_fails_the_handler_and_is_shown_with_its_status() {
    let scene = Scene::new().await;
    scene.shop().await;
    scene.receiver.answer("/chat", Answer::json(500, &json!({"error": "out of order"})));
    let done = expect_failed(&scene, "ServerError", "chat answered with status 500").await;
    assert_eq!(handler(&done, "tell")["httpStatus"], 500);
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    scene.others_work().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let scene = Scene::new().await;
    scene.shop().await;
    let elsewhere = Answer::text(307, "").header("location", &scene.receiver.url("/elsewhere"));
    scene.receiver.answer("/chat", elsewhere);
    expect_failed(&scene, "Redirect", "chat answered with status 307").await;
    scene.nothing_sent_to("/elsewhere");
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_its_handler_for_the_endpoints_timeout_only() {
    let scene = Scene::new().await;
    scene.receiver.answer("/slow", Answer::hang());
    scene.endpoint("slow", "/slow", &json!({"timeoutSeconds": 1})).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let handlers = json!([notify("slow", "slow", "built"), notify("tell", "chat", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/slow", 1).await;
    scene.others_work().await;
    let done = scene.finished("e").await;
    let slow = handler(&done, "slow");
    assert_eq!((&slow["phase"], &slow["reason"]), (&json!("Failed"), &json!("Timeout")), "{done:#}");
    let message = slow["message"].as_str().unwrap();
    assert!(message.starts_with("send to http://127.0.0.1: timed out after 1."), "{message}");
    assert!(message.ends_with(" s while waiting for the answer"), "{message}");
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
}

#[tokio::test]
async fn an_endpoint_of_another_namespace_is_used_only_if_it_allows_that() {
    let (platform, scene) = (Scene::without_operator().await, Scene::new().await);
    platform.endpoint("chat", "/chat", &json!({})).await;
    let reference = format!("{}/chat", platform.namespace);
    let mut elsewhere = notify("tell", "chat", "built");
    elsewhere["notify"]["endpoint"]["namespace"] = json!(platform.namespace);
    scene.create(Kind::Context, "shop", &on_success(&json!([elsewhere]))).await;
    let message =
        format!("use CicdEndpoint {reference}: there is none that lists this namespace in spec.allowedNamespaces");
    expect_failed(&scene, "EndpointNotAllowed", &message).await;
    platform.nothing_sent_to("/chat");
    scene.others_work().await;

    let names = json!({"spec": {"allowedNamespaces": {"names": [scene.namespace]}}});
    platform.patch(Kind::Endpoint, "chat", &names).await;
    let done = scene.run("named", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(handler(&done, "tell")["endpoint"], json!(reference));

    let labels = json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}});
    let selector = json!({"spec": {"allowedNamespaces": {"names": null, "selector": labels}}});
    platform.patch(Kind::Endpoint, "chat", &selector).await;
    let done = scene.run("selected", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(platform.receiver.requests_to("/chat").len(), 2);
}

#[tokio::test]
async fn an_address_that_the_operator_may_not_dial_is_refused_before_it_is_dialled() {
    let scene = Scene::new().await;
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    scene.shop().await;
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"url": format!("http://{address}/chat")}})).await;
    let message = "refuse to send to http://127.0.0.2: it is a loopback address; only an --egress-allow CIDR inside \
                   127.0.0.0/8 or ::1 opens one";
    expect_failed(&scene, "EgressRefused", message).await;
    let dialled = listener.accept().map(|(_, from)| from);
    assert_eq!(dialled.unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody knocked");

    for (name, url) in [("literal", "http://169.254.169.254/latest/meta-data"), ("decimal", "http://2852039166/")] {
        scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"url": url}})).await;
        let done = scene.run(name, &event("shop", "build=success")).await;
        let message = "refuse to send to http://169.254.169.254: it is the metadata service of a cloud; only an \
                       --egress-allow rule with that very address opens it";
        expect_handler(&done, "tell", "Failed", "EgressRefused", message);
    }
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn a_body_that_is_not_json_is_not_sent() {
    let scene = Scene::new().await;
    scene.shop().await;
    scene
        .patch(Kind::Endpoint, "chat", &json!({"spec": {"bodies": {"notify": r#"{"text": {{handler.message}}}"#}}}))
        .await;
    let message = "render spec.bodies.notify: the text is not JSON (expected value at line 1 column 10); values inserted \
                   with {{x}} are escaped for JSON strings, {{json x}} gives any value";
    expect_failed(&scene, "InvalidBody", message).await;
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn a_capture_through_a_text_is_refused_and_changes_nothing() {
    let scene = Scene::new().await;
    scene.receiver.answer("/chat", Answer::json(200, &json!({"ts": "17.4", "ok": true})));
    let mut tell = notify("tell", "chat", "built");
    tell["notify"]["capture"] =
        json!([{"path": "state.ok", "fromPath": "$.body.ok"}, {"path": "state.tag.ts", "fromPath": "$.body.ts"}]);
    scene.shop_with(&on_success(&json!([tell]))).await;
    let message = "change state.tag.ts: state.tag holds a text and cannot hold .ts; unset state.tag first or choose another \
                   path";
    expect_failed(&scene, "CaptureRefused", message).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "it is never sent again");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"], json!({"tag": "1.4"}), "none of its captures is written");
    scene.others_work().await;
}

#[tokio::test]
async fn a_handler_that_says_stop_holds_back_those_behind_it() {
    let scene = Scene::new().await;
    scene.receiver.answer("/gate", Answer::json(409, &json!({})));
    scene.endpoint("gate", "/gate", &json!({})).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let gate = with(notify("gate", "gate", "may I"), &json!({"onFailure": "Stop"}));
    scene.create(Kind::Context, "shop", &on_success(&json!([gate, notify("tell", "chat", "built")]))).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "gate", "Failed", "Rejected", "gate answered with status 409");
    expect_handler(&done, "tell", "Skipped", "Stopped", "gate failed and says onFailure: Stop");
    scene.nothing_sent_to("/chat");
}
