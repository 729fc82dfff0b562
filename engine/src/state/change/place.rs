//! Places in a JSON value: how far a path leads, and writing and removing there. Knows no limits and no patches.

use std::collections::HashSet;

use cicdcontext_crds::ChangeOperation;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::state::{
    patch::canonical,
    path::{Path, Segment},
};

/// How far a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Something stands at the path itself; it may be null.
    Whole,
    /// Nothing, or a null on the way, stands at the first so many segments, and all before them are maps and lists.
    Absent(usize),
}

/// Where a path leads in a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// How far it leads.
    pub(super) reach: Reach,
    /// The number of segments that lead to the outermost list on the way, if there is one before the path's end.
    pub(super) list: Option<usize>,
}

/// Finds where a change at `path` would be made, or what stands in its way.
pub(super) fn locate(root: &Value, path: &Path) -> Result<Place, Refusal> {
    let mut list = None;
    let mut node = root;
    for (depth, segment) in path.segments().iter().enumerate() {
        if node.is_null() {
            return absent(path, depth, list);
        }
        let next = match (node, segment) {
            (Value::Object(map), Segment::Key(key)) => match map.get(key) {
                None => return absent(path, depth + 1, list),
                some => some,
            },
            (Value::Array(items), Segment::Index(index)) => {
                list = list.or(Some(depth));
                items.get(*index)
            }
            _ => None,
        };
        node = next.ok_or_else(|| obstacle(node, path, depth))?;
    }
    Ok(Place { reach: Reach::Whole, list })
}

/// The number of segments that decide what a path leads to: the path's end, the first absent or null place, or the
/// place that the rest of the path cannot lead through.
pub(super) fn decisive(root: &Value, segments: &[Segment]) -> usize {
    let mut node = root;
    for (depth, segment) in segments.iter().enumerate() {
        node = match (node, segment) {
            (Value::Object(map), Segment::Key(key)) => match map.get(key) {
                Some(value) => value,
                None => return depth + 1,
            },
            (Value::Array(items), Segment::Index(index)) => match items.get(*index) {
                Some(value) => value,
                None => return depth,
            },
            _ => return depth,
        };
    }
    segments.len()
}

/// Writes a value, creating maps where nothing or null stands. [`locate`] has found the way free.
pub(super) fn put(root: &mut Value, segments: &[Segment], value: Value) {
    let mut node = root;
    for segment in segments {
        if node.is_null() {
            *node = Value::Object(Map::new());
        }
        let next = match (node, segment) {
            (Value::Object(map), Segment::Key(key)) => Some(map.entry(key.as_str()).or_insert(Value::Null)),
            (Value::Array(items), Segment::Index(index)) => items.get_mut(*index),
            _ => None,
        };
        match next {
            Some(value) => node = value,
            None => return,
        }
    }
    *node = value;
}

/// The value at `segments`, to be changed.
pub(super) fn find<'v>(root: &'v mut Value, segments: &[Segment]) -> Option<&'v mut Value> {
    segments.iter().try_fold(root, |node, segment| match (node, segment) {
        (Value::Object(map), Segment::Key(key)) => map.get_mut(key),
        (Value::Array(items), Segment::Index(index)) => items.get_mut(*index),
        _ => None,
    })
}

/// Takes out the value at `segments` and tells at which position of its list or map it stood. What comes after it moves
/// up, so that the rest keeps its order.
pub(super) fn take(root: &mut Value, segments: &[Segment]) -> Option<(usize, Value)> {
    let (last, parents) = segments.split_last()?;
    match (find(root, parents)?, last) {
        (Value::Object(map), Segment::Key(key)) => {
            let position = map.keys().position(|other| other == key)?;
            Some((position, map.shift_remove(key)?))
        }
        (Value::Array(items), Segment::Index(index)) if *index < items.len() => Some((*index, items.remove(*index))),
        _ => None,
    }
}

/// Puts back what [`take`] took out.
pub(super) fn put_back(root: &mut Value, segments: &[Segment], position: usize, value: Value) {
    let Some((last, parents)) = segments.split_last() else { return };
    match (find(root, parents), last) {
        (Some(Value::Object(map)), Segment::Key(key)) => {
            map.shift_insert(position.min(map.len()), key.clone(), value);
        }
        (Some(Value::Array(items)), Segment::Index(_)) => items.insert(position.min(items.len()), value),
        _ => {}
    }
}

/// What a value is, in a user's words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Whether two values are the same JSON; `1` and `1.0` are one number, as they are once the API server stored them.
pub(super) fn same(one: &Value, two: &Value) -> bool {
    one == two || canonical(one) == canonical(two)
}

/// What Append and Add add: each item of a list, the pieces of a text that is to be split, or the value itself.
pub(super) fn items(value: &Value, split: Option<&str>) -> Vec<Value> {
    match (value, split) {
        (Value::Array(items), _) => items.clone(),
        (Value::String(text), Some(separator)) if !separator.is_empty() => {
            text.split(separator).map(Value::from).collect()
        }
        _ => vec![value.clone()],
    }
}

/// Adds items to the end of a list; Add leaves out what is there already.
pub(super) fn push(list: &mut Vec<Value>, op: ChangeOperation, items: Vec<Value>) {
    if op == ChangeOperation::Append {
        list.extend(items);
        return;
    }
    // Texts in a set, since comparing each with each takes minutes for the largest lists that fit into a state.
    let mut known: HashSet<Vec<u8>> = list.iter().map(canonical).collect();
    list.extend(items.into_iter().filter(|item| known.insert(canonical(item))));
}

fn absent(path: &Path, depth: usize, list: Option<usize>) -> Result<Place, Refusal> {
    let rest = path.segments().get(depth..).unwrap_or_default();
    if let Some(position) = rest.iter().position(|segment| matches!(segment, Segment::Index(_))) {
        return Err(Refusal::IndexOfNothing {
            path: path.to_string(),
            at: path.shown(depth + position),
            segment: path.segments().get(depth + position).cloned().unwrap_or(Segment::Index(0)),
        });
    }
    Ok(Place { reach: Reach::Absent(depth), list })
}

/// Names what keeps `path` from leading on from `node`, which stands at its first `depth` segments.
fn obstacle(node: &Value, path: &Path, depth: usize) -> Refusal {
    let at = path.shown(depth);
    let segment = path.segments().get(depth).cloned().unwrap_or(Segment::Index(0));
    let path = path.to_string();
    match (node, &segment) {
        (Value::Array(items), Segment::Index(_)) => Refusal::OutOfRange { path, at, length: items.len(), segment },
        (Value::Array(_), Segment::Key(_)) => Refusal::KeyOfList { path, at, segment },
        (Value::Object(_), _) => Refusal::IndexOfMap { path, at, segment },
        _ => Refusal::ThroughScalar { path, at, found: kind(node), segment },
    }
}
