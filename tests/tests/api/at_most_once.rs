//! Endpoints with `deliveryGuarantee: AtMostOnce`: each attempt is claimed before it is made, only what certainly did not
//! leave is tried again, and what nobody knows is Unknown. The crash matrix plays the same at every point.

use std::time::Duration;

use cicdcontext_tests::{
    gate::{
        Gate,
        fault::{Asked, Fault, Reply},
    },
    receiver::{Answer, Receiver},
};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, handler, logs_and_tells, notify, on_success, with},
    scene::Scene,
};

/// What an endpoint says that may be tried often, and must not be tried twice.
fn at_most_once() -> Value {
    json!({"deliveryGuarantee": "AtMostOnce", "retry": {"maxAttempts": 8, "initialDelaySeconds": 1}})
}

/// A handler that appends `built` to the state.
fn log() -> Value {
    json!({"name": "log", "setValues": [{"path": "state.log", "op": "Append", "value": "built"}]})
}

/// Whether a request claims an attempt.
fn is_claim(asked: &Asked) -> bool {
    asked.method == "PATCH" && asked.path.ends_with("/status") && asked.body.contains("\"claim\":{")
}

/// Does this to the first claim that comes to the gate.
fn spoil_claim(gate: &Gate, fault: Fault) {
    let mut fault = Some(fault);
    gate.faults(move |asked| if is_claim(asked) { fault.take() } else { None });
}

async fn redeliver(scene: &Scene, name: &str, id: &str, handler: &str) -> Value {
    let annotation = format!("redeliver.cicdcontext.io/{id}");
    scene.patch(Kind::Event, name, &json!({"metadata": {"annotations": {&annotation: handler}}})).await;
    let taken_in = |event: &Value| event["metadata"]["annotations"].get(&annotation).is_none();
    scene.wait(Kind::Event, name, "has no annotation that asks for a redelivery", taken_in).await;
    scene.finished(name).await
}

fn deadline(event: &Value, name: &str) -> Timestamp {
    handler(event, name)["claim"]["deadline"].as_str().expect("it is claimed").parse().unwrap()
}

