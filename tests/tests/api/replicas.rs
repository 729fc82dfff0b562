//! Several replicas, of which the holder of a Lease works: killed, asked to stop, and stopped where they are past their
//! lease and continued.

use cicdcontext_tests::{gate::fault::Fault, operator::Operator, receiver::Answer};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, logs_and_tells, on_success, uid},
    scene::Scene,
};

/// Short enough to wait for, and long enough for a machine that is busy with other tests.
const SHORT: [&str; 3] =
    ["--leader-elect-lease-duration=6s", "--leader-elect-renew-deadline=5s", "--leader-elect-retry-period=500ms"];
/// No test waits until such a lease expires.
const LONG: [&str; 3] =
    ["--leader-elect-lease-duration=20m", "--leader-elect-renew-deadline=19m", "--leader-elect-retry-period=200ms"];
/// A holder that does not look at its Lease by itself.
const BLIND: [&str; 3] =
    ["--leader-elect-lease-duration=20m", "--leader-elect-renew-deadline=19m", "--leader-elect-retry-period=18m"];

/// A context `shop` whose events append `built`, tell `/chat`, and then append `told` and the answer's `ts`.
async fn shop(scene: &Scene) {
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
}

async fn state(scene: &Scene) -> Value {
    scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"].clone()
}

/// The ledger of the context `shop`.
async fn ledger(scene: &Scene) -> Value {
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let text = context["metadata"]["annotations"]["cicdcontext.io/applied"].as_str().unwrap_or("null").to_owned();
    serde_json::from_str(&text).unwrap()
}

async fn is_leader(operator: &Operator) -> Option<u64> {
    operator.metric("cicdcontext_leader ").await.unwrap()
}

/// Fails unless the process ends by itself, with an error that says this.
async fn ends_saying(operator: Operator, what: &str) {
    let log = operator.log().to_owned();
    let status = operator.ended().await.unwrap_or_else(|error| panic!("{error}"));
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(status.code(), Some(1), "{log}");
    let error = log.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    assert!(error.contains(what), "{error:?} in {log}");
}

#[tokio::test]
async fn of_two_replicas_one_works_and_the_other_is_ready_and_does_nothing() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    let first = scene.start_replica("first", &LONG).await;
    let lease = scene.leads("first").await;
    assert_eq!((lease.lease_transitions, lease.lease_duration_seconds), (Some(1), Some(1200)));
    // Ready when this returns.
    let second = scene.start_replica("second", &LONG).await;
    scene.annotate("shop", "r1", "build=success").await;
    scene.finished_annotation("shop", "r1").await;
    scene.run("e", &event("shop", "build=success")).await;
    assert_eq!(state(&scene).await["log"], json!(["start", "built", "told", "built", "told"]));
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
    assert_eq!(ledger(&scene).await["epoch"], 1, "the Lease's transitions");
    assert_eq!((is_leader(&first).await, is_leader(&second).await), (Some(1), Some(0)));
    let metrics = second.metrics().await.unwrap();
    let counts = |line: &&str| line.contains("api_writes_total{") || line.contains("reconciles_total{");
    let counted: Vec<&str> = metrics.lines().filter(counts).filter(|line| !line.ends_with(" 0")).collect();
    assert_eq!(counted, Vec::<&str>::new(), "{metrics}");
    assert!(second.log_text().contains("standing by"), "{}", second.log_text());
    assert_eq!(scene.leads("first").await.lease_transitions, Some(1));
}

#[tokio::test]
async fn a_standby_takes_over_from_a_leader_that_was_killed_and_finishes_what_was_under_way() {
    let scene = Scene::without_operator().await;
    scene.receiver.answers("/chat", [Answer::hang(), Answer::json(200, &json!({"ts": "17.4"}))]);
    shop(&scene).await;
    let first = scene.start_replica("first", &SHORT).await;
    let second = scene.start_replica("second", &SHORT).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    first.kill().await.unwrap();
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let recorded = "what it wrote was in the state already when the operator started anew";
    expect_handler(&done, "log", "Succeeded", "RecordedBefore", recorded);
    assert_eq!(state(&scene).await, json!({"log": ["start", "built", "told"], "ts": "17.4"}));
    assert_eq!(scene.leads("second").await.lease_transitions, Some(2));
    assert_eq!(ledger(&scene).await["epoch"], 2);
    assert_eq!(is_leader(&second).await, Some(1));
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 2, "sent once more, since nobody knows whether it arrived: {arrived:?}");
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
}

