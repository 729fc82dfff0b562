//! What templates may do, and what becomes of those that fail.

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use super::desk::Desk;

#[tokio::test]
async fn defect_05_stored_data_is_no_template_and_templates_run_no_code() {
    let desk =
        Desk::with_app("cicd-contexts: {stage: {evil: \"{{ ''.__class__.__mro__[1].__subclasses__() }}\"}}").await;
    desk.run(&["--init-new", "r", "--set", "state.x={{ 7 * 7 }}"]).await.good();
    assert_eq!(desk.get("state.x").await, "{{ 7 * 7 }}");
    let evil = desk.run(&["--get", "evil"]).await;
    assert!(evil.failed().contains("evil"), "{evil:?}");
}

#[tokio::test]
async fn an_answer_cannot_become_configuration_that_is_rendered() {
    let desk = Desk::with_handlers(json!({"notify": {"message": "m", "capture-response-data": [
        {"from": "{{ body.text }}", "to": "pipelines.build.event-handlers.go.notify.message"},
    ]}}))
    .await;
    desk.init().await;
    desk.receiver.answer("/chat", Answer::json(200, &json!({"text": "{{ configData.board }}"})));
    let fired = desk.fire().await;
    assert!(fired.failed().contains("the text holds template tags"), "{fired:?}");
    assert!(fired.errors.contains("docs/migration.md#rendered-text"), "{fired:?}");
    assert_eq!(desk.get("pipelines.build.event-handlers.go.notify.message").await, "m");
}

#[tokio::test]
async fn defect_12_an_if_that_prints_false_skips_and_says_so_and_yaml_true_runs() {
    let said = |condition: Value| json!({"if": condition, "message": "hello"});
    let desk = Desk::with_handlers(json!({"notify": {
        "false": said(json!("{{ 1 == 2 }}")), "none": said(json!("{{ none }}")), "zero": said(json!("0")),
        "yaml-false": said(json!(false)), "yaml-true": said(json!(true)), "list": said(json!("[]")),
        "broken": said(json!("{{ state.no.such }}")),
    }}))
    .await;
    desk.init().await;
    let fired = desk.fire().await;
    assert_eq!(desk.arrived().len(), 2, "yaml-true and list");
    for name in ["false", "none", "zero"] {
        let line = fired.errors.lines().find(|line| line.contains(&format!("notify.{name}")));
        assert!(line.is_some_and(|line| line.contains("docs/migration.md#if")), "{name}: {}", fired.errors);
    }
    assert!(fired.failed().contains("notify.broken"), "{fired:?}");
}

#[tokio::test]
async fn defect_13_a_template_error_is_neither_sent_nor_stored() {
    let desk = Desk::with_handlers(json!({
        "notify": {"message": "one\n{{ state.a.b }}"},
        "set-values": {"bad": {"set": [{"from": "x", "to": "state.ok"}, {"from": "{{ 1 + 'a' }}", "to": "state.bad"}]},
                       "good": {"set": [{"from": "y", "to": "state.good"}]}},
    }))
    .await;
    desk.init().await;
    let fired = desk.fire().await;
    let error = fired.failed();
    assert!(error.contains("notify.message` at line 2, column"), "{error}");
    assert!(error.contains("set-values.bad.set[1].from` at line 1"), "{error}");
    assert_eq!(desk.arrived().len(), 0);
    let state = desk.state();
    assert_eq!((&state["ok"], &state["bad"], &state["good"]), (&Value::Null, &Value::Null, &json!("y")));
}