fn phase<'a>(event: &'a Value, name: &str) -> &'a str {
    handler(event, name)["phase"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn an_attempt_is_claimed_in_the_status_before_anything_is_sent() {
    let mut scene = Scene::without_operator().await;
    scene.receiver.answer("/chat", Answer::json(200, &json!({"ts": "17.4"})).held());
    scene.endpoint("chat", "/chat", &with(at_most_once(), &json!({"timeoutSeconds": 20}))).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    let gate = scene.gate().await;
    spoil_claim(&gate, Fault::Late);
    scene.start_operator_behind(&gate, &[]).await;
    let before = Timestamp::now();
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    gate.late().await;
    let claimed = scene.get(Kind::Event, "e").await.unwrap();
    scene.nothing_sent_to("/chat");
    assert_eq!(claimed["status"]["phase"], "Running");
    assert_eq!(phase(&claimed, "tell"), "Sending");
    let claim = &handler(&claimed, "tell")["claim"];
    assert!(claim["holder"].as_str().is_some_and(|holder| !holder.is_empty()), "{claim}");
    assert_eq!(claim["attempt"], 1);
    // The timeout and 5 s, in full seconds of the API server's clock.
    let allowed = deadline(&claimed, "tell").duration_since(before);
    assert!(allowed >= SignedDuration::from_secs(24) && allowed <= SignedDuration::from_secs(40), "{allowed}");

    gate.release();
    scene.arrived("/chat", 1).await;
    assert_eq!(scene.get(Kind::Event, "e").await.unwrap()["status"], claimed["status"], "claimed once");
    scene.receiver.release();
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    assert!(handler(&done, "tell")["claim"].is_null() && done["status"]["requests"].is_null(), "{done:#}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_nothing_is_sent_again_until_somebody_asks_for_it() {
    let scene = Scene::new().await;
    scene.receiver.answers("/cuts", [Answer::lost()]);
    scene.receiver.answers("/hangs", [Answer::hang()]);
    scene.endpoint("cuts", "/cuts", &at_most_once()).await;
    scene.endpoint("hangs", "/hangs", &with(at_most_once(), &json!({"timeoutSeconds": 1}))).await;
    let handlers = json!([notify("cut", "cuts", "built"), notify("hang", "hangs", "built"), log()]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    for (name, reason) in [("cut", "ConnectionLost"), ("hang", "Timeout")] {
        let ended = handler(&done, name);
        assert_eq!((phase(&done, name), &ended["reason"], &ended["attempts"]), ("Unknown", &json!(reason), &json!(1)));
        assert!(ended["claim"].is_null(), "{ended}");
    }
    expect_handler(&done, "log", "Succeeded", "StateWritten", "");
    assert_eq!(
        (&done["status"]["phase"], crate::object::condition(&done, "Succeeded").1),
        (&json!("Failed"), "OutcomeUnknown".to_owned())
    );
    assert!(scene.told(Kind::Event, "e", "EventFailed").await.starts_with("OutcomeUnknown: 2 of 3 handlers failed: "));
    scene.others_work().await;
    assert_eq!((scene.receiver.requests_to("/cuts").len(), scene.receiver.requests_to("/hangs").len()), (1, 1));

    let done = redeliver(&scene, "e", "again", "*").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "3 of 3 handlers ran");
    for path in ["/cuts", "/hangs"] {
        let arrived = scene.receiver.requests_to(path);
        assert_eq!(arrived.len(), 2, "{arrived:?}");
        assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
        assert_eq!(arrived[0].text, arrived[1].text);
    }
}

#[tokio::test]
async fn what_did_not_leave_is_tried_again() {
    let scene = Scene::new().await;
    let closed = Receiver::closed().unwrap();
    let url = format!("http://{}/chat", closed.address().unwrap());
    scene.endpoint("chat", "/chat", &with(at_most_once(), &json!({"url": url}))).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let waits = |event: &Value| event["status"]["phase"] == "Retrying" && phase(event, "tell") == "Waiting";
    let waiting = scene.wait(Kind::Event, "e", "waits", waits).await;
    let told = handler(&waiting, "tell");
    assert_eq!((&told["reason"], &told["claim"]), (&json!("ConnectFailed"), &Value::Null), "{waiting:#}");
    let opened = closed.open().unwrap();
    opened.answer("/chat", Answer::json(200, &json!({"ts": "17.4"})));
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    assert!(handler(&done, "tell")["attempts"].as_i64() > Some(1), "{done:#}");
    assert_eq!(opened.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn whatever_was_answered_is_the_last_word() {
    let scene = Scene::new().await;
    scene.receiver.answer("/busy", Answer::json(503, &json!({})).header("retry-after", "1"));
    scene.receiver.answer("/judged", Answer::json(200, &json!({"ok": false})));
    scene.endpoint("busy", "/busy", &at_most_once()).await;
    let judging = json!({"successWhen": "{{body.ok}}", "retryWhen": "true"});
    scene.endpoint("judged", "/judged", &with(at_most_once(), &judging)).await;
    let handlers = json!([notify("busy", "busy", "built"), notify("judged", "judged", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "busy", "Failed", "ServerError", "busy answered with status 503");
    let message = "judged answered with status 200, and its spec.successWhen gave \"false\"";
    expect_handler(&done, "judged", "Failed", "NotSuccessful", message);
    assert_eq!(crate::object::condition(&done, "Succeeded").1, "HandlerFailed");
    scene.others_work().await;
    for path in ["/busy", "/judged"] {
        assert_eq!(scene.receiver.requests_to(path).len(), 1, "{path}");
    }
}

#[tokio::test]
async fn an_attempt_in_whose_middle_the_operator_was_killed_is_unknown_after_its_deadline() {
    let mut scene = Scene::without_operator().await;
    let ends_soon = with(at_most_once(), &json!({"timeoutSeconds": 1}));
    for name in ["chat", "strict"] {
        scene.receiver.answers(&format!("/{name}"), [Answer::hang()]);
        scene.endpoint(name, &format!("/{name}"), &ends_soon).await;
    }
    let stop = with(notify("tell", "strict", "built"), &json!({"onFailure": "Stop"}));
    scene.create(Kind::Context, "shop", &on_success(&json!([notify("tell", "chat", "built"), log()]))).await;
    scene.create(Kind::Context, "strict", &on_success(&json!([stop, log()]))).await;
    scene.start_operator(&[]).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.create(Kind::Event, "s", &event("strict", "build=success")).await;
    for path in ["/chat", "/strict"] {
        scene.arrived(path, 1).await;
    }
    scene.kill_operator().await;
    // Neither another guarantee nor the endpoint's end changes what was claimed.
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"deliveryGuarantee": "AtLeastOnce"}})).await;
    scene.delete(Kind::Endpoint, "strict").await;
    scene.start_operator(&[]).await;

    let others_ran = |event: &Value| event["status"]["phase"] == "Retrying";
    let others = scene.wait(Kind::Event, "e", "has run its other handlers", others_ran).await;
    expect_handler(&others, "log", "Succeeded", "StateWritten", "");
    assert_eq!(phase(&others, "tell"), "Sending");
    let told = crate::object::condition(&others, "Finished").2;
    assert_eq!(
        told,
        format!("1 of 2 handlers wait: tell: attempt 1 may be under way until {}", deadline(&others, "tell"))
    );
    let stopped = scene.wait(Kind::Event, "s", "waits for its first handler", others_ran).await;
    assert_eq!((phase(&stopped, "tell"), phase(&stopped, "log")), ("Sending", "Pending"));

    let message = "attempt 1 was begun by an operator that ended before it could tell what came of it";
    for (name, until) in [("e", deadline(&others, "tell")), ("s", deadline(&stopped, "tell"))] {
        let done = scene.finished(name).await;
        assert!(Timestamp::now() >= until, "not before {until}");
        expect_handler(&done, "tell", "Unknown", "OutcomeUnknown", message);
        let all = format!("1 of 2 handlers failed: tell: {message}");
        expect_outcome(&done, "Failed", "False", "OutcomeUnknown", &all);
    }
    let done = scene.get(Kind::Event, "s").await.unwrap();
    expect_handler(&done, "log", "Skipped", "Stopped", "tell failed and says onFailure: Stop");
    assert_eq!((scene.receiver.requests_to("/chat").len(), scene.receiver.requests_to("/strict").len()), (1, 1));

    let done = redeliver(&scene, "e", "again", "tell").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
}

#[tokio::test]
async fn an_event_whose_context_went_in_the_middle_of_an_attempt_does_not_say_that_it_was_not_sent() {
    let mut scene = Scene::without_operator().await;
    scene.receiver.answers("/chat", [Answer::hang()]);
    scene.endpoint("chat", "/chat", &at_most_once()).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    scene.start_operator(&[]).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    scene.kill_operator().await;
    scene.delete(Kind::Context, "shop").await;
    scene.wait(Kind::Context, "shop", "is gone", Value::is_null).await;
    scene.start_operator(&["--unknown-context-grace=1s"]).await;
    let done = scene.finished("e").await;
    assert_eq!(crate::object::condition(&done, "Succeeded").1, "ContextNotFound");
    let message = "attempt 1 was begun by an operator that ended before it could tell what came of it";
    expect_handler(&done, "tell", "Unknown", "OutcomeUnknown", message);
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn an_operator_that_is_asked_to_stop_waits_for_the_answer_to_an_attempt_that_it_has_claimed() {
    let mut scene = Scene::without_operator().await;
    // Longer than any other request is waited for.
    let slow = Answer::json(200, &json!({"ts": "17.4"})).after(Duration::from_millis(2_500));
    scene.receiver.answer("/chat", slow);
    scene.endpoint("chat", "/chat", &at_most_once()).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    scene.start_operator(&[]).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    scene.stop_operator().await;
    let done = scene.get(Kind::Event, "e").await.unwrap();
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let state = &scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"];
    assert_eq!(*state, json!({"log": ["start", "built", "told"], "ts": "17.4"}));
    scene.start_operator(&[]).await;
    scene.others_work().await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn an_operator_that_is_asked_to_stop_does_not_wait_for_what_can_be_sent_again() {
    let mut scene = Scene::without_operator().await;
    scene.receiver.answers("/chat", [Answer::hang(), Answer::json(200, &json!({"ts": "17.4"}))]);
    scene.endpoint("chat", "/chat", &json!({"timeoutSeconds": 60})).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    scene.start_operator(&[]).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    let asked = std::time::Instant::now();
    scene.stop_operator().await;
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    scene.start_operator(&[]).await;
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 2, "{arrived:?}");
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
}

/// A context whose handler `first` is told at least once, and holds its answer, and whose handler `tell` at most once.
async fn first_and_tell(scene: &Scene) {
    scene.receiver.answers("/first", [Answer::default().held()]);
    scene.endpoint("first", "/first", &json!({})).await;
    scene.endpoint("chat", "/chat", &at_most_once()).await;
    let handlers = json!([notify("first", "first", "built"), notify("tell", "chat", "built")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
}

#[tokio::test]
async fn whoever_changes_anything_but_the_status_of_an_event_does_not_hold_up_its_deliveries() {
    let scene = Scene::new().await;
    first_and_tell(&scene).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/first", 1).await;
    scene.patch(Kind::Event, "e", &json!({"metadata": {"labels": {"seen": "true"}}})).await;
    scene.receiver.release();
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    assert_eq!((scene.receiver.requests_to("/first").len(), scene.receiver.requests_to("/chat").len()), (1, 1));
}

#[tokio::test]
async fn an_attempt_that_another_process_has_claimed_meanwhile_is_not_made() {
    let scene = Scene::new().await;
    first_and_tell(&scene).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/first", 1).await;
    let until = Timestamp::now() + SignedDuration::from_secs(3);
    let until = Timestamp::from_second(until.as_second()).unwrap();
    let claim = json!({"holder": "another", "attempt": 1, "deadline": until.to_string()});
    let claimed = json!([{"op": "add", "path": "/status", "value": {"phase": "Running", "handlers": [
        {"name": "first", "phase": "Succeeded"},
        {"name": "tell", "phase": "Sending", "claim": claim},
    ]}}]);
    scene.json_patch(Kind::Event, "e/status", &claimed).await.unwrap();
    scene.receiver.release();
    let done = scene.finished("e").await;
    assert!(Timestamp::now() >= until, "not before {until}");
    let message = "attempt 1 was begun by an operator that ended before it could tell what came of it";
    expect_handler(&done, "tell", "Unknown", "OutcomeUnknown", message);
    scene.nothing_sent_to("/chat");
}

#[tokio::test]
async fn a_claim_that_is_lost_on_its_way_or_whose_answer_is_changes_nothing() {
    let mut scene = Scene::without_operator().await;
    scene.receiver.release();
    first_and_tell(&scene).await;
    let gate = scene.gate().await;
    scene.start_operator_behind(&gate, &[]).await;
    let reply = || Reply::status(504, "Timeout", "request did not complete within the requested timeout");
    for (number, fault) in [Fault::Lost(reply()), Fault::Refused(reply())].into_iter().enumerate() {
        spoil_claim(&gate, fault);
        let done = scene.run(&format!("e{number}"), &event("shop", "build=success")).await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
        let sent = (scene.receiver.requests_to("/first").len(), scene.receiver.requests_to("/chat").len());
        assert_eq!(sent, (number + 1, number + 1), "event {number}");
    }
}
