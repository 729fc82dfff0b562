use serde_json::json;

use super::*;

fn document(items: Value) -> Document {
    let mut document = json!({"g": {"items": null, "b": {}}, "state": {"svc": "ferry", "old": "x"}});
    document["g"]["items"] = items;
    Document(document.as_object().unwrap().clone())
}

fn run(items: Value) -> (Value, Generated) {
    let mut document = document(items);
    let generated = generate(&mut document, "g.items", &Settings::default()).unwrap();
    (document.state().clone(), generated)
}

fn failure(path: &str, items: Value) -> String {
    let mut document = document(items);
    let before = document.clone();
    let error = generate(&mut document, path, &Settings::default()).unwrap_err();
    assert_eq!(document, before);
    error.to_string()
}

#[test]
fn each_item_sees_the_items_before_it_and_entries_of_one_list_do_not_see_each_other() {
    let (state, generated) = run(json!({
        "one": {"set": [{"key": " state.a ", "value": " {{ generator.set|length }} "},
                        {"key": "state.b", "value": "{{ state.a is defined }}"}]},
        "two": {"if": "{{ state.a }}", "set": [{"key": "state.{{ state.svc }}", "value": "{{ state.a }}{{ state.b }}"}]},
        "three": {"if": " {{ state.none }} ", "set": [{"key": "state.never", "value": "x"}]},
    }));
    assert_eq!(state, json!({"svc": "ferry", "old": "x", "a": "2", "b": "False", "ferry": "2False"}));
    assert_eq!(generated.written, ["state.a", "state.b", "state.ferry"]);
    assert_eq!(generated.notices, []);
}

#[test]
fn a_value_that_a_template_makes_blank_is_written_and_one_that_is_written_empty_is_not() {
    let (state, generated) = run(json!({"one": {"set": [
        {"key": "state.old", "value": "{{ state.none }} "}, {"key": "state.none", "value": ""},
        {"key": "state.zero", "value": 0}, {"key": "{{ state.none }}", "value": "x"},
    ]}}));
    assert_eq!(state, json!({"svc": "ferry", "old": ""}));
    assert_eq!(generated.written, ["state.old"]);
}

#[test]
fn what_is_different_is_told_once_for_each_place() {
    let (state, generated) = run(json!({
        "off": {"if": "{{ 1 == 2 }}", "set": []},
        "file": {"set": [{"key": "state.old", "value": "file://{{ state.svc }}"}]},
    }));
    assert_eq!(state["old"], json!("file://ferry"));
    let notices: Vec<_> = generated.notices.iter().map(|notice| (notice.place.as_str(), notice.anchor)).collect();
    assert_eq!(notices, [("g.items.off", "if"), ("g.items.file.set[0]", "file-values")]);
}

#[test]
fn an_error_names_item_and_place_and_nothing_is_written() {
    let first = json!({"set": [{"key": "state.a", "value": "1"}]});
    let cases = [
        (json!({"if": "{{ 1 + 'a' }}", "set": []}), "render `g.items.two.if` at line 1, column 4: "),
        (
            json!({"set": [{"key": "state.b", "value": "{{ x.y.z }}"}]}),
            "render `g.items.two.set[0].value` at line 1, column",
        ),
        (json!({"set": [{"key": "{{ x.y.z }}", "value": "x"}]}), "render `g.items.two.set[0].key` at line 1, column"),
        (json!({"set": [{"key": "state.svc.x", "value": "x"}]}), "write state.svc.x: state.svc is a text"),
        (
            json!({"set": [{"key": "state.x", "value": 5}]}),
            "`set[0]`: `value` is a number; write a template, in quotes",
        ),
        (json!({"set": [{"key": "state.x"}]}), "`set[0]`: `value` is missing; write a template, in quotes"),
        (json!({"if": 1, "set": []}), "`if` is a number; write a template, true or false"),
        (json!({}), "`set` is missing; write a list of {key, value}"),
        (json!(null), "it is empty; write a map with a list `set`"),
    ];
    for (second, problem) in cases {
        let error = failure("g.items", json!({"one": first, "two": second}));
        let expected = format!("generate g.items: item two: {problem}");
        assert!(error.starts_with(&expected) && error.ends_with("; nothing is written"), "{error}");
    }
}

#[test]
fn the_path_finds_exactly_one_map() {
    assert_eq!(
        failure("g.none", json!({})),
        "generate g.none: there is nothing at this path; it must find one map of items"
    );
    assert_eq!(failure("g.*", json!({})), "generate g.*: the path finds 2 values; it must find one map of items");
    assert_eq!(
        failure("state.svc", json!({})),
        "generate state.svc: it is a text; write a map of items, each with a list `set`"
    );
}
