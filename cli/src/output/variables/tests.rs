use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn selected<'v>(state: &'v Value, paths: &[&str]) -> Vec<Selected<'v>> {
    let paths = paths.iter().map(|path| Path::parse(path).unwrap());
    paths.map(|path| Selected { value: path.get(state).unwrap(), path }).collect()
}

fn load(state: &Value, paths: &[&str], prefix: &str) -> Result<Vec<(String, String)>, VariableError> {
    let variables = variables(&selected(state, paths), &prefix.parse()?)?;
    Ok(variables.into_iter().map(|variable| (variable.name, variable.text.into_owned())).collect())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn refusal(state: &Value, paths: &[&str], prefix: &str) -> String {
    load(state, paths, prefix).unwrap_err().to_string()
}

#[test]
fn each_value_of_a_map_is_a_variable_and_everything_else_is_one() {
    let state = json!({"app": "shop", "build": {"n": 5, "ok": false, "list": [1, {"a": null}], "none": {}}, "x": null});
    assert_eq!(
        load(&state, &["state"], "").unwrap(),
        pairs(&[
            ("app", "shop"),
            ("build_n", "5"),
            ("build_ok", "false"),
            ("build_list", r#"[1,{"a":null}]"#),
            ("build_none", "{}"),
            ("x", ""),
        ])
    );
    assert_eq!(load(&json!({}), &["state"], "").unwrap(), []);
}

#[test]
fn a_name_is_the_whole_path_whichever_part_was_asked_for() {
    let state = json!({"a": {"b": {"c": "1"}, "list": ["x", {"y": "z"}]}});
    let expected = pairs(&[("a_b_c", "1")]);
    for path in ["state.a.b", "state.a.b.c"] {
        assert_eq!(load(&state, &[path], "").unwrap(), expected);
    }
    assert_eq!(load(&state, &["state.a.list[1]"], "").unwrap(), pairs(&[("a_list_1_y", "z")]));
}

#[test]
fn characters_that_no_name_has_become_underscores() {
    let state = json!({"image-tag": "1", "a.b c": "2", "größe": "3", "1st": "4", "e": {"": "5"}});
    let expected = pairs(&[("_1st", "4"), ("a_b_c", "2"), ("e_", "5"), ("gr__e", "3"), ("image_tag", "1")]);
    let mut names = load(&state, &["state"], "").unwrap();
    names.sort();
    assert_eq!(names, expected);
    assert_eq!(load(&state, &["state['1st']"], "CICD_").unwrap(), pairs(&[("CICD_1st", "4")]));
}

#[test]
fn two_values_of_one_name_are_refused_with_both_paths() {
    assert_eq!(
        refusal(&json!({"a": {"b": "1"}, "a_b": "2"}), &["state"], "P_"),
        "load state.a.b and state.a_b: both would be the variable P_a_b; nothing was written; \
         rename one of the keys, or name the paths to load"
    );
    let text = refusal(&json!({"a-b": "1", "a.b": "1"}), &["state"], "");
    assert!(text.starts_with("load state.a-b and state['a.b']: both would be the variable a_b;"), "{text}");
    let text = refusal(&json!({"a": {"": {}}, "a_": 1}), &["state"], "");
    assert!(text.contains("variable a_;"), "{text}");
}

#[test]
fn a_value_that_is_selected_twice_is_there_once() {
    let state = json!({"a": {"b": "1", "c": "2"}});
    let expected = pairs(&[("a_b", "1"), ("a_c", "2")]);
    assert_eq!(load(&state, &["state.a.b", "state.a", "state.a['b']"], "").unwrap(), expected);
}

#[test]
fn a_name_that_means_something_is_refused_unless_a_prefix_makes_it_another() {
    assert_eq!(
        refusal(&json!({"PATH": "/evil"}), &["state"], ""),
        "load state.PATH: the variable PATH has a meaning for shells or other programs; nothing was written; \
         choose other names with --prefix, as in --prefix CICD_"
    );
    for name in [
        "OPTIND",
        "RANDOM",
        "IFS",
        "LD_PRELOAD",
        "LD_AUDIT",
        "HOME",
        "SHELL",
        "ENV",
        "BASH_ENV",
        "PS4",
        "PROMPT_COMMAND",
        "UID",
    ] {
        assert!(refusal(&json!({ (name): "x" }), &["state"], "").contains(&format!("variable {name} has")), "{name}");
        assert_eq!(load(&json!({ (name): "x" }), &["state"], "CICD_").unwrap().len(), 1);
    }
    // Joined keys, an empty key and a prefix can make such a name too.
    assert!(refusal(&json!({"LD": {"PRELOAD": "x"}}), &["state"], "").contains("load state.LD.PRELOAD:"));
    assert!(refusal(&json!({"": "x"}), &["state"], "").contains("load state['']: the variable _ has"));
    assert!(refusal(&json!({"ENV": "x"}), &["state"], "BASH_").contains("the variable BASH_ENV has"));
    // Those of other case, and those that merely contain one, do not.
    let state = json!({"path": "1", "home": "2", "MY_PATH": "3", "GIT_SHA": "4"});
    assert_eq!(load(&state, &["state"], "").unwrap().len(), 4);
}

#[test]
fn a_nul_is_refused_with_its_place() {
    assert_eq!(
        refusal(&json!({"a": {"b": "ä\0"}}), &["state"], ""),
        "load state.a.b: character 2 of its text is a NUL, which no variable can hold; nothing was written; \
         load it with --json or --result"
    );
    // JSON writes it as an escape.
    assert_eq!(load(&json!({"l": ["\0"]}), &["state"], "").unwrap(), pairs(&[("l", r#"["\u0000"]"#)]));
}

#[test]
fn a_prefix_is_the_beginning_of_a_name() {
    for prefix in ["", "_", "CICD_", "a1"] {
        assert!(prefix.parse::<Prefix>().is_ok(), "{prefix}");
    }
    for prefix in ["1", "a-", "a b", "ä", "$(x)", "a\n"] {
        let text = prefix.parse::<Prefix>().unwrap_err().to_string();
        assert!(text.starts_with(&format!("read --prefix '{prefix}': a name has letters")), "{text}");
    }
}

/// States whose keys are likely to give the same name, or one with a meaning.
fn states() -> impl Strategy<Value = Value> {
    let key = proptest::sample::select(vec![
        "a", "b", "a_b", "a.b", "a-b", "a b", "", "_", "1", "ä", "'", "]", "PATH", "LD", "PRELOAD", "a_b_a", "\n",
    ]);
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(7)),
        Just(json!("x")),
        Just(json!({})),
        Just(json!([])),
        Just(json!([{"a": 1}])),
    ];
    let map = leaf.prop_recursive(4, 24, 4, move |inner| {
        proptest::collection::hash_map(key.clone().prop_map(str::to_owned), inner, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    });
    map.prop_filter("a map", Value::is_object)
}

/// How many values there are below a value that is a map.
fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        _ => 1,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn every_value_has_a_valid_name_of_its_own_or_two_paths_are_named(state in states()) {
        match variables(&selected(&state, &["state"]), &Prefix::default()) {
            Ok(found) => {
                prop_assert_eq!(found.len(), if state == json!({}) { 0 } else { leaves(&state) });
                prop_assert_eq!(found.iter().map(|variable| &variable.name).collect::<HashSet<_>>().len(), found.len());
                for Variable { name, path, text: found } in found {
                    prop_assert!(name.chars().all(is_name_character), "{}", name);
                    prop_assert!(!name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()));
                    prop_assert!(!reserved::is_reserved(&name));
                    prop_assert_eq!(Path::parse(&path).unwrap().get(&state).map(text), Some(found));
                }
            }
            Err(VariableError::Collision { first, second, .. }) => {
                prop_assert_ne!(&first, &second);
                for path in [first, second] {
                    prop_assert!(Path::parse(&path).unwrap().get(&state).is_some());
                }
            }
            Err(VariableError::Reserved { name, .. }) => prop_assert!(reserved::is_reserved(&name)),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
