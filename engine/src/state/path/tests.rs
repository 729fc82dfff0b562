use proptest::prelude::*;
use serde_json::json;

use super::*;

fn key(name: &str) -> Segment {
    Segment::Key(name.to_owned())
}

fn message(text: &str) -> String {
    Path::parse(text).unwrap_err().to_string()
}

#[test]
fn the_three_forms_of_a_segment_are_read() {
    let path = Path::parse(r#"state.a-b['key.with.dots']["it's"][2].ü_1"#).unwrap();
    assert_eq!(path.root(), "state");
    assert_eq!(path.segments(), [key("a-b"), key("key.with.dots"), key("it's"), Segment::Index(2), key("ü_1")]);
    assert_eq!(path.to_string(), r"state.a-b['key.with.dots']['it\'s'][2].ü_1");
}

#[test]
fn a_number_after_a_dot_is_a_key_and_not_a_place_in_a_list() {
    assert_eq!(Path::parse("state.a.2").unwrap().segments(), [key("a"), key("2")]);
    assert_eq!(Path::parse("state.a[2]").unwrap().segments(), [key("a"), Segment::Index(2)]);
}

#[test]
fn the_bare_state_is_the_whole_of_it() {
    let state = json!({"a": 1});
    let path = Path::parse("state").unwrap();
    assert_eq!(path.get(&state), Some(&state));
    assert_eq!(path.get_in(state.as_object().unwrap()), None);
}

#[test]
fn a_path_finds_nulls_and_nothing_through_a_scalar() {
    let state = json!({"a": {"b": [null, {"c": false}]}, "t": "text"});
    let get = |text: &str| Path::parse(text).unwrap().get(&state).cloned();
    assert_eq!(get("state.a.b[0]"), Some(json!(null)));
    assert_eq!(get("state.a.b[1].c"), Some(json!(false)));
    assert_eq!(get("state.a.b[2]"), None);
    assert_eq!(get("state.a[0]"), None);
    assert_eq!(get("state.a.b['0']"), None);
    assert_eq!(get("state.t.x"), None);
    assert_eq!(Path::parse("state.a.b[1].c").unwrap().get_in(state.as_object().unwrap()), Some(&json!(false)));
}

#[test]
fn a_path_that_is_too_long_as_it_is_written_is_refused() {
    let quotes = |count: usize| format!(r#"state["{}"]"#, "'".repeat(count));
    let path = Path::parse(&quotes(507)).unwrap();
    assert_eq!(Path::parse(&path.to_string()), Ok(path));
    assert_eq!(
        Path::parse(&quotes(508)).unwrap_err().problem.to_string(),
        "it has 1025 bytes with its keys in single quotes, at most 1024 are allowed"
    );
}

#[test]
fn another_root_is_read_only_where_it_is_asked_for() {
    assert_eq!(Path::parse_any_root("ctx.flag").unwrap().root(), "ctx");
    assert_eq!(
        message("ctx.flag"),
        "read path 'ctx.flag': it starts with 'ctx'; write state.ctx or another path that starts with state"
    );
}

#[test]
fn errors_name_the_segment_the_position_and_what_would_be_right() {
    assert_eq!(message(""), "read path '': it is empty; write for instance state.build.result");
    assert_eq!(
        message("state.a..b"),
        "read path 'state.a..b': segment 2 at position 9 is empty; write a name after the dot, or ['']"
    );
    assert_eq!(
        message("state.ä b"),
        "read path 'state.ä b': segment 1: ' ' at position 8 cannot stand there; \
         put a dot or a bracket between segments, and quote other keys: ['a key']"
    );
    assert_eq!(
        message("state.$x"),
        "read path 'state.$x': segment 1: '$' at position 7 cannot stand there; \
         quote a key that is not only letters, digits, _ and -: ['a key']"
    );
    assert_eq!(
        message("state.a[-1]"),
        "read path 'state.a[-1]': segment 2: '-1' at position 9 is not a place in a list; \
         write a number from 0 without leading zeros, or a key in quotes: ['-1']"
    );
    assert_eq!(
        message("state.a['b]"),
        "read path 'state.a['b]': segment 2: the bracket at position 8 is not closed; \
         end the key with its quote and ]"
    );
    assert_eq!(
        message(r"state['a\b']"),
        r"read path 'state['a\b']': segment 1: the backslash at position 9 stands before neither a quote nor a backslash; double it"
    );
    assert_eq!(
        message(".a"),
        "read path '.a': segment 0: '.' at position 1 cannot stand there; start with a plain name such as state"
    );
}

#[test]
fn bad_places_in_a_list_are_refused() {
    for text in ["[]", "[01]", "[ 1]", "[+1]", "[1.5]", "[a]", "[99999999999999999999]", "['a'x]", "[1"] {
        assert!(Path::parse(&format!("state.a{text}")).is_err(), "{text}");
    }
}

#[test]
fn a_path_has_at_most_64_segments_and_1024_bytes() {
    assert!(Path::parse(&format!("state{}", ".a".repeat(64))).is_ok());
    assert_eq!(
        Path::parse(&format!("state{}", ".a".repeat(65))).unwrap_err().problem,
        PathProblem::TooManySegments { position: 134 }
    );
    let long = format!("state.{}", "a".repeat(1018));
    assert!(Path::parse(&long).is_ok());
    let error = Path::parse(&format!("{long}a")).unwrap_err();
    assert_eq!(error.problem, PathProblem::TooLong { actual: 1025 });
    assert!(error.to_string().len() < 256, "{error}");
}

#[test]
fn paths_overlap_if_one_leads_through_the_other() {
    let path = |text| Path::parse(text).unwrap();
    assert!(path("state.a").overlaps(&path("state.a.b")));
    assert!(path("state.a.b").overlaps(&path("state.a.b")));
    assert!(!path("state.a.b").overlaps(&path("state.a.c")));
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        "[a-zA-Z0-9_-]{1,4}".prop_map(Segment::Key),
        any::<String>().prop_map(|key| Segment::Key(key.chars().take(8).collect())),
        (0..20usize).prop_map(Segment::Index),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_is_shown_is_read_back(segments in prop::collection::vec(segment(), 0..10)) {
        let path = Path { root: "state".to_owned(), segments };
        prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), tail in r#"state[.\[\]'"\\a0-9\-]{0,40}"#) {
        for text in [text, tail] {
            if let Ok(path) = Path::parse_any_root(&text) {
                prop_assert_eq!(Path::parse_any_root(&path.to_string()), Ok(path));
            }
        }
    }
}
