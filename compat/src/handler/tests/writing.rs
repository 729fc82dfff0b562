//! What set-values and captures write.

use serde_json::{Value, json};

use super::*;

fn state(ran: &Ran) -> Value {
    let mut state = map(ran.document.state().clone());
    for name in ["svc", "false", "targets"] {
        state.shift_remove(name);
    }
    Value::Object(state)
}

/// Runs with an answer, and auto-captures for notify.
fn captured(handlers: Value, auto: Value, answer: &str) -> Ran {
    let mut core = core();
    core.0.content.insert("notify".to_owned(), Value::from_iter([("auto-capture-response-data", auto)]));
    let settings = Settings { variables: vec![("ctx".to_owned(), "on".to_owned())], ..Settings::default() };
    run_with(document(handlers), &core, &settings, |_| Answered::Delivered(answer.to_owned()))
}

#[test]
fn entries_of_one_list_do_not_see_each_other_and_the_next_block_sees_all() {
    let ran = run(json!({"set-values": {
        "one": {"set": [{"from": "a", "to": "state.x"}, {"from": "{{ state.x is defined }}", "to": "state.seen"}]},
        "two": {"if": "{{ state.x }}", "set": [{"from": " {{ state.x }}b ", "to": " state.{{ 'y' }} "},
                {"from": "{{ state.none }}", "to": "state.x"}, {"from": "a,b", "to": "state.list[]"}]},
    }}));
    assert_eq!(state(&ran), json!({"x": "a", "seen": "False", "y": "ab", "list": ["a", "b"]}));
    assert_eq!(ran.outcomes(), [("set-values.one", &Outcome::Done), ("set-values.two", &Outcome::Done)]);
}

#[test]
fn a_block_that_fails_writes_nothing_at_all() {
    let ran = run(json!({"set-values": {
        "one": {"set": [{"from": "a", "to": "state.x"}, {"from": "{{ 1 + 'a' }}", "to": "state.y"}]},
        "two": {"set": [{"from": "a", "to": "state.x"}, {"from": "b", "to": "state.svc.name"}]},
        "three": {"set": [{"from": "c", "to": "state.z"}]},
    }}));
    assert_eq!(state(&ran), json!({"z": "c"}));
    let problem = "write state.svc.name: state.svc is a text, so nothing can stand below it; remove it first, or choose \
                   another path";
    assert_eq!(ran.outcomes()[1].1, &failed(problem));
    assert_eq!(ran.anchors(), ["template-error", "path-through-scalar"]);
}

#[test]
fn a_rendered_text_is_no_file_and_no_template() {
    let ran = run(json!({"set-values": {"set": [
        {"from": "{{ 'file' }}://secrets.yaml", "to": "state.file"}, {"from": "{{ '{{ 1 + 1 }}' }}", "to": "state.template"},
    ]}}));
    assert_eq!(state(&ran), json!({"file": "file://secrets.yaml", "template": "{{ 1 + 1 }}"}));
    assert_eq!(
        ran.ended[0].notices[0].to_string(),
        "pipelines.ship.event-handlers.shipped.set-values.set[0]: a value that begins with file:// is written as it is; \
         before, the file was read if there was one (docs/migration.md#file-values)"
    );
}

#[test]
fn captures_of_the_core_config_come_first_and_none_sees_what_another_writes() {
    let auto = json!([{"from": "{{ body.ts }}", "to": "state.seen[]"}, {"from": "{{ body.ok }}", "to": "state.ok"}]);
    let own = json!([
        {"from": "{{ state.ok is defined }}", "to": "state.sees"}, {"from": "own", "to": "state.ok"},
        {"from": "{{ body.none }}", "to": "state.never"}, {"from": 5, "to": "state.{{ 'five' }}"},
        {"from": "{{ body }}", "to": "state.all"}, {"from": "{{ ctx is defined }}{{ notify is defined }}", "to": "state.names"},
        {"from": "{{ configData.boardUrl }}", "to": "state.board"},
    ]);
    let handlers = json!({"notify": {"message": "x", "capture-response-data": own}});
    let ran = captured(handlers, auto, r#"{"ok": true, "ts": "1700.1"}"#);
    let expected = json!({
        "seen": ["1700.1"], "ok": "own", "sees": "False", "five": "5", "all": "{'ok': True, 'ts': '1700.1'}",
        "names": "FalseFalse", "board": "https://board.test",
    });
    assert_eq!(state(&ran), expected);
}

#[test]
fn an_answer_that_is_no_json_is_a_text() {
    let auto = json!([{"from": "{{ body }}|{{ body.ts }}", "to": "state.body"}]);
    let handlers = json!({"notify": {"message": "x"}});
    let ran = captured(handlers, auto, "<ok>");
    assert_eq!((state(&ran), ran.outcomes()), (json!({"body": "<ok>|"}), vec![("notify", &Outcome::Done)]));
}

#[test]
fn captures_are_written_together_or_not_at_all_and_the_next_handler_runs() {
    let auto = json!([{"from": "a", "to": "state.a"}]);
    let handlers = json!({"notify": {
        "one": {"message": "x", "capture-response-data": [{"from": "{{ body.a.b }}", "to": "state.b"}]},
        "two": {"message": "x", "if": "{{ state.a is not defined }}"},
    }});
    let ran = captured(handlers, auto, "{}");
    assert_eq!(state(&ran), json!({"a": "a"}), "of the second");
    let Outcome::Failed(problem) = ran.outcomes()[0].1 else { panic!("{ran:?}") };
    let expected = "the request was delivered, but nothing of its answer is written: render \
                    `pipelines.ship.event-handlers.shipped.notify.one.capture-response-data[0].from` at line 1";
    assert!(problem.starts_with(expected), "{problem}");
    assert_eq!(ran.requests.len(), 2);
}

#[test]
fn captures_that_cannot_be_read_are_told_before_anything_is_sent() {
    let own = json!({"notify": {"message": "x", "capture-response-data": [{"from": "a", "to": 5}]}});
    let ran = captured(own, json!([]), "{}");
    let expected = "`capture-response-data[0]` is a map; write a list of {from, to}, both templates";
    assert_eq!((ran.failure(), ran.requests.len()), (expected, 0));
    let ran = captured(json!({"notify": {"message": "x"}}), json!("x"), "{}");
    let expected = "read config.yaml: notify.auto-capture-response-data is a text; write a list of {from, to}";
    assert_eq!((ran.failure(), ran.requests.len()), (expected, 0));
}

#[test]
fn respond_and_trigger_pipeline_capture_nothing() {
    let ran =
        run(json!({"trigger-pipeline": {"name": "x", "capture-response-data": [{"from": "a", "to": "state.a"}]}}));
    assert_eq!((state(&ran), ran.requests.len()), (json!({}), 1));
    let ran = run(json!({"respond": {
        "message": "x", "url": "https://hook.test", "capture-response-data": [{"from": "a", "to": "state.a"}],
    }}));
    assert_eq!(ran.failure(), "`capture-response-data` is a list; each key of respond is a template, in quotes");
}
