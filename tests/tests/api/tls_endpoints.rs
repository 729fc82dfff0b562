//! Certificates: whom an endpoint trusts, and which one it shows.

use cicdcontext_tests::receiver::{
    Receiver,
    tls::{Authority, Identity},
};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_condition, expect_handler, handler, notify, on_success, tells},
    scene::Scene,
};

/// Creates a Secret of type kubernetes.io/tls.
async fn certificate(scene: &Scene, name: &str, identity: &Identity) {
    let object = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": name},
        "stringData": {"tls.crt": identity.certificate_pem(), "tls.key": identity.key_pem()},
    });
    scene.create_object(Kind::Secret, object).await;
}

async fn endpoint(scene: &Scene, name: &str, url: &str, tls: &Value) {
    let body = r#"{"text": "{{handler.message}}"}"#;
    let mut spec = json!({"url": url, "bodies": {"notify": body, "respond": body}, "allowedHosts": ["127.0.0.1"]});
    spec["retry"] = json!({"maxAttempts": 1});
    if !tls.is_null() {
        spec["tls"] = tls.clone();
    }
    scene.create(Kind::Endpoint, name, &spec).await;
}

fn trusts(secret: &str) -> Value {
    json!({"ca": {"secretKeyRef": {"name": secret, "key": "ca.crt"}}})
}

#[tokio::test]
async fn a_receiver_is_trusted_by_the_endpoints_own_authority_and_by_nobody_without() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let receiver = Receiver::start_tls(&authority.identity(&["127.0.0.1"]).unwrap()).await.unwrap();
    let scene = Scene::new().await;
    scene.secret("ca", &json!({"ca.crt": authority.pem()})).await;
    scene.secret("other", &json!({"ca.crt": other.pem()})).await;
    endpoint(&scene, "plain", &receiver.url("/plain"), &Value::Null).await;
    endpoint(&scene, "own", &receiver.url("/own"), &trusts("ca")).await;
    endpoint(&scene, "other", &receiver.url("/other"), &trusts("other")).await;
    let handlers = json!([notify("plain", "plain", "x"), notify("own", "own", "x"), notify("other", "other", "x")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "own", "Succeeded", "Delivered", "");
    for name in ["plain", "other"] {
        let handler = handler(&done, name);
        assert_eq!((&handler["phase"], &handler["reason"]), (&json!("Failed"), &json!("TlsFailed")), "{handler:#}");
    }
    assert_eq!(receiver.requests().len(), 1);

    // The authority is replaced: the next attempt goes by the new one.
    scene.patch(Kind::Secret, "other", &json!({"stringData": {"ca.crt": authority.pem()}})).await;
    let done = scene.run("again", &event("shop", "build=success")).await;
    expect_handler(&done, "other", "Succeeded", "Delivered", "");
}

#[tokio::test]
async fn a_client_certificate_arrives_at_the_endpoints_own_url_only() {
    let authority = Authority::new().unwrap();
    let identity = authority.identity(&["127.0.0.1"]).unwrap();
    let open = Receiver::start_tls(&identity).await.unwrap();
    let strict = Receiver::start_tls(&identity.clients_of(&authority)).await.unwrap();
    let client = authority.identity(&["operator.example"]).unwrap();
    let scene = Scene::new().await;
    scene.secret("ca", &json!({"ca.crt": authority.pem()})).await;
    certificate(&scene, "client", &client).await;
    let tls = json!({"ca": trusts("ca")["ca"], "clientCertificateSecretName": "client"});
    endpoint(&scene, "known", &strict.url("/known"), &tls).await;
    endpoint(&scene, "unknown", &strict.url("/unknown"), &trusts("ca")).await;
    let respond = |name: &str, port: u16| {
        let url = format!("https://127.0.0.1:{port}/reply");
        json!({"name": name, "respond": {"endpoint": {"name": "known"}, "url": url, "message": "thanks"}})
    };
    let handlers = json!([
        notify("known", "known", "x"),
        notify("unknown", "unknown", "x"),
        respond("elsewhere", open.address().port()),
        respond("asked", strict.address().port()),
    ]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "known", "Succeeded", "Delivered", "");
    let arrived = strict.requests_to("/known");
    assert_eq!(arrived[0].client_certificate.as_deref(), Some(client.certificate_der()));
    assert_eq!(handler(&done, "unknown")["phase"], "Failed");
    // A respond URL is trusted by the same authority, and is shown nothing.
    expect_handler(&done, "elsewhere", "Succeeded", "Delivered", "");
    assert_eq!(open.requests_to("/reply")[0].client_certificate, None);
    assert_eq!(handler(&done, "asked")["phase"], "Failed");
    assert_eq!(strict.requests().len(), 1);
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_told_by_place_and_show_nothing() {
    let (authority, scene) = (Authority::new().unwrap(), Scene::new().await);
    let (one, two) = (authority.identity(&["a.example"]).unwrap(), authority.identity(&["b.example"]).unwrap());
    scene.secret("ca", &json!({"ca.crt": "c4nary"})).await;
    let mixed = json!({"tls.crt": one.certificate_pem(), "tls.key": two.key_pem()});
    scene.secret("mixed", &mixed).await;
    scene.secret("keyless", &json!({"tls.crt": one.certificate_pem()})).await;
    let config_map = json!({"ca": {"configMapKeyRef": {"name": "bundle", "key": "ca.crt"}}});
    let shows = |name: &str| json!({"clientCertificateSecretName": name});
    let cases = [
        (
            "broken",
            trusts("ca"),
            "EndpointNotReady",
            "use spec.tls.ca (key \"ca.crt\" of Secret ca): read the CA bundle: it \
          holds no certificate; write PEM blocks that begin with -----BEGIN CERTIFICATE-----",
        ),
        (
            "gone",
            config_map,
            "EndpointNotReady",
            "read ConfigMap bundle: it does not exist in the endpoint's namespace",
        ),
        (
            "mixed",
            shows("mixed"),
            "EndpointNotReady",
            "use spec.tls.clientCertificateSecretName (key \"tls.crt\" of Secret \
          mixed): use the client certificate: its key belongs to another certificate; renew both together",
        ),
        ("keyless", shows("keyless"), "SecretNotFound", "read Secret keyless: it has no key \"tls.key\""),
    ];
    for (name, tls, reason, message) in cases {
        endpoint(&scene, name, "https://127.0.0.1:1/x", &tls).await;
        let found = scene.wait_condition(Kind::Endpoint, name, "Ready", "False").await;
        expect_condition(&found, "Ready", "False", reason, message);
    }
    scene.create(Kind::Context, "shop", &tells("broken", "built")).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    assert_eq!(handler(&done, "tell")["reason"], "EndpointNotReady");
    assert!(!done.to_string().contains("c4nary") && !scene.log().contains("c4nary"));
}
