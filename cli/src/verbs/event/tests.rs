use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{
    arguments::{ContentArguments, FiringArguments, GenerateArguments, Object, UsageError, WaitFor},
    console::Recorded,
    exit::Exit,
    source::{Context, fake::Fake},
};

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
        untouched.to_string().contains("not finished after 0.02 s: it has not begun: an earlier event of its context"),
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

/// The name that the event gets which was fired with these arguments in a run.
fn name_in_run(run_uid: &str, arguments: &EventArguments) -> String {
    let request = read(arguments, "build=success").unwrap().of_run(Some(run_uid));
    request.event(&context(), &occasion()).unwrap().metadata.name.unwrap()
}

#[test]
fn in_a_run_the_id_is_made_from_the_run_and_all_that_the_event_says() {
    let arguments = with_id(None);
    let name = name_in_run("run", &arguments);
    assert_eq!(name, name_in_run("run", &arguments), "a step that runs again");
    assert_ne!(name, name_in_run("other", &arguments));
    let content = ContentArguments { data: texts(&["k=v"]), ..ContentArguments::default() };
    assert_ne!(name, name_in_run("run", &EventArguments { content, ..with_id(None) }));
    let given = name_in_run("run", &with_id(Some("run-1")));
    assert!(given.starts_with("shop-run-1-"), "{given}");
}

#[test]
fn a_dry_run_never_takes_the_name_of_the_event_that_it_rehearses() {
    let dry = |id| EventArguments { dry_run: true, ..with_id(id) };
    let request = read(&dry(Some("run-1")), "build=success").unwrap();
    let rehearsed = request.event(&context(), &occasion()).unwrap();
    assert_eq!(rehearsed.spec.dry_run, Some(true));
    assert_eq!(rehearsed.metadata.annotations.unwrap()["cicdcontext.io/source-id"], "run-1", "templates see it");
    let event = read(&arguments(), "build=success").unwrap().event(&context(), &occasion()).unwrap();
    assert_ne!(rehearsed.metadata.name, event.metadata.name);
    let again = request.event(&context(), &Occasion { random: [1; 10], ..occasion() }).unwrap();
    assert_ne!(rehearsed.metadata.name, again.metadata.name, "each shows how it would be now");
    let in_run = |random| {
        let request = read(&dry(None), "build=success").unwrap().of_run(Some("run"));
        request.event(&context(), &Occasion { random, ..occasion() }).unwrap().metadata.name
    };
    assert_ne!(in_run([1; 10]), in_run([2; 10]));
}

#[tokio::test]
async fn a_dry_run_waits_and_prints_what_would_be_sent() {
    let fake = Fake::default();
    let mut done = finished_as("Succeeded", "True", "DryRun");
    done["handlers"][0]["request"] = json!("POST https://chat.example/\n\n{}");
    *fake.changes.borrow_mut() = vec![Some(seen(done))];
    let (ended, data, _) = fire(&fake, &EventArguments { dry_run: true, ..arguments() }).await;
    ended.unwrap();
    assert!(data.starts_with("HANDLER"), "{data}");
    assert!(data.ends_with("\n\ntell would send:\n\nPOST https://chat.example/\n\n{}\n"), "{data}");
    assert_eq!(fake.events.borrow()[0].spec.dry_run, Some(true));
}

#[test]
fn a_generator_is_an_event_of_its_own_kind_and_always_waited_for() {
    let object = |happened: &str| Object { name: "shop".to_owned(), rest: texts(&[happened]) };
    let firing = FiringArguments { id: Some("run-1".to_owned()), ..FiringArguments::default() };
    let arguments = GenerateArguments { firing, ..GenerateArguments::default() };
    let request = Request::generator(&arguments, object("build.dockerfile")).unwrap();
    assert!(request.waits());
    let event = request.event(&context(), &occasion()).unwrap();
    let spec = serde_json::to_value(&event.spec).unwrap();
    assert_eq!(
        (&spec["pipeline"], &spec["generate"], spec.get("event")),
        (&json!("build"), &json!("dockerfile"), None)
    );
    let fired = read(&self::arguments(), "build=dockerfile").unwrap().event(&context(), &occasion()).unwrap();
    assert_ne!(event.metadata.name, fired.metadata.name, "one id is two things at the two front doors");
    for wrong in ["build", ".x", "build.", "a.b.c", "build=x"] {
        let refused = Request::generator(&arguments, object(wrong));
        assert!(matches!(refused, Err(UsageError::NotAGenerator { .. })), "{wrong}");
    }
}

