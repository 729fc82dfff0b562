use std::collections::BTreeMap;

use cicdcontext_crds::{EventPhase, HandlerStatus};
use serde_json::Map;

use super::{
    super::{
        Step,
        tests::{Receivers, compiled, endpoint, event},
    },
    *,
};
use crate::event::{ContextFacts, Outcome, Rehearsal};

const CONFIGURATION: &str = r"
pipelines:
  build:
    eventHandlers:
      success:
        - name: tell
          notify:
            endpoint: {name: chat}
            message: built
            capture: [{path: state.ts, fromPath: $.body.ts}]
      stops:
        - name: gate
          onFailure: Stop
          notify: {endpoint: {name: chat}, message: may I}
        - name: behind
          setValues: [{path: state.passed, value: true}]
";

fn chat(success_when: &str) -> Receivers {
    let chat = endpoint(&format!(
        r"{{successWhen: '{success_when}', partials: {{ok: '{{{{body.ok}}}}'}}, capture: [{{path: state.last, fromPath: $.status}}]}}"
    ));
    Receivers(BTreeMap::from([("chat".to_owned(), chat)]))
}

fn run(happened: &str) -> Run {
    let context = ContextFacts { name: "shop".into(), namespace: "ns".into(), uid: "context-uid".into() };
    Run::new(event(&format!("pipeline: build, event: {happened}")), context, compiled(CONFIGURATION), [])
}

fn answer(body: &str) -> Delivered {
    let headers = Map::from_iter([("x-outcome".to_owned(), json!("queued"))]);
    Delivered { status: Some(201), body: body.to_owned(), headers, ..Delivered::default() }
}

/// Runs to the end, each request answered so; gives the outcome and what was captured.
fn answered(success_when: &str, happened: &str, body: &str) -> (Outcome, usize) {
    let (receivers, state) = (chat(success_when), Map::from_iter([("mode".to_owned(), json!("strict"))]));
    let (mut run, mut captured) = (run(happened), 0);
    loop {
        match run.next(View { state: &state, endpoints: &receivers }) {
            Step::Again => {}
            Step::Undelivered(failure) => run.give_up(&failure.reason, &failure.message),
            Step::Wait(_) => unreachable!("nothing was told to wait"),
            Step::Done(outcome) => return (outcome, captured),
            Step::Send(_) => {
                run.answered(answer(body));
                assert!(run.looks_at_state(&receivers), "what judges may read the state");
            }
            Step::Write(write) => {
                captured += write.changes.len();
                run.written(Ok(Vec::new()));
            }
        }
    }
}

