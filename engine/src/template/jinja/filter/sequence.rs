//! Filters for what holds items: its ends, its length, its parts, its order.

use sha2::{Digest, Sha256};

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::iterator::{Cursor, Generator, Held, Remaining};
use super::super::machine::Machine;
use super::super::value::Value;
use super::lookup::Path;
use super::number::comparable_count;
use super::{Outcome, count, given, made, text, unfit, whole};

pub(super) fn length<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("length", [], 0)?;
    Ok(Value::integer(machine.length(&value)?))
}

pub(super) fn list<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("list", [], 0)?;
    Ok(Value::list(machine.iterate(&value)?))
}

pub(super) fn first<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("first", [], 0)?;
    let first = match &value {
        Value::Object(object) if object.is_iterator() => object.next(machine)?,
        Value::Text(_) | Value::List(_) | Value::Tuple(_) if machine.length(&value)? > 0 => {
            Some(machine.item(&value, &Value::integer(0))?)
        }
        value => machine.iterate(value)?.into_iter().next(),
    };
    Ok(first.unwrap_or_else(|| Value::undefined("No first item, sequence was empty.")))
}

pub(super) fn last<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("last", [], 0)?;
    let last = match &value {
        Value::Object(object) if object.is_iterator() => {
            return Err(unfit("last", "value", &value, "a list; `|list` makes one"));
        }
        Value::Text(_) | Value::List(_) | Value::Tuple(_) if machine.length(&value)? > 0 => {
            Some(machine.item(&value, &Value::integer(-1))?)
        }
        value => machine.iterate(value)?.pop(),
    };
    Ok(last.unwrap_or_else(|| Value::undefined("No last item, sequence was empty.")))
}

/// A number below `below` that follows from the seed, the template and how often it drew before.
pub(in super::super) fn draw(machine: &mut Machine<'_, '_>, purpose: &str, below: usize) -> Result<usize, Fault> {
    machine.burn(8)?;
    let (template, count) = machine.rendering.draw();
    let mut hash = Sha256::new();
    for part in [purpose, &machine.rendering.seed.text, template] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(count.to_le_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    let drawn = u128::from_le_bytes(bytes) % (below.max(1) as u128);
    Ok(usize::try_from(drawn).unwrap_or_default())
}

pub(super) fn random<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("random", [], 0)?;
    let length = machine.length(&value)?;
    if length == 0 {
        return Ok(Value::undefined("No random item, sequence was empty."));
    }
    let drawn = draw(machine, "jinja random", length)?;
    match machine.item(&value, &Value::integer(drawn))? {
        Value::Undefined(_) => Err(unfit("random", "value", &value, "a list or a text")),
        item => Ok(item),
    }
}

pub(super) fn join<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [separator, attribute] = arguments.bind("join", ["d", "attribute"], 0)?;
    let separator = separator.map(|separator| text(machine, &separator)).transpose()?;
    let path = Path::of(machine, "join", given(attribute))?;
    let mut joined = GrowingText::default();
    for (number, item) in machine.iterate(&value)?.into_iter().enumerate() {
        if number > 0
            && let Some(separator) = &separator
        {
            joined.push(machine, separator)?;
        }
        let item = path.get(machine, item, None)?;
        let item = text(machine, &item)?;
        joined.push(machine, &item)?;
    }
    Ok(Value::text(joined.finish()))
}

pub(super) fn items<'a>(_machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("items", [], 0)?;
    let mut begun = false;
    Generator::over(Held::new(&value, Arguments::default(), Vec::new()), move |machine, held| {
        if !std::mem::replace(&mut begun, true)
            && let Cursor::Waiting(value) = &held.cursor
        {
            let entries = match value {
                Value::Undefined(_) => Vec::new(),
                Value::Map(map) => {
                    machine.burn(machine.entry_count(map))?;
                    machine.entries(map)
                }
                value => return Err(unfit("items", "value", value, "a map")),
            };
            let entries: Vec<_> = entries.into_iter().map(|(key, value)| Value::tuple(vec![key, value])).collect();
            held.cursor = Cursor::Items(entries.into_iter());
        }
        held.cursor.next(machine)
    })
}

