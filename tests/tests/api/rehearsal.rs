//! Dry runs: everything is rendered and shown, nothing is sent or written.

use serde_json::json;

use crate::{
    object::{Kind, event, expect_outcome, handler, notify, on_success, with},
    scene::Scene,
};

#[tokio::test]
async fn a_dry_run_shows_what_would_be_sent_and_sends_and_writes_nothing() {
    let scene = Scene::new().await;
    let token = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token"}, "stringData": {"token": "canary-5172"},
    });
    scene.create_object(Kind::Secret, token).await;
    let auth = json!({"auth": {"bearer": {"secretKeyRef": {"name": "token", "key": "token"}}}});
    scene.endpoint("chat", "/chat", &auth).await;
    let mut tell = notify("tell", "chat", "built {{state.tag}} {{state.built}}");
    tell["notify"]["capture"] = json!([{"path": "state.ts", "fromPath": "$.body.ts"}]);
    let set = json!({"name": "set", "setValues": [{"path": "state.built", "value": "twice"}]});
    let spec = with(on_success(&json!([set, tell])), &json!({"state": {"tag": "1.4"}}));
    scene.create(Kind::Context, "shop", &spec).await;
    let mut rehearsal = event("shop", "build=success");
    rehearsal["dryRun"] = json!(true);
    let done = scene.run("e", &rehearsal).await;

    let message = "dry run, nothing was sent or written: 2 of 2 handlers ran";
    expect_outcome(&done, "Succeeded", "True", "DryRun", message);
    assert_eq!(handler(&done, "set")["paths"], json!(["state.built"]), "what would be written");
    let tell = handler(&done, "tell");
    assert_eq!(tell["reason"], "DryRun");
    let request = tell["request"].as_str().unwrap();
    let head = format!("POST {}\nauthorization: ***\nwebhook-id: ", scene.receiver.url("/chat"));
    assert!(request.starts_with(&head), "{request}");
    assert!(request.ends_with("\n\n{\"text\": \"built 1.4 twice\"}"), "{request}");
    assert!(!done.to_string().contains("canary-5172"));
    scene.nothing_sent_to("/chat");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"], json!({"tag": "1.4"}));
}
