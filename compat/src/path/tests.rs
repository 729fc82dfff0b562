use serde_json::{Value, json};

use super::*;

fn found(path: &str, root: &Value) -> Vec<Value> {
    OldPath::parse(path).unwrap().find(root).into_iter().cloned().collect()
}

fn problem(path: &str) -> String {
    OldPath::parse(path).unwrap_err().problem
}

#[test]
fn names_quotes_indexes_and_wildcards_find_what_they_name() {
    let root = json!({"a-b": {"c d": [1, 2, 3]}, "n": {"1": "one"}, "l": [{"x": 1}, {"x": 2}]});
    for path in ["a-b.'c d'[0]", "$.a-b[\"c d\"][-3]", "$['a-b']['c d'].[0]"] {
        assert_eq!(found(path, &root), [json!(1)], "{path}");
    }
    assert_eq!(found("a-b.*[::-1]", &root), [json!(3), json!(2), json!(1)]);
    assert_eq!(found("n.1", &root), [json!("one")]);
    assert_eq!(found("l[*].x", &root), [json!(1), json!(2)]);
    assert_eq!(found("$..x", &root), [json!(1), json!(2)]);
}

#[test]
fn an_index_of_a_map_and_a_name_of_a_list_find_nothing() {
    let root = json!({"m": {"0": 1}, "l": [{"a": 1}], "t": "text"});
    for path in ["m[0]", "l.a", "l.0", "t[0]", "t.*", "m[:]", "missing", "l[7]", "l[-2]", "l[::0]"] {
        assert_eq!(found(path, &root), Vec::<Value>::new(), "{path}");
    }
}

#[test]
fn what_is_no_path_is_an_error_that_says_where_and_why() {
    let cases = [
        ("", "it ends too early; a name, a number, *, $ or a bracket belongs here"),
        ("a.", "it ends too early; a name, a number, *, $ or a bracket belongs here"),
        (".a", "character 1: \".\" cannot stand here; a name, a number, *, $ or a bracket belongs here"),
        ("a b", "character 3: \"b\" cannot stand here; a dot or a bracket belongs between two names"),
        ("a[0", "it ends too early; close it with \"]\""),
        (
            "a[]",
            "character 3: \"]\" cannot stand here; an index, a slice, * or a name in quotes belongs into a bracket",
        ),
        ("a['b'", "it ends too early; close it with \"]\""),
        ("a.'b", "character 3: the quote ' that opens here is not closed"),
        ("a[?(@.b)]", "character 3: filters are not supported; name what you want, or use * and where"),
        ("a.`parent`", "character 3: names in backticks such as `parent` are not supported; write names"),
        ("a/b", "character 2: '/' cannot stand here; put names with such characters in quotes"),
        ("-a", "character 1: a name cannot begin with \"-\"; put it in quotes"),
    ];
    for (path, text) in cases {
        assert_eq!(problem(path), text, "{path:?}");
    }
    let shown = OldPath::parse("a[").unwrap_err().to_string();
    assert!(shown.starts_with("read path \"a[\": it ends too early; "), "{shown}");
}

#[test]
fn a_path_that_takes_too_long_is_refused() {
    assert_eq!(problem(&vec!["a"; 501].join(".")), "it has more than 500 segments");
    assert_eq!(problem(&("(".repeat(200) + "a")), "its parentheses are nested deeper than 100");
    let many = "it may find the same value more than 10000 times; write fewer \"..\", \"|\" and lists";
    assert_eq!(problem(&["(a|a)"; 20].join(".")), many);
    assert_eq!(problem("$..*..*..*..*..*"), many);
    assert!(OldPath::parse("$..a..b..c..d").is_ok());
    assert!(OldPath::parse(&vec!["a"; 500].join(".")).is_ok());
}
