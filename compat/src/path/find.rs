//! What a path finds, in the predecessor's order.

use serde_json::Value;

use super::parse::{Expression, Operator};

/// What `path` finds from `value` on; `root` is what `$` names.
pub(super) fn find<'v>(path: &Expression, value: &'v Value, root: &'v Value) -> Vec<&'v Value> {
    match path {
        Expression::Root => vec![root],
        Expression::Fields(names) => match value {
            Value::Object(map) => names.iter().filter_map(|name| map.get(name)).collect(),
            _ => Vec::new(),
        },
        Expression::Wildcard => children(value),
        Expression::Indexes(indexes) => match value {
            Value::Array(items) => indexes.iter().filter_map(|index| item(items, *index)).collect(),
            _ => Vec::new(),
        },
        Expression::Slice { start, end, step } => match value {
            Value::Array(items) => slice(items, *start, *end, *step),
            _ => Vec::new(),
        },
        Expression::Two(operator, left, right) => {
            let left = find(left, value, root);
            match operator {
                Operator::Child => left.into_iter().flat_map(|value| find(right, value, root)).collect(),
                Operator::Descendants => descendants(left, right, root),
                Operator::Union => left.into_iter().chain(find(right, value, root)).collect(),
                Operator::Where => left.into_iter().filter(|value| !find(right, value, root).is_empty()).collect(),
                Operator::WhereNot => left.into_iter().filter(|value| find(right, value, root).is_empty()).collect(),
            }
        }
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(map) => map.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    }
}

/// What `path` finds from each value and all below it, each before what is below it.
fn descendants<'v>(mut left: Vec<&'v Value>, path: &Expression, root: &'v Value) -> Vec<&'v Value> {
    let mut found = Vec::new();
    // What comes next stands at the end.
    left.reverse();
    while let Some(value) = left.pop() {
        found.extend(find(path, value, root));
        left.extend(children(value).into_iter().rev());
    }
    found
}

/// The item at an index; a negative one counts from the end.
fn item(items: &[Value], index: i64) -> Option<&Value> {
    let from_end = || items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
    items.get(if index < 0 { from_end()? } else { usize::try_from(index).ok()? })
}

/// Python's slice of a list.
fn slice(items: &[Value], start: Option<i64>, end: Option<i64>, step: Option<i64>) -> Vec<&Value> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    // A place before the first or behind the last item becomes the nearest that the direction can begin or end at.
    let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let place = |written: Option<i64>, missing: i64| match written {
        None => missing,
        Some(index) if index < 0 => index.saturating_add(length).max(lowest),
        Some(index) => index.min(highest),
    };
    let (first, last) = if step < 0 { (highest, lowest) } else { (lowest, highest) };
    let (mut index, end) = (place(start, first), place(end, last));
    let mut found = Vec::new();
    while step > 0 && index < end || step < 0 && index > end {
        found.extend(usize::try_from(index).ok().and_then(|index| items.get(index)));
        index = index.saturating_add(step);
    }
    found
}
