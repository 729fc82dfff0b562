use serde_json::json;

use super::*;
use crate::state::limits::{CAPTURED_VALUE_BYTES, LimitError};

mod order;

fn changes(list: Value) -> Vec<PlainChange> {
    let list: Vec<ValueChange> = serde_json::from_value(list).unwrap();
    ChangeSet::from_values(&list).unwrap().changes
}

fn made(state: &Value, list: Value) -> Outcome {
    apply(state.as_object(), &changes(list), &Limits::default()).unwrap()
}

fn refused(state: &Value, list: Value) -> String {
    apply(state.as_object(), &changes(list), &Limits::default()).unwrap_err().to_string()
}

fn patch(outcome: &Outcome) -> Value {
    serde_json::to_value(&outcome.patch).unwrap()
}

fn write(list: &Value) -> ChangeSet {
    ChangeSet::from_state_write(&serde_json::from_value(list.clone()).unwrap()).unwrap()
}

#[test]
fn set_replaces_the_whole_value_without_looking_at_it() {
    let outcome = made(&json!({"a": {"b": {"old": 1}}, "x": 1}), json!([{"path": "state.a.b", "value": {"new": 2}}]));
    assert_eq!(Value::Object(outcome.state.clone()), json!({"a": {"b": {"new": 2}}, "x": 1}));
    assert_eq!(patch(&outcome), json!([{"op": "add", "path": "/spec/state/a/b", "value": {"new": 2}}]));
    assert_eq!(outcome.paths, ["state.a.b"]);
    assert!(!outcome.needs_resource_version);
}

#[test]
fn set_creates_missing_maps_and_takes_null_on_the_way_for_absent() {
    let outcome =
        made(&json!({"n": null}), json!([{"path": "state.n.a", "value": false}, {"path": "state.m.a.b", "value": 0}]));
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state/m", "value": null},
            {"op": "test", "path": "/spec/state/n", "value": null},
            {"op": "add", "path": "/spec/state/m", "value": {"a": {"b": 0}}},
            {"op": "add", "path": "/spec/state/n", "value": {"a": false}},
        ])
    );
}

#[test]
fn changes_below_one_new_map_come_together() {
    let outcome = made(
        &json!({}),
        json!([
            {"path": "state.a.b", "value": 1},
            {"path": "state.a.c.d", "value": 2},
            {"path": "state.a.list", "op": "Append", "value": "x"},
            {"path": "state.a.b", "op": "Unset"},
        ]),
    );
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state/a", "value": null},
            {"op": "add", "path": "/spec/state/a", "value": {"c": {"d": 2}, "list": ["x"]}},
        ])
    );
    assert_eq!(outcome.paths, ["state.a.b", "state.a.c.d", "state.a.list"]);
}

#[test]
fn an_absent_state_is_created_under_a_test() {
    let outcome = apply(
        None,
        &changes(json!([{"path": "state.a", "value": 1}, {"path": "state.b", "value": 2}])),
        &Limits::default(),
    )
    .unwrap();
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state", "value": null},
            {"op": "add", "path": "/spec/state", "value": {"a": 1, "b": 2}},
        ])
    );
    let nothing = apply(None, &changes(json!([{"path": "state.a", "op": "Unset"}])), &Limits::default()).unwrap();
    assert_eq!((nothing.state.len(), nothing.patch.len(), nothing.paths.len()), (0, 0, 0));
}

#[test]
fn append_and_add_take_one_item_or_each_item_of_a_list() {
    let state = json!({"l": ["a"], "keep": [1]});
    let outcome = made(
        &state,
        json!([
            {"path": "state.l", "op": "Append", "value": ["a", "b"]},
            {"path": "state.l", "op": "Add", "value": ["b", "c", "c", {"k": 1}]},
            {"path": "state.l", "op": "Add", "value": {"k": 1.0}},
            {"path": "state.new", "op": "Add", "value": [1, 1.0, 2]},
            {"path": "state.n", "op": "Append", "value": null},
        ]),
    );
    assert_eq!(
        Value::Object(outcome.state.clone()),
        json!({"l": ["a", "a", "b", "c", {"k": 1}], "keep": [1], "new": [1, 2], "n": [null]})
    );
    assert_eq!(outcome.paths, ["state.l", "state.new", "state.n"]);
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": ["a"]},
            {"op": "test", "path": "/spec/state/n", "value": null},
            {"op": "test", "path": "/spec/state/new", "value": null},
            {"op": "add", "path": "/spec/state/l/-", "value": "a"},
            {"op": "add", "path": "/spec/state/l/-", "value": "b"},
            {"op": "add", "path": "/spec/state/l/-", "value": "c"},
            {"op": "add", "path": "/spec/state/l/-", "value": {"k": 1}},
            {"op": "add", "path": "/spec/state/n", "value": [null]},
            {"op": "add", "path": "/spec/state/new", "value": [1, 2]},
        ])
    );
}

