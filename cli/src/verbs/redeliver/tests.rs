use serde_json::{Value, json};

use super::*;
use crate::{console::Recorded, exit::Exit, source::fake::Fake};

fn event(status: &Value) -> CicdEvent {
    let object = json!({"metadata": {"name": "e"}, "spec": {"contextRef": {"name": "shop"}}, "status": status});
    serde_json::from_value(object).unwrap()
}

fn ended(phase: &str, succeeded: &str, redeliveries: &[&str]) -> Value {
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"});
    json!({"phase": phase, "conditions": [condition("Finished", "True"), condition("Succeeded", succeeded)],
        "handlers": [{"name": "tell", "phase": phase, "redeliveries": redeliveries}],
        "requests": [{"handler": "tell", "content": "x", "history": {"attempts": 8, "startMs": 0}}]})
}

fn request(handler: &str, wait: bool) -> Request {
    let (context, event, handler) = ("shop".to_owned(), "e".to_owned(), handler.to_owned());
    Request { context, event, handler, id: Some("r1".to_owned()), wait, timeout: Duration::from_millis(50) }
}

async fn asked(fake: &Fake, request: &Request) -> (Result<(), Failure>, String, String) {
    let (data, notes) = (Recorded::default(), Recorded::default());
    let occasion = Occasion { now: "2026-01-02T03:04:05Z".parse().unwrap(), random: [0xab; 10] };
    let ended = run(fake, request, &occasion, &mut Console::new(data.clone(), notes.clone())).await;
    (ended, data.text(), notes.text())
}

fn failed() -> Fake {
    let fake = Fake::default();
    fake.events.borrow_mut().push(event(&ended("Failed", "False", &[])));
    fake
}

#[tokio::test]
async fn what_failed_is_asked_for_again_by_an_annotation() {
    let fake = failed();
    let (ended, data, notes) = asked(&fake, &request("tell", false)).await;
    ended.unwrap();
    assert_eq!((data.as_str(), notes.as_str()), ("", "event e: to be sent again: tell\n"));
    let annotations = fake.events.borrow()[0].metadata.annotations.clone().unwrap();
    assert_eq!(annotations["redeliver.cicdcontext.io/r1"], "tell");
}

#[tokio::test]
async fn an_event_that_is_still_finished_from_before_is_waited_for_all_the_same() {
    let fake = failed();
    let late = asked(&fake, &request("*", true)).await.0.unwrap_err();
    assert_eq!(late.exit(), Exit::TimedOut, "nobody took it in: {late}");

    let fake = failed();
    *fake.changes.borrow_mut() = vec![Some(event(&ended("Succeeded", "True", &["r1"])))];
    let (outcome, data, _) = asked(&fake, &request("*", true)).await;
    outcome.unwrap();
    assert!(data.starts_with("HANDLER") && data.contains("Succeeded"), "{data}");

    let fake = failed();
    *fake.changes.borrow_mut() = vec![Some(event(&ended("Failed", "False", &["r1"])))];
    assert_eq!(asked(&fake, &request("*", true)).await.0.unwrap_err().exit(), Exit::EventFailed);
}

#[tokio::test]
async fn what_cannot_be_sent_again_is_exit_4_and_not_asked_for() {
    let fake = Fake::default();
    let mut done = ended("Succeeded", "True", &[]);
    done.as_object_mut().unwrap().remove("requests");
    fake.events.borrow_mut().push(event(&done));
    for (handler, expected) in [
        ("tell", "event e: nothing to redeliver: redeliver tell: it is Succeeded, and no request of it is kept"),
        ("*", "event e: nothing to redeliver: redeliver *: no request of the event's handlers is kept"),
        ("nobody", "event e: nothing to redeliver: redeliver \"nobody\": the event has no handler of this name"),
    ] {
        let failure = asked(&fake, &request(handler, true)).await.0.unwrap_err();
        assert_eq!(failure.exit(), Exit::Refused);
        assert!(failure.to_string().starts_with(expected), "{failure}");
    }
    assert_eq!(fake.events.borrow()[0].metadata.annotations, None);
}

#[tokio::test]
async fn an_annotation_that_goes_without_a_trace_is_exit_4() {
    let fake = failed();
    *fake.changes.borrow_mut() = vec![Some(event(&ended("Failed", "False", &["older"])))];
    let failure = asked(&fake, &request("*", true)).await.0.unwrap_err();
    assert_eq!(failure.exit(), Exit::Refused);
    assert!(
        failure.to_string().contains("nothing to redeliver: none of its handlers could be sent again"),
        "{failure}"
    );
}

#[tokio::test]
async fn an_id_that_was_asked_for_before_takes_that_outcome() {
    let fake = Fake::default();
    fake.events.borrow_mut().push(event(&ended("Succeeded", "True", &["r1"])));
    let (outcome, data, notes) = asked(&fake, &request("tell", true)).await;
    outcome.unwrap();
    assert_eq!(notes, "event e: r1 was asked for before; nothing new is asked for\n");
    assert!(data.starts_with("HANDLER"), "{data}");
    assert_eq!(fake.events.borrow()[0].metadata.annotations, None);
}
