use serde_json::json;

use super::*;

fn value(text: &str) -> Value {
    read(text).unwrap().value
}

fn error(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn found(text: &str) -> Vec<(String, usize, FindingKind)> {
    let findings = read(text).unwrap().findings;
    findings.into_iter().map(|finding| (finding.path, finding.line, finding.kind)).collect()
}

#[test]
fn an_empty_text_and_an_empty_document_are_null() {
    for text in ["", "# nothing\n", "---\n", "---\n...\n", "~"] {
        assert_eq!(value(text), Value::Null, "{text:?}");
    }
}

#[test]
fn the_order_of_the_file_is_kept_and_a_repeated_key_keeps_its_first_place() {
    let read = value("z: 1\na: 2\nz: 3\nm: 4\n");
    assert_eq!(read.to_string(), r#"{"z":3,"a":2,"m":4}"#);
}

#[test]
fn merged_maps_give_way_to_what_stands_in_the_map_and_the_first_of_several_wins() {
    let text = "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nboth: {c: 3, <<: [*one, *two]}\n";
    assert_eq!(value(text)["both"].to_string(), r#"{"b":1,"c":3,"a":1}"#);
}

#[test]
fn keys_that_are_no_texts_become_the_texts_of_python_and_are_found() {
    let text = "a:\n  - on: 1\n    ~: 2\n    1.0: 3\n    2021-01-02: 4\n";
    // `1.0` is the key `true` to Python, whose first text stays.
    assert_eq!(value(text), json!({"a": [{"True": 3, "None": 2, "2021-01-02": 4}]}));
    let key = |written: &str, read: &str| FindingKind::Key { written: written.to_owned(), read: read.to_owned() };
    assert_eq!(
        found(text),
        [
            ("a[0].True".to_owned(), 2, key("on", "True")),
            ("a[0].None".to_owned(), 3, key("~", "None")),
            ("a[0].1.0".to_owned(), 4, key("1.0", "1.0")),
            ("a[0].2021-01-02".to_owned(), 5, key("2021-01-02", "2021-01-02")),
        ]
    );
}

#[test]
fn dates_infinity_bytes_and_sets_become_what_json_has_and_are_found() {
    let text = "d: 2021-01-02\ni: .inf\nb: !!binary aGk=\ns: !!set {x, 1}\nn: 123456789012345678901\n";
    assert_eq!(
        value(text),
        json!({"d": "2021-01-02", "i": "inf", "b": "b'hi'", "s": ["x", 1], "n": "123456789012345678901"})
    );
    let other = |text: &str| FindingKind::Other(text.to_owned());
    assert_eq!(
        found(text),
        [
            ("d".to_owned(), 1, FindingKind::Date("2021-01-02".to_owned())),
            ("i".to_owned(), 2, other("inf")),
            ("b".to_owned(), 3, other("b'hi'")),
            ("s".to_owned(), 4, other("{'x', 1}")),
            ("n".to_owned(), 5, other("123456789012345678901")),
        ]
    );
}

#[test]
fn an_alias_of_a_map_or_list_is_found_and_what_is_in_the_copy_is_not_found_again() {
    let text = "a: &a {d: 2021-01-02, l: [1]}\nb: *a\nc: {<<: *a}\nd: &d x\ne: *d\n";
    let alias = || FindingKind::Alias("a".to_owned());
    assert_eq!(
        found(text),
        [
            ("a.d".to_owned(), 1, FindingKind::Date("2021-01-02".to_owned())),
            ("b".to_owned(), 2, alias()),
            ("c.<<".to_owned(), 3, alias()),
        ]
    );
}

#[test]
fn aliases_that_grow_without_end_are_refused() {
    let bomb = |begin: &str, around: fn(&str) -> String| {
        let level = |level: usize| {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            format!("a{level}: &a{level} {}\n", around(&aliases))
        };
        format!("a0: &a0 {begin}\n{}", (1..12).map(level).collect::<String>())
    };
    let merged = |aliases: &str| format!("{{<<: [{aliases}]}}");
    let bombs = [
        bomb("[x, x, x, x, x, x, x, x, x, x]", |aliases| format!("[{aliases}]")),
        bomb("{k: v}", merged),
        bomb("{}", merged),
    ];
    for bomb in bombs {
        let error = error(&bomb);
        assert!(
            error.ends_with("with all aliases expanded there are more than 500000 values; write fewer aliases"),
            "{error}"
        );
    }
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1024 * 1024), vec!["*a"; 20].join(", "));
    assert_eq!(
        error(&long),
        "line 1, column 7: with all aliases expanded there are more than 16777216 bytes; write fewer aliases"
    );
}

#[test]
fn deep_nesting_is_refused_also_through_aliases_and_merges() {
    let deep = "[".repeat(101) + &"]".repeat(101);
    assert_eq!(error(&deep), "line 1, column 101: maps and lists are nested deeper than 100 levels; flatten them");
    let fits = "[".repeat(100) + &"]".repeat(100);
    assert!(read(&fits).is_ok());
    let chain = |inner: fn(usize) -> String| {
        (1..2000).fold("- &a0 {k: v}\n".to_owned(), |text, level| text + &format!("- &a{level} {}\n", inner(level - 1)))
    };
    let nested = error(&chain(|level| format!("[*a{level}]")));
    assert!(nested.ends_with("with all aliases expanded it is nested deeper than 100 levels; flatten it"), "{nested}");
    let merged = error(&chain(|level| format!("{{<<: *a{level}}}")));
    assert!(merged.ends_with("maps merge each other over more than 100 levels; flatten them"), "{merged}");
}

#[test]
fn errors_name_line_and_column_and_say_what_is_wrong() {
    let cases = [
        ("a: 1\n---\nb: 2\n", "line 2, column 1: a second document begins here; write one document per file"),
        ("a: &x 1\nb: &x 2\n", "line 2, column 4: the anchor &x is there already; give it another name"),
        ("&a [*a]", "line 1, column 5: *a stands inside of what it names, which would never end"),
        ("a: !env HOME", "line 1, column 9: the tag !env is unknown; leave it out"),
        (
            "a: !!python/name:os.system ''",
            "line 1, column 28: the tag !!python/name:os.system is unknown; leave it out",
        ),
        ("a: =", "line 1, column 4: a bare = is no value; put it in quotes"),
        ("a: <<", "line 1, column 4: << merges a map into this one and is no value; put it in quotes"),
        ("<<: 1", "line 1, column 5: << merges a map or a list of maps, and this is a single value"),
        ("<<: [[a]]", "line 1, column 6: << merges maps, and this is a list"),
        ("? [a]\n: b\n", "line 1, column 3: a list cannot be a key; put it in quotes"),
        ("a: !!int {}", "line 1, column 10: a single value belongs here, and this is a map"),
        ("a: !!omap [{}]", "line 1, column 12: a map of one key belongs here, and this is a map"),
        ("a: 2021-02-30", "line 1, column 4: there is no date or time 2021-02-30; put it in quotes if it is a text"),
        ("a: \u{1}", "line 1, column 4: the character U+0001 is not allowed; write it as an escape in double quotes"),
        ("%YAML 2.0\n---\na\n", "line 1, column 1: unsupported YAML major version"),
    ];
    for (text, problem) in cases {
        assert_eq!(error(text), problem, "{text:?}");
    }
    assert!(error("a: *b").starts_with("line 1, column 4: "), "{}", error("a: *b"));
    assert!(error("a: [1\nb: 2\n").starts_with("line 2, column 2: "), "{}", error("a: [1\nb: 2\n"));
}

#[test]
fn what_only_the_predecessor_reads_is_read_too_and_errors_behind_it_name_the_right_line() {
    let text = "a: 'x\ny\nz'\nb: {c:[1]}\nd: 'e'#f\n&g g: 1\n*g: 2\n";
    assert_eq!(value(text), json!({"a": "x y z", "b": {"c": [1]}, "d": "e", "g": 2}));
    assert_eq!(error("a: 'x\ny\nz'\nb: !env HOME\n"), "line 4, column 9: the tag !env is unknown; leave it out");
    assert_eq!(error("[?x]"), "line 1, column 2: within brackets ? begins a key; put the text in quotes");
}

#[test]
fn a_block_ends_with_a_line_end_only_where_the_file_has_one() {
    for (text, block) in [("- |\n  x\n", "x\n"), ("- |\n  x", "x"), ("- |\n  x\n ", "x\n"), ("- >\n  x\n  y", "x y")] {
        assert_eq!(value(text), json!([block]), "{text:?}");
    }
}
