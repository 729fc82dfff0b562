//! A state that is being changed, and what must go into the patch for it.
//!
//! The draft keeps, next to the changed state, its *roots*: the places at which it differs from the state as read,
//! none inside another and none inside a list, each written by one operation. The patch is read off the roots at the
//! end, so changes below one new map, or of one list, come together by themselves.
//!
//! A root is *guarded* if what was read there went into the result: a list that was edited, or the absence of a map
//! that is created. The patch tests guarded roots, and whatever a precondition looked at. Everything else is written
//! without looking: the last writer of a path wins, and writers of other paths never collide.

use std::mem;

use cicdcontext_crds::ChangeOperation as Operation;
use json_patch::PatchOperation;
use serde_json::{Map, Value};

use super::{
    ChangeSet, Expected, PlainChange, PlainPrecondition,
    place::{self, Reach},
    refusal::Refusal,
    undo::{Roots, Tests, Undo},
};
use crate::state::{
    limits::{Limits, Measure},
    patch,
    path::{Path, Segment, descend},
};

/// Appended items up to which a patch appends one by one; more of them are written as a whole list.
const APPENDED_ITEMS: usize = 16;
/// Characters of a value in a message.
const SHOWN_CHARACTERS: usize = 80;

/// A state that change sets are applied to one by one, until [`Draft::finish`] gives the patch for all of them.
#[derive(Debug)]
pub struct Draft<'a> {
    /// `spec.state` as read.
    original: Option<&'a Map<String, Value>>,
    /// The state with all changes; null while there is none.
    state: Value,
    /// What the state measures, once a set was accepted.
    measure: Option<Measure>,
    /// The roots, and whether each is guarded.
    roots: Roots,
    /// Places that preconditions looked at, as they were read.
    tests: Tests,
    /// How to take back what the current set did, last thing last.
    undo: Vec<Undo>,
}

impl<'a> Draft<'a> {
    /// Starts from `spec.state` as read; `None` if the object has none.
    pub fn new(state: Option<&'a Map<String, Value>>) -> Self {
        Self {
            original: state,
            state: state.map_or(Value::Null, |map| Value::Object(map.clone())),
            measure: None,
            roots: Roots::new(),
            tests: Tests::new(),
            undo: Vec::new(),
        }
    }

    /// The state with all sets that were accepted so far; `None` as long as there is none.
    pub fn state(&self) -> Option<&Map<String, Value>> {
        self.state.as_object()
    }

    /// The most operations that the patch for what was accepted so far can have.
    ///
    /// Whoever joins many sets stops taking more well before [`patch::MAX_OPERATIONS`]; one set alone, with
    /// [`crate::state::limits::CHANGES`] changes, always fits.
    pub fn most_operations(&self) -> usize {
        self.tests.len() + self.roots.len() * (1 + APPENDED_ITEMS)
    }

    /// Makes one set of changes and gives the paths that it wrote. If it is refused, the draft is as before.
    pub fn apply(&mut self, set: &ChangeSet) -> Result<Vec<String>, Refusal> {
        self.apply_checked(set, |_| Ok(()))
    }

    /// As [`Draft::apply`], but refused also if `check` finds something wrong with the new state, its schema for
    /// instance. `check` is asked only if something was written.
    pub fn apply_checked(
        &mut self,
        set: &ChangeSet,
        check: impl FnOnce(&Value) -> Result<(), String>,
    ) -> Result<Vec<String>, Refusal> {
        self.make(&set.preconditions, &set.changes, &set.limits, check)
    }

    pub(super) fn make(
        &mut self,
        preconditions: &[PlainPrecondition],
        changes: &[PlainChange],
        limits: &Limits,
        check: impl FnOnce(&Value) -> Result<(), String>,
    ) -> Result<Vec<String>, Refusal> {
        self.undo.clear();
        let made = self.attempt(preconditions, changes, limits, check);
        if made.is_err() {
            self.take_back();
        }
        made
    }

