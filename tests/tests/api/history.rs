//! What is kept for how long: finished events, contexts in which nothing happens, refused state writes. What is gone does
//! not run again, whoever brings it back.

use std::time::{Duration, Instant};

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, is, name, on_success, uid},
    scene::Scene,
};

/// Finished events may go after a second instead of a minute.
const SOON: &[&str] = &["--event-minimum-age", "1s", "--orphaned-event-age", "2s"];

const RAN_BEFORE: &str = "an event of this name ran before; give each event a name of its own";

/// Names of the events that are left, in alphabetical order.
async fn left(scene: &Scene) -> Vec<String> {
    scene.list(Kind::Event).await.iter().map(|event| name(event).to_owned()).collect()
}

async fn wait_left(scene: &Scene, expected: &[&str]) {
    let look = async || {
        let left = left(scene).await;
        if left == expected { Ok(()) } else { Err(format!("{left:?}")) }
    };
    scene.until(&format!("only {expected:?} are left"), look).await;
}

async fn gone(scene: &Scene, kind: Kind, name: &str) {
    scene.wait(kind, name, "is gone", Value::is_null).await;
}

/// The same name and spec, as whoever restores an event without what the operator noted on it.
fn copy(event: &Value) -> Value {
    json!({
        "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEvent",
        "metadata": {"name": name(event)}, "spec": event["spec"],
    })
}

#[tokio::test]
async fn a_context_keeps_as_many_events_as_it_says_and_the_failed_ones_by_themselves() {
    let scene = Scene::with_flags(SOON).await;
    scene.shop_with(&json!({"eventHistoryLimit": 2, "failedEventHistoryLimit": 1})).await;
    for number in 1..=4 {
        scene.run(&format!("good-{number}"), &event("shop", "build=success")).await;
        scene.run(&format!("wrong-{number}"), &event("shop", "no-such-pipeline=success")).await;
    }
    wait_left(&scene, &["good-3", "good-4", "wrong-4"]).await;
    scene.counted("cicdcontext_history_deleted_total{kind=\"event\"}", 5).await;

    scene.patch(Kind::Context, "shop", &json!({"spec": {"eventHistoryLimit": 0}})).await;
    wait_left(&scene, &["wrong-4"]).await;
    scene.others_work().await;
}

#[tokio::test]
async fn a_finished_event_is_kept_for_a_minute_and_an_unfinished_one_for_as_long_as_it_takes() {
    let mut scene = Scene::new().await;
    scene.shop_with(&json!({"eventHistoryLimit": 0, "failedEventHistoryLimit": 0})).await;
    scene.run("e", &event("shop", "build=success")).await;
    // The turn of the history that these changes bring about comes before that of the last event.
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"tag": "1.5"}}})).await;
    let looked = "cicdcontext_reconciles_total{kind=\"history\"}";
    let before = scene.metric(looked).await;
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"tag": "1.6"}}})).await;
    let look = async || {
        let now = scene.metric(looked).await;
        if now > before { Ok(()) } else { Err(format!("{now}")) }
    };
    scene.until("the history was looked at", look).await;
    assert_eq!(left(&scene).await, ["e"]);

    scene.patch(Kind::Context, "shop", &json!({"spec": {"suspend": true}})).await;
    scene.create(Kind::Event, "waits", &event("shop", "build=success")).await;
    scene.wait_condition(Kind::Event, "waits", "Finished", "False").await;
    scene.stop_operator().await;
    scene.start_operator(SOON).await;
    wait_left(&scene, &["waits"]).await;
    scene.patch(Kind::Context, "shop", &json!({"spec": {"suspend": false}})).await;
    scene.arrived("/chat", 2).await;
    wait_left(&scene, &[]).await;
}

#[tokio::test]
async fn an_event_with_a_time_limit_of_its_own_goes_by_itself() {
    let scene = Scene::with_flags(SOON).await;
    scene.shop().await;
    scene.run("stays", &event("shop", "build=success")).await;
    let mut spec = event("shop", "build=success");
    spec["ttlSecondsAfterFinished"] = json!(2);
    let done = scene.run("goes", &spec).await;
    wait_left(&scene, &["stays"]).await;
    let ended: k8s_openapi::jiff::Timestamp = done["status"]["completionTime"].as_str().unwrap().parse().unwrap();
    assert!(k8s_openapi::jiff::Timestamp::now().duration_since(ended).as_secs() >= 2, "it was kept for two seconds");
    // The copy of an event that is gone does not run beside its context.
    scene.create_object(Kind::Event, copy(&done)).await;
    let copied = scene.finished("goes").await;
    expect_outcome(&copied, "Skipped", "False", "AlreadyRun", RAN_BEFORE);
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
}

#[tokio::test]
async fn neither_a_restored_copy_nor_the_annotation_of_an_event_that_is_gone_runs_it_again() {
    let scene = Scene::with_flags(SOON).await;
    scene.shop_with(&json!({"eventHistoryLimit": 0, "failedEventHistoryLimit": 0})).await;
    let annotated = scene.annotate("shop", "r1", "build=success").await;
    assert!(annotated["metadata"]["annotations"]["event.cicdcontext.io/r1"].is_string());
    scene.arrived("/chat", 1).await;
    scene.create(Kind::Event, "object", &event("shop", "build=success")).await;
    scene.arrived("/chat", 2).await;
    wait_left(&scene, &[]).await;

    scene.annotate("shop", "r1", "build=success").await;
    let told = scene.told(Kind::Context, "shop", "AlreadyRun").await;
    assert!(told.starts_with("annotation event.cicdcontext.io/r1: event shop-r1-"), "{told}");
    // Its limits would take the copy away at once.
    let more = json!({"spec": {"eventHistoryLimit": 20}});
    scene.patch(Kind::Context, "shop", &more).await;
    scene.create(Kind::Event, "object", &event("shop", "build=success")).await;
    let copied = scene.finished("object").await;
    expect_outcome(&copied, "Skipped", "False", "AlreadyRun", RAN_BEFORE);
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
    scene.others_work().await;
}

