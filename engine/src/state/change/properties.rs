//! What holds for every state and every change.

use std::collections::BTreeMap;

use json_patch::PatchOperation;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::state::path::Segment;

fn key() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[abc]", 1 => Just("a/b~1".to_owned()), 1 => Just("k.'".to_owned())]
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..3i64).prop_map(Value::from),
        "[xy<&]{0,2}".prop_map(Value::from)
    ];
    scalar.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|map: BTreeMap<_, _>| map.into_iter().collect::<Value>()),
        ]
    })
}

fn state() -> impl Strategy<Value = Option<Map<String, Value>>> {
    let map = prop::collection::btree_map(key(), value(), 0..4).prop_map(|map| map.into_iter().collect::<Map<_, _>>());
    prop::option::weighted(0.9, map)
}

fn path() -> impl Strategy<Value = Path> {
    let segment = prop_oneof![3 => key().prop_map(Segment::Key), 1 => (0..3usize).prop_map(Segment::Index)];
    (key(), prop::collection::vec(segment, 0..3)).prop_map(|(first, rest)| {
        let text: String =
            std::iter::once(Segment::Key(first)).chain(rest).map(|segment| segment.to_string()).collect();
        Path::parse(&format!("state{text}")).unwrap()
    })
}

fn change() -> impl Strategy<Value = PlainChange> {
    use ChangeOperation::{Add, Append, Clear, Set, Unset};
    change_of(vec![Set, Set, Append, Add, Unset, Clear])
}

fn change_of(operations: Vec<ChangeOperation>) -> impl Strategy<Value = PlainChange> {
    (path(), prop::sample::select(operations), value()).prop_map(|(path, op, value)| {
        let takes_value = !matches!(op, ChangeOperation::Unset | ChangeOperation::Clear);
        PlainChange { path, op, value: takes_value.then_some(value), split: None }
    })
}

fn precondition() -> impl Strategy<Value = PlainPrecondition> {
    let expected = prop_oneof![any::<bool>().prop_map(Expected::Exists), value().prop_map(Expected::Equals)];
    (path(), expected).prop_map(|(path, expected)| PlainPrecondition { path, expected })
}

fn set() -> impl Strategy<Value = ChangeSet> {
    (prop::collection::vec(precondition(), 0..2), prop::collection::vec(change(), 1..5))
        .prop_map(|(preconditions, changes)| ChangeSet { preconditions, changes, limits: Limits::default() })
}

fn object(state: Option<&Map<String, Value>>) -> Value {
    state.map_or_else(|| json!({"spec": {}}), |state| json!({"spec": {"state": state}}))
}

