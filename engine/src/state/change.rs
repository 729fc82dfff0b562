//! The one form of change: ordered changes of a state, all or nothing, and the JSON patch that makes them.
//!
//! It knows plain values only. Whoever has templates, JSONPaths or responses renders them first.

mod draft;
pub(crate) mod place;
mod refusal;
mod undo;

use cicdcontext_crds::{ChangeOperation, CicdStateWriteSpec, Precondition, ValueChange};
use json_patch::PatchOperation;
use serde_json::{Map, Value};

pub use draft::Draft;
pub use refusal::Refusal;

use super::{
    limits::{self, Limits},
    path::Path,
};

/// One change whose path and value are final.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainChange {
    /// Where to write.
    pub path: Path,
    /// What to do there.
    pub op: ChangeOperation,
    /// What to write; Set, Append and Add need one, Unset and Clear must have none.
    pub value: Option<Value>,
    /// Append and Add only: separator at which a text is split into items. Items are neither trimmed nor dropped.
    pub split: Option<String>,
}

impl PlainChange {
    /// A Set of `value` at `path`.
    pub fn set(path: Path, value: Value) -> Self {
        Self { path, op: ChangeOperation::Set, value: Some(value), split: None }
    }

    /// Reads the path of a change that events and state writes carry.
    pub fn from_value(change: &ValueChange) -> Result<Self, Refusal> {
        Ok(Self {
            path: Path::parse(&change.path)?,
            op: change.op.unwrap_or_default(),
            value: change.value.clone(),
            split: change.split.clone(),
        })
    }
}

/// What must hold before a set of changes is made.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainPrecondition {
    /// Where to look.
    pub path: Path,
    /// What must be there.
    pub expected: Expected,
}

/// What a precondition expects.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// This value. Numbers are equal if they stand for the same number; an absent value equals nothing, not even null.
    Equals(Value),
    /// Any value, null included (`true`), or none (`false`).
    Exists(bool),
}

impl PlainPrecondition {
    /// Reads the path of a precondition and what it expects.
    pub fn from_precondition(precondition: &Precondition) -> Result<Self, Refusal> {
        let path = Path::parse(&precondition.path)?;
        let expected = match (&precondition.equals, precondition.exists) {
            (Some(value), None) => Expected::Equals(value.clone()),
            (None, Some(exists)) => Expected::Exists(exists),
            _ => return Err(Refusal::InvalidPrecondition { path: path.to_string() }),
        };
        Ok(Self { path, expected })
    }
}

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeSet {
    /// What must hold first.
    pub preconditions: Vec<PlainPrecondition>,
    /// The changes, in order; each sees what the ones before it did.
    pub changes: Vec<PlainChange>,
    /// What the state and the values must stay within.
    pub limits: Limits,
}

impl ChangeSet {
    /// The changes of an event's `set`; at most [`limits::CHANGES`].
    pub fn from_values(changes: &[ValueChange]) -> Result<Self, Refusal> {
        if changes.len() > limits::CHANGES {
            return Err(Refusal::TooManyChanges { actual: changes.len() });
        }
        let changes = changes.iter().map(PlainChange::from_value).collect::<Result<_, _>>()?;
        Ok(Self { changes, ..Self::default() })
    }

    /// The changes and preconditions of a state write; at most [`limits::CHANGES`] and [`limits::PRECONDITIONS`], and
    /// [`limits::STATE_WRITE_BYTES`] in all.
    pub fn from_state_write(write: &CicdStateWriteSpec) -> Result<Self, Refusal> {
        let preconditions = write.preconditions.as_ref().map_or(0, Vec::len);
        if preconditions > limits::PRECONDITIONS {
            return Err(Refusal::TooManyPreconditions { actual: preconditions });
        }
        let actual = limits::size(&write.changes) + write.preconditions.as_ref().map_or(0, limits::size);
        if actual > limits::STATE_WRITE_BYTES {
            return Err(Refusal::WriteTooLarge { actual });
        }
        let preconditions = write.preconditions.iter().flatten();
        Ok(Self {
            preconditions: preconditions.map(PlainPrecondition::from_precondition).collect::<Result<_, _>>()?,
            ..Self::from_values(&write.changes)?
        })
    }
}

/// What became of changes that were made.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The new state.
    pub state: Map<String, Value>,
    /// Paths that were written, each once, in order. An Unset of nothing and an Add of nothing new write nothing.
    pub paths: Vec<String>,
    /// The operations that turn the CicdContext that was read into one with the new state: tests first. Send it with
    /// [`super::patch::body`].
    pub patch: Vec<PatchOperation>,
    /// The patch alone does not guard everything: [`super::patch::test_resource_version`] must go before it. Only
    /// so if a list with a `null` in it was read.
    pub needs_resource_version: bool,
}

/// What became of several change sets that go into one patch.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The new state, with all sets that were accepted.
    pub state: Map<String, Value>,
    /// As [`Outcome::patch`], for all sets that were accepted.
    pub patch: Vec<PatchOperation>,
    /// As [`Outcome::needs_resource_version`].
    pub needs_resource_version: bool,
    /// For each set, in order, the paths that it wrote or why it was refused.
    pub results: Vec<Result<Vec<String>, Refusal>>,
}

/// Makes changes in order, all or none. `state` is `spec.state` as read, `None` if the object has none.
pub fn apply(state: Option<&Map<String, Value>>, changes: &[PlainChange], limits: &Limits) -> Result<Outcome, Refusal> {
    let mut draft = Draft::new(state);
    let paths = draft.make(&[], changes, limits, |_| Ok(()))?;
    let (state, patch, needs_resource_version) = draft.finish();
    Ok(Outcome { state, paths, patch, needs_resource_version })
}

/// Makes independent change sets one after the other; one that is refused leaves no trace and harms no other.
///
/// To check each result against a schema as well, or to stop before a patch grows too large, drive a [`Draft`].
pub fn apply_all(state: Option<&Map<String, Value>>, sets: &[ChangeSet]) -> Group {
    let mut draft = Draft::new(state);
    let results = sets.iter().map(|set| draft.apply(set)).collect();
    let (state, patch, needs_resource_version) = draft.finish();
    Group { state, patch, needs_resource_version, results }
}

/// Writes `value` at a path of any root, where `root` holds the values of all first names; missing maps are created.
///
/// This is how an event's `vars` reach the values that its templates see; there is no patch and no limit.
pub fn set_value(root: &mut Map<String, Value>, path: &Path, value: Value) -> Result<(), Refusal> {
    let mut absent = Value::Null;
    let slot = root.get_mut(path.root());
    let is_new = slot.is_none();
    let slot = slot.unwrap_or(&mut absent);
    place::locate(slot, path)?;
    place::put(slot, path.segments(), value);
    if is_new {
        root.insert(path.root().to_owned(), absent);
    }
    Ok(())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
