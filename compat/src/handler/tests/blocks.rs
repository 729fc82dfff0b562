//! Which blocks there are, in which order, and what cannot be read.

use serde_json::{Value, json};

use super::*;

#[test]
fn blocks_run_in_the_order_of_the_file_and_one_that_fails_stops_no_other() {
    let ran = run(json!({
        "respond": {"url": "https://hook.test", "message": "first", "mood": "m"},
        "notify": {
            "bad": {"message": "{{ 1 + 'a' }}"},
            "good": {"message": "second"},
            "off": {"enabled": false, "message": "never"},
        },
        "trigger-pipeline": {"name": "smoke"},
    }));
    let bodies: Vec<_> = ran.requests.iter().map(|request| request.body.as_str()).collect();
    let expected = [
        r#"{"text": "first", "mood": "m"}"#,
        r#"{"text": "second", "icon": ""}"#,
        r#"{"pipeline": "smoke", "attempts": "1"}"#,
    ];
    assert_eq!(bodies, expected);
    let problem = "render `pipelines.ship.event-handlers.shipped.notify.bad.message` at line 1, column 4: `+` is not \
                   defined between a int and a str; ";
    let outcomes = ran.outcomes();
    assert!(matches!(outcomes[1].1, Outcome::Failed(found) if found.starts_with(problem)), "{outcomes:?}");
    let places: Vec<_> = outcomes.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, ["respond", "notify.bad", "notify.good", "notify.off", "trigger-pipeline"]);
    assert_eq!(outcomes[3].1, &skipped("`enabled` is false"));
    assert_eq!(ran.anchors(), ["template-error", "enabled"]);
}

#[test]
fn an_unknown_event_has_no_blocks_and_an_unknown_pipeline_is_an_error_that_names_those_there_are() {
    let document = document(json!({}));
    let mut run = Run::new(&document, "ship", "nothing").unwrap();
    assert_eq!(run.next(&mut document.clone(), &core(), &secrets(), &Settings::default()), Step::Done);
    let problem =
        |pipeline, document: Value| Run::new(&Document(map(document)), pipeline, "shipped").unwrap_err().to_string();
    let ship = json!({"pipelines": {"ship": {}, "sail": {"event-handlers": {"shipped": null}}, "row": {"event-handlers": []}}});
    let cases = [
        ("fly", "handle fly=shipped: there is no such pipeline; there are: ship, sail, row"),
        ("ship", "handle ship=shipped: the pipeline has no event-handlers"),
        ("sail", "pipelines.sail.event-handlers.shipped: it is empty; write a map of handlers"),
        ("row", "pipelines.row.event-handlers: it is a list; write a map of events"),
    ];
    for (pipeline, expected) in cases {
        assert_eq!(problem(pipeline, ship.clone()), expected);
    }
    assert_eq!(problem("ship", json!({})), "handle ship=shipped: the context has no pipelines");
    assert_eq!(problem("ship", json!({"pipelines": 5})), "pipelines: it is a number; write a map of pipelines");
}

