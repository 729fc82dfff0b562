//! successWhen: an endpoint says which of the answers that HTTP calls a success are one.

use cicdcontext_tests::receiver::Answer;
use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, handler, notify, on_success},
    scene::Scene,
};

#[tokio::test]
async fn an_answer_that_success_when_does_not_take_fails_the_handler_and_is_not_captured() {
    let scene = Scene::new().await;
    scene.secret("chat", &json!({"token": "s3cret-token"})).await;
    let more = json!({
        "successWhen": "{{body.ok}}", "auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}},
    });
    scene.endpoint("chat", "/chat", &more).await;
    scene.endpoint("broken", "/broken", &json!({"successWhen": "{{fromJson body.text}}"})).await;
    // An answer that repeats the token is judged without it.
    scene
        .endpoint("echo", "/echo", &json!({"successWhen": "{{contains body.you 's3cret'}}", "auth": more["auth"]}))
        .await;
    scene.receiver.answers("/chat", [Answer::json(200, &json!({"ok": false, "error": "channel_not_found"}))]);
    scene.receiver.answer("/broken", Answer::json(202, &json!({"text": "{"})));
    scene.receiver.program("/echo", |request| Answer::json(200, &json!({"you": request.header("authorization")})));
    let mut tell = notify("tell", "chat", "built");
    tell["notify"]["capture"] = json!([{"path": "state.ok", "fromPath": "$.body.ok"}]);
    let handlers = json!([tell, notify("broken", "broken", "x"), notify("echo", "echo", "x")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;

    let done = scene.run("e", &event("shop", "build=success")).await;
    let message = "chat answered with status 200, and its spec.successWhen gave \"false\"";
    expect_handler(&done, "tell", "Failed", "NotSuccessful", message);
    assert_eq!(handler(&done, "tell")["httpStatus"], 200);
    let broken = handler(&done, "broken");
    assert_eq!((&broken["phase"], &broken["reason"]), (&json!("Failed"), &json!("TemplateError")), "{broken:#}");
    let message = "echo answered with status 200, and its spec.successWhen gave \"false\"";
    expect_handler(&done, "echo", "Failed", "NotSuccessful", message);
    let state = |context: serde_json::Value| context["spec"].get("state").cloned().unwrap_or_default();
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert!(state(context).get("ok").is_none(), "nothing is captured of it");
    scene.counted(r#"cicdcontext_deliveries_total{phase="Failed",reason="NotSuccessful"}"#, 2).await;

    let done = scene.run("again", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(state(context)["ok"], true);
}

#[tokio::test]
async fn a_dry_run_takes_the_answer_that_nobody_knows_for_a_success() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({"successWhen": "{{body.ok}}"})).await;
    scene.create(Kind::Context, "shop", &on_success(&json!([notify("tell", "chat", "built")]))).await;
    let mut spec = event("shop", "build=success");
    spec["dryRun"] = json!(true);
    let done = scene.run("e", &spec).await;
    let message = "dry run, nothing was sent or written: 1 of 1 handlers ran";
    expect_outcome(&done, "Succeeded", "True", "DryRun", message);
    scene.nothing_sent_to("/chat");
}
