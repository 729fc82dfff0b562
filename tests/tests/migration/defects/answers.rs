//! Where requests go, with what, and what becomes of the answers.

use std::time::Duration;

use cicdcontext_tests::receiver::{Answer, Receiver};
use serde_json::json;

use super::desk::Desk;

#[tokio::test]
async fn defect_08_what_is_not_delivered_is_tried_again_and_then_an_error() {
    let mut desk = Desk::with_handlers(json!({"notify": {"message": "x"}, "trigger-pipeline": {"name": "next"}})).await;
    desk.init().await;
    desk.receiver.answer("/chat", Answer::json(400, &json!({})));
    let fired = desk.fire().await;
    assert!(fired.failed().contains("notify") && fired.failed().contains("400"), "{fired:?}");
    assert_eq!(desk.arrived(), ["/chat", "/start"], "a 400 is final, and those behind run");
    desk.receiver.answer("/chat", Answer::json(500, &json!({})));
    desk.set("CICDSTATEMGR_ON_DELIVERY_FAILURE", "warn");
    let warned = desk.fire().await;
    assert_eq!(warned.code, 0, "{warned:?}");
    assert!(
        warned.errors.contains("warning: ") && warned.errors.contains("given up after attempt 3 of 3"),
        "{warned:?}"
    );
    assert_eq!(desk.receiver.requests_to("/chat").len(), 4, "one and three");
}

#[tokio::test]
async fn defect_10_an_answer_that_is_no_json_loses_nothing() {
    let desk = Desk::with_handlers(json!({
        "notify": {"message": "x", "capture-response-data": [{"from": "{{ body }}", "to": "state.said"}]},
        "set-values": {"set": [{"from": "x", "to": "state.behind"}]},
    }))
    .await;
    desk.init().await;
    desk.receiver.answer("/chat", Answer::text(200, "thanks"));
    let fired = desk.fire().await;
    assert!(fired.errors.contains("the answer is no JSON"), "{fired:?}");
    fired.good();
    assert_eq!((desk.get("state.said").await.as_str(), desk.get("state.behind").await.as_str()), ("thanks", "x"));
}

#[tokio::test]
async fn defect_18_a_capture_by_a_path_keeps_its_type() {
    let desk = Desk::with_app("cicd-contexts: {stage: {}}").await;
    desk.receiver.answer("/chat", Answer::json(200, &json!({"n": 5, "ok": true, "map": {"a": null}})));
    desk.write("manifests/all.yaml", &format!("apiVersion: cicdcontext.io/v1alpha1\nkind: CicdEndpoint\n\
        metadata: {{name: chat}}\nspec: {{url: {:?}, allowHttp: true}}\n---\napiVersion: cicdcontext.io/v1alpha1\n\
        kind: CicdContext\nmetadata: {{name: r}}\nspec: {{pipelines: {{build: {{eventHandlers: {{go: [\n\
        {{name: tell, notify: {{endpoint: {{name: chat}}, message: m, capture: [{{path: state.all, fromPath: $.body}}]}}}}]}}}}}}}}\n",
        desk.receiver.url("/chat")));
    desk.cicdctl("event", &["r", "build=go"]).await.good();
    let kept = desk.cicdctl("get", &["r", "state.all"]).await.good();
    assert_eq!(kept, "{\"n\":5,\"ok\":true,\"map\":{\"a\":null}}\n");
}

#[tokio::test]
async fn defect_22_a_redirect_is_not_followed() {
    let desk = Desk::with_handlers(json!({"notify": {"message": "x"}})).await;
    desk.init().await;
    let elsewhere = desk.receiver.url("/elsewhere");
    desk.receiver.answer("/chat", Answer::text(302, "").header("location", &elsewhere));
    let fired = desk.fire().await;
    assert!(fired.failed().contains("302") || fired.failed().contains("redirect"), "{fired:?}");
    assert_eq!(desk.arrived(), ["/chat"]);
}

#[tokio::test]
async fn defect_35_the_token_goes_to_its_own_host_and_port_only() {
    let other = Receiver::start().await.unwrap();
    let desk = Desk::with_handlers(json!({
        "respond": {"message": "m", "url": other.url("/reply")}, "notify": {"message": "m"},
    }))
    .await;
    let mut config = desk.config();
    config["trigger"]["url"] = json!(other.url("/start"));
    desk.configure(&config);
    desk.init().await;
    desk.fire().await.good();
    let reply = other.wait_for("/reply", 1, Duration::from_secs(5)).await.unwrap();
    assert_eq!(reply[0].header("authorization"), "");
    assert_eq!(desk.receiver.requests_to("/chat")[0].header("authorization"), "Bearer chat-token");
}

#[tokio::test]
async fn defect_36_credentials_that_lie_around_are_not_used() {
    let mut desk = Desk::with_handlers(json!({"notify": {"message": "m"}})).await;
    desk.write(".netrc", "machine 127.0.0.1 login somebody password else\n");
    desk.set("HTTP_PROXY", "http://127.0.0.1:9");
    desk.set("http_proxy", "http://127.0.0.1:9");
    desk.init().await;
    desk.fire().await.good();
    assert_eq!(desk.receiver.requests_to("/chat")[0].header("authorization"), "Bearer chat-token");
}
