//! Python's `value[start:stop:step]`.

// These are Python's words.
#![allow(clippy::similar_names)]

use num_bigint::Sign;

use super::super::error::Fault;
use super::comparison::undefined;
use super::machine::Machine;
use super::value::{Integer, Text, Value};

/// `value[start:stop:step]`.
pub(super) fn slice<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    [start, stop, step]: [Option<&Value<'a>>; 3],
) -> Result<Value<'a>, Fault> {
    let step = match bound_of(step)? {
        None => 1,
        Some(0) => return Err(Fault::problem("the step of a slice is not 0")),
        Some(step) => step,
    };
    let (start, stop) = (bound_of(start)?, bound_of(stop)?);
    let items = match value {
        Value::Undefined(name) => return Err(undefined(name)),
        Value::Text(text) => return slice_text(machine, text, start, stop, step),
        Value::List(list) => {
            machine.burn(machine.item_count(list))?;
            machine.items(list)
        }
        Value::Tuple(items) => {
            machine.burn(items.len())?;
            items.to_vec()
        }
        Value::Object(object) => {
            let found = object.slice([start, stop, Some(step)]);
            return found.ok_or_else(|| not_cut(value));
        }
        other => return Err(not_cut(other)),
    };
    let chosen = indices(items.len(), start, stop, step).map(|index| items[index].clone()).collect();
    Ok(if matches!(value, Value::Tuple(_)) { Value::tuple(chosen) } else { Value::list(chosen) })
}

fn not_cut(value: &Value<'_>) -> Fault {
    Fault::problem(format!("a {} cannot be cut with `[:]`", value.type_name()))
}

fn slice_text<'a>(
    machine: &mut Machine<'a, '_>,
    text: &Text<'a>,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> Result<Value<'a>, Fault> {
    machine.afford(text.len())?;
    let chosen: String = if text.is_ascii() {
        let bytes = text.as_bytes();
        indices(bytes.len(), start, stop, step).map(|index| char::from(bytes[index])).collect()
    } else {
        machine.burn(text.len() / 4)?;
        let characters: Vec<char> = text.chars().collect();
        indices(characters.len(), start, stop, step).map(|index| characters[index]).collect()
    };
    Ok(if text.markup { Value::markup(chosen) } else { Value::text(chosen) })
}

/// One of the three numbers of a slice; integers of any size count as far as there can be items.
fn bound_of(value: Option<&Value<'_>>) -> Result<Option<i64>, Fault> {
    const FAR: i64 = i64::MAX / 4;
    match value {
        None | Some(Value::None) => Ok(None),
        Some(Value::Integer(Integer::Small(index))) => Ok(Some((*index).clamp(-FAR, FAR))),
        Some(Value::Integer(Integer::Big(index))) => Ok(Some(if index.sign() == Sign::Minus { -FAR } else { FAR })),
        Some(Value::Bool(bool)) => Ok(Some(i64::from(*bool))),
        Some(Value::Undefined(name)) => Err(undefined(name)),
        Some(other) => {
            Err(Fault::problem(format!("the numbers of a slice are integers, but one is a {}", other.type_name())))
        }
    }
}

/// The indices that Python's slice chooses.
pub(super) fn indices(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX / 4);
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let place = |index: i64| if index < 0 { (index + length).max(low) } else { index.min(high) };
    let first = start.map_or(if step > 0 { low } else { high }, place);
    let last = stop.map_or(if step > 0 { high } else { low }, place);
    std::iter::successors(Some(first), move |index| Some(index + step))
        .take_while(move |index| if step > 0 { *index < last } else { *index > last })
        .filter_map(|index| usize::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::indices;

    #[test]
    fn slices_choose_what_python_chooses() {
        let chosen = |start, stop, step| indices(5, start, stop, step).collect::<Vec<_>>();
        assert_eq!(chosen(None, None, 1), [0, 1, 2, 3, 4]);
        assert_eq!(chosen(None, None, -1), [4, 3, 2, 1, 0]);
        assert_eq!(chosen(Some(-2), None, 1), [3, 4]);
        assert_eq!(chosen(Some(1), Some(-1), 2), [1, 3]);
        assert_eq!(chosen(Some(9), Some(-9), -2), [4, 2, 0]);
        assert_eq!(chosen(Some(-9), Some(9), 3), [0, 3]);
        assert_eq!(chosen(Some(3), Some(1), 1), [0; 0]);
    }
}
