//! Contexts that are not this operator's: another one may work for them.

use serde_json::json;

use crate::{
    object::{Kind, event, expect_outcome, tells},
    scene::Scene,
};

#[tokio::test]
async fn an_operator_leaves_contexts_alone_that_its_selector_does_not_select() {
    let scene = Scene::with_flags(&["--selector", "team=shop"]).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let spec = tells("chat", "{{context.name}}");
    let mut ours = Kind::Context.object("ours", &spec);
    ours["metadata"]["labels"] = json!({"team": "shop"});
    scene.create(Kind::Context, "theirs", &spec).await;
    scene.create(Kind::Event, "theirs", &event("theirs", "build=success")).await;
    scene.annotate("theirs", "r1", "build=success").await;
    scene.create_object(Kind::Context, ours).await;
    let done = scene.run("ours", &event("ours", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    scene.wait_condition(Kind::Context, "ours", "Ready", "True").await;

    let theirs = scene.get(Kind::Event, "theirs").await.unwrap();
    assert_eq!(theirs.get("status"), None, "{theirs:#}");
    let context = scene.get(Kind::Context, "theirs").await.unwrap();
    assert!(context.get("status").is_none(), "{context:#}");
    assert!(context["metadata"]["annotations"].get("event.cicdcontext.io/r1").is_some(), "{context:#}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);

    // It is selected from now on, and what waited runs.
    scene.patch(Kind::Context, "theirs", &json!({"metadata": {"labels": {"team": "shop"}}})).await;
    scene.finished("theirs").await;
    scene.finished_annotation("theirs", "r1").await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 3);
}