fn waiting(tell: &Value, log: &Value) -> Value {
    let handler = |name: &str, more: &Value| {
        let mut handler = json!({"name": name});
        handler.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        handler
    };
    json!({"phase": "Retrying", "handlers": [handler("tell", tell), handler("log", log)]})
}

#[tokio::test]
async fn wait_for_attempted_ends_once_each_handler_has_had_an_attempt() {
    let attempted = EventArguments { wait_for: Some(WaitFor::Attempted), ..arguments() };
    let (untried, tried) = (json!({"phase": "Waiting"}), json!({"phase": "Waiting", "attempts": 1}));
    let fake = Fake::default();
    *fake.changes.borrow_mut() = vec![
        Some(seen(json!({"phase": "Running", "handlers": [{"name": "tell", "phase": "Succeeded"}]}))),
        Some(seen(waiting(&tried, &untried))),
        Some(seen(waiting(&tried, &json!({"phase": "Skipped"})))),
    ];
    let (ended, data, notes) = fire(&fake, &attempted).await;
    ended.unwrap();
    assert!(data.contains("log            Skipped"), "{data}");
    let name = fake.events.borrow()[0].metadata.name.clone().unwrap();
    let expected = format!("event {name}: tell Succeeded\nevent {name}: tell Waiting\nevent {name}: log Waiting\n");
    assert_eq!(notes, expected, "a line for each change of a phase");

    let fake = Fake::default();
    let failed = json!({"phase": "Failed", "reason": "ClientError", "message": "403"});
    *fake.changes.borrow_mut() = vec![Some(seen(waiting(&tried, &failed)))];
    let failure = fire(&fake, &attempted).await.0.unwrap_err();
    assert_eq!(failure.exit(), Exit::EventFailed);
    assert!(failure.to_string().ends_with(": Retrying: ClientError: log: 403"), "{failure}");
}

#[tokio::test]
async fn on_a_terminal_the_progress_is_one_line_that_goes_away() {
    let fake = Fake::default();
    let tried = json!({"phase": "Waiting", "attempts": 2});
    *fake.changes.borrow_mut() = vec![
        Some(seen(waiting(&tried, &json!({"phase": "Pending"})))),
        Some(seen(finished_as("Succeeded", "True", "Succeeded"))),
    ];
    let (data, notes) = (Recorded::default(), Recorded::default());
    let mut console = Console::new(data.clone(), notes.clone()).on_terminals(true, true);
    let request = read(&EventArguments { wait: true, ..arguments() }, "build=success").unwrap();
    run(&fake, &request, &occasion(), &mut console).await.unwrap();
    let text = notes.text();
    assert!(text.contains("\r\u{1b}[KRetrying, tell Waiting (2 tried), log Pending: shop-run-1-"), "{text:?}");
    assert!(text.ends_with("\r\u{1b}[K") && !text.contains('\n'), "{text:?}");
    assert!(data.text().contains("\u{1b}[32mSucceeded\u{1b}[0m"), "{:?}", data.text());
}

#[tokio::test]
async fn without_an_operator_the_event_is_carried_out_before_the_command_ends() {
    let fake = Fake { carries_out_events: true, ..Fake::default() };
    *fake.changes.borrow_mut() = vec![Some(seen(finished_as("Failed", "False", "HandlerFailed")))];
    let (ended, data, _) = fire(&fake, &arguments()).await;
    assert_eq!(ended.unwrap_err().exit(), Exit::EventFailed);
    assert!(data.starts_with("shop-run-1-") && data.lines().count() == 1, "{data}");

    let fake = Fake { carries_out_events: true, ..Fake::default() };
    let mut short = arguments();
    short.firing.timeout = Duration::from_millis(20);
    let late = fire(&fake, &short).await.0.unwrap_err();
    assert!(
        late.to_string().contains("its turn has not come; what still waits is kept: cicdctl wait NAME --for event="),
        "{late}"
    );
}