#[test]
fn many_appended_items_are_written_as_one_list() {
    let items: Vec<u32> = (0..100).collect();
    let outcome = made(&json!({"l": []}), json!([{"path": "state.l", "op": "Append", "value": items}]));
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": []},
            {"op": "add", "path": "/spec/state/l", "value": items},
        ])
    );
}

#[test]
fn text_is_split_only_when_asked_and_its_pieces_are_kept_as_they_are() {
    let outcome = made(
        &json!({}),
        json!([
            {"path": "state.a", "op": "Append", "value": "x, y,,x"},
            {"path": "state.b", "op": "Append", "value": "x, y,,x", "split": ","},
            {"path": "state.c", "op": "Add", "value": "x,y,x", "split": ","},
        ]),
    );
    assert_eq!(Value::Object(outcome.state), json!({"a": ["x, y,,x"], "b": ["x", " y", "", "x"], "c": ["x", "y"]}));
}

#[test]
fn an_add_of_nothing_new_and_an_unset_of_nothing_write_nothing() {
    let outcome = made(
        &json!({"l": [1], "n": null}),
        json!([
            {"path": "state.l", "op": "Add", "value": 1},
            {"path": "state.x.y", "op": "Unset"},
            {"path": "state.x[3].y", "op": "Unset"},
            {"path": "state.n.y", "op": "Unset"},
        ]),
    );
    assert_eq!((outcome.paths.len(), outcome.patch.len()), (0, 0));
}

#[test]
fn unset_removes_and_clear_empties() {
    let state = json!({"a": {"b": 1, "c": 2}, "l": [1, 2, 3], "m": {"k": 1}, "list": [1], "n": null});
    let outcome = made(
        &state,
        json!([
            {"path": "state.a.b", "op": "Unset"},
            {"path": "state.l[1]", "op": "Unset"},
            {"path": "state.m", "op": "Clear"},
            {"path": "state.list", "op": "Clear"},
            {"path": "state.n", "op": "Clear"},
            {"path": "state.x.y", "op": "Clear"},
        ]),
    );
    assert_eq!(
        Value::Object(outcome.state.clone()),
        json!({"a": {"c": 2}, "l": [1, 3], "m": {}, "list": [], "n": [], "x": {"y": []}})
    );
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": [1, 2, 3]},
            {"op": "test", "path": "/spec/state/list", "value": [1]},
            {"op": "test", "path": "/spec/state/n", "value": null},
            {"op": "test", "path": "/spec/state/x", "value": null},
            {"op": "remove", "path": "/spec/state/a/b"},
            {"op": "add", "path": "/spec/state/l", "value": [1, 3]},
            {"op": "add", "path": "/spec/state/list", "value": []},
            {"op": "add", "path": "/spec/state/m", "value": {}},
            {"op": "add", "path": "/spec/state/n", "value": []},
            {"op": "add", "path": "/spec/state/x", "value": {"y": []}},
        ])
    );
}

#[test]
fn a_change_inside_a_list_tests_and_writes_the_outermost_list() {
    let state = json!({"l": [{"a": [1]}, 2]});
    let outcome =
        made(&state, json!([{"path": "state.l[0].a[0]", "value": 9}, {"path": "state.l[1]", "value": {"x": 1}}]));
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": [{"a": [1]}, 2]},
            {"op": "add", "path": "/spec/state/l", "value": [{"a": [9]}, {"x": 1}]},
        ])
    );
}