#[tokio::test]
async fn a_leader_that_is_asked_to_stop_ends_its_work_and_then_gives_the_lease_away() {
    let scene = Scene::without_operator().await;
    scene.receiver.answers("/chat", [Answer::json(200, &json!({"ts": "17.4"})).held()]);
    shop(&scene).await;
    let first = scene.start_replica("first", &LONG).await;
    let second = scene.start_replica("second", &LONG).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    let log = first.log().to_owned();
    let answered = async {
        let stopping = async || {
            let text = std::fs::read_to_string(&log).unwrap();
            if text.contains("no new work is begun") { Ok(()) } else { Err(text) }
        };
        scene.until("the first one stops", stopping).await;
        scene.leads("first").await;
        scene.receiver.release();
    };
    let (stopped, ()) = tokio::join!(first.stop(), answered);
    stopped.unwrap_or_else(|error| panic!("{error}"));
    // It would expire in 20 minutes: it was given away.
    assert_eq!(scene.leads("second").await.lease_transitions, Some(2));
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(state(&scene).await, json!({"log": ["start", "built", "told"], "ts": "17.4"}));
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "the first one ended what it had begun");
    scene.run("f", &event("shop", "build=success")).await;
    assert_eq!(state(&scene).await["log"], json!(["start", "built", "told", "built", "told"]));

    second.stop().await.unwrap_or_else(|error| panic!("{error}"));
    let lease = scene.lease().await;
    assert_eq!((lease.holder_identity, lease.lease_transitions), (None, Some(2)), "nobody has it");
}

#[tokio::test]
async fn a_leader_that_is_stopped_past_its_lease_and_continued_changes_nothing_any_more() {
    let scene = Scene::without_operator().await;
    let answers = [Answer::json(200, &json!({"ts": "old"})).held(), Answer::json(200, &json!({"ts": "new"}))];
    scene.receiver.answers("/chat", answers);
    shop(&scene).await;
    let first = scene.start_replica("first", &SHORT).await;
    let _second = scene.start_replica("second", &SHORT).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/chat", 1).await;
    first.pause().unwrap();
    scene.annotate("shop", "r1", "build=success").await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    scene.finished_annotation("shop", "r1").await;
    let before = (state(&scene).await, ledger(&scene).await, scene.list(Kind::Event).await);
    assert_eq!(before.0, json!({"log": ["start", "built", "told", "built", "told"], "ts": "new"}));
    assert_eq!(before.1["epoch"], 2);
    // Its answer lies there when it goes on, and all its timers are due.
    scene.receiver.release();
    first.resume().unwrap();
    ends_saying(first, "the Lease").await;
    let after = (state(&scene).await, ledger(&scene).await, scene.list(Kind::Event).await);
    assert_eq!(before, after, "not even a resourceVersion changed");
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 3, "twice for the event in whose middle it was stopped: {arrived:?}");
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
    assert_eq!(scene.leads("second").await.lease_transitions, Some(2));
}

#[tokio::test]
async fn a_leader_that_is_stopped_between_its_claim_and_the_request_does_not_send_when_it_is_continued() {
    let scene = Scene::without_operator().await;
    scene.endpoint("chat", "/chat", &json!({"deliveryGuarantee": "AtMostOnce", "timeoutSeconds": 1})).await;
    scene.create(Kind::Context, "shop", &logs_and_tells()).await;
    let gate = scene.gate().await;
    let mut claims = 0;
    gate.faults(move |asked| {
        let is_claim = asked.method == "PATCH" && asked.path.ends_with("/status") && asked.body.contains("\"claim\":{");
        claims += usize::from(is_claim);
        (is_claim && claims == 1).then_some(Fault::Late)
    });
    let first = scene.start_replica_behind(&gate, "first", &SHORT).await;
    let _second = scene.start_replica("second", &SHORT).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    gate.late().await;
    first.pause().unwrap();
    // It knows that the attempt is its own as soon as it goes on.
    gate.release();
    let claimed = scene.get(Kind::Event, "e").await.unwrap();
    assert_eq!(claimed["status"]["handlers"][1]["phase"], "Sending", "{claimed:#}");
    let done = scene.finished("e").await;
    let message = "attempt 1 was begun by an operator that ended before it could tell what came of it";
    expect_handler(&done, "tell", "Unknown", "OutcomeUnknown", message);
    let before = (state(&scene).await, ledger(&scene).await, scene.list(Kind::Event).await);
    assert_eq!(before.0, json!({"log": ["start", "built"]}));
    first.resume().unwrap();
    ends_saying(first, "the Lease").await;
    let after = (state(&scene).await, ledger(&scene).await, scene.list(Kind::Event).await);
    assert_eq!(before, after, "not even a resourceVersion changed");
    scene.nothing_sent_to("/chat");
}