    /// The new state, the operations that lead to it, and whether they need the resourceVersion as a guard.
    pub fn finish(self) -> (Map<String, Value>, Vec<PatchOperation>, bool) {
        let mut tested = self.tests.clone();
        let mut edits = Vec::new();
        for (root, guarded) in &self.roots {
            // Also where it comes to what stands there already: another writer may have changed that by now.
            if *guarded {
                tested.insert(root.clone());
            }
            self.write_edits(root, *guarded, &mut edits);
        }
        let mut operations = Vec::with_capacity(tested.len() + edits.len());
        let mut needs_resource_version = false;
        let mut last: Option<&Vec<Segment>> = None;
        for place in &tested {
            // The set is sorted: whatever lies inside a place that is tested already follows it directly.
            if last.is_some_and(|last| place.starts_with(last)) {
                continue;
            }
            last = Some(place);
            let value = self.tested(place);
            if patch::holds_untestable_null(&value) {
                needs_resource_version = true;
            } else {
                operations.push(patch::test(patch::state_pointer(place), value));
            }
        }
        operations.append(&mut edits);
        let state = match self.state {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        (state, operations, needs_resource_version)
    }

    fn write_edits(&self, root: &[Segment], guarded: bool, edits: &mut Vec<PatchOperation>) {
        let pointer = || patch::state_pointer(root);
        match (descend(&self.state, root), self.as_read(root)) {
            // Made and removed again: what another writer put there meanwhile goes, too.
            (None, None) => edits.extend([patch::add(pointer(), Value::Null), patch::remove(pointer())]),
            (None, Some(_)) => edits.push(patch::remove(pointer())),
            (Some(new), Some(old)) if guarded && new == old => {}
            (Some(Value::Array(new)), Some(Value::Array(old)))
                if guarded && new.len() - old.len().min(new.len()) <= APPENDED_ITEMS && new.starts_with(old) =>
            {
                let appended = new.iter().skip(old.len());
                edits.extend(appended.map(|item| {
                    let mut end = pointer();
                    end.push_back("-");
                    patch::add(end, item.clone())
                }));
            }
            (Some(new), _) => edits.push(patch::add(pointer(), new.clone())),
        }
    }

    /// The value at a place in the state as read. The state itself is none of its own values.
    fn as_read(&self, place: &[Segment]) -> Option<&'a Value> {
        let (first, rest) = place.split_first()?;
        match first {
            Segment::Key(key) => descend(self.original?.get(key)?, rest),
            Segment::Index(_) => None,
        }
    }

    /// The value that a test of a place expects.
    fn tested(&self, place: &[Segment]) -> Value {
        match (self.original, place) {
            (Some(state), []) => Value::Object(state.clone()),
            _ => self.as_read(place).cloned().unwrap_or(Value::Null),
        }
    }

