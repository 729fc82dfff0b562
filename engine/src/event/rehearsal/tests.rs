use std::{collections::BTreeMap, sync::Arc};

use cicdcontext_crds::{EventPhase, HandlerPhase};
use serde_json::{Value, json};

use super::*;
use crate::event::{
    ContextFacts,
    run::tests::{Receivers, World, compiled, complete, endpoint, event},
};

const CONFIGURATION: &str = r#"
partials:
  ticket: "{{ticket}} of {{@root.state.app}}"
variables: {link: "https://tickets.example/{{state.ticket.id}}"}
pipelines:
  build:
    generators:
      notes:
        - {name: one, if: "{{state.ticket.id}}", set: [{path: state.notes.one, template: "{{state.ticket.id}}"}]}
    eventHandlers:
      success:
        - name: open-ticket
          notify:
            endpoint: {name: chat}
            message: "built {{state.app}}"
            capture:
              - {path: state.ticket.id, fromPath: $.body.id}
              - {path: "state.threads['{{state.app}}']", template: "{{body.ts}}"}
        - name: plain
          notify: {endpoint: {name: chat}, message: "{{state.app}} {{event.data.tag}} {{settings.x}}"}
        - name: direct
          notify: {endpoint: {name: chat}, message: "see {{state.ticket.id}}"}
        - name: by-variable
          notify: {endpoint: {name: chat}, message: "see {{variables.link}}"}
        - name: whole
          notify: {endpoint: {name: chat}, message: "{{json state}}"}
        - name: with-other
          notify: {endpoint: {name: chat}, message: "{{#with state}}{{app}}{{/with}}{{#with state.known}}{{x}}{{/with}}"}
        - name: with-ticket
          notify: {endpoint: {name: chat}, message: "{{#with state}}{{ticket.url}}{{ticket}}{{/with}}"}
        - name: partial
          notify: {endpoint: {name: chat}, message: "{{> ticket state}}"}
        - name: each
          notify: {endpoint: {name: chat}, message: "{{#each state.threads}}{{this}}{{/each}}"}
        - name: conditional
          if: "{{state.ticket}}"
          setValues: [{path: state.told, value: true}, {path: "state.list[{{state.nothing}}]", value: 1}]
        - name: after-conditional
          setValues: [{path: state.copy, fromPath: $.state.told}]
        - name: generated
          generate: {generator: notes}
        - name: path
          setValues: [{path: state.x, fromPath: "$.state.items[?@.id == $.state.ticket.id].name"}]
        - name: captures-only
          notify:
            endpoint: {name: chat}
            message: "done"
            capture: [{path: state.link, template: "{{state.ticket.id}} {{body.x}}"}]
      wrong:
        - name: ask
          notify:
            endpoint: {name: chat}
            message: "?"
            capture: [{path: "state.answers.{{body.id}}", value: true}]
        - name: reads
          notify: {endpoint: {name: chat}, message: "{{state.answers.a1}}"}
        - name: fails
          notify: {endpoint: {name: chat}, message: "{{first state.answers.a1}}"}
      vars:
        - name: ask
          notify: {endpoint: {name: chat}, message: "?", capture: [{path: state.ticket, fromPath: $.body}]}
        - name: covered
          notify: {endpoint: {name: chat}, message: "{{state.ticket.id}}"}
        - name: by-way-of
          notify: {endpoint: {name: chat}, message: "{{ctx.of}}"}
      conditions:
        - {name: holds, if: " {{state.app}} ", setValues: [{path: state.a, value: 1}]}
        - {name: not, if: "False ", setValues: [{path: state.a, value: 1}]}
        - {name: always, setValues: [{path: state.a, value: 1}]}
        - {name: broken, if: "{{first state.app}}", setValues: [{path: state.a, value: 1}]}
      endless:
        - {name: chain, setValues: [{path: state.a, template: "{{state.a}}{{state.a}}"}]}
"#;

