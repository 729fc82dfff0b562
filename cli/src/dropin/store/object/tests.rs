use proptest::prelude::*;
use serde_json::json;

use super::*;

fn document(value: Value) -> Document {
    Document(serde_json::from_value(value).unwrap())
}

fn operations(old: Value, new: Value) -> Value {
    let (old, new) = (Parts::from(&document(old)), Parts::from(&document(new)));
    serde_json::to_value(old.patch(&new, "7")).unwrap()
}

#[test]
fn state_and_variables_have_their_place_and_everything_else_is_settings() {
    let object = Parts::from(&document(json!({
        "room": "#pilot", "pipelines": {"ship": {}}, "state": {"a": 1}, "variables": {"page": "{{ not rendered }}", "n": 5},
    })))
    .object("Team A/7");
    assert_eq!(object.metadata.annotations.unwrap()["cicdcontext.io/data-id"], "Team A/7");
    assert!(object.metadata.name.unwrap().starts_with("team-a-7-"));
    assert_eq!(
        serde_json::to_value(object.spec).unwrap(),
        json!({
            "settings": {"room": "#pilot", "pipelines": {"ship": {}}, "variables": {"n": 5}},
            "variableValues": {"page": "{{ not rendered }}"}, "state": {"a": 1}, "suspend": true,
        })
    );
}

#[test]
fn only_what_changes_is_written_under_the_condition_that_it_is_as_it_was() {
    let old = json!({"room": "r", "state": {"a": 1, "l": ["x"], "gone": true}, "variables": {"v": "1"}});
    let new = json!({"room": "r", "state": {"a": 1, "l": ["x", "y"], "b": {"c": 2}}, "variables": {"v": "2"}});
    assert_eq!(
        operations(old, new),
        json!([
            {"op": "test", "path": "/spec/state/l", "value": ["x"]},
            {"op": "add", "path": "/spec/state/l", "value": ["x", "y"]},
            {"op": "test", "path": "/spec/state/gone", "value": true},
            {"op": "remove", "path": "/spec/state/gone"},
            {"op": "test", "path": "/spec/state/b", "value": null},
            {"op": "add", "path": "/spec/state/b", "value": {"c": 2}},
            {"op": "test", "path": "/spec/variableValues/v", "value": "1"},
            {"op": "add", "path": "/spec/variableValues/v", "value": "2"},
        ])
    );
    assert_eq!(operations(json!({"a": 1}), json!({"a": 1})), json!([]));
}

#[test]
fn a_list_with_null_is_guarded_by_the_version_of_the_whole() {
    assert_eq!(
        operations(json!({"l": [null]}), json!({"l": [null, 1]})),
        json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "add", "path": "/spec/settings/l", "value": [null, 1]},
        ])
    );
}

#[test]
fn a_run_that_begins_anew_replaces_everything_of_the_same_id() {
    let parts = Parts::from(&document(json!({"room": "r", "state": {"a": 1}})));
    assert_eq!(
        serde_json::to_value(parts.replacement("r/1")).unwrap(),
        json!([
            {"op": "test", "path": "/metadata/annotations/cicdcontext.io~1data-id", "value": "r/1"},
            {"op": "add", "path": "/spec/settings", "value": {"room": "r"}},
            {"op": "add", "path": "/spec/state", "value": {"a": 1}},
            {"op": "add", "path": "/spec/variableValues", "value": {}},
            {"op": "add", "path": "/spec/suspend", "value": true},
        ])
    );
}

#[test]
fn what_the_object_cannot_hold_at_its_place_comes_back_all_the_same() {
    for value in [
        json!({"state": "text", "variables": [1]}),
        json!({"state": {}, "variables": {}}),
        json!({}),
        json!({"variables": {"long": "x".repeat(LONGEST_VALUE + 1), "short": "y"}}),
    ] {
        let original = document(value);
        let spec = Parts::from(&original).object("r").spec;
        assert_eq!(Document::from(Parts::from(spec)), original);
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), "[a-c/~]{0,2}".prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-c/~]{1,2}", inner, 0..3)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_patch_makes_the_new_of_the_old(state in value(), variables in value(), new in value(), other in value()) {
        let old = document(json!({"state": state, "variables": variables, "x": new.clone()}));
        let new = document(json!({"state": new, "variables": other.clone(), "y": other}));
        let (old, new) = (Parts::from(&old), Parts::from(&new));
        let mut object = serde_json::to_value(old.object("r")).unwrap();
        object["metadata"]["resourceVersion"] = json!("7");
        // An absent member passes for null at the API server, which this library does not know.
        let operations: Vec<_> = old
            .patch(&new, "7")
            .into_iter()
            .filter(|operation| !matches!(operation, PatchOperation::Test(test) if test.value.is_null()))
            .collect();
        json_patch::patch(&mut object, &operations).unwrap();
        let spec: CicdContextSpec = serde_json::from_value(object["spec"].clone()).unwrap();
        prop_assert_eq!(Document::from(Parts::from(spec)), Document::from(new));
    }
}