#[tokio::test]
async fn a_backup_of_an_event_that_is_gone_says_itself_that_it_is_a_copy() {
    let scene = Scene::with_flags(SOON).await;
    scene.shop().await;
    let mut spec = event("shop", "build=success");
    // Times are in whole seconds: with one, it may be gone before anybody has seen it finished.
    spec["ttlSecondsAfterFinished"] = json!(2);
    let original = scene.run("e", &spec).await;
    gone(&scene, Kind::Event, "e").await;
    let mut backup = copy(&original);
    for part in ["annotations", "ownerReferences"] {
        backup["metadata"][part] = original["metadata"][part].clone();
    }
    scene.create_object(Kind::Event, backup).await;
    let copied = scene.finished("e").await;
    expect_outcome(&copied, "Skipped", "False", "StaleOwner", &format!("it is a copy of the event {}", uid(&original)));
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn what_a_crash_left_undone_is_done_at_the_next_start_and_a_redelivery_is_waited_for() {
    let mut scene = Scene::new().await;
    scene.shop_with(&json!({"eventHistoryLimit": 0, "failedEventHistoryLimit": 0})).await;
    // The first event's only attempt fails.
    scene.receiver.answers("/chat", [Answer::json(503, &json!({}))]);
    for number in 0..70 {
        scene.create(Kind::Event, &format!("e{number}"), &event("shop", "build=success")).await;
    }
    for number in 0..70 {
        scene.finished(&format!("e{number}")).await;
    }
    let asked = json!({"metadata": {"annotations": {"redeliver.cicdcontext.io/1": "*"}}});
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"suspend": true}})).await;
    scene.patch(Kind::Event, "e0", &asked).await;
    scene.kill_operator().await;
    scene.start_operator(SOON).await;
    let fewer = async || {
        let count = left(&scene).await.len();
        if count < 70 { Ok(()) } else { Err(format!("{count} are left")) }
    };
    scene.until("some events are gone", fewer).await;
    scene.kill_operator().await;
    scene.start_operator(SOON).await;
    wait_left(&scene, &["e0"]).await;
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"suspend": false}})).await;
    wait_left(&scene, &[]).await;
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 71, "one of them twice");
    assert_eq!(arrived[0].header("webhook-id"), arrived[70].header("webhook-id"));
}

#[tokio::test]
async fn the_events_of_a_deleted_context_go() {
    let scene = Scene::with_flags(SOON).await;
    let context = scene.shop().await;
    // Without an owner, so that no garbage collection takes it away.
    let mut spec = event("shop", "build=success");
    spec["contextRef"]["uid"] = json!(uid(&context));
    spec["createdAt"] = json!(k8s_openapi::jiff::Timestamp::now().to_string());
    let done = scene.run("e", &spec).await;
    assert!(done["metadata"]["ownerReferences"].is_null(), "{done:#}");
    scene.delete(Kind::Context, "shop").await;
    gone(&scene, Kind::Event, "e").await;
    scene.logged("finished event deleted").await;
}

#[tokio::test]
async fn a_context_in_which_nothing_happens_goes_and_one_that_a_pipeline_patches_stays() {
    let scene = Scene::with_flags(SOON).await;
    // A minute is the least that a context may ask for.
    let ttl = json!({"ttlSecondsAfterLastActivity": 60});
    scene.shop_with(&ttl).await;
    for context in ["patched", "suspended"] {
        scene.create(Kind::Context, context, &on_success(&json!([]))).await;
        scene.patch(Kind::Context, context, &json!({"spec": ttl})).await;
    }
    scene.run("e", &event("shop", "build=success")).await;
    scene.patch(Kind::Context, "suspended", &json!({"spec": {"suspend": true}})).await;
    scene.create(Kind::Event, "waits", &event("suspended", "build=success")).await;
    let begun = Instant::now();
    let mut step = 0;
    let idle = loop {
        step += 1;
        scene.patch(Kind::Context, "patched", &json!({"spec": {"state": {"step": step}}})).await;
        let Some(_) = scene.get(Kind::Context, "shop").await else { break begun.elapsed() };
        assert!(begun.elapsed() < Duration::from_secs(110), "shop is still there; log:\n{}", scene.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert!(idle > Duration::from_secs(58), "it went after {idle:?}");
    let (patched, suspended) = (scene.get(Kind::Context, "patched").await, scene.get(Kind::Context, "suspended").await);
    assert!(patched.is_some(), "a pipeline patches it");
    assert!(suspended.is_some(), "an event waits in it");
    scene.counted("cicdcontext_history_deleted_total{kind=\"context\"}", 1).await;
    scene.logged("nothing happened in it").await;
}

#[tokio::test]
async fn of_refused_state_writes_a_hundred_are_kept() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &json!({"state": {"app": "shop"}})).await;
    let through = json!({"contextRef": {"name": "shop"}, "changes": [{"path": "state.app.x", "value": 1}]});
    for number in 0..105 {
        scene.create(Kind::StateWrite, &format!("w{number}"), &through).await;
    }
    let look = async || {
        let writes = scene.list(Kind::StateWrite).await;
        let refused = writes.iter().filter(|write| is(write, "Applied", "False")).count();
        if (writes.len(), refused) == (100, 100) { Ok(()) } else { Err(format!("{} of {}", refused, writes.len())) }
    };
    scene.until("100 state writes are left, all refused", look).await;
    scene.counted("cicdcontext_history_deleted_total{kind=\"state_write\"}", 5).await;
}
