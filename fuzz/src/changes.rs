//! Changes of a state: the state, a list of changes, a list of preconditions.

use cicdcontext_crds::{CicdStateWriteSpec, Precondition, ValueChange};
use cicdcontext_engine::state::{ChangeSet, Draft, limits, patch};
use json_patch::PatchOperation;
use serde_json::{Map, Value, json};

use super::{bounded, parts};

/// Changes are refused and change nothing, or are made within the limits; then the patch makes the same of the object.
pub fn changes(input: &[u8]) {
    let Some([state, changes, preconditions]) = parts(input) else { return };
    let state: Option<Map<String, Value>> = match state.trim() {
        "" => None,
        text => match serde_json::from_str(text) {
            Ok(state) => Some(state),
            Err(_) => return,
        },
    };
    let Ok(changes) = serde_json::from_str::<Vec<ValueChange>>(changes) else { return };
    let preconditions = serde_json::from_str::<Vec<Precondition>>(preconditions).ok();
    let write = CicdStateWriteSpec { changes, preconditions, ..CicdStateWriteSpec::default() };
    let set = match ChangeSet::from_state_write(&write) {
        Ok(set) => set,
        Err(refusal) => return bounded(&refusal),
    };
    let mut draft = Draft::new(state.as_ref());
    let made = draft.apply(&set);
    if let Err(refusal) = &made {
        bounded(refusal);
        assert_eq!(draft.state(), state.as_ref(), "what is refused changes nothing");
    }
    let (after, operations, _) = draft.finish();
    assert!(operations.len() <= patch::MAX_OPERATIONS);
    let before = state.as_ref().map_or_else(|| json!({"spec": {}}), |state| json!({"spec": {"state": state}}));
    let patched = patched(before, &operations).expect("the patch fits what it was made for");
    let patched = patched.pointer("/spec/state").and_then(Value::as_object).cloned().unwrap_or_default();
    assert_eq!(patched, after, "{operations:?}");
    if made.is_ok_and(|paths| !paths.is_empty()) {
        let shrunk = state.as_ref().is_some_and(|state| limits::size(state) >= limits::size(&after));
        assert!(shrunk || limits::size(&after) <= limits::STATE_BYTES);
    }
    patch::body(&operations).expect("a patch can be sent");
}

/// Applies a patch as the API server does: `test` with null passes for an absent member of a parent that is there.
fn patched(mut object: Value, operations: &[PatchOperation]) -> Result<Value, String> {
    for operation in operations {
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
