//! respond: to the endpoint's own URL, or to one from a template on a host that the endpoint allows.

use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, handler, on_success},
    scene::Scene,
};

fn respond(name: &str, url: Option<&str>, message: &str) -> Value {
    let mut handler = json!({"name": name, "respond": {
        "endpoint": {"name": "chat"}, "message": message, "fields": [{"name": "who", "value": "{{event.data.who}}"}],
    }});
    if let Some(url) = url {
        handler["respond"]["url"] = json!(url);
    }
    handler
}

#[tokio::test]
async fn a_response_goes_to_the_endpoints_own_url_unless_a_template_names_another() {
    let scene = Scene::new().await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "stringData": {"token": "abcdef"},
    });
    scene.create_object(Kind::Secret, secret).await;
    // The receiver speaks no TLS: what is dialled there ends in the handshake, and no byte of a request arrives.
    let body = r#"{"text": "{{handler.message}}", "fields": {{json handler.fields}}}"#;
    let more = json!({
        "bodies": {"respond": body}, "allowedHosts": ["127.0.0.1", "*.chat.example"],
        "auth": {"bearer": {"secretKeyRef": {"name": "token", "key": "token"}}},
    });
    scene.endpoint("chat", "/chat", &more).await;
    let handlers = json!([
        respond("own", None, "started {{event.data.who}}"),
        respond("blank-message", None, " {{event.data.none}} "),
        respond("blank-url", Some("{{event.data.none}}"), "x"),
        respond("elsewhere", Some("https://chat.example/r/T0KEN"), "x"),
        respond("somebody", Some("https://a@127.0.0.1/r/T0KEN"), "x"),
        respond("plain", Some(&scene.receiver.url("/plain")), "x"),
        respond("templated", Some("{{event.data.url}}"), "x"),
    ]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let mut spec = event("shop", "build=success");
    let url = format!("https://{}/r/T0KEN?sig=S1G", scene.receiver.address());
    spec["data"] = json!({"who": "a \"b\"", "url": url});
    let done = scene.run("e", &spec).await;

    expect_handler(&done, "own", "Succeeded", "Delivered", "");
    let sent = scene.receiver.requests_to("/chat");
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].body, json!({"text": "started a \"b\"", "fields": {"who": "a \"b\""}}));
    assert_eq!(sent[0].header("authorization"), "Bearer abcdef");
    expect_handler(&done, "blank-message", "Skipped", "NothingToSend", "its message is blank");
    expect_handler(&done, "blank-url", "Skipped", "NothingToSend", "its url is blank");
    let refused = "use CicdEndpoint chat: its spec.allowedHosts (127.0.0.1, *.chat.example) do not cover chat.example";
    expect_handler(&done, "elsewhere", "Failed", "EndpointNotAllowed", refused);
    let refused =
        "use CicdEndpoint chat: the rendered url is not an https URL without user name; write https://host/path";
    expect_handler(&done, "somebody", "Failed", "EndpointNotAllowed", refused);
    // The endpoint allows http, on the hosts that it lists; what is not its own URL gets no credentials.
    expect_handler(&done, "plain", "Succeeded", "Delivered", "");
    assert_eq!(scene.receiver.requests_to("/plain")[0].header("authorization"), "");
    let templated = handler(&done, "templated");
    assert_eq!((&templated["phase"], &templated["attempts"]), (&json!("Failed"), &json!(1)), "it was dialled");
    let message = templated["message"].as_str().unwrap();
    assert!(message.contains("https://127.0.0.1"), "{message}");
    assert_eq!(scene.receiver.requests().len(), 2, "nothing else arrived");
    for secret in ["T0KEN", "S1G"] {
        assert!(!done["status"].to_string().contains(secret) && !scene.log().contains(secret), "{secret} shows");
    }
}
