use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};

use super::*;
use crate::{console::Recorded, exit::Exit, source::fake::Fake};

fn request(awaited: &[&str]) -> Request {
    let arguments = WaitArguments {
        object: None,
        conditions: awaited.iter().map(ToString::to_string).collect(),
        timeout: Duration::from_millis(30),
    };
    Request::read(&arguments, Object { name: "shop".to_owned(), rest: Vec::new() }).unwrap()
}

async fn waited(fake: &Fake, awaited: &[&str]) -> (Result<(), Failure>, String) {
    let notes = Recorded::default();
    let ended = run(fake, &request(awaited), &mut Console::new(std::io::sink(), notes.clone())).await;
    (ended, notes.text())
}

fn context(state: &Value) -> Context {
    let (name, uid) = ("shop".to_owned(), "u1".to_owned());
    Context { name, uid, state: state.as_object().cloned(), ..Context::default() }
}

fn condition(kind: &str, status: &str) -> Condition {
    serde_json::from_value(json!({"type": kind, "status": status, "reason": "BaseNotFound", "message": "no base",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}))
    .unwrap()
}

fn event(name: &str, succeeded: Option<&str>) -> CicdEvent {
    let conditions: Vec<Condition> = match succeeded {
        Some(status) => vec![condition("Finished", "True"), condition("Succeeded", status)],
        None => Vec::new(),
    };
    let phase = if succeeded.is_some() { "Failed" } else { "Running" };
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"contextRef": {"name": "shop"}},
        "status": {"phase": phase, "conditions": conditions}}))
    .unwrap()
}

#[tokio::test]
async fn what_holds_already_is_not_waited_for() {
    let fake = Fake::new(json!({"a": {"b": null}, "n": 1.0, "t": "1"}));
    fake.conditions.borrow_mut().push(condition("Ready", "False"));
    let (ended, notes) =
        waited(&fake, &["state.a.b", "state.n:=1", "state.t=1", "condition=Ready=false", "state.a:={\"b\":null}"])
            .await;
    ended.unwrap();
    assert_eq!(notes, "");
}

#[tokio::test]
async fn what_is_missing_in_the_end_is_told_with_what_is_there_instead() {
    let fake = Fake::new(json!({"t": "1"}));
    fake.conditions.borrow_mut().push(condition("Ready", "False"));
    let awaited = ["state.x", "state.t:=1", "state.t=1", "condition=Ready", "condition=Stalled", "event=run-1"];
    let failure = waited(&fake, &awaited).await.0.unwrap_err();
    assert_eq!(failure.exit(), Exit::TimedOut);
    assert_eq!(
        failure.to_string(),
        "wait for CicdContext shop: not within 0.03 s: state.x: expected a value, found nothing; \
         state.t: expected 1, found \"1\"; condition Ready: expected True, found False (BaseNotFound: no base); \
         condition Stalled: expected True, found nothing; event run-1: it is not there"
    );
}

#[tokio::test]
async fn a_context_that_is_not_there_yet_is_waited_for() {
    let fake = Fake::default();
    let mut missing = request(&["state.a=yes"]);
    missing.context = "later".to_owned();
    *fake.contexts.borrow_mut() =
        vec![None, Some(context(&json!({"a": "no"}))), Some(context(&json!({}))), Some(context(&json!({"a": "yes"})))];
    let notes = Recorded::default();
    run(&fake, &missing, &mut Console::new(std::io::sink(), notes.clone())).await.unwrap();
    assert_eq!(
        notes.text(),
        "wait for later: state.a: expected \"yes\", found \"no\"\nwait for later: state.a: expected \"yes\", found nothing\n",
        "a line for each change"
    );
    *fake.contexts.borrow_mut() = Vec::new();
    let failure = run(&fake, &missing, &mut Console::new(std::io::sink(), std::io::sink())).await.unwrap_err();
    assert!(failure.to_string().ends_with("there is no CicdContext later"), "{failure}");
}

#[tokio::test]
async fn an_event_is_waited_for_by_its_id_or_name_and_its_failure_is_exit_5() {
    let named = cicdcontext_engine::event::name::event_name(
        "shop",
        "u1",
        cicdcontext_engine::event::annotation::Front::Generate,
        "run-1",
    );
    for called in ["run-1", named.as_str()] {
        let awaited = format!("event={called}");
        let fake = Fake::default();
        *fake.changes.borrow_mut() = vec![Some(event(&named, None)), Some(event(&named, Some("True")))];
        waited(&fake, &[&awaited]).await.0.unwrap();

        *fake.changes.borrow_mut() = vec![Some(event(&named, None)), Some(event(&named, Some("False")))];
        let failure = waited(&fake, &[&awaited]).await.0.unwrap_err();
        assert_eq!(failure.exit(), Exit::EventFailed, "{failure}");

        *fake.changes.borrow_mut() = vec![Some(event(&named, None)), Some(event("other", Some("False")))];
        let late = waited(&fake, &[&awaited]).await.0.unwrap_err();
        assert!(late.to_string().ends_with(&format!("event {called}: it is Running")), "{late}");
    }
}

#[tokio::test]
async fn all_of_several_must_hold_at_once() {
    let fake = Fake::default();
    *fake.contexts.borrow_mut() =
        vec![Some(context(&json!({"a": 1}))), Some(context(&json!({"b": 1}))), Some(context(&json!({"a": 1, "b": 1})))];
    waited(&fake, &["state.a", "state.b"]).await.0.unwrap();
    fake.contexts.borrow_mut().pop();
    let late = waited(&fake, &["state.a", "state.b"]).await.0.unwrap_err();
    assert!(late.to_string().ends_with("state.a: expected a value, found nothing"), "{late}");
}

#[tokio::test]
async fn without_an_operator_an_event_that_is_waited_for_is_carried_out() {
    let fake = Fake { carries_out_events: true, ..Fake::default() };
    fake.events.borrow_mut().push(event("e", None));
    *fake.changes.borrow_mut() = vec![Some(event("e", Some("True")))];
    waited(&fake, &["event=e"]).await.0.unwrap();
}