#[test]
fn a_change_inside_a_list_that_stands_there_already_still_tests_the_list() {
    let outcome =
        made(&json!({"l": [1, 2]}), json!([{"path": "state.l[0]", "value": 1}, {"path": "state.x", "value": 1}]));
    assert_eq!(
        patch(&outcome),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": [1, 2]},
            {"op": "add", "path": "/spec/state/x", "value": 1},
        ])
    );
}

#[test]
fn what_is_set_and_removed_again_goes_even_if_another_writer_put_something_there_meanwhile() {
    let outcome = made(&json!({"y": 1}), json!([{"path": "state.x", "value": 1}, {"path": "state.x", "op": "Unset"}]));
    assert_eq!(
        patch(&outcome),
        json!([{"op": "add", "path": "/spec/state/x", "value": null}, {"op": "remove", "path": "/spec/state/x"}])
    );
}

#[test]
fn a_later_set_makes_the_earlier_look_at_the_list_needless() {
    let state = json!({"a": {"l": [1]}});
    let append = json!({"path": "state.a.l", "op": "Append", "value": 2});
    let over_it = made(&state, json!([append, {"path": "state.a.l", "value": [7]}]));
    assert_eq!(patch(&over_it), json!([{"op": "add", "path": "/spec/state/a/l", "value": [7]}]));
    let over_all = made(&state, json!([append, {"path": "state.a", "value": 7}]));
    assert_eq!(patch(&over_all), json!([{"op": "add", "path": "/spec/state/a", "value": 7}]));
}

#[test]
fn a_list_with_a_null_needs_the_resource_version_since_the_api_server_cannot_test_it() {
    let outcome = made(&json!({"l": [null]}), json!([{"path": "state.l", "op": "Append", "value": 1}]));
    assert!(outcome.needs_resource_version);
    assert_eq!(patch(&outcome), json!([{"op": "add", "path": "/spec/state/l/-", "value": 1}]));
}

#[test]
fn errors_name_the_segment_and_what_would_be_right() {
    let state = json!({"t": "text", "l": [1, 2], "m": {"k": 1}});
    for (change, message) in [
        (
            json!({"path": "state.t.x.y", "value": 1}),
            "change state.t.x.y: state.t holds a text and cannot hold .x; unset state.t first or choose another path",
        ),
        (
            json!({"path": "state.m.k[0]", "op": "Unset"}),
            "change state.m.k[0]: state.m.k holds a number and cannot hold [0]; unset state.m.k first or choose another path",
        ),
        (
            json!({"path": "state.l[2]", "value": 1}),
            "change state.l[2]: state.l has 2 items, [2] is beyond its end; places count from 0, Append adds one",
        ),
        (
            json!({"path": "state.l.x", "value": 1}),
            "change state.l.x: state.l is a list and has no key .x; write a place in it as state.l[0]",
        ),
        (
            json!({"path": "state.m[0]", "value": 1}),
            "change state.m[0]: state.m is a map and has no place [0]; write a key of it as state.m.name",
        ),
        (
            json!({"path": "state.new.list[0]", "value": 1}),
            "change state.new.list[0]: state.new.list does not exist and has no place [0]; Append creates a list",
        ),
        (
            json!({"path": "state.t", "op": "Append", "value": 1}),
            "Append to state.t: it holds a text, only a list or nothing can be added to",
        ),
        (
            json!({"path": "state.m", "op": "Add", "value": 1}),
            "Add to state.m: it holds a map, only a list or nothing can be added to",
        ),
        (
            json!({"path": "state.t", "op": "Clear"}),
            "clear state.t: it holds a text, only a list, a map or nothing can be cleared; use Set or Unset",
        ),
        (
            json!({"path": "state", "op": "Clear"}),
            "change state: the state as a whole cannot be changed; name a key, as in state.build",
        ),
        (json!({"path": "state.a"}), "change state.a: Set needs a value"),
        (
            json!({"path": "state.a", "op": "Unset", "value": 1}),
            "change state.a: Unset takes no value; remove it or use another op",
        ),
        (
            json!({"path": "state.a", "value": "a,b", "split": ","}),
            "change state.a: Set takes no split; remove it or use another op",
        ),
    ] {
        assert_eq!(refused(&state, json!([change])), message);
    }
}

