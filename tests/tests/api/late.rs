//! Writes of a former leader that arrive after the new one's: each is held back between the operator and the API server,
//! as if the process had been stopped there, and let go when another replica has done the work. One test for each kind
//! of write in the table of docs/design.md.

use cicdcontext_tests::{
    gate::{Gate, Held},
    operator::Operator,
    receiver::Answer,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    object::{Kind, event, expect_outcome, is, name, on_success, tells},
    scene::{DEADLINE, Scene},
};

/// No test waits until such a lease expires, nor until its holder looks at it.
const BLIND: [&str; 3] =
    ["--leader-elect-lease-duration=20m", "--leader-elect-renew-deadline=19m", "--leader-elect-retry-period=18m"];

/// A context `shop` whose events append their id.
async fn shop(scene: &Scene) {
    let note = json!([{"path": "state.log", "op": "Append", "template": "{{event.id}}"}]);
    scene.create(Kind::Context, "shop", &on_success(&json!([{"name": "note", "setValues": note}]))).await;
}

async fn log(scene: &Scene) -> Value {
    scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"]["log"].clone()
}

/// A leader that gets as far as the first request with this method, path and body, and then another one.
async fn stopped_at(
    scene: &Scene,
    method: &'static str,
    path: &'static str,
    body: &'static str,
) -> (Gate, Held, Operator) {
    let gate = scene.gate().await;
    gate.hold(move |m, p, b| m == method && p.ends_with(path) && b.contains(body));
    let first = scene.start_replica_behind(&gate, "first", &BLIND).await;
    let held = timeout(DEADLINE, gate.held()).await.unwrap_or_else(|_| panic!("{method} {path}: {}", first.tail()));
    // Its time is over, as far as others can see.
    scene.edit_lease(|lease| lease.holder_identity = None).await;
    first.kill().await.unwrap();
    let second = scene.start_replica("second", &BLIND).await;
    (gate, held.unwrap(), second)
}

/// Lets the late write go, which must be refused with this code and change nothing.
async fn expect_refused(scene: &Scene, gate: &Gate, held: Held, code: u16) {
    let seen = async || {
        let context = scene.get(Kind::Context, "shop").await.unwrap();
        let ledger = context["metadata"]["annotations"].clone();
        (context["spec"].clone(), ledger, scene.list(Kind::Event).await, scene.list(Kind::StateWrite).await)
    };
    let before = seen().await;
    let (status, answer) = gate.let_go(held).await.unwrap();
    assert_eq!(status, code, "{answer}");
    assert_eq!(before, seen().await);
}

#[tokio::test]
async fn a_late_change_of_state_is_refused() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdcontexts/shop", "/spec/state").await;
    scene.finished("e").await;
    assert_eq!(log(&scene).await, json!(["e"]));
    expect_refused(&scene, &gate, held, 422).await;
}

#[tokio::test]
async fn a_change_of_state_that_arrives_before_the_new_leader_s_is_not_made_twice() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let gate = scene.gate().await;
    gate.hold(|method, path, body| method == "PATCH" && path.ends_with("/shop") && body.contains("/spec/state"));
    let first = scene.start_replica_behind(&gate, "first", &BLIND).await;
    let held = timeout(DEADLINE, gate.held()).await.unwrap().unwrap();
    first.kill().await.unwrap();
    scene.edit_lease(|lease| lease.holder_identity = None).await;
    // The new one is held where it wants to write the same.
    let other = scene.gate().await;
    other.hold(|method, path, body| method == "PATCH" && path.ends_with("/shop") && body.contains("/spec/state"));
    let second = scene.start_replica_behind(&other, "second", &BLIND).await;
    let late = timeout(DEADLINE, other.held()).await.unwrap().unwrap();
    assert_eq!(gate.let_go(held).await.unwrap().0, 200);
    let (status, answer) = other.let_go(late).await.unwrap();
    assert_eq!(status, 422, "{answer}");
    second.kill().await.unwrap();
    scene.edit_lease(|lease| lease.holder_identity = None).await;
    let _third = scene.start_replica("third", &BLIND).await;
    scene.finished("e").await;
    assert_eq!(log(&scene).await, json!(["e"]));
}

#[tokio::test]
async fn a_late_status_of_an_event_is_refused() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdevents/e/status", "").await;
    scene.finished("e").await;
    assert_eq!(log(&scene).await, json!(["e"]));
    expect_refused(&scene, &gate, held, 422).await;
}