#[tokio::test]
async fn defect_19_a_body_that_is_no_json_is_not_sent() {
    let desk = Desk::with_handlers(json!({"notify": {"message": "{{ state.word }}"}})).await;
    let mut config = desk.config();
    config["templates"]["notify"] = json!(r#"{"text": "{{ notify.message }}"}"#);
    desk.configure(&config);
    desk.run(&["--init-new", "r", "--set", r#"state.word=a", "admin": "b"#]).await.good();
    desk.fire().await.good();
    assert_eq!(
        desk.receiver.requests()[0].text,
        r#"{"text": "a", "admin": "b"}"#,
        "it is JSON, and the template's doing"
    );
    desk.run(&["--set", r#"state.word=a "quoted" word"#]).await.good();
    let fired = desk.fire().await;
    assert!(fired.failed().contains("templates.notify gives no JSON"), "{fired:?}");
    assert_eq!(desk.arrived().len(), 1);
}

#[tokio::test]
async fn defect_24_choices_are_made_of_what_the_same_event_has_set() {
    let made = "{{ item }}: {header: H, options: [{text: t, value: v}]}";
    let desk = Desk::with_handlers(json!({
        "set-values": {"set": [{"from": "eu", "to": "state.targets.one"}]},
        "manual-choice": {"title": "which", "choices": {}, "choice-generators": {
            "each": {"foreach": "state.targets", "iterator": "item", "template": made},
        }},
    }))
    .await;
    desk.init().await;
    desk.fire().await.good();
    assert_eq!(desk.receiver.requests()[0].body["eu"]["header"], "H");
}

#[tokio::test]
async fn defect_25_macros_eat_white_space_as_they_did() {
    let app = |macros: &str| {
        format!("{{jinja2-macros: {{m: {macros:?}}}, cicd-contexts: {{stage: {{text: \"  hello \"}}}}}}")
    };
    for (macros, expected) in
        [("{%- macro m() -%}x{%- endmacro -%}", "hello \n"), ("{% macro m() %}x{% endmacro %}", "  hello \n")]
    {
        let desk = Desk::with_app(&app(macros)).await;
        desk.init().await;
        assert_eq!(desk.run(&["--get", "text"]).await.good(), expected, "{macros}");
    }
}

#[tokio::test]
async fn defect_33_a_template_variable_cannot_change_where_a_request_goes() {
    let desk = Desk::with_handlers(json!({"notify": {"message": "{{ configData.update({'board': 'x'}) }}"}})).await;
    desk.init().await;
    let elsewhere = format!("configData.slack.url={}", desk.receiver.url("/elsewhere"));
    let fired = desk.run(&["--handle-event", "build=go", "--tmpl-ctx-var", &elsewhere]).await;
    assert!(fired.failed().contains("docs/migration.md#context-vars"), "{fired:?}");
    assert_eq!(desk.arrived(), [""; 0]);
    desk.fire().await;
    assert!(!desk.arrived().contains(&"/elsewhere".to_owned()));
}

#[tokio::test]
async fn defect_34_what_a_choice_generator_makes_is_rendered_once() {
    let desk = Desk::with_handlers(json!({"manual-choice": {"title": "which", "choices": {}, "choice-generators": {
        "each": {"foreach": "state.targets", "iterator": "item", "template":
            "one: {header: \"{{ item }}\", options: [{text: t, value: \"{{ item }}\"}]}"},
    }}}))
    .await;
    desk.run(&["--init-new", "r", "--set", "state.targets.one={{ configData.slack }}"]).await.good();
    let fired = desk.fire().await;
    assert!(fired.errors.contains("docs/migration.md#choices-rendered-once"), "{fired:?}");
    assert_eq!(desk.receiver.requests()[0].body["one"]["header"], "{{ configData.slack }}");
}

#[tokio::test]
async fn defect_40_blank_texts_are_sent_and_stored_where_they_were() {
    let desk = Desk::with_app(&json!({"cicd-contexts": {"stage": {"pipelines": {"build": {
        "event-handlers": {"go": {
            "notify": {"message": "{{ state.none }}", "capture-response-data": [{"from": " ", "to": "state.captured"}]},
            "respond": {"message": " ", "url": "https://a.example"},
            "set-values": {"set": [{"from": " ", "to": "state.set"}]},
        }},
        "generators": {"g": {"one": {"set": [{"key": "state.made", "value": "{{ state.none }}"}]}}},
    }}}}})
    .to_string())
    .await;
    desk.init().await;
    desk.receiver.answer("/chat", Answer::json(200, &json!({})));
    desk.fire().await.good();
    desk.run(&["--generate", "pipelines.build.generators.g"]).await.good();
    assert_eq!(desk.receiver.requests()[0].text, r#"{"text": ""}"#);
    assert_eq!(desk.arrived().len(), 1);
    let state = desk.state();
    assert_eq!((&state["made"], &state["captured"], &state["set"]), (&json!(""), &Value::Null, &Value::Null));
}