fn state_of(object: &Value) -> Map<String, Value> {
    object.pointer("/spec/state").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Applies a patch as the API server does: `test` with null passes for an absent member of a parent that is there.
fn patched(object: &Value, patch: &[PatchOperation]) -> Result<Value, String> {
    let mut object = object.clone();
    for operation in patch {
        match operation {
            PatchOperation::Test(test) if test.value.is_null() && object.pointer(test.path.as_str()).is_none() => {
                let parent = test.path.parent().map_or("", |parent| parent.as_str());
                if !object.pointer(parent).is_some_and(Value::is_object) {
                    return Err(format!("{operation}: no parent"));
                }
            }
            _ => {
                let one = std::slice::from_ref(operation);
                json_patch::patch(&mut object, one).map_err(|error| format!("{operation}: {error}"))?;
            }
        }
    }
    Ok(object)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn what_is_set_is_got_back(state in state(), path in path(), value in value()) {
        let change = PlainChange::set(path.clone(), value.clone());
        if let Ok(outcome) = apply(state.as_ref(), &[change], &Limits::default()) {
            prop_assert_eq!(path.get_in(&outcome.state), Some(&value));
            prop_assert_eq!(outcome.paths, vec![path.to_string()]);
        }
    }

    #[test]
    fn a_set_that_fails_changes_nothing(state in state(), set in set(), bad in set()) {
        let mut draft = Draft::new(state.as_ref());
        let _ = draft.apply(&set);
        let before = draft.state().cloned();
        let refused = draft.apply_checked(&bad, |_| Err("no".to_owned()));
        // Accepted only if nothing was written, in which case nobody is asked.
        prop_assert!(refused.is_err() || refused == Ok(vec![]));
        prop_assert_eq!(draft.state().cloned(), before);
        let mut alone = Draft::new(state.as_ref());
        let _ = alone.apply(&set);
        if refused.is_err() {
            prop_assert_eq!(draft.finish(), alone.finish());
        }
    }

    #[test]
    fn changes_of_paths_that_do_not_overlap_commute(state in state(), one in change(), two in change()) {
        prop_assume!(!one.path.overlaps(&two.path));
        // Removing an item of a list moves the others.
        let moves = |change: &PlainChange| change.op == ChangeOperation::Unset && matches!(change.path.segments().last(), Some(Segment::Index(_)));
        prop_assume!(!moves(&one) && !moves(&two));
        // Unset of a place in a list that is not there is nothing to do, unless the other one has put a map there.
        let unset = [&one, &two].iter().any(|change| change.op == ChangeOperation::Unset);
        let forth = apply(state.as_ref(), &[one.clone(), two.clone()], &Limits::default());
        let back = apply(state.as_ref(), &[two, one], &Limits::default());
        prop_assert!(unset || forth.is_ok() == back.is_ok());
        if let (Ok(forth), Ok(back)) = (forth, back) {
            prop_assert_eq!(forth.state, back.state);
            // Where nothing is there yet one of them creates the map for both.
            prop_assert_eq!(patched(&object(state.as_ref()), &forth.patch), patched(&object(state.as_ref()), &back.patch));
        }
    }

    #[test]
    fn the_patch_of_a_group_gives_the_new_state(state in state(), sets in prop::collection::vec(set(), 1..4)) {
        let group = apply_all(state.as_ref(), &sets);
        let patched = patched(&object(state.as_ref()), &group.patch);
        prop_assert_eq!(patched.map(|object| state_of(&object)), Ok(group.state.clone()));
        let mut draft = Draft::new(state.as_ref());
        for set in &sets {
            let _ = draft.apply(set);
        }
        prop_assert!(group.patch.len() <= draft.most_operations());
        // The same sets one by one, each with a patch of its own.
        let mut current = state;
        for (set, result) in sets.iter().zip(&group.results) {
            let alone = apply_all(current.as_ref(), std::slice::from_ref(set));
            prop_assert_eq!(alone.results[0].is_ok(), result.is_ok());
            if alone.results[0].as_ref().is_ok_and(|paths| !paths.is_empty()) {
                current = Some(alone.state);
            }
        }
        prop_assert_eq!(current.unwrap_or_default(), group.state);
    }

    #[test]
    fn a_patch_that_still_applies_after_others_wrote_does_what_the_changes_say(
        read in state(), live in state(), keep in any::<u8>(),
        // What adds or removes nothing leaves no trace, and Clear goes by what it saw.
        changes in prop::collection::vec(change_of(vec![ChangeOperation::Set, ChangeOperation::Append]), 1..4),
        same in any::<u8>(), others in prop::option::of(prop::collection::vec(change(), 1..4)),
    ) {
        // Some write what they read there.
        let mut changes = changes;
        for (position, change) in changes.iter_mut().enumerate() {
            let there = read.as_ref().and_then(|read| change.path.get_in(read));
            if let (true, ChangeOperation::Set, Some(there)) = (same & (1 << position) != 0, change.op, there) {
                change.value = Some(there.clone());
            }
        }
        prop_assume!(!changes.iter().any(|change| change.value == Some(json!([]))));
        // Others changed some keys only.
        let live = match (&read, live) {
            (Some(read), Some(mut live)) => {
                for (position, (key, value)) in read.iter().enumerate() {
                    if keep & (1 << (position % 8)) != 0 {
                        live.insert(key.clone(), value.clone());
                    }
                }
                Some(live)
            }
            (_, live) => live,
        };
        // Or they did what we do.
        let live = match others.map(|others| apply(read.as_ref(), &others, &Limits::default())) {
            Some(Ok(outcome)) => Some(outcome.state),
            _ => live,
        };
        let Ok(outcome) = apply(read.as_ref(), &changes, &Limits::default()) else { return Ok(()) };
        prop_assume!(!outcome.needs_resource_version);
        if let (Ok(patched), Ok(expected)) =
            (patched(&object(live.as_ref()), &outcome.patch), apply(live.as_ref(), &changes, &Limits::default()))
        {
            prop_assert_eq!(state_of(&patched), expected.state);
        }
    }
}
