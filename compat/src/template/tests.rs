use serde_json::json;

use super::*;

fn document(value: Value) -> Document {
    let Value::Object(names) = value else { panic!("a document is a map") };
    Document(names)
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    let Value::Object(config) = json!({"boardUrl": "https://board.test", "slack": {"url": "https://chat.test"}}) else {
        panic!()
    };
    let variables = variables.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    Settings { config, variables, seed: "run".to_owned(), ..Settings::default() }
}

fn run() -> Document {
    document(json!({
        "room": "#pilot",
        "event": "own",
        "status": "green",
        "state": {"svc": "ferry", "owner": "Ada", "zones": ["eu", "us"], "zero": 0, "note": "{{ 1 }}"},
        "variables": {"title": "t", "cpu": 2, "raw": "{{ state.svc }}"},
        "jinja2Macros": {"byName": {"m": "x"}, "all": "{%- macro loud(t) -%}{{ t|upper }}{{ room }}{%- endmacro -%}"},
    }))
}

fn shown(scope: &Scope, template: &str) -> String {
    scope.text("t", template).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn templates_see_the_keys_of_the_document_config_data_and_nothing_of_ours() {
    let scope = Scope::new(&run(), &settings(&[])).unwrap();
    let template = "{{ room }} {{ event }} {{ status }} {{ state.svc }} {{ variables.cpu + 1 }} {{ variables.raw }} \
                    {{ configData.boardUrl }} {{ jinja2Macros.byName.m }} {{ cicd is defined }} {{ secretData is defined }}";
    assert_eq!(shown(&scope, template), "#pilot own green ferry 3 {{ state.svc }} https://board.test x False False");
}

#[test]
fn the_macros_stand_in_front_and_eat_white_space_only_if_there_are_some() {
    let scope = Scope::new(&run(), &settings(&[])).unwrap();
    assert_eq!(shown(&scope, "\n  {{ loud('a') }} "), "A#pilot ");
    let scope = Scope::new(&document(json!({"state": {}})), &settings(&[])).unwrap();
    assert_eq!(shown(&scope, "\n  a "), "\n  a ");
    let scope = Scope::new(&document(json!({"jinja2Macros": {"all": "T"}})), &settings(&[])).unwrap();
    assert_eq!(shown(&scope, "a"), "Ta");
}

#[test]
fn a_macro_in_error_and_macros_without_text_are_told_with_their_place() {
    let broken = document(json!({"jinja2Macros": {"all": "{% macro m() %}"}}));
    let error = Scope::new(&broken, &settings(&[])).unwrap().text("t", "x").unwrap_err();
    assert!(error.0.contains("partial `all` cannot be used: compile `jinja2Macros.all` at line 1"), "{error}");
    let none = document(json!({"jinja2Macros": {"all": 5}}));
    let error = Scope::new(&none, &settings(&[])).unwrap_err();
    assert_eq!(error.0, "read macros: jinja2Macros.all is no text; write one");
}

#[test]
fn config_data_is_not_seen_where_there_is_none() {
    let scope = Scope::new(&run(), &Settings::default()).unwrap();
    assert_eq!(shown(&scope, "{{ configData is defined }}"), "False");
    assert!(scope.text("variables.x", "{{ configData.x }}").is_err());
}

#[test]
fn a_variable_is_what_its_expression_finds_in_the_document_else_the_expression() {
    let variables = [
        ("ctx.who", "state.owner"),
        ("ctx.all", "state.zones[*]"),
        ("ctx.flag", "on"),
        ("ctx.later", "ctx.flag"),
        ("ctx.list[]", "a,b"),
        ("ctx.none", "state.zero"),
        ("state.svc", " barge "),
    ];
    let scope = Scope::new(&run(), &settings(&variables)).unwrap();
    let template = "{{ ctx }} {{ state.svc }}";
    let expected = "{'who': 'Ada', 'all': ['eu', 'us'], 'flag': 'on', 'later': 'ctx.flag', 'list': ['a', 'b']} barge";
    assert_eq!(shown(&scope, template), expected);
}

#[test]
fn a_variable_can_hold_a_file_and_one_that_cannot_be_written_is_named() {
    let mut settings = settings(&[("plan", "file://plan.json"), ("text", "file://none")]);
    settings.files.insert("file://plan.json".to_owned(), json!({"a": [1]}));
    let scope = Scope::new(&run(), &settings).unwrap();
    assert_eq!(shown(&scope, "{{ plan }} {{ text }}"), "{'a': [1]} file://none");
    settings.variables = vec![("room.x".to_owned(), "y".to_owned())];
    let error = Scope::new(&run(), &settings).unwrap_err();
    assert!(error.0.starts_with("set template variable room.x to \"y\": write room.x: room is a text"), "{error}");
}

#[test]
fn no_variable_changes_configuration() {
    for path in ["configData.slack.url", "configData", " configData[]", "configData{}.x"] {
        let settings = settings(&[("ok", "x"), (path, "https://elsewhere.example")]);
        let error = settings.check().unwrap_err();
        let expected =
            format!("set template variable {path}: configData is the configuration, which no variable changes");
        assert!(error.0.starts_with(&expected) && error.0.ends_with("(docs/migration.md#context-vars)"), "{error}");
        assert_eq!(Scope::new(&run(), &settings).unwrap_err(), error);
    }
    assert_eq!(settings(&[("configDataX.y", "x")]).check(), Ok(()));
}

#[test]
fn templates_do_not_change_what_the_next_one_sees() {
    let scope = Scope::new(&run(), &settings(&[])).unwrap();
    let template = "{{ configData.slack.update({'url': 'x'}) }}{{ state.zones.append('x') }}{{ configData.slack.url }}";
    assert_eq!(shown(&scope, template), "NoneNonex");
    assert_eq!(shown(&scope, "{{ configData.slack.url }} {{ state.zones|length }}"), "https://chat.test 2");
}

#[test]
fn an_error_beside_secrets_tells_the_place_and_nothing_that_was_found() {
    let mut scope = Scope::new(&run(), &settings(&[])).unwrap();
    scope.insert("secretData", json!({"token": "s3cret-value"}));
    assert_eq!(scope.secret_text("h", "{{ secretData.token }}").unwrap(), "s3cret-value");
    for template in ["{{ secretData.token|from_json }}", "{{ 1 + secretData.token }}", "{{ {}[secretData.token].x }}"] {
        let error = scope.secret_text("trigger.headers[0].value", template).unwrap_err();
        assert!(error.0.starts_with("render `trigger.headers[0].value` at line 1, column "), "{error}");
        assert!(!error.0.contains("s3cret"), "{error}");
    }
}

#[test]
fn data_without_a_tag_gets_what_macros_do_to_any_text_and_data_with_one_stays() {
    let scope = Scope::new(&run(), &settings(&[])).unwrap();
    assert_eq!(scope.data("  a }} b\r\n"), "a }} b");
    for text in [" {{ state.svc }}\n", " {% x %}", " {# x #}"] {
        assert_eq!(scope.data(text), text);
    }
    let long = "x".repeat(100_000);
    assert_eq!(scope.data(&long), long, "a text beyond the bounds stays as it is");
}

#[test]
fn values_have_pythons_text_forms() {
    let value = json!({"a": [true, null, 1.0, "it's", "é"]});
    assert_eq!(python_text(&value).unwrap(), r#"{'a': [True, None, 1.0, "it's", 'é']}"#);
    assert_eq!(python_json(&value).unwrap(), r#"{"a": [true, null, 1.0, "it's", "\u00e9"]}"#);
    let long = json!(["x".repeat(900_000)]);
    assert_eq!(python_json(&long).unwrap().len(), 900_004, "a large value is converted all the same");
}