#[test]
fn a_state_write_is_made_only_if_its_preconditions_hold() {
    let state = json!({"a": {"b": 1, "t": "x"}, "l": [1]});
    let check = |precondition: Value| {
        let set = write(
            &json!({"contextRef": {"name": "c"}, "changes": [{"path": "state.z", "value": 1}], "preconditions": [precondition]}),
        );
        apply_all(state.as_object(), &[set])
    };
    let tested = |precondition: Value| {
        let group = check(precondition);
        assert_eq!(group.results, [Ok(vec!["state.z".to_owned()])]);
        serde_json::to_value(&group.patch[0]).unwrap()
    };
    assert_eq!(
        tested(json!({"path": "state.a.b", "equals": 1.0})),
        json!({"op": "test", "path": "/spec/state/a/b", "value": 1})
    );
    assert_eq!(
        tested(json!({"path": "state.a.t", "exists": true})),
        json!({"op": "test", "path": "/spec/state/a/t", "value": "x"})
    );
    assert_eq!(
        tested(json!({"path": "state.q.r", "exists": false})),
        json!({"op": "test", "path": "/spec/state/q", "value": null})
    );
    assert_eq!(
        tested(json!({"path": "state.a.b.c", "exists": false})),
        json!({"op": "test", "path": "/spec/state/a/b", "value": 1})
    );
    assert_eq!(
        tested(json!({"path": "state.l[4]", "exists": false})),
        json!({"op": "test", "path": "/spec/state/l", "value": [1]})
    );

    for (precondition, message) in [
        (json!({"path": "state.a.b", "equals": 2}), "check state.a.b: expected 2, found 1"),
        (json!({"path": "state.q", "equals": null}), "check state.q: expected null, found nothing"),
        (json!({"path": "state.q", "exists": true}), "check state.q: expected a value, found nothing"),
        (json!({"path": "state.a.t", "exists": false}), "check state.a.t: expected nothing, found \"x\""),
    ] {
        let group = check(precondition);
        assert_eq!(group.results[0].as_ref().unwrap_err().to_string(), message);
        assert_eq!((group.patch.len(), Value::Object(group.state)), (0, state.clone()));
    }
}

#[test]
fn a_precondition_with_both_or_neither_is_refused() {
    for precondition in [json!({"path": "state.a"}), json!({"path": "state.a", "equals": 1, "exists": true})] {
        let spec = json!({"contextRef": {"name": "c"}, "changes": [{"path": "state.z", "value": 1}], "preconditions": [precondition]});
        let error = ChangeSet::from_state_write(&serde_json::from_value(spec).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "check state.a: a precondition has exactly one of equals and exists");
    }
}

#[test]
fn a_refused_set_in_a_group_harms_no_other_and_leaves_no_test_behind() {
    let state = json!({"l": [1], "t": "x"});
    let set = |list| ChangeSet { changes: changes(list), ..ChangeSet::default() };
    let group = apply_all(
        state.as_object(),
        &[
            set(json!([{"path": "state.l", "op": "Append", "value": 2}])),
            set(json!([
                {"path": "state.other", "op": "Append", "value": 1},
                {"path": "state.l[0]", "op": "Unset"},
                {"path": "state.l", "op": "Append", "value": [3, 4]},
                {"path": "state.t", "value": {"a": 1}},
                {"path": "state.t.a.b", "value": 1},
            ])),
            set(json!([{"path": "state.l", "op": "Append", "value": 5}])),
        ],
    );
    assert!(group.results[0].is_ok() && group.results[1].is_err() && group.results[2].is_ok());
    assert_eq!(Value::Object(group.state), json!({"l": [1, 2, 5], "t": "x"}));
    assert_eq!(
        serde_json::to_value(&group.patch).unwrap(),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": [1]},
            {"op": "add", "path": "/spec/state/l/-", "value": 2},
            {"op": "add", "path": "/spec/state/l/-", "value": 5},
        ])
    );
}

