//! Restored and copied objects: none of them fires a deployment again.

use serde_json::{Value, json};

use crate::{
    object::{Kind, condition, event, expect_outcome, name, uid},
    scene::Scene,
};

async fn expect_stale(scene: &Scene, event: &str, message: &str) {
    let done = scene.finished(event).await;
    expect_outcome(&done, "Skipped", "False", "StaleOwner", message);
    assert_eq!(scene.told(Kind::Event, event, "EventSkipped").await, format!("StaleOwner: {message}"));
}

/// What a backup tool writes back: no uid, no resourceVersion.
fn restored(object: &Value) -> Value {
    let mut copy = object.clone();
    let metadata = copy["metadata"].as_object_mut().unwrap();
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
        metadata.remove(field);
    }
    copy
}

async fn gone(scene: &Scene, kind: Kind, name: &str) {
    scene.delete(kind, name).await;
    scene.wait(kind, name, "is gone", Value::is_null).await;
}

#[tokio::test]
async fn an_event_for_a_former_context_of_the_name_is_skipped() {
    let scene = Scene::new().await;
    let former = scene.shop().await;
    gone(&scene, Kind::Context, "shop").await;
    let now = scene.create_object(Kind::Context, restored(&former)).await;
    let mut spec = event("shop", "build=success");
    spec["contextRef"]["uid"] = former["metadata"]["uid"].clone();
    scene.create(Kind::Event, "e", &spec).await;
    let message = format!(
        "spec.contextRef.uid is {}, but the CicdContext of this name is now {}: the event belongs to another object",
        uid(&former),
        uid(&now)
    );
    expect_stale(&scene, "e", &message).await;
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn a_restored_event_is_skipped_and_named_as_a_copy() {
    let scene = Scene::new().await;
    scene.shop().await;
    let original = scene.run("e", &event("shop", "build=success")).await;
    gone(&scene, Kind::Event, "e").await;
    scene.create_object(Kind::Event, restored(&original)).await;
    expect_stale(&scene, "e", &format!("it is a copy of the event {}", uid(&original))).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "the original's");
    scene.others_work().await;
}

#[tokio::test]
async fn an_event_made_long_before_it_was_created_is_skipped() {
    let scene = Scene::new().await;
    scene.shop().await;
    let mut spec = event("shop", "build=success");
    spec["createdAt"] = json!("2026-01-01T00:00:00Z");
    scene.create(Kind::Event, "e", &spec).await;
    let done = scene.finished("e").await;
    let (_, reason, message) = condition(&done, "Succeeded");
    assert_eq!(reason, "StaleOwner");
    let created = done["metadata"]["creationTimestamp"].as_str().unwrap();
    assert_eq!(message, format!("it is a copy: it was made at 2026-01-01T00:00:00Z and created again at {created}"));
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn a_restored_context_loses_the_event_annotations_of_its_former_life() {
    let mut scene = Scene::new().await;
    scene.shop().await;
    scene.annotate("shop", "r1", "build=success").await;
    scene.finished_annotation("shop", "r1").await;
    // The backup is made while an annotation waits to be taken in.
    scene.stop_operator().await;
    let backup = scene.annotate("shop", "r2", "build=success").await;
    gone(&scene, Kind::Context, "shop").await;
    for event in scene.list(Kind::Event).await {
        scene.delete(Kind::Event, name(&event)).await;
    }
    let ledger = backup["metadata"]["annotations"]["cicdcontext.io/applied"].clone();
    assert!(ledger.is_string(), "{backup:#}");
    let now = scene.create_object(Kind::Context, restored(&backup)).await;
    scene.start_operator(&[]).await;

    let told = scene.told(Kind::Context, "shop", "StaleAnnotation").await;
    assert_eq!(told, "annotation event.cicdcontext.io/r2 came with a restored or copied context and is not run");
    let renewed = |context: &Value| {
        let ledger = context["metadata"]["annotations"]["cicdcontext.io/applied"].as_str().unwrap_or_default();
        ledger.contains(uid(&now))
    };
    let context = scene.wait(Kind::Context, "shop", "has a ledger of its own", renewed).await;
    assert!(context["metadata"]["annotations"].get("event.cicdcontext.io/r2").is_none(), "{context:#}");
    assert_eq!(scene.list(Kind::Event).await, Vec::<Value>::new());
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "that of the former life");
    scene.others_work().await;

    // What is fired from now on is this life's own, also under an id of the former.
    scene.annotate("shop", "r2", "build=success").await;
    let done = scene.finished_annotation("shop", "r2").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
}
