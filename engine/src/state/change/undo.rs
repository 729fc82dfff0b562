//! Taking back, step by step, what a refused set did to a draft.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::place;
use crate::state::path::Segment;

/// The places at which a draft differs from what was read, and whether each is guarded.
pub(super) type Roots = BTreeMap<Vec<Segment>, bool>;
/// The places that preconditions looked at.
pub(super) type Tests = BTreeSet<Vec<Segment>>;

/// How one step is taken back. Steps are taken back in reverse, so that each finds what it left.
#[derive(Debug)]
pub(super) enum Undo {
    /// Put a value back where another one stands.
    Put(Vec<Segment>, Value),
    /// Remove a value that was new.
    Remove(Vec<Segment>),
    /// Put a value back into the list or map that it was taken out of, at its position there.
    PutBack(Vec<Segment>, usize, Value),
    /// Cut a list back to its length.
    Truncate(Vec<Segment>, usize),
    /// A root was new.
    ForgetRoot(Vec<Segment>),
    /// A root was removed or changed.
    RestoreRoot(Vec<Segment>, bool),
    /// A test was new.
    ForgetTest(Vec<Segment>),
}

impl Undo {
    /// Takes the step back.
    pub(super) fn take_back(self, state: &mut Value, roots: &mut Roots, tests: &mut Tests) {
        match self {
            Self::Put(place, value) => place::put(state, &place, value),
            Self::Remove(place) => {
                place::take(state, &place);
            }
            Self::PutBack(place, position, value) => place::put_back(state, &place, position, value),
            Self::Truncate(list, length) => {
                if let Some(Value::Array(items)) = place::find(state, &list) {
                    items.truncate(length);
                }
            }
            Self::ForgetRoot(root) => {
                roots.remove(&root);
            }
            Self::RestoreRoot(root, guarded) => {
                roots.insert(root, guarded);
            }
            Self::ForgetTest(place) => {
                tests.remove(&place);
            }
        }
    }
}