/// Fails unless the list of `shop` has each of these once.
fn expect_once(list: &Value, expected: impl Iterator<Item = String>) {
    let mut found: Vec<_> = list.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<_> = expected.collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn whenever_leaders_are_stopped_and_continued_each_append_is_made_once() {
    let scene = Scene::without_operator().await;
    let note = json!([{"path": "state.events", "op": "Append", "template": "{{event.id}}"}]);
    scene.create(Kind::Context, "shop", &on_success(&json!([{"name": "note", "setValues": note}]))).await;
    for number in 0..60 {
        let changes = json!([{"path": "state.writes", "op": "Append", "value": format!("w{number}")}]);
        let write = json!({"contextRef": {"name": "shop"}, "changes": changes});
        scene.create(Kind::StateWrite, &format!("w{number}"), &write).await;
        scene.create(Kind::Event, &format!("e{number}"), &event("shop", "build=success")).await;
    }
    let mut leader = scene.start_replica("r0", &SHORT).await;
    for (round, most) in [45, 20].into_iter().enumerate() {
        let next = format!("r{}", round + 1);
        let standby = scene.start_replica(&next, &SHORT).await;
        let unfinished = async || {
            let events = scene.list(Kind::Event).await;
            let left = events.iter().filter(|event| event["status"]["completionTime"].is_null()).count();
            if left < most { Ok(()) } else { Err(format!("{left} events are not finished")) }
        };
        scene.until("some events are finished", unfinished).await;
        leader.pause().unwrap();
        scene.leads(&next).await;
        // In the middle of the other one's work.
        leader.resume().unwrap();
        ends_saying(leader, "the Lease").await;
        leader = standby;
    }
    for number in 0..60 {
        scene.finished(&format!("e{number}")).await;
        scene.wait(Kind::StateWrite, &format!("w{number}"), "is gone", Value::is_null).await;
    }
    let state = state(&scene).await;
    expect_once(&state["writes"], (0..60).map(|number| format!("w{number}")));
    expect_once(&state["events"], (0..60).map(|number| format!("e{number}")));
    assert_eq!(ledger(&scene).await["epoch"], 3);
}

/// Gives the ledger of `shop` this epoch.
async fn write_epoch(scene: &Scene, epoch: u64) {
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let ledger = json!({"uid": uid(&context), "epoch": epoch, "done": [], "names": [], "ids": []}).to_string();
    let annotations = json!({"cicdcontext.io/applied": ledger});
    scene.patch(Kind::Context, "shop", &json!({"metadata": {"annotations": annotations}})).await;
}

#[tokio::test]
async fn a_foreign_epoch_is_written_over_by_the_one_that_holds_the_lease() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    write_epoch(&scene, 99).await;
    let _leader = scene.start_replica("first", &LONG).await;
    scene.run("e", &event("shop", "build=success")).await;
    let note = scene.told(Kind::Context, "shop", "ForeignEpoch").await;
    assert!(
        note.starts_with("annotation cicdcontext.io/applied has epoch 99, but this operator leads with epoch 1"),
        "{note}"
    );
    assert_eq!(ledger(&scene).await["epoch"], 1);
    assert_eq!(state(&scene).await["log"], json!(["start", "built", "told"]));
}

#[tokio::test]
async fn a_leader_that_finds_the_epoch_of_another_one_looks_at_the_lease_and_ends() {
    let scene = Scene::without_operator().await;
    shop(&scene).await;
    let leader = scene.start_replica("first", &BLIND).await;
    scene
        .edit_lease(|lease| {
            lease.holder_identity = Some("other_1".to_owned());
            lease.lease_transitions = Some(2);
        })
        .await;
    write_epoch(&scene, 2).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    ends_saying(leader, "another replica holds the Lease now").await;
    assert_eq!(state(&scene).await, json!({"log": ["start"]}));
    assert!(scene.get(Kind::Event, "e").await.unwrap()["status"]["completionTime"].is_null());
    scene.nothing_sent_to("/chat");
}
