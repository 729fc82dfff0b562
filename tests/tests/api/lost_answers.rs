//! Writes whose answer does not come: the operator cannot know whether they were carried out, finds out, and does what is
//! left to be done.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cicdcontext_tests::gate::{
    Gate,
    fault::{Asked, Fault, Reply},
};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, logs_and_tells, notify},
    scene::Scene,
};

/// What an API server, or something before it, says when it does not know either.
const ANSWERS: [(u16, &str, &str); 3] = [
    (500, "InternalError", "etcdserver: request timed out"),
    (503, "ServiceUnavailable", "etcdserver: leader changed"),
    (504, "Timeout", "request did not complete within the requested timeout"),
];

/// Spoils one request of a kind; tells whether there was one.
fn spoil_one(gate: &Gate, is_it: fn(&Asked) -> bool, fault: Fault) -> Arc<AtomicBool> {
    let spoilt = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&spoilt);
    gate.faults(move |asked| (is_it(asked) && !mark.swap(true, Ordering::Relaxed)).then(|| fault.clone()));
    spoilt
}

/// For each answer, lost and not carried out, has `round` do something of which one request is spoilt.
async fn each_way(is_it: fn(&Asked) -> bool, round: impl AsyncFn(&Scene, usize)) {
    let mut scene = Scene::without_operator().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.endpoint("plain", "/plain", &json!({})).await;
    let mut spec = logs_and_tells();
    // One whose answer leaves nothing in the state: only the event's status tells that it was sent.
    let handlers = spec["pipelines"]["build"]["eventHandlers"]["success"].as_array_mut().unwrap();
    handlers.push(notify("plain", "plain", "built"));
    scene.create(Kind::Context, "shop", &spec).await;
    let gate = scene.gate().await;
    scene.start_operator_behind(&gate, &[]).await;
    let mut number = 0;
    for (code, reason, message) in ANSWERS {
        for lost in [true, false] {
            let reply = Reply::status(code, reason, message);
            let fault = if lost { Fault::Lost(reply) } else { Fault::Refused(reply) };
            let spoilt = spoil_one(&gate, is_it, fault);
            round(&scene, number).await;
            number += 1;
            assert!(spoilt.load(Ordering::Relaxed), "the answer {code} was given");
            expect_once(&scene, number, &format!("after answer {code}, carried out: {lost}")).await;
        }
    }
}

/// Fails unless so many events were run, each once, and each kept the answer of its delivery.
async fn expect_once(scene: &Scene, events: usize, what: &str) {
    let expected: Vec<&str> =
        ["start"].into_iter().chain(["built", "told"].into_iter().cycle().take(2 * events)).collect();
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"]["log"], json!(expected), "{what}");
    for path in ["/chat", "/plain"] {
        let sent = scene.receiver.requests_to(path);
        assert_eq!(sent.len(), events, "{what}: {sent:?}");
    }
}

async fn annotated(scene: &Scene, number: usize) {
    let id = format!("r{number}");
    scene.annotate("shop", &id, "build=success").await;
    let done = scene.finished_annotation("shop", &id).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "3 of 3 handlers ran");
}

async fn created(scene: &Scene, number: usize) {
    let done = scene.run(&format!("e{number}"), &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "3 of 3 handlers ran");
}

#[tokio::test]
async fn an_event_whose_creation_got_no_answer_is_there_once() {
    each_way(|asked| asked.is("POST", "/cicdevents"), annotated).await;
}

#[tokio::test]
async fn an_annotation_whose_removal_got_no_answer_goes_and_its_event_runs_once() {
    let is_removal =
        |asked: &Asked| asked.is("PATCH", "/cicdcontexts/shop") && asked.body.contains("event.cicdcontext.io~1");
    each_way(is_removal, annotated).await;
}

#[tokio::test]
async fn an_append_of_a_handler_that_got_no_answer_is_made_once() {
    let is_append = |asked: &Asked| asked.is("PATCH", "/cicdcontexts/shop") && asked.body.contains("built");
    each_way(is_append, created).await;
}

#[tokio::test]
async fn a_capture_that_got_no_answer_is_made_once_and_the_request_not_repeated() {
    let is_capture = |asked: &Asked| asked.is("PATCH", "/cicdcontexts/shop") && asked.body.contains("told");
    each_way(is_capture, created).await;
}

#[tokio::test]
async fn an_event_whose_status_got_no_answer_is_finished_and_not_run_again() {
    let is_status = |asked: &Asked| {
        asked.method == "PATCH" && asked.path.contains("/cicdevents/") && asked.path.ends_with("/status")
    };
    each_way(is_status, created).await;
}

#[tokio::test]
async fn a_reading_that_got_no_answer_costs_nothing_but_time() {
    each_way(|asked| asked.is("GET", "/cicdcontexts/shop"), created).await;
}

#[tokio::test]
async fn a_state_write_whose_deletion_got_no_answer_is_applied_once_and_goes() {
    let is_deletion = |asked: &Asked| asked.method == "DELETE" && asked.path.contains("/cicdstatewrites/");
    let mut scene = Scene::without_operator().await;
    scene.create(Kind::Context, "shop", &json!({"state": {"log": []}})).await;
    let gate = scene.gate().await;
    scene.start_operator_behind(&gate, &[]).await;
    let mut expected = Vec::new();
    for (code, reason, message) in ANSWERS {
        for lost in [true, false] {
            let reply = Reply::status(code, reason, message);
            let fault = if lost { Fault::Lost(reply) } else { Fault::Refused(reply) };
            let spoilt = spoil_one(&gate, is_deletion, fault);
            let name = format!("w{}", expected.len());
            let changes = json!([{"path": "state.log", "op": "Append", "value": name}]);
            scene.create(Kind::StateWrite, &name, &json!({"contextRef": {"name": "shop"}, "changes": changes})).await;
            scene.wait(Kind::StateWrite, &name, "is gone", Value::is_null).await;
            assert!(spoilt.load(Ordering::Relaxed), "the answer {code} was given");
            expected.push(name);
            // What follows goes on top of what the ledger holds of the one before.
            let context = scene.get(Kind::Context, "shop").await.unwrap();
            assert_eq!(context["spec"]["state"]["log"], json!(expected), "after answer {code}, carried out: {lost}");
        }
    }
}
