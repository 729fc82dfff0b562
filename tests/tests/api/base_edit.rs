//! A base that a thousand contexts use: an edit of it counts at once, and makes no storm of writes.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, is, tells},
    scene::Scene,
};

const CONTEXTS: usize = 1_000;

/// The operator writes what does not flip at a pace at which each context has its turn within a minute.
const PACE: Duration = Duration::from_millis(60_000 / CONTEXTS as u64);

const WRITES: &str = r#"cicdcontext_api_writes_total{target="context_status"}"#;
const RECONCILES: &str = r#"cicdcontext_reconciles_total{kind="context"}"#;

/// How many writes the pace allows since `begun`.
fn paced(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos() / PACE.as_nanos()).unwrap() + 1
}

/// A base that says `first`, and as many contexts as there are that build on it, all of them ready.
async fn a_base_with_its_contexts() -> Scene {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Base, "app", &tells("chat", "first")).await;
    let spec = json!({"bases": [{"kind": "CicdBase", "name": "app"}]});
    let create = async |number: usize| drop(scene.create(Kind::Context, &format!("c{number}"), &spec).await);
    stream::iter(0..CONTEXTS).for_each_concurrent(16, create).await;
    all_are_ready(&scene, "True", 0).await;
    scene
}

/// Waits until all contexts have this status of Ready, for which the operator writes each of them once more.
async fn all_are_ready(scene: &Scene, status: &str, writes_before: u64) {
    at_least(scene, WRITES, writes_before + CONTEXTS as u64).await;
    let all = async || {
        let contexts = scene.list(Kind::Context).await;
        let so = contexts.iter().filter(|context| is(context, "Ready", status)).count();
        if so == CONTEXTS { Ok(()) } else { Err(format!("{so} of {CONTEXTS}")) }
    };
    scene.until(&format!("all contexts have Ready={status}"), all).await;
}

/// Waits until a metric has this value, or a greater one.
async fn at_least(scene: &Scene, metric: &str, value: u64) {
    let look = async || {
        let now = scene.metric(metric).await;
        if now >= value { Ok(()) } else { Err(now.to_string()) }
    };
    scene.until(&format!("{metric} is at least {value}"), look).await;
}

async fn edit(scene: &Scene, message: &str) {
    scene.patch(Kind::Base, "app", &json!({"spec": tells("chat", message)})).await;
}

/// The hashes that the contexts show, by their names.
async fn hashes(scene: &Scene) -> Vec<Value> {
    let contexts = scene.list(Kind::Context).await;
    assert_eq!(contexts.len(), CONTEXTS);
    contexts.iter().map(|context| context["status"]["configurationHash"].clone()).collect()
}

/// Events run on the new configuration, whatever the status says; and the status says nothing new yet.
async fn an_edit_counts_at_once(scene: &Scene) {
    let (writes, reconciles, begun) = (scene.metric(WRITES).await, scene.metric(RECONCILES).await, Instant::now());
    edit(scene, "second").await;
    let done = scene.run("e", &event("c500", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(scene.arrived("/chat", 1).await[0].body, json!({"text": "second"}));
    at_least(scene, RECONCILES, reconciles + CONTEXTS as u64).await;
    let (written, allowed) = (scene.metric(WRITES).await - writes, paced(begun));
    assert!(written <= allowed, "all contexts were looked at; {written} statuses were written, {allowed} may be");
}

/// An operator that starts does not know when it wrote last: all thousand hashes are out of date, and due.
async fn what_is_due_everywhere_is_written_at_a_slow_pace(scene: &mut Scene) {
    scene.kill_operator().await;
    let before = hashes(scene).await;
    edit(scene, "third").await;
    let begun = Instant::now();
    scene.start_operator(&[]).await;
    at_least(scene, RECONCILES, CONTEXTS as u64).await;
    let (written, allowed) = (scene.metric(WRITES).await, paced(begun));
    assert!(written <= allowed, "all contexts were looked at; {written} statuses were written, {allowed} may be");
    let some = async || {
        let after = hashes(scene).await;
        let told = before.iter().zip(&after).filter(|(before, after)| before != after).count() as u64;
        let allowed = paced(begun);
        assert!(told <= allowed, "{told} contexts tell of the new configuration, {allowed} may do");
        if told >= 10 { Ok(()) } else { Err(told.to_string()) }
    };
    scene.until("ten contexts tell of the new configuration", some).await;
}

/// A condition that flips is written promptly, and once.
async fn a_base_that_breaks_and_its_repair_are_told_by_all(scene: &Scene) {
    for (bases, ready) in [(json!([{"kind": "CicdBase", "name": "missing"}]), "False"), (Value::Null, "True")] {
        let (writes, begun) = (scene.metric(WRITES).await, Instant::now());
        scene.patch(Kind::Base, "app", &json!({"spec": {"bases": bases}})).await;
        all_are_ready(scene, ready, writes).await;
        let (written, allowed) = (scene.metric(WRITES).await - writes, CONTEXTS as u64 + paced(begun));
        assert!(written <= allowed, "each is written once: {written} were, {allowed} may be");
    }
    let done = scene.run("e2", &event("c0", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
}

#[tokio::test]
async fn an_edit_of_a_base_counts_at_once_for_1000_contexts_and_makes_no_storm_of_writes() {
    let mut scene = a_base_with_its_contexts().await;
    an_edit_counts_at_once(&scene).await;
    what_is_due_everywhere_is_written_at_a_slow_pace(&mut scene).await;
    a_base_that_breaks_and_its_repair_are_told_by_all(&scene).await;
}
