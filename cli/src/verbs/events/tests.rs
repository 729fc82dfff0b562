use serde_json::{Value, json};

use super::*;
use crate::{console::Recorded, exit::Exit, source::fake::Fake};

fn event(name: &str, status: &Value) -> CicdEvent {
    let object = json!({"metadata": {"name": name, "resourceVersion": status.to_string(), "managedFields": [{"manager": "x"}]}, "status": status,
        "spec": {"contextRef": {"name": "shop"}, "pipeline": "build", "event": "success"}});
    serde_json::from_value(object).unwrap()
}

fn finished() -> Value {
    json!({"phase": "Succeeded", "handlers": [{"name": "tell", "phase": "Succeeded"}], "conditions": [{"type": "Finished",
        "status": "True", "reason": "x", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]})
}

fn request(event: Option<&str>, format: ValueFormat) -> Request {
    Request { context: Some("shop".to_owned()), event: event.map(str::to_owned), format }
}

fn now() -> Timestamp {
    "2026-01-02T03:04:05.678Z".parse().unwrap()
}

async fn shown(fake: &Fake, request: &Request) -> (Result<(), Failure>, String, String) {
    let (data, notes) = (Recorded::default(), Recorded::default());
    let ended = run(fake, request, now(), &mut Console::new(data.clone(), notes.clone())).await;
    (ended, data.text(), notes.text())
}

#[tokio::test]
async fn objects_are_a_list_or_the_one_and_without_managed_fields() {
    let fake = Fake::default();
    *fake.events.borrow_mut() = vec![event("a", &finished()), event("b", &Value::Null)];
    let (_, data, _) = shown(&fake, &request(None, ValueFormat::Json)).await;
    let list: Value = serde_json::from_str(&data).unwrap();
    let metadata = &list["items"][1]["metadata"];
    assert_eq!((&list["kind"], metadata), (&json!("List"), &json!({"name": "b", "resourceVersion": "null"})));
    let (_, data, _) = shown(&fake, &request(Some("a"), ValueFormat::Yaml)).await;
    let one: Value = serde_saphyr::from_str(&data).unwrap();
    assert_eq!((&one["kind"], &one["metadata"]["name"]), (&json!("CicdEvent"), &json!("a")));
    assert_eq!(one["metadata"]["managedFields"], Value::Null);
}

#[tokio::test]
async fn no_events_are_told_and_a_missing_context_is_exit_6() {
    let fake = Fake::default();
    let (ended, data, notes) = shown(&fake, &request(None, ValueFormat::Text)).await;
    ended.unwrap();
    assert_eq!((data.as_str(), notes.as_str()), ("", "CicdContext shop has no events\n"));
    let (_, data, _) = shown(&fake, &request(None, ValueFormat::Json)).await;
    assert_eq!(serde_json::from_str::<Value>(&data).unwrap()["items"], json!([]));
    let nobody = Request { context: Some("nobody".to_owned()), ..request(None, ValueFormat::Text) };
    assert_eq!(shown(&fake, &nobody).await.0.unwrap_err().exit(), Exit::NotFound);
    let missing = shown(&fake, &request(Some("x"), ValueFormat::Text)).await.0.unwrap_err();
    assert_eq!(missing.exit(), Exit::NotFound);
    let all = Request { context: None, ..request(None, ValueFormat::Text) };
    assert_eq!(shown(&fake, &all).await.2, "namespace default has no events\n");
}

/// What a watch prints that is ended once there is nothing more to see.
async fn watched(fake: &Fake, request: &Request) -> String {
    let data = Recorded::default();
    let mut console = Console::new(data.clone(), std::io::sink());
    futures::future::select(
        std::pin::pin!(watch(fake, request, now, &mut console)),
        // The fake gives all it has without waiting for anything.
        std::pin::pin!(tokio::task::yield_now()),
    )
    .await;
    data.text()
}

#[tokio::test]
async fn a_watch_tells_what_ended_before_in_one_line_and_then_each_change() {
    let fake = Fake::default();
    *fake.events.borrow_mut() = vec![event("old", &finished()), event("new", &Value::Null)];
    let waits = json!({"phase": "Retrying", "handlers": [
        {"name": "tell", "phase": "Waiting", "reason": "ServerError", "message": "status\n503\u{1b}[2J"}]});
    *fake.changes.borrow_mut() =
        vec![Some(event("new", &waits)), Some(event("new", &waits)), Some(event("new", &finished()))];
    assert_eq!(
        watched(&fake, &request(None, ValueFormat::Text)).await,
        "2026-01-02T03:04:05Z old build=success - Succeeded\n\
         2026-01-02T03:04:05Z new build=success - Pending\n\
         2026-01-02T03:04:05Z new build=success tell Waiting ServerError: status 503 [2J\n\
         2026-01-02T03:04:05Z new build=success - Retrying\n\
         2026-01-02T03:04:05Z new build=success tell Succeeded\n\
         2026-01-02T03:04:05Z new build=success - Succeeded\n"
    );
    let data = watched(&fake, &request(None, ValueFormat::Json)).await;
    let phases: Vec<Value> =
        data.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["status"]["phase"].clone()).collect();
    // What has not changed is not told again.
    assert_eq!(phases, [json!("Succeeded"), Value::Null, json!("Retrying"), json!("Succeeded")]);
}

#[tokio::test]
async fn a_watch_of_one_event_ends_when_it_is_deleted() {
    let fake = Fake::default();
    *fake.events.borrow_mut() = vec![event("old", &finished())];
    *fake.changes.borrow_mut() = vec![None];
    let (data, notes) = (Recorded::default(), Recorded::default());
    let mut console = Console::new(data.clone(), notes.clone());
    watch(&fake, &request(Some("old"), ValueFormat::Text), now, &mut console).await.unwrap();
    assert_eq!(data.text().lines().count(), 2, "the handler of the one event, too: {}", data.text());
    assert_eq!(notes.text(), "event old: it was deleted\n");
}
