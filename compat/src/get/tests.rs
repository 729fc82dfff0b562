use serde_json::json;

use super::*;

fn document() -> Document {
    let Value::Object(names) = json!({
        "room": "#{{ state.svc }}", "plain": "  text\n", "limits": {"cpu": 2, "é": "it's"}, "link": "{{ room }}",
        "bad": "{{ 1 + 'a' }}", "hidden": "{{ ctx }} {{ configData.url }}",
        "state": {"svc": "ferry", "note": "{{ configData.url }}", "zones": ["eu", "é"], "none": [], "zero": 0, "no": false,
                  "empty": "", "nothing": null, "map": {}, "yes": true, "deep": {"room": "{{ 1 + 1 }}"}, "rate": 1.0},
        "variables": {"v": "{{ 1 + 1 }}", "w": "done"},
    }) else {
        panic!()
    };
    Document(names)
}

fn settings() -> Settings {
    let Value::Object(config) = json!({"url": "https://board.test"}) else { panic!() };
    Settings { config, variables: vec![("ctx".to_owned(), "on".to_owned())], ..Settings::default() }
}

fn text(path: &str) -> String {
    get(&document(), path, &settings()).unwrap_or_else(|error| panic!("{error}")).text
}

#[test]
fn values_are_printed_as_the_predecessor_printed_them() {
    for (path, expected) in [
        ("state.zones", r#"["eu", "\u00e9"]"#),
        ("state.zones[-1]", "é"),
        ("state.none", "[]"),
        ("limits", "{'cpu': 2, 'é': \"it's\"}"),
        ("limits.cpu", "2"),
        ("limits.*", r#"[2, "it's"]"#),
        ("state.rate", "1.0"),
        ("state.yes", "True"),
    ] {
        assert_eq!(text(path), expected, "{path}");
    }
    for path in ["state.zero", "state.no", "state.empty", "state.nothing", "state.map", "state.unknown", "state.*.x.y"]
    {
        assert_eq!(text(path), "", "{path}");
    }
}

#[test]
fn a_text_of_the_configuration_is_rendered_once() {
    assert_eq!(text("room"), "#ferry");
    assert_eq!(text("link"), "#{{ state.svc }}", "its result is not rendered again");
    assert_eq!(text("hidden"), "on https://board.test");
    assert_eq!(text("plain"), "  text");
    let error = get(&document(), "bad", &settings()).unwrap_err();
    assert!(error.to_string().starts_with("get bad: render `bad` at line 1, column 4: `+` is not defined"), "{error}");
    assert!(get(&document(), "a[?(@.x)]", &settings()).is_err());
}

#[test]
fn a_text_of_the_state_is_never_rendered_whatever_way_the_path_comes_to_it() {
    for path in ["state.note", "$.state.note", "*.note", "$..note"] {
        let got = get(&document(), path, &settings()).unwrap();
        assert_eq!(got.text, "{{ configData.url }}", "{path}");
        let told = "the text is printed as it stands; before, it was rendered as a template first \
                    (docs/migration.md#rendered-text)";
        assert_eq!(got.notices.iter().map(ToString::to_string).collect::<Vec<_>>(), [format!("{path}: {told}")]);
    }
    assert_eq!(text("state.deep.room"), "{{ 1 + 1 }}");
    assert_eq!(text("variables.v"), "{{ 1 + 1 }}", "it was rendered when the run began");
    assert_eq!(get(&document(), "variables.w", &settings()).unwrap().notices, []);
}