pub(super) fn reverse<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("reverse", [], 0)?;
    let name = match &value {
        Value::Text(text) => {
            machine.afford(text.len())?;
            return Ok(made(text.chars().rev().collect(), text.markup));
        }
        Value::List(_) => "list_reverseiterator",
        Value::Map(_) => "dict_reversekeyiterator",
        Value::Object(object) => match object.type_name() {
            "range" => "range_iterator",
            "dict_keys" => "dict_reversekeyiterator",
            "dict_values" => "dict_reversevalueiterator",
            "dict_items" => "dict_reverseitemiterator",
            _ if object.as_tuple().is_some() => "reversed",
            _ => {
                let mut items = machine.iterate(&value)?;
                items.reverse();
                return Ok(Value::list(items));
            }
        },
        _ => "reversed",
    };
    let mut items = machine.iterate(&value)?;
    items.reverse();
    Ok(Remaining::of(name, items))
}

pub(super) fn batch<'a>(_machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [size, fill] = arguments.bind("batch", ["linecount", "fill_with"], 1)?;
    let size = size.unwrap_or(Value::None);
    let full_at = comparable_count(&size).and_then(|size| usize::try_from(size).ok());
    let missing = if given(fill.clone()).is_some() { whole("batch", "linecount", &size) } else { Ok(0) };
    let size = missing.map(count).map_err(|_| size.type_name());
    let filled = given(fill.clone()).is_some();
    let fill = Arguments::positional(fill.into_iter().collect());
    // `values` holds the first item of the next batch.
    Generator::over(Held::new(&value, fill, Vec::new()), move |machine, held| {
        let mut batch = std::mem::take(&mut held.values);
        while let Some(item) = held.cursor.next(machine)? {
            if full_at == Some(batch.len()) {
                held.values.push(item);
                return Ok(Some(Value::list(batch)));
            }
            batch.push(item);
        }
        if batch.is_empty() {
            return Ok(None);
        }
        if let Some(fill) = held.arguments.positional.first().filter(|_| filled) {
            let size = size.map_err(|found| {
                Fault::problem(format!("filter `batch`: its linecount is of type {found}, but must be a whole number"))
            })?;
            let missing = size.saturating_sub(batch.len());
            machine.afford(missing.saturating_mul(size_of::<Value<'_>>()))?;
            batch.extend(std::iter::repeat_n(fill.clone(), missing));
        }
        Ok(Some(Value::list(batch)))
    })
}

pub(super) fn slice<'a>(_machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [slices, fill] = arguments.bind("slice", ["slices", "fill_with"], 1)?;
    let slices = whole("slice", "slices", &slices.unwrap_or(Value::None))?;
    let fill = given(fill).into_iter().collect();
    let mut length = None;
    let mut number = 0;
    Generator::over(Held::new(&value, Arguments::default(), fill), move |machine, held| {
        if slices == 0 {
            return Err(Fault::problem("filter `slice`: its slices are 0, but must be at least 1"));
        }
        let slices = count(slices);
        if let (None, Cursor::Waiting(value)) = (length, &held.cursor) {
            let items = machine.iterate(value)?;
            length = Some(items.len());
            held.cursor = Cursor::Items(items.into_iter());
        }
        let (Some(length), true, Cursor::Items(items)) = (length, number < slices, &mut held.cursor) else {
            return Ok(None);
        };
        let (each, extra) = (length / slices, length % slices);
        let mut slice: Vec<_> = items.take(each + usize::from(number < extra)).collect();
        if number >= extra {
            slice.extend(held.values.first().cloned());
        }
        number += 1;
        Ok(Some(Value::list(slice)))
    })
}
