//! How much work a JSONPath is over given data, told before it is done.

use serde_json::Value;

use super::{
    MAX_FOUND_BYTES, MAX_STEPS,
    shape::{Prefix, Shape},
};

/// Bytes of text that count as one value.
const BYTES_PER_STEP: u64 = 32;
/// Bytes that a value takes, roughly.
const VALUE_BYTES: u64 = 32;

/// Checks the path `text` of this shape over `root`; the steps that it may take where they are too many.
///
/// Behind its sure beginning each sign of the path may mean one more look at all values below; each comma in brackets
/// may double them. A `$` in a filter is compared anew for each value.
pub(super) fn check(text: &str, shape: &Shape, root: &Value) -> Result<(), u64> {
    let Some((own, in_filters)) = shape.roots.split_first() else { return Ok(()) };
    let prefix = Prefix::after(text, *own);
    if text[prefix.rest..].is_empty() {
        return Ok(());
    }
    let Some(below) = descend(root, &prefix.segments) else { return Ok(()) };
    let each: u64 = in_filters
        .iter()
        .filter_map(|at| descend(root, &Prefix::after(text, *at).segments))
        .map(|compared| weigh([compared], MAX_STEPS).steps)
        .sum();
    let each = each.saturating_add(shape.signs as u64) << shape.commas.min(16);
    let steps = weigh([below], MAX_STEPS).steps.saturating_mul(each);
    if steps > MAX_STEPS { Err(steps) } else { Ok(()) }
}

/// Whether all that was found together is small enough to be copied.
pub(super) fn fits(found: &[&Value]) -> bool {
    weigh(found.iter().copied(), MAX_FOUND_BYTES / VALUE_BYTES).bytes <= MAX_FOUND_BYTES
}

fn descend<'v>(root: &'v Value, segments: &[String]) -> Option<&'v Value> {
    segments.iter().try_fold(root, |value, segment| match value {
        Value::Object(map) => map.get(segment),
        Value::Array(list) => list.get(segment.parse::<usize>().ok()?),
        _ => None,
    })
}

struct Weight {
    steps: u64,
    bytes: u64,
}

/// Weighs values with all that is below them, until there are more than `enough` of them.
fn weigh<'v>(values: impl IntoIterator<Item = &'v Value>, enough: u64) -> Weight {
    let mut weight = Weight { steps: 0, bytes: 0 };
    let mut waiting = Vec::new();
    for value in values {
        waiting.push(value);
        while let Some(value) = waiting.pop() {
            let text = match value {
                Value::String(text) => text.len() as u64,
                Value::Array(list) => {
                    waiting.extend(list);
                    0
                }
                Value::Object(map) => {
                    waiting.extend(map.values());
                    map.keys().map(|key| key.len() as u64).sum()
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            };
            weight.steps += 1 + text / BYTES_PER_STEP;
            weight.bytes += VALUE_BYTES + text;
            if weight.steps > enough {
                return weight;
            }
        }
    }
    weight
}
