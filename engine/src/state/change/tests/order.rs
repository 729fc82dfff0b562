//! The order of keys: that in which they were first written.

use super::*;
use crate::state::limits::CHANGES;

/// The new state as text, which shows the order of its keys.
fn text(state: &Value, list: Value) -> String {
    Value::Object(made(state, list).state).to_string()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn keys_keep_the_order_in_which_they_were_first_written() {
    let state = parsed(r#"{"d": 1, "b": {"z": 1, "a": 2, "m": 3}, "c": 3, "a": 4}"#);
    let gone = json!([{"path": "state.d", "op": "Unset"}, {"path": "state.b.z", "op": "Unset"}]);
    assert_eq!(text(&state, gone), r#"{"b":{"a":2,"m":3},"c":3,"a":4}"#);
    let new = json!([{"path": "state.b", "value": parsed(r#"{"y": 1, "x": 2}"#)}, {"path": "state.B.k", "value": 1}]);
    assert_eq!(text(&state, new), r#"{"d":1,"b":{"y":1,"x":2},"c":3,"a":4,"B":{"k":1}}"#);
}

#[test]
fn a_refused_set_leaves_the_order_of_keys_as_it_was() {
    let state = parsed(r#"{"d": {"z": 1, "y": [1, 2], "x": 3}, "b": 2, "a": 3}"#);
    let set = ChangeSet {
        changes: changes(json!([
            {"path": "state.d.z", "op": "Unset"},
            {"path": "state.d.y[0]", "op": "Unset"},
            {"path": "state.d", "op": "Unset"},
            {"path": "state.b", "op": "Unset"},
            {"path": "state.d.new", "value": 1},
            {"path": "state.a.b", "value": 1},
        ])),
        ..ChangeSet::default()
    };
    let mut draft = Draft::new(state.as_object());
    assert!(draft.apply(&set).is_err());
    assert_eq!(Value::Object(draft.finish().0).to_string(), state.to_string());
}

#[test]
fn a_value_that_is_in_the_list_in_another_order_of_keys_is_not_added_again() {
    let state = json!({"l": [parsed(r#"{"a": 1, "b": {"c": 1, "d": 2}}"#)]});
    let again = parsed(r#"[{"b": {"d": 2.0, "c": 1}, "a": 1}]"#);
    let outcome = made(&state, json!([{"path": "state.l", "op": "Add", "value": again}]));
    assert_eq!((outcome.paths.len(), outcome.patch.len()), (0, 0));
}

/// Removal moves up all keys that come after: 256 of 40 000 take half a second without optimisation.
#[test]
fn the_most_keys_that_one_set_may_remove_leave_a_large_state_in_its_order() {
    let key = |number: usize| format!("k{:05}", 39_999 - number);
    let state = Value::Object((0..40_000).map(|number| (key(number), json!(1))).collect());
    let gone = |number| json!({"path": format!("state.{}", key(number)), "op": "Unset"});
    let outcome = made(&state, (0..CHANGES).map(gone).collect());
    assert!(outcome.state.keys().eq(state.as_object().unwrap().keys().skip(CHANGES)));
}
