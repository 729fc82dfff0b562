//! Filters that write values for other programs: URLs, base64, and the serializers of the predecessor.

use data_encoding::BASE64;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::serial;
use super::super::value::Value;
use super::{Outcome, only_text, text};

/// Percent-encodes as Python's `quote` does; `/` stays unless it is for a query, where a space becomes `+`.
fn quote(machine: &mut Machine<'_, '_>, into: &mut GrowingText, text: &str, query: bool) -> Result<(), Fault> {
    let stays = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~') || (byte == b'/' && !query)
    };
    machine.burn(text.len() / 16)?;
    let changed = text.bytes().filter(|byte| !stays(*byte)).count();
    machine.afford(text.len() + 2 * changed)?;
    let mut quoted = String::with_capacity(text.len() + 2 * changed);
    for byte in text.bytes() {
        match byte {
            b' ' if query => quoted.push('+'),
            byte if stays(byte) => quoted.push(char::from(byte)),
            byte => {
                for digit in [byte >> 4, byte & 15] {
                    quoted.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
                }
                quoted.insert(quoted.len() - 2, '%');
            }
        }
    }
    into.push(machine, &quoted)
}

pub(super) fn urlencode<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("urlencode", [], 0)?;
    let mut encoded = GrowingText::default();
    let pairs = match &value {
        Value::Text(_) | Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => None,
        Value::Map(map) => {
            machine.burn(machine.length(&value)?)?;
            Some(machine.entries(map))
        }
        Value::Object(object) if !object.is_iterator() && object.length(machine).is_none() => None,
        _ => {
            let items = machine.iterate(&value)?;
            Some(items.iter().map(|item| pair(machine, item)).collect::<Result<_, _>>()?)
        }
    };
    let Some(pairs) = pairs else {
        let text = text(machine, &value)?;
        quote(machine, &mut encoded, &text, false)?;
        return Ok(Value::text(encoded.finish()));
    };
    for (number, (key, value)) in pairs.iter().enumerate() {
        if number > 0 {
            encoded.push(machine, "&")?;
        }
        let (key, value) = (text(machine, key)?, text(machine, value)?);
        quote(machine, &mut encoded, &key, true)?;
        encoded.push(machine, "=")?;
        quote(machine, &mut encoded, &value, true)?;
    }
    Ok(Value::text(encoded.finish()))
}

fn pair<'a>(machine: &mut Machine<'a, '_>, item: &Value<'a>) -> Result<(Value<'a>, Value<'a>), Fault> {
    let parts = machine.iterate(item)?;
    let count = parts.len();
    <[_; 2]>::try_from(parts).map(|[key, value]| (key, value)).map_err(|_| {
        Fault::problem(format!("filter `urlencode`: an item has {count} parts, but must be a key and a value"))
    })
}

pub(super) fn to_base64<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("to_base64", [], 0)?;
    let text = only_text("to_base64", value)?;
    machine.afford(BASE64.encode_len(text.len()))?;
    Ok(Value::text(BASE64.encode(text.as_bytes())))
}

/// What comes after a second `=` is lost, as it was in the predecessor.
pub(super) fn kv_comma_pairs_to_json<'a>(
    machine: &mut Machine<'a, '_>,
    value: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [] = arguments.bind("kv_comma_pairs_to_json", [], 0)?;
    let text = only_text("kv_comma_pairs_to_json", value)?;
    machine.afford(text.len())?;
    let pairs = text.split(',').filter_map(|pair| {
        let mut parts = pair.split('=');
        Some((parts.next()?, parts.next()?))
    });
    let pairs: Vec<_> = pairs.collect();
    machine.burn(pairs.len())?;
    let map = Value::map(pairs.into_iter().map(|(key, value)| (Value::text(key), Value::text(value))))?;
    serial::json_dumps(machine, &map, Arguments::default())
}

pub(super) fn json_dumps<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    serial::json_dumps(machine, &value, arguments)
}

pub(super) fn tojson<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    serial::tojson(machine, &value, arguments)
}

pub(super) fn from_json<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    serial::from_json(machine, &value, arguments)
}

pub(super) fn to_nice_yaml<'a>(
    machine: &mut Machine<'a, '_>,
    value: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    serial::to_nice_yaml(machine, &value, arguments)
}