#[test]
fn retry_when_says_whether_an_answer_that_is_no_success_is_asked_for_again() {
    for (retry_when, expected) in [
        ("{{body.busy}}", Prospect::Retry),
        ("{{body.broken}}", Prospect::Final),
        ("{{fromJson body.text}}", Prospect::Final),
    ] {
        let condition = format!("{{{{body.ok}}}}', retryWhen: '{retry_when}");
        let (receivers, state) = (chat(&condition), Map::new());
        let mut run = run("success");
        assert!(matches!(run.next(View { state: &state, endpoints: &receivers }), Step::Send(_)));
        run.answered(answer(r#"{"ok": false, "busy": true, "text": "no JSON"}"#));
        let step = run.next(View { state: &state, endpoints: &receivers });
        let asked = matches!(&step, Step::Undelivered(failure) if failure.prospect == Prospect::Retry);
        assert_eq!(asked, expected == Prospect::Retry, "{retry_when}: {step:?}");
    }
}

#[track_caller]
fn expect_failed(status: &HandlerStatus, reason: &str, message: &str) {
    assert_eq!((status.phase, status.reason.as_deref()), (HandlerPhase::Failed, Some(reason)), "{status:?}");
    let told = status.message.as_deref().unwrap_or_default();
    assert!(told.starts_with(message), "{told}");
}

#[test]
fn an_answer_that_success_when_does_not_take_is_a_failure_and_is_not_captured() {
    for (condition, text) in [
        ("{{body.ok}}", "false"),
        (" {{> ok}} ", "false"),
        ("{{body.none}}", ""),
        ("0", "0"),
        ("NULL", "NULL"),
        ("None", "None"),
    ] {
        let (outcome, captured) = answered(condition, "success", r#"{"ok": false, "ts": "1"}"#);
        assert_eq!((outcome.phase, captured), (EventPhase::Failed, 0), "{condition}");
        let message = format!("chat answered with status 201, and its spec.successWhen gave {text:?}");
        expect_failed(&outcome.handlers[0], "NotSuccessful", &message);
        assert_eq!(outcome.handlers[0].http_status, Some(201));
    }
}

#[test]
fn success_when_sees_body_status_headers_state_and_the_endpoints_name() {
    for condition in [
        "{{body.ok}}",
        "{{eq status 201}}",
        r#"{{eq headers.x-outcome "queued"}}"#,
        r#"{{eq state.mode "strict"}}"#,
        r#"{{eq endpoint.name "chat"}}"#,
        "{{> ok}}",
    ] {
        let (outcome, captured) = answered(condition, "success", r#"{"ok": true, "ts": "1"}"#);
        assert_eq!((outcome.phase, captured), (EventPhase::Succeeded, 2), "{condition}: {}", outcome.message);
    }
    let (outcome, _) = answered(r#"{{contains body "accepted"}}"#, "success", "request accepted");
    assert_eq!(outcome.phase, EventPhase::Succeeded, "a text is a text: {}", outcome.message);
}

#[test]
fn a_template_error_of_success_when_is_a_failure_that_names_the_place() {
    let (outcome, captured) = answered("{{fromJson body.text}}", "success", r#"{"text": "{"}"#);
    assert_eq!(captured, 0);
    expect_failed(&outcome.handlers[0], "TemplateError", "render `spec.successWhen` at line 1");
}

#[test]
fn a_failure_by_success_when_stops_the_handlers_behind_like_any_other() {
    let (outcome, _) = answered("{{body.ok}}", "stops", r#"{"ok": false}"#);
    expect_failed(&outcome.handlers[0], "NotSuccessful", "chat answered");
    assert_eq!(outcome.handlers[1].phase, HandlerPhase::Skipped);
    let (outcome, _) = answered("{{body.ok}}", "stops", r#"{"ok": true}"#);
    assert_eq!(outcome.phase, EventPhase::Succeeded, "{}", outcome.message);
}

#[test]
fn what_is_written_in_an_answer_is_never_rendered() {
    let (outcome, _) = answered("{{body.text}}", "success", r#"{"text": "{{body.ok}}", "ok": false}"#);
    assert_eq!(outcome.phase, EventPhase::Succeeded, "{}", outcome.message);
}

#[test]
fn a_rehearsal_judges_a_given_answer_and_takes_an_unknown_one_for_a_success() {
    let receivers = chat("{{body.ok}}");
    let rehearse = |body: Option<&str>| {
        let answers = |_: &str, _: &_| body.map(answer);
        Rehearsal::new(run("success"), Map::new()).complete(&receivers, &answers)
    };
    assert_eq!(rehearse(None).phase, EventPhase::Succeeded);
    assert_eq!(rehearse(Some(r#"{"ok": true}"#)).phase, EventPhase::Succeeded);
    let failed = rehearse(Some(r#"{"ok": false}"#));
    assert_eq!(failed.handlers[0].reason.as_deref(), Some("NotSuccessful"));
    assert!(failed.handlers[0].captured.is_empty());
}

#[test]
fn a_broken_success_when_retry_when_or_capture_is_told_when_the_endpoint_is_compiled() {
    for (spec, place) in [
        ("{successWhen: '{{#if}'}", "spec.successWhen"),
        ("{retryWhen: '{{#if}'}", "spec.retryWhen"),
        ("{capture: [{path: state.a, template: '{{#if}'}]}", "spec.capture[0].template"),
        ("{capture: [{path: 'state.{{#if}', value: 1}]}", "spec.capture[0].path"),
    ] {
        let spec = serde_saphyr::from_str(spec).unwrap();
        let error = Endpoint::new(&spec).unwrap_err().to_string();
        assert!(error.contains(place), "{error}");
    }
}