#[test]
fn a_handler_of_an_unknown_type_is_said_and_nothing_fails() {
    let ran = run(json!({"notfy": {"message": "x"}, "notify": {"message": "y"}}));
    assert_eq!(ran.outcomes()[0], ("notfy", &skipped("unknown type of handler")));
    assert_eq!(
        ran.ended[0].notices[0].to_string(),
        "pipelines.ship.event-handlers.shipped.notfy: there is no handler of this type, so nothing is done; there are: \
         notify, respond, manual-choice, trigger-pipeline, set-values (docs/migration.md#handlers)"
    );
    assert_eq!(ran.request().body, r#"{"text": "y", "icon": ""}"#);
}

#[test]
fn enabled_holds_for_handlers_and_named_blocks_and_only_booleans_are_taken() {
    let off = run(
        json!({"notify": {"enabled": false, "message": "x"}, "respond": {"enabled": false, "a": {"message": "x"}}}),
    );
    assert_eq!(off.requests, []);
    assert_eq!(off.anchors(), [""; 0], "this was so before");
    let on = run(json!({
        "notify": {"enabled": true, "team": {"message": "x"}},
        "respond": {"enabled": true, "message": "y", "url": "https://hook.test", "mood": ""},
    }));
    assert_eq!(on.requests.len(), 2, "{on:#?}");
    let text = json!({"notify": {"enabled": "false", "message": "x"}});
    assert_eq!(run(text).failure(), "`enabled` is a text; write true or false, without quotes");
    let number = json!({"notify": {"team": {"enabled": 0, "message": "x"}}});
    assert_eq!(run(number).failure(), "`enabled` is a number; write true or false, without quotes");
}

#[test]
fn a_condition_that_guards_nothing_keeps_the_whole_handler_from_running() {
    let notify = run(json!({"notify": {"if": "", "team": {"message": "x"}}}));
    assert_eq!(
        notify.failure(),
        "`if` without `message` guards nothing; write it into each named block, or add `message`"
    );
    let trigger = run(json!({"trigger-pipeline": {"if": "{{ state.none }}", "args": {"a": "b"}}}));
    assert_eq!(trigger.failure(), "`if` without `name` guards nothing; write it into each named block, or add `name`");
    let args = run(json!({"trigger-pipeline": {"args": {"a": "b"}}}));
    assert_eq!(args.failure(), "`args` stand beside no `name`; write the name of the pipeline to trigger");
    assert_eq!((notify.requests.len(), trigger.requests.len(), args.requests.len()), (0, 0, 0));
}

#[test]
fn what_is_no_block_is_named() {
    let cases = [
        (json!({"notify": null}), "it is empty; write a map, with `message`"),
        (
            json!({"notify": {"icon": ":x:"}}),
            "icon is a text; without `message` each key names a block, which is a map",
        ),
        (json!({"notify": {"team": {"icon": ":x:"}}}), "`message` is missing; write a template, in quotes"),
        (json!({"notify": {"message": 5}}), "`message` is a number; write a template, in quotes"),
        (json!({"manual-choice": {"choices": {"a": {}}}}), "`title` is missing; write a template, in quotes"),
        (json!({"set-values": {"set": {"from": "x"}}}), "`set` is a map; write a list of {from, to}"),
        (json!({"set-values": {"set": [{"to": "x"}]}}), "`set[0]`: `from` is missing; write a template, in quotes"),
        (json!({"trigger-pipeline": {"name": "x", "args": []}}), "`args` is a list; write a map of templates"),
    ];
    for (handlers, expected) in cases {
        let ran = run(handlers);
        assert_eq!((ran.failure(), ran.requests.len()), (expected, 0));
    }
}

#[test]
fn if_skips_what_is_blank_or_says_no_and_one_notice_tells_each_that_ran_before() {
    let block = |condition: &str| json!({"if": condition, "message": "x"});
    let ran = run(json!({"notify": {
        "yes": block("{{ state.svc }}"), "list": block("{{ [] }}"), "blank": block("{{ state.none }}"),
        "false": block("{{ 1 == 2 }}"), "zero": block(" 0\n"), "none": block("NONE"), "null": block("null"),
        "space": block("{{ ' ' }}"),
    }}));
    let sent: Vec<_> = ran.requests.iter().map(|request| request.place.rsplit('.').next().unwrap()).collect();
    assert_eq!(sent, ["yes", "list"]);
    let told: Vec<_> = ran.ended.iter().filter(|ended| !ended.notices.is_empty()).collect();
    let places: Vec<_> = told.iter().map(|ended| ended.place.rsplit('.').next().unwrap()).collect();
    assert_eq!(places, ["false", "zero", "none", "null", "space"]);
    assert_eq!(
        told[0].notices[0].to_string(),
        "pipelines.ship.event-handlers.shipped.notify.false: `if` gives \"False\", which skips now; before, any text that \
         was not empty let it run (docs/migration.md#if)"
    );
    assert_eq!(told[0].result, skipped("`if` gives \"False\""));
}

#[test]
fn if_takes_yaml_booleans_and_an_error_or_another_type_fails_the_block() {
    let block = |condition: Value| json!({"notify": {"if": condition, "message": "x"}});
    assert_eq!(run(block(json!(true))).requests.len(), 1);
    for skips in [json!(false), Value::Null, json!(""), json!(0), json!([])] {
        let ran = run(block(skips.clone()));
        assert_eq!(ran.outcomes(), [("notify", &skipped("`if` is empty or false"))], "{skips}");
        assert_eq!(ran.anchors(), [""; 0]);
    }
    for other in [(json!(1), "a number"), (json!(["x"]), "a list"), (json!({"a": 1}), "a map")] {
        assert_eq!(run(block(other.0)).failure(), format!("`if` is {}; write a template, true or false", other.1));
    }
    let error = run(block(json!("{{ state.none.x }}")));
    assert!(
        error.failure().starts_with("render `pipelines.ship.event-handlers.shipped.notify.if` at line 1"),
        "{error:?}"
    );
    assert!(error.ended[0].notices[0].text.contains("before, the handler was skipped silently"), "{error:?}");
}