fn receivers() -> Receivers {
    let chat = endpoint(
        r#"{bodies: {notify: '{"text": "{{handler.message}}"}'}, capture: [{path: state.last, fromPath: $.body.ts}]}"#,
    );
    Receivers(BTreeMap::from([("chat".to_owned(), chat)]))
}

fn rehearse(spec: &str, answers: &Answers<'_>) -> Rehearsed {
    let program = compiled(CONFIGURATION);
    let context = ContextFacts { name: "shop".into(), namespace: "ns".into(), uid: "context-uid".into() };
    let Value::Object(state) = json!({"app": "shop", "known": {"x": 1}, "items": []}) else { unreachable!() };
    Rehearsal::new(Run::new(event(spec), context, program, []), state).complete(&receivers(), answers)
}

fn unknown(_: &str, _: &Request) -> Option<Delivered> {
    None
}

fn handler<'r>(rehearsed: &'r Rehearsed, name: &str) -> &'r RehearsedHandler {
    rehearsed.handlers.iter().find(|handler| handler.name == name).unwrap()
}

#[track_caller]
fn expect_assumption(rehearsed: &Rehearsed, name: &str, expected: &str) {
    let found = handler(rehearsed, name).assumption();
    assert_eq!(found.as_deref(), Some(expected).filter(|text| !text.is_empty()), "{name}");
}