#[tokio::test]
async fn a_late_claim_of_an_attempt_is_refused() {
    let scene = Scene::without_operator().await;
    scene.endpoint("chat", "/chat", &json!({"deliveryGuarantee": "AtMostOnce"})).await;
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdevents/e/status", "\"claim\":{").await;
    scene.nothing_sent_to("/chat");
    scene.finished("e").await;
    expect_refused(&scene, &gate, held, 422).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn a_late_removal_of_what_asks_for_a_redelivery_is_refused() {
    let scene = Scene::without_operator().await;
    scene.receiver.answers("/chat", [Answer::text(503, "busy")]);
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let mut asked = Kind::Event.object("e", &event("shop", "build=success"));
    asked["metadata"]["annotations"] = json!({"redeliver.cicdcontext.io/again": "tell"});
    scene.create_object(Kind::Event, asked).await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdevents/e", "redeliver.cicdcontext.io~1again").await;
    let without = |event: &Value| event["metadata"]["annotations"].get("redeliver.cicdcontext.io/again").is_none();
    scene.wait(Kind::Event, "e", "has no annotation that asks for a redelivery", without).await;
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    let sent = scene.receiver.requests_to("/chat").len();
    expect_refused(&scene, &gate, held, 422).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), sent);
}

#[tokio::test]
async fn a_late_status_of_a_context_is_refused() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdcontexts/shop/status", "").await;
    scene.wait(Kind::Context, "shop", "has a status", |context| is(context, "Ready", "True")).await;
    expect_refused(&scene, &gate, held, 422).await;
}

#[tokio::test]
async fn a_late_status_of_an_endpoint_or_a_base_is_refused() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let (gate, held, second) = stopped_at(&scene, "PATCH", "/cicdendpoints/chat/status", "").await;
    scene.wait_condition(Kind::Endpoint, "chat", "Ready", "True").await;
    expect_refused(&scene, &gate, held, 422).await;
    second.kill().await.unwrap();
    scene.edit_lease(|lease| lease.holder_identity = None).await;
    scene.create(Kind::Base, "platform", &json!({})).await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdbases/platform/status", "").await;
    scene.wait_condition(Kind::Base, "platform", "Ready", "True").await;
    expect_refused(&scene, &gate, held, 422).await;
}

#[tokio::test]
async fn a_late_note_of_an_event_s_owner_is_refused() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdevents/e", "ownerReferences").await;
    scene.finished("e").await;
    expect_refused(&scene, &gate, held, 422).await;
}

#[tokio::test]
async fn a_late_creation_of_an_event_is_refused_or_if_the_event_was_deleted_does_not_run() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    scene.annotate("shop", "r1", "build=success").await;
    let (gate, held, _second) = stopped_at(&scene, "POST", "/cicdevents", "").await;
    let done = scene.finished_annotation("shop", "r1").await;
    expect_refused(&scene, &gate, held.clone(), 409).await;
    let made = name(&done).to_owned();
    scene.delete(Kind::Event, &made).await;
    scene.wait(Kind::Event, &made, "is gone", Value::is_null).await;
    assert_eq!(gate.let_go(held).await.unwrap().0, 201);
    let again = scene.finished(&made).await;
    let message = "an event of this name ran before; give each event a name of its own";
    expect_outcome(&again, "Skipped", "False", "AlreadyRun", message);
    assert_eq!(log(&scene).await, json!(["r1"]));
}

#[tokio::test]
async fn a_late_removal_of_an_annotation_is_refused() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    scene.annotate("shop", "r1", "build=success").await;
    let (gate, held, _second) = stopped_at(&scene, "PATCH", "/cicdcontexts/shop", "event.cicdcontext.io~1r1").await;
    scene.finished_annotation("shop", "r1").await;
    expect_refused(&scene, &gate, held, 422).await;
    assert_eq!(log(&scene).await, json!(["r1"]));
}

#[tokio::test]
async fn a_late_deletion_of_a_state_write_hits_nothing_even_if_another_one_has_its_name() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    let write = |value: &str, context: &str| json!({"contextRef": {"name": context}, "changes": [{"path": "state.log", "op": "Append", "value": value}]});
    scene.create(Kind::StateWrite, "w", &write("w", "shop")).await;
    let (gate, held, _second) = stopped_at(&scene, "DELETE", "/cicdstatewrites/w", "").await;
    scene.wait(Kind::StateWrite, "w", "is gone", Value::is_null).await;
    // It waits for its context and stays.
    scene.create(Kind::StateWrite, "w", &write("w", "nowhere")).await;
    expect_refused(&scene, &gate, held, 409).await;
    assert_eq!(log(&scene).await, json!(["w"]));
}
