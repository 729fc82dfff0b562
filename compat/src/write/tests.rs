use serde_json::json;

use super::*;

/// The document after a write, which must leave it as it was if it fails.
fn written(document: &Value, key: &str, text: &str) -> Result<Value, String> {
    let mut map = document.as_object().unwrap().clone();
    match write(&mut map, key, text) {
        Ok(()) => Ok(Value::Object(map)),
        Err(error) => {
            assert_eq!(&Value::Object(map), document);
            Err(error.to_string())
        }
    }
}

#[test]
fn missing_maps_are_created_and_key_and_text_are_stripped() {
    assert_eq!(written(&json!({}), " a.b.c\n", "\u{1f}\u{a0} x y \t"), Ok(json!({"a": {"b": {"c": "x y"}}})));
    assert_eq!(written(&json!({"a": null}), "a.b", "1"), Ok(json!({"a": {"b": "1"}})));
    assert_eq!(written(&json!({"a": {"b": [1]}}), "a", "file://x"), Ok(json!({"a": "file://x"})));
}

#[test]
fn items_are_appended_and_a_set_keeps_the_first_of_equals() {
    assert_eq!(written(&json!({}), "a.l[]", "x, y,,x"), Ok(json!({"a": {"l": ["x", " y", "", "x"]}})));
    assert_eq!(written(&json!({"l": ["b", 1, true, "b", 1.0]}), "l{}", "a,b"), Ok(json!({"l": ["b", 1, "a"]})));
    assert_eq!(written(&json!({"l": [1]}), "l[]", "[]"), Ok(json!({"l": []})));
    assert_eq!(written(&json!({"l": [1]}), "l{}", "{}"), Ok(json!({"l": [1, "{}"]})));
    for falsy in [json!(null), json!(0), json!(""), json!(false), json!({}), json!([])] {
        assert_eq!(written(&json!({"l": falsy}), "l[]", "x"), Ok(json!({"l": ["x"]})));
    }
}

#[test]
fn a_path_through_anything_but_maps_is_refused_and_nothing_changes() {
    let document = json!({"a": {"t": "x", "l": [1], "n": 0, "e": "", "f": false}});
    let cases = [
        (
            "a.t.x.y",
            "write a.t.x.y: a.t is a text, so nothing can stand below it; remove it first, or choose another path",
        ),
        (
            "a.l.x[]",
            "write a.l.x[]: a.l is a list, so nothing can stand below it; remove it first, or choose another path",
        ),
        (
            "a.n.x",
            "write a.n.x: a.n is a number, so nothing can stand below it; remove it first, or choose another path",
        ),
        ("a.e.x", "write a.e.x: a.e is a text, so nothing can stand below it; remove it first, or choose another path"),
        (
            "a.f.x",
            "write a.f.x: a.f is a boolean, so nothing can stand below it; remove it first, or choose another path",
        ),
        ("a.t[]", "append to a.t[]: it is a text, not a list"),
        ("a{}", "append to a{}: it is a map, not a list"),
        (
            "a.l[0]",
            "write \"a.l[0]\": a single item of a list cannot be written; append with [] or write the whole list",
        ),
        ("a[].b", "write \"a[].b\": [] and {} stand once, at the end of a path"),
        ("a[]{}", "write \"a[]{}\": [] and {} stand once, at the end of a path"),
        ("[]", "write \"[]\": it names nothing; write names with dots between them"),
        (" ", "write \"\": it names nothing; write names with dots between them"),
    ];
    for (key, error) in cases {
        assert_eq!(written(&document, key, "v"), Err(error.to_owned()), "{key}");
    }
}

#[test]
fn what_a_file_held_is_written_as_it_is_but_only_text_can_be_appended() {
    let mut document = Map::new();
    write_value(&mut document, "a.b", json!({"x": " y "})).unwrap();
    write_value(&mut document, "a.t", json!(" y ")).unwrap();
    assert_eq!(Value::from(document.clone()), json!({"a": {"b": {"x": " y "}, "t": " y "}}));
    let error = write_value(&mut document, "a.l[]", json!(["x"])).unwrap_err();
    assert_eq!(error.to_string(), "append to a.l[]: only text can be appended, and the file holds a list");
    assert_eq!(Value::from(document), json!({"a": {"b": {"x": " y "}, "t": " y "}}));
}