#[test]
fn each_handler_that_reads_what_an_earlier_one_would_capture_is_marked() {
    let rehearsed = rehearse("pipeline: build, event: success", &unknown);
    assert_eq!(rehearsed.phase, EventPhase::Succeeded, "{}", rehearsed.message);
    let first = handler(&rehearsed, "open-ticket");
    assert_eq!(first.captures, ["state.last", "state.ticket.id", "state.threads.shop"]);
    assert!(first.captured.is_empty() && first.assumptions.is_empty(), "{first:?}");
    assert_eq!(first.request.as_ref().unwrap().body.as_deref(), Some(r#"{"text": "built shop"}"#));
    expect_assumption(&rehearsed, "plain", "");
    expect_assumption(
        &rehearsed,
        "direct",
        "reads state.ticket.id, which handler open-ticket would capture: the request is an assumption",
    );
    expect_assumption(
        &rehearsed,
        "by-variable",
        "reads state.ticket.id, which handler open-ticket would capture: the request is an assumption",
    );
    let whole = handler(&rehearsed, "whole").assumption().unwrap();
    let expected = "reads state, and state.last is what handler open-ticket would capture (and ";
    assert!(whole.starts_with(expected), "{whole}");
    expect_assumption(&rehearsed, "with-other", "");
    expect_assumption(
        &rehearsed,
        "with-ticket",
        "reads state.ticket, and state.ticket.id is what handler open-ticket would capture: the request is an assumption",
    );
    expect_assumption(
        &rehearsed,
        "partial",
        "reads state.ticket, and state.ticket.id is what handler open-ticket would capture: the request is an assumption",
    );
    expect_assumption(
        &rehearsed,
        "each",
        "reads state.threads, and state.threads.shop is what handler open-ticket would capture: the request is an assumption",
    );
    expect_assumption(
        &rehearsed,
        "path",
        "reads state.ticket.id, which handler open-ticket would capture: what it writes is an assumption",
    );
    expect_assumption(
        &rehearsed,
        "captures-only",
        "reads state.ticket.id, which handler open-ticket would capture: what it captures is an assumption",
    );
}

#[test]
fn what_is_skipped_on_an_assumption_is_an_assumption_for_those_behind_it() {
    let rehearsed = rehearse("pipeline: build, event: success", &unknown);
    let conditional = handler(&rehearsed, "conditional");
    assert_eq!((conditional.phase, conditional.condition.as_deref()), (HandlerPhase::Skipped, Some("")));
    expect_assumption(
        &rehearsed,
        "conditional",
        "reads state.ticket, and state.ticket.id is what handler open-ticket would capture: that it is skipped is an assumption",
    );
    expect_assumption(
        &rehearsed,
        "after-conditional",
        "reads state.told, which handler conditional would write on an assumption: what it writes is an assumption",
    );
    expect_assumption(
        &rehearsed,
        "generated",
        "reads state.ticket.id, which handler open-ticket would capture: what it writes is an assumption",
    );
}

#[test]
fn an_answer_that_is_given_is_captured_and_seen_by_those_behind() {
    let answers = |name: &str, _: &Request| {
        let body = r#"{"id": 7, "ts": "1700.1"}"#.to_owned();
        (name == "open-ticket").then(|| Delivered { status: Some(201), body, ..Delivered::default() })
    };
    let rehearsed = rehearse("pipeline: build, event: success", &answers);
    let first = handler(&rehearsed, "open-ticket");
    let captured: Vec<_> = first.captured.iter().map(ToString::to_string).collect();
    assert_eq!(captured, ["state.last = \"1700.1\"", "state.ticket.id = 7", "state.threads.shop = \"1700.1\""]);
    let direct = handler(&rehearsed, "direct");
    assert_eq!(direct.request.as_ref().unwrap().body.as_deref(), Some(r#"{"text": "see 7"}"#));
    assert_eq!(direct.assumptions.len(), 1, "the answer is one that somebody thought of");
    let conditional = handler(&rehearsed, "conditional");
    assert_eq!(conditional.reason.as_deref(), Some("ChangeRefused"), "{conditional:?}");
    assert!(conditional.message.as_deref().unwrap().contains("read path 'state.list[]'"), "{conditional:?}");
    let generated = handler(&rehearsed, "generated");
    assert_eq!(
        generated.summary().as_deref(),
        Some(
            "would write state.notes.one = \"7\"; reads state.ticket.id, which handler open-ticket would capture: what it writes is an assumption"
        )
    );
}

#[test]
fn a_capture_that_depends_on_an_unknown_answer_is_no_failure_and_its_beginning_is_known() {
    let rehearsed = rehearse("pipeline: build, event: wrong", &unknown);
    let ask = handler(&rehearsed, "ask");
    assert_eq!(ask.phase, HandlerPhase::Succeeded);
    assert!(ask.message.as_deref().unwrap().starts_with("what it captures depends on the answer: "), "{ask:?}");
    assert_eq!(ask.captures, ["state.last", "state.answers"]);
    expect_assumption(
        &rehearsed,
        "reads",
        "reads state.answers.a1, and state.answers is what handler ask would capture: the request is an assumption",
    );
    let answered =
        |_: &str, _: &Request| Some(Delivered { status: Some(200), body: "none".into(), ..Delivered::default() });
    let rehearsed = rehearse("pipeline: build, event: wrong", &answered);
    assert_eq!(handler(&rehearsed, "ask").reason.as_deref(), Some("CaptureRefused"), "this answer is known");
}

#[test]
fn what_the_events_vars_cover_is_known_whatever_is_captured() {
    let spec = "pipeline: build, event: vars, vars: {state.ticket.id: 5}, varsFrom: {ctx.of: state.ticket}";
    let rehearsed = rehearse(spec, &unknown);
    expect_assumption(&rehearsed, "covered", "");
    expect_assumption(&rehearsed, "by-way-of", "");
    let uncovered = rehearse("pipeline: build, event: vars", &unknown);
    expect_assumption(
        &uncovered,
        "covered",
        "reads state.ticket.id, and state.ticket is what handler ask would capture: the request is an assumption",
    );
}

#[test]
fn set_and_an_event_that_cannot_run_are_told_too() {
    let rehearsed = rehearse("pipeline: build, event: vars, set: [{path: state.n, op: Append, value: 1}]", &unknown);
    assert_eq!(rehearsed.set.iter().map(ToString::to_string).collect::<Vec<_>>(), ["state.n += 1"]);
    let refused = rehearse("pipeline: build, event: vars, set: [{path: state.app.x, value: 1}]", &unknown);
    assert_eq!((refused.reason.as_str(), refused.handlers.len()), ("SetRefused", 0));
    let nobody = rehearse("pipeline: deploy, event: vars", &unknown);
    assert_eq!((nobody.reason.as_str(), nobody.handlers.len()), ("UnknownPipeline", 0));
}

#[test]
fn with_the_true_answers_a_rehearsal_is_the_run() {
    let answers = |_: &str, _: &Request| {
        let body = r#"{"ok": true, "ts": "1700.1"}"#.to_owned();
        Some(Delivered { status: Some(200), body, ..Delivered::default() })
    };
    for spec in [
        "pipeline: build, event: success, set: [{path: state.x, value: 1}]",
        "pipeline: build, event: strict",
        "pipeline: build, event: ask",
        "pipeline: build, event: start",
        "pipeline: build, generate: dockerfile",
    ] {
        let mut world = World::new();
        let rehearsal = Rehearsal::new(world.run(spec), world.state.clone());
        let rehearsed = rehearsal.complete(&world.receivers, &answers);
        let outcome = complete(&mut world, spec);
        assert_eq!((rehearsed.phase, rehearsed.message), (outcome.phase, outcome.message), "{spec}");
        let requests: Vec<_> = rehearsed.handlers.iter().filter_map(|handler| handler.request.as_deref()).collect();
        assert_eq!(requests, world.requests.iter().collect::<Vec<_>>(), "{spec}");
    }
}

#[test]
fn a_rehearsal_is_data_that_a_program_can_print() {
    let rehearsed = rehearse("pipeline: build, event: vars", &unknown);
    let data = serde_json::to_value(&rehearsed).unwrap();
    assert_eq!(data["phase"], "Succeeded");
    let handler = &data["handlers"][1];
    assert_eq!(handler["type"], "notify");
    assert_eq!(handler["request"]["target"], json!({"endpoint": {"name": "chat"}}));
    assert_eq!(handler["request"]["body"], r#"{"text": ""}"#);
    assert_eq!(
        handler["assumptions"],
        json!([{
            "reads": "state.ticket.id", "handler": "ask", "written": "state.ticket", "origin": "captured",
            "onlyCaptures": false,
        }])
    );
}

#[test]
fn a_state_that_would_grow_over_its_limit_is_refused_in_a_rehearsal_too() {
    let program = compiled(CONFIGURATION);
    let Value::Object(state) = json!({"a": "x".repeat(400 * 1024)}) else { unreachable!() };
    let run = Run::new(event("pipeline: build, event: endless"), ContextFacts::default(), Arc::clone(&program), []);
    let rehearsed = Rehearsal::new(run, state).complete(&receivers(), &unknown);
    let chain = handler(&rehearsed, "chain");
    assert_eq!(chain.reason.as_deref(), Some("TemplateError"), "{:?}", chain.message);
    assert!(chain.message.as_deref().unwrap().contains("size of the rendered text over the limit"));
}

#[test]
fn what_is_missing_and_which_settings_were_read_is_told_of_each_handler() {
    let rehearsed = rehearse("pipeline: build, event: success", &unknown);
    let plain = handler(&rehearsed, "plain");
    assert_eq!(
        (plain.missing.as_slice(), plain.settings.as_slice()),
        (["event.data.tag".to_owned(), "settings.x".to_owned()].as_slice(), ["settings.x".to_owned()].as_slice())
    );
    assert_eq!(handler(&rehearsed, "by-variable").missing, ["state.ticket.id"], "of a variable, too");
    let first = handler(&rehearsed, "open-ticket");
    assert!(first.missing.is_empty() && first.settings.is_empty(), "what an answer may hold is not missing: {first:?}");
}

#[test]
fn the_text_of_an_if_is_told_whether_it_holds_or_not() {
    let rehearsed = rehearse("pipeline: build, event: conditions", &unknown);
    let texts: Vec<_> = rehearsed.handlers.iter().map(|one| (one.phase, one.condition.as_deref())).collect();
    assert_eq!(
        texts,
        [
            (HandlerPhase::Succeeded, Some("shop")),
            (HandlerPhase::Skipped, Some("False")),
            (HandlerPhase::Succeeded, None),
            (HandlerPhase::Failed, None),
        ]
    );
}
