//! manual-choice: choices that are written and choices that are generated.

use serde_json::{Value, json};

use super::*;

fn block(choices: Value, generators: Value) -> Value {
    let mut block = json!({"title": "Next for {{ state.svc }}?"});
    block["choices"] = choices;
    block["choice-generators"] = generators;
    json!({"manual-choice": block})
}

/// The choices in the body, which is the whole block as JSON.
fn choices(ran: &Ran) -> Value {
    serde_json::from_str::<Value>(&ran.request().body).unwrap()["choices"].take()
}

#[test]
fn written_choices_are_rendered_each_seeing_those_before_it() {
    let choices_written = json!({
        "stop": {"header": "Stop {{ state.svc }}", "kept": "{{ raw }}", "options": [
            {"text": "Abort {{ manualChoice.choices.stop.options[0].value }}", "value": "v{{ 1 }}", "style": "{{ raw }}"},
        ]},
        "go": {"header": "{{ manualChoice.title }} {{ manualChoice.choices.stop.header }}", "options": []},
    });
    let ran = run(block(choices_written, json!({})));
    let expected = json!({
        "stop": {"header": "Stop ferry", "kept": "{{ raw }}", "options": [
            {"text": "Abort v1", "value": "v1", "style": "{{ raw }}"},
        ]},
        "go": {"header": "Next for ferry? Stop ferry", "options": []},
    });
    assert_eq!(choices(&ran), expected);
    assert_eq!(ran.request().url, "https://chat.test/post");
}

#[test]
fn a_generator_makes_a_choice_of_each_value_of_a_map_in_the_document_as_it_is_now() {
    let generators = json!({"each": {
        "foreach": "state.{{ 'targets' }}", "iterator": "target",
        "template": "go-{{ target.id }}: {header: To {{ target.id }}, options: [{text: Go, value: '{{ target.id }}'}]}\nnot: used",
    }});
    let written =
        json!({"go-north": {"header": "old", "options": []}, "last": {"header": "{{ target.id }}", "options": []}});
    let handlers = json!({
        "set-values": {"set": [{"from": "north{{ 1 }}", "to": "state.targets.t1.id"}]},
        "manual-choice": block(written, generators)["manual-choice"].take(),
    });
    let ran = run(handlers);
    let go = |id: &str| json!({"header": format!("To {id}"), "options": [{"text": "Go", "value": id}]});
    let expected = json!({
        "go-north": {"header": "old", "options": []}, "last": {"header": "south", "options": []},
        "go-north1": go("north1"), "go-south": go("south"),
    });
    assert_eq!(choices(&ran), expected, "the last item stays visible");
}

#[test]
fn a_generated_choice_takes_the_place_of_one_of_the_same_name() {
    let generators = json!({"each": {"foreach": "state.targets.t1", "iterator": "id",
        "template": "a: {header: '{{ id }}', options: []}"}});
    let written = json!({"a": {"header": "x", "options": []}, "b": {"header": "y", "options": []}});
    let ran = run(block(written, generators));
    assert!(ran.request().body.contains(r#""choices": {"a": {"header": "north", "options": []}, "b":"#), "{ran:#?}");
}

#[test]
fn what_was_generated_is_not_rendered_again() {
    let generators = json!({"each": {"foreach": "state.targets", "iterator": "target",
        "template": "{{ target.id }}: {header: \" {{ target.text }}\", options: [{text: a, value: b}]}"}});
    let mut document = document(block(json!({}), generators));
    document.0["state"]["targets"] =
        json!({"t1": {"id": "bad", "text": "{{ configData.slack.url }}"}, "t2": {"id": "good", "text": "plain"}});
    document.0.insert("jinja2Macros".to_owned(), json!({"all": "{% macro m() %}{% endmacro -%}"}));
    let ran = run_with(document, &core(), &Settings::default(), |_| Answered::Delivered(String::new()));
    let choices = choices(&ran);
    assert_eq!(choices["bad"]["header"], json!(" {{ configData.slack.url }}"));
    assert_eq!(choices["good"]["header"], json!("plain"), "what macros do to any text stays");
    assert_eq!(
        ran.ended[0].notices.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "pipelines.ship.event-handlers.shipped.manual-choice.choices.bad: what was generated holds {{, {% or {#, which \
          stays as it is; before, it was rendered again (docs/migration.md#choices-rendered-once)"
        ]
    );
}

#[test]
fn the_iterator_is_a_name_or_what_the_document_has_at_that_path() {
    let generators = json!({"each": {"foreach": "state.targets.t1", "iterator": "state.svc",
        "template": "a: {header: '{{ ferry }}', options: []}"}});
    assert_eq!(choices(&run(block(json!({}), generators)))["a"]["header"], json!("north"));
}

#[test]
fn what_is_no_map_no_choice_or_no_text_is_named() {
    let generator = |foreach: &str, template: &str| {
        block(json!({}), json!({"g": {"foreach": foreach, "iterator": "i", "template": template}}))
    };
    let place = "pipelines.ship.event-handlers.shipped.manual-choice";
    let cases = [
        (generator("state.none", "x"), "{p}.choice-generators.g.foreach: state.none is missing; it must be a map"),
        (generator("state.svc", "x"), "{p}.choice-generators.g.foreach: state.svc is a text; it must be a map"),
        (
            generator("state.targets.*", "x"),
            "{p}.choice-generators.g.foreach: state.targets.* finds 2 values; it must be one map",
        ),
        (
            generator("state.targets", "- x"),
            "{p}.choice-generators.g.template gives a list; write a choice: `key: {header: ..., options: [...]}`",
        ),
        (
            generator("state.targets", "a: {header: 5, options: []}"),
            "{p}.choices.a.header is a number; write a text, in quotes",
        ),
        (
            block(json!({}), json!({"g": {"foreach": "x"}})),
            "{p}.choice-generators.g.foreach: x is missing; it must be a map",
        ),
        (
            block(json!({"a": {"header": "x"}}), json!({})),
            "{p}.choices.a.options is missing; write a list of {text, value}",
        ),
        (
            block(json!({"a": {"header": "x", "options": [{"text": "t"}]}}), json!({})),
            "{p}.choices.a.options[0].value is missing; write a text, in quotes",
        ),
        (
            json!({"manual-choice": {"title": "x"}}),
            "`choices` is missing; write a map of choices, {} if all are generated",
        ),
    ];
    for (handlers, expected) in cases {
        let ran = run(handlers);
        assert_eq!((ran.failure(), ran.requests.len()), (expected.replace("{p}", place).as_str(), 0));
    }
}
