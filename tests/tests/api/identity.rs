//! Which annotation is which event: ids, names, and what happens to those that are used twice.

use serde_json::json;

use crate::{
    object::{Kind, expect_outcome, is, name, tells, uid, with},
    scene::Scene,
};

#[tokio::test]
async fn a_re_used_id_with_the_same_content_runs_nothing_and_tells_nobody() {
    let scene = Scene::new().await;
    scene.shop().await;
    scene.annotate("shop", "r1", "build=success").await;
    let first = scene.finished_annotation("shop", "r1").await;
    scene.annotate("shop", "r1", "build=success").await;
    let again = scene.finished_annotation("shop", "r1").await;
    assert_eq!(uid(&again), uid(&first));
    // The next event is taken in after the repeated one, so that what that one would send had been sent.
    scene.annotate("shop", "r2", "build=success").await;
    scene.finished_annotation("shop", "r2").await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2, "one request for each id");
    let told = scene.all_told(Kind::Context, "shop").await;
    assert!(told.iter().all(|(reason, _)| reason != "DuplicateEvent"), "{told:?}");
}

#[tokio::test]
async fn a_re_used_id_with_another_content_is_told_with_both_and_not_run() {
    let scene = Scene::new().await;
    scene.shop().await;
    scene.annotate("shop", "r1", "build=success").await;
    let first = scene.finished_annotation("shop", "r1").await;
    scene.annotate("shop", "r1", r#"{"pipeline": "build", "event": "success", "data": {"again": true}}"#).await;
    scene.taken_in("shop", "r1").await;
    let told = scene.told(Kind::Context, "shop", "DuplicateEvent").await;
    let expected = format!(
        "annotation event.cicdcontext.io/r1 has another content than event {}, which was made under this id before; it is \
         not run. Give each event an id of its own",
        name(&first)
    );
    assert_eq!(told, expected);
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    scene.others_work().await;
}

#[tokio::test]
async fn an_id_whose_event_was_deleted_is_not_run_again() {
    let scene = Scene::new().await;
    scene.shop().await;
    scene.annotate("shop", "r1", "build=success").await;
    let first = scene.finished_annotation("shop", "r1").await;
    scene.delete(Kind::Event, name(&first)).await;
    scene.annotate("shop", "r1", "build=success").await;
    let told = scene.told(Kind::Context, "shop", "AlreadyRun").await;
    assert_eq!(told, format!("annotation event.cicdcontext.io/r1: event {} ran before and is gone", name(&first)));
    assert!(scene.events_of("shop", "r1").await.is_empty());

    let copy = json!({
        "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEvent",
        "metadata": {"name": name(&first)}, "spec": first["spec"],
    });
    scene.create_object(Kind::Event, copy).await;
    let done = scene.finished(name(&first)).await;
    let message = "an event of this name ran before; give each event a name of its own";
    expect_outcome(&done, "Skipped", "False", "AlreadyRun", message);
    assert_eq!(scene.told(Kind::Event, name(&first), "EventSkipped").await, format!("AlreadyRun: {message}"));
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    scene.others_work().await;
}

#[tokio::test]
async fn ids_that_differ_in_case_or_punctuation_only_are_different_events() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &tells("chat", "{{event.id}}")).await;
    let ids = ["Run.1", "run.1", "run-1", "run_1"];
    let all: serde_json::Map<String, serde_json::Value> =
        ids.iter().map(|id| (format!("event.cicdcontext.io/{id}"), json!("build=success"))).collect();
    scene.patch(Kind::Context, "shop", &json!({"metadata": {"annotations": all}})).await;
    for id in ids {
        scene.finished_annotation("shop", id).await;
    }
    let arrived = scene.receiver.requests_to("/chat");
    let texts: Vec<_> = arrived.iter().map(|request| request.body["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Run.1", "run-1", "run.1", "run_1"], "each once, in the order of their ids");
    let identities: std::collections::BTreeSet<_> =
        arrived.iter().map(|request| request.header("webhook-id").to_owned()).collect();
    assert_eq!(identities.len(), 4);
    assert_eq!(scene.list(Kind::Event).await.len(), 4);
}

#[tokio::test]
async fn a_context_whose_name_has_253_characters_works_as_any_other() {
    let scene = Scene::new().await;
    let long = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
    assert_eq!(long.len(), 253);
    scene.endpoint("chat", "/chat", &json!({})).await;
    let spec = with(tells("chat", "{{state.tag}}"), &json!({"state": {"tag": "1.4"}}));
    scene.create(Kind::Context, &long, &spec).await;
    scene.annotate(&long, "r1", "build=success").await;
    let done = scene.finished_annotation(&long, "r1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(scene.receiver.requests_to("/chat")[0].body, json!({"text": "1.4"}));
    let reached = |context: &serde_json::Value| context["status"]["lastEvent"]["name"] == name(&done);
    scene.patch(Kind::Context, &long, &json!({"spec": {"context": "nowhere"}})).await;
    scene.wait(Kind::Context, &long, "is not ready", |context| is(context, "Ready", "False")).await;
    scene.told(Kind::Context, &long, "UnknownSelectedContext").await;
    scene.wait(Kind::Context, &long, "names its last event", reached).await;
}

#[tokio::test]
async fn a_patch_with_more_annotations_than_are_taken_in_at_once_loses_none() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &tells("chat", "{{event.id}}")).await;
    let ids: Vec<String> = (0..70).map(|number| format!("r{number:02}")).collect();
    let all: serde_json::Map<String, serde_json::Value> =
        ids.iter().map(|id| (format!("event.cicdcontext.io/{id}"), json!("build=success"))).collect();
    scene.patch(Kind::Context, "shop", &json!({"metadata": {"annotations": all}})).await;
    // Each ten have the time that anything has: they are run one after the other.
    for count in (10..70).step_by(10) {
        scene.arrived("/chat", count).await;
    }
    let arrived = scene.arrived("/chat", 70).await;
    let texts: Vec<_> = arrived.iter().map(|request| request.body["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ids);
    let told = scene.told(Kind::Context, "shop", "TooManyEvents").await;
    assert_eq!(told, "70 event annotations wait, 64 are taken in at once");
}
