//! A pipeline that patches state and then tells of it finds its own value in the message, each time.

use std::{process::Stdio, sync::atomic::AtomicBool, sync::atomic::Ordering};

use cicdcontext_tests::cluster::Role;
use futures::future::join_all;
use serde_json::json;
use tokio::process::Command;

use crate::{
    object::{Kind, tells, with},
    scene::Scene,
};

/// Contexts that are worked on at once, and rounds of each.
const CONTEXTS: usize = 8;
const ROUNDS: usize = 125;
const ANNOTATED_ROUNDS: usize = 25;

async fn contexts(scene: &Scene) -> Vec<String> {
    let mut names = Vec::new();
    for number in 0..CONTEXTS {
        let name = format!("shop-{number}");
        scene.endpoint(&name, &format!("/{name}"), &json!({})).await;
        let spec = with(tells(&name, "{{state.run.number}} of {{event.data.number}}"), &json!({"state": {}}));
        scene.create(Kind::Context, &name, &spec).await;
        names.push(name);
    }
    names
}

/// Waits for the message of one round, and checks that it shows the round's own value.
async fn expect_message(scene: &Scene, name: &str, round: usize) {
    let arrived = scene.arrived(&format!("/{name}"), round + 1).await;
    assert_eq!(arrived.len(), round + 1, "one message for each event of {name}");
    assert_eq!(arrived[round].body, json!({"text": format!("{round} of {round}")}), "round {round} of {name}");
}

#[tokio::test]
async fn a_thousand_times_an_events_message_shows_the_state_that_was_patched_before_it() {
    let scene = Scene::new().await;
    let names = contexts(&scene).await;
    let pipeline = async |name: String| {
        for round in 0..ROUNDS {
            let state = json!({"spec": {"state": {"run": {"number": round}}}});
            scene.patch(Kind::Context, &name, &state).await;
            let event = json!({
                "contextRef": {"name": name}, "pipeline": "build", "event": "success", "data": {"number": round},
            });
            scene.create(Kind::Event, &format!("{name}-{round}"), &event).await;
            expect_message(&scene, &name, round).await;
        }
    };
    join_all(names.into_iter().map(pipeline)).await;
    assert_eq!(scene.receiver.requests().len(), CONTEXTS * ROUNDS);
}

#[tokio::test]
async fn state_and_annotation_in_one_patch_belong_together() {
    let scene = Scene::new().await;
    let names = contexts(&scene).await;
    let pipeline = async |name: String| {
        for round in 0..ANNOTATED_ROUNDS {
            let event = json!({"pipeline": "build", "event": "success", "data": {"number": round}}).to_string();
            let patch = json!({
                "metadata": {"annotations": {format!("event.cicdcontext.io/r{round}"): event}},
                "spec": {"state": {"run": {"number": round}}},
            });
            scene.patch(Kind::Context, &name, &patch).await;
            expect_message(&scene, &name, round).await;
        }
    };
    join_all(names.into_iter().map(pipeline)).await;
    assert_eq!(scene.receiver.requests().len(), CONTEXTS * ANNOTATED_ROUNDS);
}

#[tokio::test]
async fn kubectl_wait_for_ready_returns_while_a_pipeline_patches_state() {
    let mut scene = Scene::without_operator().await;
    scene.shop().await;
    let mut command = Command::from(scene.access.kubectl_as(Role::Admin));
    command.args(["-n", &scene.namespace, "wait", "--for=condition=Ready", "cctx/shop", "--timeout=30s"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let waiting = command.spawn().unwrap();
    scene.start_operator(&[]).await;
    let returned = AtomicBool::new(false);
    let patches = async {
        let mut number = 0;
        while !returned.load(Ordering::Relaxed) {
            number += 1;
            scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"number": number}}})).await;
        }
        number
    };
    let wait = async {
        let output = waiting.wait_with_output().await.unwrap();
        returned.store(true, Ordering::Relaxed);
        output
    };
    let (number, output) = tokio::join!(patches, wait);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "after {number} patches: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "cicdcontext.cicdcontext.io/shop condition met");
    assert!(number > 1, "the state was patched all the while");
}