    fn attempt(
        &mut self,
        preconditions: &[PlainPrecondition],
        changes: &[PlainChange],
        limits: &Limits,
        check: impl FnOnce(&Value) -> Result<(), String>,
    ) -> Result<Vec<String>, Refusal> {
        for precondition in preconditions {
            self.require(precondition)?;
        }
        let mut paths: Vec<String> = Vec::new();
        for change in changes {
            if self.change(change, limits)? {
                let path = change.path.to_string();
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        if !paths.is_empty() {
            let after = Measure::of(&self.state);
            // What the state measured before matters only if it is over a limit now: mostly nobody has to look.
            if limits.allow(Measure::default(), after).is_err() {
                let before = self.measure.unwrap_or_else(|| Measure::of_state(self.original));
                limits.allow(before, after)?;
            }
            check(&self.state).map_err(Refusal::Schema)?;
            self.measure = Some(after);
        }
        Ok(paths)
    }

    fn require(&mut self, precondition: &PlainPrecondition) -> Result<(), Refusal> {
        let path = &precondition.path;
        if !path.is_state() {
            return Err(Refusal::OtherRoot { path: path.to_string() });
        }
        let found = path.get(&self.state).filter(|value| !(path.segments().is_empty() && value.is_null()));
        let (holds, expected) = match &precondition.expected {
            Expected::Equals(value) => (found.is_some_and(|found| place::same(found, value)), shown(value)),
            Expected::Exists(true) => (found.is_some(), "a value".to_owned()),
            Expected::Exists(false) => (found.is_none(), "nothing".to_owned()),
        };
        if !holds {
            let found = found.map_or_else(|| "nothing".to_owned(), shown);
            return Err(Refusal::PreconditionFailed { path: path.to_string(), expected, found });
        }
        let decisive = place::decisive(&self.state, path.segments());
        let place = path.segments().get(..decisive).unwrap_or_default().to_vec();
        match self.root_over(&place) {
            // What the precondition saw was written by this very draft. It stands as long as what that was made of does.
            Some((_, false)) => {}
            Some((root, true)) => self.remember_test(root),
            None => self.remember_test(place),
        }
        Ok(())
    }

    /// Makes one change and tells whether it wrote anything.
    fn change(&mut self, change: &PlainChange, limits: &Limits) -> Result<bool, Refusal> {
        let PlainChange { path, op, .. } = change;
        if !path.is_state() {
            return Err(Refusal::OtherRoot { path: path.to_string() });
        }
        if path.segments().is_empty() {
            return Err(Refusal::WholeState);
        }
        let not_taken = |field| Refusal::NotTaken { path: path.to_string(), op: *op, field };
        let takes_value = !matches!(op, Operation::Unset | Operation::Clear);
        if change.split.is_some() && !matches!(op, Operation::Append | Operation::Add) {
            return Err(not_taken("split"));
        }
        if let (false, Some(_)) = (takes_value, &change.value) {
            return Err(not_taken("value"));
        }
        if let Some(value) = &change.value {
            limits.allow_value(&path.to_string(), value)?;
        }
        match (op, &change.value) {
            (Operation::Set, Some(value)) => self.set(path, value.clone()),
            (Operation::Append | Operation::Add, Some(value)) => {
                self.extend(path, *op, place::items(value, change.split.as_deref()))
            }
            (Operation::Unset, _) => self.unset(path),
            (Operation::Clear, _) => self.clear(path),
            (Operation::Set | Operation::Append | Operation::Add, None) => {
                Err(Refusal::NoValue { path: path.to_string(), op: *op })
            }
        }
    }

    fn set(&mut self, path: &Path, value: Value) -> Result<bool, Refusal> {
        let place = place::locate(&self.state, path)?;
        let (root, guarded) = match (place.list, place.reach) {
            (Some(list), _) => (list, true),
            (None, Reach::Absent(depth)) if depth < path.segments().len() => (depth, true),
            (None, _) => (path.segments().len(), false),
        };
        self.write(path, place.reach, root, guarded, value);
        Ok(true)
    }

    fn extend(&mut self, path: &Path, op: Operation, items: Vec<Value>) -> Result<bool, Refusal> {
        let place = place::locate(&self.state, path)?;
        let list = match (place.reach, place::find(&mut self.state, path.segments())) {
            (Reach::Whole, Some(Value::Array(list))) => list,
            (Reach::Whole, Some(other)) if !other.is_null() => {
                return Err(Refusal::NotAList { path: path.to_string(), op, found: place::kind(other) });
            }
            _ => {
                let mut list = Vec::new();
                place::push(&mut list, op, items);
                self.create(path, place, Value::Array(list));
                return Ok(true);
            }
        };
        let before = list.len();
        place::push(list, op, items);
        if list.len() == before {
            return Ok(false);
        }
        self.undo.push(Undo::Truncate(path.segments().to_vec(), before));
        self.remember_root(first(path, place.list.unwrap_or(path.segments().len())), true);
        Ok(true)
    }

    fn unset(&mut self, path: &Path) -> Result<bool, Refusal> {
        let place = match place::locate(&self.state, path) {
            Ok(place) if place.reach == Reach::Whole => place,
            Ok(_) | Err(Refusal::IndexOfNothing { .. }) => return Ok(false),
            Err(refusal) => return Err(refusal),
        };
        let Some((position, old)) = place::take(&mut self.state, path.segments()) else { return Ok(false) };
        self.undo.push(Undo::PutBack(path.segments().to_vec(), position, old));
        self.remember_root(first(path, place.list.unwrap_or(path.segments().len())), place.list.is_some());
        Ok(true)
    }

    fn clear(&mut self, path: &Path) -> Result<bool, Refusal> {
        let place = place::locate(&self.state, path)?;
        let whole = path.segments().len();
        match (place.reach, path.get(&self.state)) {
            (Reach::Whole, Some(Value::Object(_))) => {
                let root = place.list.unwrap_or(whole);
                self.write(path, place.reach, root, place.list.is_some(), Value::Object(Map::new()));
            }
            (Reach::Whole, Some(Value::Array(_))) => {
                self.write(path, place.reach, place.list.unwrap_or(whole), true, Value::Array(Vec::new()));
            }
            (Reach::Whole, Some(other)) if !other.is_null() => {
                return Err(Refusal::NotClearable { path: path.to_string(), found: place::kind(other) });
            }
            _ => self.create(path, place, Value::Array(Vec::new())),
        }
        Ok(true)
    }

    /// Creates a list where nothing, or null, stands.
    fn create(&mut self, path: &Path, place: place::Place, value: Value) {
        let absent = match place.reach {
            Reach::Whole => path.segments().len(),
            Reach::Absent(depth) => depth,
        };
        self.write(path, place.reach, place.list.unwrap_or(absent), true, value);
    }

    fn write(&mut self, path: &Path, reach: Reach, root: usize, guarded: bool, value: Value) {
        let undone = match reach {
            Reach::Whole => path.segments().to_vec(),
            Reach::Absent(depth) => first(path, depth),
        };
        self.undo.push(match place::find(&mut self.state, &undone) {
            Some(old) => Undo::Put(undone, mem::take(old)),
            None => Undo::Remove(undone),
        });
        place::put(&mut self.state, path.segments(), value);
        self.remember_root(first(path, root), guarded);
    }

    /// The root at or above a place.
    fn root_over(&self, place: &[Segment]) -> Option<(Vec<Segment>, bool)> {
        (0..=place.len()).find_map(|count| {
            let (root, guarded) = self.roots.get_key_value(place.get(..count)?)?;
            Some((root.clone(), *guarded))
        })
    }

    fn remember_root(&mut self, root: Vec<Segment>, guarded: bool) {
        match self.root_over(&root) {
            // Written as a whole after all: what was read there no longer matters.
            Some((over, true)) if !guarded && over == root => {
                self.roots.insert(root.clone(), false);
                self.undo.push(Undo::RestoreRoot(root, true));
            }
            Some(_) => {}
            None => {
                let inside = self.roots.range(root.clone()..).take_while(|(other, _)| other.starts_with(&root));
                for inner in inside.map(|(inner, _)| inner.clone()).collect::<Vec<_>>() {
                    if let Some(guarded) = self.roots.remove(&inner) {
                        self.undo.push(Undo::RestoreRoot(inner, guarded));
                    }
                }
                self.roots.insert(root.clone(), guarded);
                self.undo.push(Undo::ForgetRoot(root));
            }
        }
    }

    fn remember_test(&mut self, place: Vec<Segment>) {
        if self.tests.insert(place.clone()) {
            self.undo.push(Undo::ForgetTest(place));
        }
    }

    fn take_back(&mut self) {
        while let Some(step) = self.undo.pop() {
            step.take_back(&mut self.state, &mut self.roots, &mut self.tests);
        }
    }
}

fn first(path: &Path, count: usize) -> Vec<Segment> {
    path.segments().get(..count).unwrap_or_default().to_vec()
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    let mut cut: String = text.chars().take(SHOWN_CHARACTERS).collect();
    if cut.len() < text.len() {
        cut.push_str("...");
    }
    cut
}