#[test]
fn what_a_precondition_saw_of_an_earlier_set_stays_guarded_when_a_later_set_writes_over_it() {
    let state = json!({"l": [1]});
    let write = |spec: Value| write(&spec);
    let group = apply_all(
        state.as_object(),
        &[
            write(json!({"contextRef": {"name": "c"}, "changes": [{"path": "state.l", "op": "Append", "value": 2}]})),
            write(json!({
                "contextRef": {"name": "c"}, "changes": [{"path": "state.seen", "value": true}],
                "preconditions": [{"path": "state.l", "equals": [1, 2]}],
            })),
            write(json!({"contextRef": {"name": "c"}, "changes": [{"path": "state.l", "value": []}]})),
        ],
    );
    assert_eq!(
        serde_json::to_value(&group.patch).unwrap(),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": [1]},
            {"op": "add", "path": "/spec/state/l", "value": []},
            {"op": "add", "path": "/spec/state/seen", "value": true},
        ])
    );
}

#[test]
fn a_state_over_the_limit_can_be_made_smaller_but_not_larger() {
    let state = json!({"big": "x".repeat(600 * 1024), "small": 1});
    assert_eq!(made(&state, json!([{"path": "state.small", "op": "Unset"}])).paths, ["state.small"]);
    let error = apply(state.as_object(), &changes(json!([{"path": "state.more", "value": 1}])), &Limits::default())
        .unwrap_err();
    assert_eq!(error, Refusal::Limit(LimitError::StateTooLarge { actual: 614_429, allowed: 524_288 }));
    assert_eq!(error.reason(), "TooLarge");
}

#[test]
fn a_captured_value_over_16_kib_is_refused() {
    let large = json!([{"path": "state.a", "value": "x".repeat(CAPTURED_VALUE_BYTES)}]);
    assert!(apply(None, &changes(large.clone()), &Limits::default()).is_ok());
    let error = apply(None, &changes(large), &Limits::capture()).unwrap_err();
    assert_eq!(error.to_string(), "write state.a: the value has 16386 bytes, at most 16384 bytes are allowed");
}

#[test]
fn state_grows_at_most_64_deep() {
    let deep = |levels: usize| json!([{"path": format!("state{}", ".a".repeat(levels)), "value": {}}]);
    assert!(apply(None, &changes(deep(63)), &Limits::default()).is_ok());
    let error = apply(None, &changes(deep(64)), &Limits::default()).unwrap_err();
    assert_eq!(error.reason(), "TooDeep");
}

#[test]
fn a_state_write_over_256_kib_is_refused() {
    let spec = json!({"contextRef": {"name": "c"}, "changes": [{"path": "state.a", "value": "x".repeat(256 * 1024)}]});
    let error = ChangeSet::from_state_write(&serde_json::from_value(spec).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "make changes of 262175 bytes: at most 262144 bytes are allowed in one state write");
}

#[test]
fn a_schema_that_is_broken_takes_the_whole_set_back() {
    let state = json!({"a": 1});
    let set = ChangeSet { changes: changes(json!([{"path": "state.a", "value": "x"}])), ..ChangeSet::default() };
    let mut draft = Draft::new(state.as_object());
    let error = draft.apply_checked(&set, |new| Err(format!("a is {}", new["a"]))).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.reason()),
        ("keep state within its schema: a is \"x\"", "SchemaViolated")
    );
    assert_eq!(draft.state(), state.as_object());
    assert!(draft.finish().1.is_empty());
}

#[test]
fn values_of_an_event_can_open_new_roots() {
    let mut root = json!({"state": {"t": "x"}}).as_object().unwrap().clone();
    set_value(&mut root, &Path::parse_any_root("ctx.flag").unwrap(), json!(true)).unwrap();
    set_value(&mut root, &Path::parse_any_root("state.a").unwrap(), json!(1)).unwrap();
    assert!(set_value(&mut root, &Path::parse_any_root("state.t.y").unwrap(), json!(1)).is_err());
    assert!(set_value(&mut root, &Path::parse_any_root("new[0]").unwrap(), json!(1)).is_err());
    assert_eq!(Value::Object(root), json!({"state": {"t": "x", "a": 1}, "ctx": {"flag": true}}));
}

#[test]
fn the_largest_add_takes_no_quadratic_time() {
    let old: Vec<u32> = (0..60_000).collect();
    let new: Vec<u32> = (60_000..85_000).collect();
    let outcome = made(&json!({"l": old}), json!([{"path": "state.l", "op": "Add", "value": new}]));
    assert_eq!(outcome.state["l"].as_array().unwrap().len(), 85_000);
}
