use proptest::prelude::*;
use serde_json::json;

use super::*;

fn event(value: &Value) -> Result<Parsed, AnnotationError> {
    parse(Front::Event, &value.to_string())
}

fn message(value: &Value) -> String {
    event(value).unwrap_err().to_string()
}

#[test]
fn the_short_forms_name_pipeline_and_event_or_generator() {
    let parsed = parse(Front::Event, " build=success\n").unwrap();
    assert_eq!((parsed.front, parsed.pipeline.as_str(), parsed.name.as_str()), (Front::Event, "build", "success"));
    let parsed = parse(Front::Generate, "build-1.docker_file").unwrap();
    assert_eq!(
        (parsed.front, parsed.pipeline.as_str(), parsed.name.as_str()),
        (Front::Generate, "build-1", "docker_file")
    );
}

#[test]
fn the_json_form_carries_everything_that_an_event_has() {
    let value = json!({
        "pipeline": "build", "event": "success", "data": {"n": null}, "vars": {"ctx.flag": true},
        "varsFrom": {"ctx.tag": "state.tag"},
        "set": [{"path": "state.a", "value": null}, {"path": "state.l", "op": "Append", "value": "a,b", "split": ","}, {"path": "state.b", "op": "Unset"}],
    });
    let spec = serde_json::to_value(event(&value).unwrap().into_spec("shop", "uid")).unwrap();
    let mut expected = value;
    expected["contextRef"] = json!({"name": "shop", "uid": "uid"});
    assert_eq!(spec, expected);

    let spec = parse(Front::Generate, r#"{"pipeline": "build", "generator": "docker", "data": null}"#)
        .unwrap()
        .into_spec("shop", "uid");
    assert_eq!(
        serde_json::to_value(spec).unwrap(),
        json!({"contextRef": {"name": "shop", "uid": "uid"}, "pipeline": "build", "generate": "docker", "data": null})
    );
}

#[test]
fn what_is_neither_form_is_refused_with_what_would_be_right() {
    let message = |front, text: &str| parse(front, text).unwrap_err().to_string();
    assert_eq!(message(Front::Event, "build"), "read annotation 'build': write pipeline=event, or a JSON object");
    assert_eq!(message(Front::Event, ""), "read annotation '': write pipeline=event, or a JSON object");
    assert_eq!(
        message(Front::Generate, "build=x"),
        "read annotation 'build=x': write pipeline.generator, or a JSON object"
    );
    assert_eq!(
        message(Front::Event, "build=a=b"),
        "read annotation: event 'a=b' is not a name; write 1 to 63 letters, digits, _ and -"
    );
    assert_eq!(
        message(Front::Event, "=x"),
        "read annotation: pipeline '' is not a name; write 1 to 63 letters, digits, _ and -"
    );
    assert_eq!(
        message(Front::Event, "{\"pipeline\":"),
        "read annotation as JSON: EOF while parsing a value at line 1 column 12"
    );
    assert!(parse(Front::Event, &format!("build={}", "x".repeat(63))).is_ok());
    assert!(parse(Front::Event, &format!("build={}", "x".repeat(64))).is_err());
}

#[test]
fn unknown_keys_are_named() {
    assert_eq!(
        message(&json!({"pipeline": "build", "event": "x", "generator": 1, "datum": {}})),
        "read annotation: unknown keys generator, datum; there are pipeline, event, data, vars, varsFrom, set"
    );
    assert_eq!(
        message(&json!({"pipeline": "build", "event": "x", "set": [{"path": "state.a", "template": "x"}]})),
        "read annotation: unknown key set[0].template; there are path, op, value, split"
    );
}

#[test]
fn missing_keys_and_wrong_types_are_named_with_what_would_be_right() {
    let with = |key: &str, value: Value| {
        let mut object = json!({"pipeline": "build", "event": "x"});
        object[key] = value;
        message(&object)
    };
    assert_eq!(message(&json!({"event": "x"})), "read annotation: key pipeline is missing; write a name as text");
    assert_eq!(with("event", json!(7)), "read annotation: key event holds the number 7; write a name as text");
    assert_eq!(
        with("vars", json!(["a"])),
        r#"read annotation: key vars holds a list; write an object such as {"ctx.flag": true}"#
    );
    assert_eq!(
        with("varsFrom", json!({"a": true})),
        "read annotation: key varsFrom.a holds the boolean true; write a path of 1 to 1024 characters as text, such as state.a"
    );
    assert_eq!(
        with("set", json!({})),
        r#"read annotation: key set holds an object; write a list such as [{"path": "state.a", "value": 1}]"#
    );
    assert_eq!(
        with("set", json!([{"path": "state.a", "value": 1}, "x"])),
        r#"read annotation: key set[1] holds the text 'x'; write an object such as {"path": "state.a", "value": 1}"#
    );
    assert_eq!(
        with("set", json!([{"value": 1}])),
        "read annotation: key set[0].path is missing; write a path such as state.a"
    );
    assert_eq!(
        with("set", json!([{"path": "state.a"}])),
        "read annotation: key set[0].value is missing; write any JSON, or use op Unset or Clear"
    );
    assert_eq!(
        with("set", json!([{"path": "state.a", "op": "Clear", "value": null}])),
        "read annotation: key set[0].value holds null; leave it out with op Unset or Clear"
    );
    assert_eq!(
        with("set", json!([{"path": "state.a", "op": "append", "value": 1}])),
        "read annotation: key set[0].op holds the text 'append'; write one of Set, Append, Add, Unset and Clear as text"
    );
    assert_eq!(
        with("set", json!([{"path": "state.a", "op": "Append", "value": 1, "split": ""}])),
        "read annotation: key set[0].split holds the text ''; write a separator of 1 to 16 characters as text"
    );
}

#[test]
fn what_the_schema_of_an_event_would_refuse_is_refused_here() {
    let base = |key: &str, value: Value| event(&json!({"pipeline": "b", "event": "x", key: value}));
    let changes = |count: usize| vec![json!({"path": "state.a", "value": 1}); count];
    assert!(base("set", json!(changes(256))).is_ok());
    assert!(base("set", json!(changes(257))).is_err());
    let many =
        |count: usize| (0..count).map(|n| (format!("v{n}"), json!("state.a"))).collect::<serde_json::Map<_, _>>();
    assert!(base("varsFrom", json!(many(64))).is_ok());
    assert!(base("varsFrom", json!(many(65))).is_err());
    let path = |length: usize| json!([{"path": "ä".repeat(length), "op": "Unset"}]);
    assert!(base("set", path(1024)).is_ok());
    assert!(base("set", path(1025)).is_err());
}

#[test]
fn an_annotation_over_32_kib_is_refused() {
    let fits = format!("{{\"pipeline\":\"b\",\"event\":\"x\",\"data\":\"{}\"}}", "x".repeat(MAX_BYTES - 38));
    assert_eq!(fits.len(), MAX_BYTES);
    assert!(parse(Front::Event, &fits).is_ok());
    assert_eq!(
        parse(Front::Event, &format!("{fits} ")).unwrap_err().to_string(),
        "read annotation: it has 32769 bytes, at most 32768 are allowed; put large data into state or create a CicdEvent"
    );
}

#[test]
fn json_that_is_nested_too_deep_is_refused() {
    let nested =
        |depth: usize| format!(r#"{{"pipeline":"b","event":"x","data":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    assert!(parse(Front::Event, &nested(63)).is_ok());
    assert_eq!(
        parse(Front::Event, &nested(64)).unwrap_err().to_string(),
        "read annotation as JSON: it is nested 65 deep, at most 64 is allowed"
    );
    let error = parse(Front::Event, &nested(10_000)).unwrap_err().to_string();
    assert!(error.starts_with("read annotation as JSON: recursion limit exceeded"), "{error}");
}

#[test]
fn annotations_that_ask_for_events_are_found_in_the_order_of_their_ids() {
    let annotations: BTreeMap<String, String> = [
        "event.cicdcontext.io/b",
        "event.cicdcontext.io/a",
        "generate.cicdcontext.io/a",
        "event.cicdcontext.io/",
        "cicdcontext.io/applied",
        "xevent.cicdcontext.io/a",
        "event.cicdcontext.io/B",
    ]
    .map(|key| (key.to_owned(), format!("value of {key}")))
    .into();
    let found: Vec<_> = ids(&annotations).into_iter().map(|found| (found.front, found.id)).collect();
    assert_eq!(found, [(Front::Event, "B"), (Front::Event, "a"), (Front::Generate, "a"), (Front::Event, "b")]);
    assert_eq!(ids(&annotations)[0].value, "value of event.cicdcontext.io/B");
    assert_eq!(Front::Event.key("B"), "event.cicdcontext.io/B");
}

#[test]
fn raw_is_the_first_4_kib_cut_between_characters() {
    assert_eq!(raw("short"), "short");
    assert_eq!(raw(&"x".repeat(5000)).len(), 4096);
    let text = format!("x{}", "ü".repeat(4000));
    assert_eq!(raw(&text).len(), 4095);
    let spec = raw_spec(&text, "shop", "uid");
    assert_eq!(spec.raw.as_deref(), Some(raw(&text)));
    assert_eq!((spec.pipeline, spec.event, spec.generate), (None, None, None));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), like_json in r#"\{["a-z:,\[\]{}0-9 ]{0,60}"#, generate in any::<bool>()) {
        let front = if generate { Front::Generate } else { Front::Event };
        for text in [text, like_json] {
            prop_assert!(raw(&text).len() <= RAW_BYTES);
            if let Err(error) = parse(front, &text) {
                prop_assert!(error.to_string().len() < 1024);
            }
        }
    }

    #[test]
    fn what_is_accepted_has_valid_names(pipeline in "[a-z_.= -]{0,5}", name in "[a-z_.= -]{0,5}") {
        if let Ok(parsed) = parse(Front::Event, &format!("{pipeline}={name}")) {
            prop_assert_eq!(checked_name("pipeline", &parsed.pipeline), Ok(parsed.pipeline.clone()));
            prop_assert_eq!(checked_name("event", &parsed.name), Ok(parsed.name.clone()));
        }
    }
}
