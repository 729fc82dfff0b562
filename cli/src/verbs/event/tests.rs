use std::{cell::RefCell, io, rc::Rc};

use cicdcontext_crds::{ContextReference, EventPhase};
use serde_json::{Value, json};

use super::*;
use crate::{
    arguments::{ContentArguments, FiringArguments, Object, UsageError},
    exit::Exit,
    source::{Context, fake::Fake},
};

#[derive(Clone, Default)]
struct Recorded(Rc<RefCell<Vec<u8>>>);

impl io::Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Recorded {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

fn arguments() -> EventArguments {
    let firing = FiringArguments { id: Some("run-1".to_owned()), ..FiringArguments::default() };
    EventArguments { firing, ..EventArguments::default() }
}

fn with_id(id: Option<&str>) -> EventArguments {
    let firing = FiringArguments { id: id.map(str::to_owned), ..FiringArguments::default() };
    EventArguments { firing, ..EventArguments::default() }
}

fn carrying(content: ContentArguments) -> EventArguments {
    EventArguments { content, ..arguments() }
}

fn read(arguments: &EventArguments, happened: &str) -> Result<Request, UsageError> {
    Request::read(arguments, Object { name: "shop".to_owned(), rest: vec![happened.to_owned()] })
}

fn occasion() -> Occasion {
    Occasion { now: "2026-01-02T03:04:05Z".parse().unwrap(), random: [0xab; 10] }
}

fn context() -> Context {
    Context { name: "shop".to_owned(), uid: "u1".to_owned(), ..Context::default() }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// What the fake's event of id run-1 looks like with a status.
fn seen(status: Value) -> CicdEvent {
    let mut event = read(&arguments(), "build=success").unwrap().event(&context(), &occasion()).unwrap();
    event.status = Some(serde_json::from_value(status).unwrap());
    event
}

fn finished_as(phase: &str, succeeded: &str, reason: &str) -> Value {
    let at = "2026-01-01T00:00:00Z";
    json!({"phase": phase, "conditions": [
        {"type": "Finished", "status": "True", "reason": reason, "message": "", "lastTransitionTime": at},
        {"type": "Succeeded", "status": succeeded, "reason": reason, "message": "why", "lastTransitionTime": at},
    ], "handlers": [{"name": "tell", "type": "notify", "phase": "Succeeded"}]})
}

async fn fire(fake: &Fake, arguments: &EventArguments) -> (Result<(), Failure>, String, String) {
    let (data, notes) = (Recorded::default(), Recorded::default());
    let mut console = Console::new(data.clone(), notes.clone());
    let request = read(arguments, "build=success").unwrap();
    let ended = run(fake, &request, &occasion(), &mut console).await;
    (ended, data.text(), notes.text())
}

#[test]
fn an_event_says_all_that_tells_it_from_a_stale_copy() {
    let event = read(&arguments(), "build=success").unwrap().event(&context(), &occasion()).unwrap();
    let json = serde_json::to_value(&event).unwrap();
    assert_eq!(
        json["spec"],
        json!({"contextRef": {"name": "shop", "uid": "u1"}, "pipeline": "build", "event": "success",
            "createdAt": "2026-01-02T03:04:05Z"})
    );
    assert_eq!(
        json["metadata"]["ownerReferences"],
        json!([{"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "name": "shop", "uid": "u1"}])
    );
    let name = event.metadata.name.unwrap();
    assert!(name.starts_with("shop-run-1-"), "{name}");
}

#[test]
fn without_an_id_the_name_is_random() {
    let request = read(&with_id(None), "build=success").unwrap();
    let event = request.event(&context(), &occasion()).unwrap();
    let other = request.event(&context(), &Occasion { random: [1; 10], ..occasion() }).unwrap();
    assert!(event.metadata.name.as_ref().unwrap().starts_with("shop-abababababababababab-"));
    assert_ne!(event.metadata.name, other.metadata.name);
}

#[test]
fn data_variables_and_changes_are_carried_as_given() {
    let arguments = carrying(ContentArguments {
        data: texts(&["url=https://ci.example/?a=b", "n=5"]),
        data_json: texts(&["list=[1,\"x\"]", "null=null"]),
        set: texts(&["state.a=1", "state.b:=2", "state.list[]=x"]),
        var: texts(&["ctx.flag=yes", "state['a=b']=c"]),
        var_from: texts(&["ctx.image=state.build.image"]),
    });
    let event = read(&arguments, "build=success").unwrap().event(&context(), &occasion()).unwrap();
    let spec = serde_json::to_value(event.spec).unwrap();
    assert_eq!(spec["data"], json!({"url": "https://ci.example/?a=b", "n": "5", "list": [1, "x"], "null": null}));
    assert_eq!(spec["vars"], json!({"ctx.flag": "yes", "state['a=b']": "c"}));
    assert_eq!(spec["varsFrom"], json!({"ctx.image": "state.build.image"}));
    assert_eq!(
        spec["set"],
        json!([{"path": "state.a", "value": "1"}, {"path": "state.b", "value": 2},
            {"path": "state.list", "op": "Append", "value": "x"}])
    );
}

#[test]
fn what_the_operator_would_refuse_is_refused_before_anything_is_created() {
    let refused = |arguments: &EventArguments| read(arguments, "build=success").unwrap_err().to_string();
    assert_eq!(
        refused(&carrying(ContentArguments { var: texts(&["settings.x=1"]), ..ContentArguments::default() })),
        "event: spec.vars: settings.x: settings is a reserved name; choose another one, or a path below state"
    );
    assert!(
        refused(&carrying(ContentArguments { var_from: texts(&["a=b"]), ..ContentArguments::default() }))
            .contains("write state.b")
    );
    assert!(
        refused(&carrying(ContentArguments { set: texts(&["a=b"]), ..ContentArguments::default() }))
            .contains("write state.a")
    );
    assert_eq!(
        refused(&carrying(ContentArguments {
            data: texts(&["k=1"]),
            data_json: texts(&["k=2"]),
            ..ContentArguments::default()
        })),
        "read --data-json 'k': it is given twice; give each once"
    );
    assert_eq!(
        refused(&with_id(Some("a/b"))),
        "read --id 'a/b': an id has 1 to 63 letters, digits, '.', '_' and '-', and starts and ends with a letter or digit"
    );
    for happened in ["build", "=success", "build=", "build=a b", "a.b=c"] {
        assert!(matches!(read(&arguments(), happened), Err(UsageError::NotAnEvent { .. })), "{happened}");
    }
}

#[test]
fn an_event_over_256_kib_is_exit_4() {
    let data = vec![format!("k={}", "x".repeat(300 * 1024))];
    let failure =
        Failure::from(read(&carrying(ContentArguments { data, ..ContentArguments::default() }), "a=b").unwrap_err());
    assert_eq!(failure.exit(), Exit::Refused);
    assert!(failure.to_string().contains("at most 262144 are allowed"), "{failure}");
}

#[tokio::test]
async fn without_wait_the_name_is_all_that_is_printed() {
    let fake = Fake::default();
    let (ended, data, notes) = fire(&fake, &arguments()).await;
    ended.unwrap();
    assert_eq!(data, format!("{}\n", fake.events.borrow()[0].metadata.name.as_deref().unwrap()));
    assert_eq!(notes, "");
}

#[tokio::test]
async fn with_wait_the_handlers_are_printed_once_the_event_is_finished() {
    let fake = Fake::default();
    *fake.changes.borrow_mut() =
        vec![Some(seen(json!({"phase": "Running"}))), Some(seen(finished_as("Succeeded", "True", "Succeeded")))];
    let (ended, data, _) = fire(&fake, &EventArguments { wait: true, ..arguments() }).await;
    ended.unwrap();
    assert!(data.starts_with("HANDLER") && data.contains("tell"), "{data}");
}

#[tokio::test]
async fn a_skipped_event_may_have_succeeded() {
    let fake = Fake::default();
    *fake.changes.borrow_mut() = vec![Some(seen(finished_as("Skipped", "True", "NoHandlers")))];
    fire(&fake, &EventArguments { wait: true, ..arguments() }).await.0.unwrap();
}

#[tokio::test]
async fn a_failed_event_is_exit_5_and_its_handlers_are_printed_all_the_same() {
    let fake = Fake::default();
    *fake.changes.borrow_mut() = vec![Some(seen(finished_as("Failed", "False", "HandlerFailed")))];
    let (ended, data, _) = fire(&fake, &EventArguments { wait: true, ..arguments() }).await;
    let failure = ended.unwrap_err();
    assert_eq!(failure.exit(), Exit::EventFailed);
    assert!(failure.to_string().ends_with(": Failed: HandlerFailed: why"), "{failure}");
    assert!(data.contains("tell"), "{data}");
}

#[tokio::test]
async fn an_event_that_is_not_finished_in_time_is_exit_124_and_says_where_it_stands() {
    let mut waiting = EventArguments { wait: true, ..arguments() };
    waiting.firing.timeout = Duration::from_millis(20);
    let fake = Fake::default();
    let untouched = fire(&fake, &waiting).await.0.unwrap_err();
    assert_eq!(untouched.exit(), Exit::TimedOut);
    assert!(
        untouched.to_string().contains("not finished after 0.02 s: no operator has taken it up yet"),
        "{untouched}"
    );

    let fake = Fake::default();
    let handlers = json!([{"name": "tell", "phase": "Waiting"}, {"name": "x", "phase": "Succeeded"}]);
    *fake.changes.borrow_mut() = vec![Some(seen(json!({"phase": "Retrying", "handlers": handlers})))];
    let retrying = fire(&fake, &waiting).await.0.unwrap_err();
    assert!(retrying.to_string().contains("it is Retrying, tell is Waiting; it goes on"), "{retrying}");
}

#[tokio::test]
async fn an_event_that_is_deleted_meanwhile_is_exit_6() {
    let fake = Fake::default();
    *fake.changes.borrow_mut() = vec![None];
    let failure = fire(&fake, &EventArguments { wait: true, ..arguments() }).await.0.unwrap_err();
    assert_eq!(failure.exit(), Exit::NotFound);
}

#[tokio::test]
async fn a_duplicate_takes_the_outcome_of_the_first_one() {
    let fake = Fake::default();
    fake.events.borrow_mut().push(seen(finished_as("Failed", "False", "HandlerFailed")));
    let (ended, _, notes) = fire(&fake, &EventArguments { wait: true, ..arguments() }).await;
    assert_eq!(ended.unwrap_err().exit(), Exit::EventFailed);
    assert!(notes.ends_with(": already fired; nothing new is fired\n"), "{notes}");
    assert_eq!(fake.events.borrow().len(), 1);

    let other = carrying(ContentArguments { data: texts(&["k=v"]), ..ContentArguments::default() });
    let (ended, data, notes) = fire(&fake, &other).await;
    ended.unwrap();
    assert!(data.starts_with("shop-run-1-"), "{data}");
    assert!(notes.contains("already fired, with another content, which stands"), "{notes}");
}

#[test]
fn an_event_without_a_status_is_not_finished() {
    let mut event = seen(json!({"phase": "Succeeded"}));
    assert!(!is_finished(&event), "only the condition says so");
    event.status = None;
    event.spec.context_ref = ContextReference::default();
    assert!(!is_finished(&event));
    assert_eq!(standing(Some(&event)), "no operator has taken it up yet; check that one runs");
    assert!(!EventPhase::default().is_final());
}
