//! The predecessor's filters that turn values into JSON and YAML and back.
//!
//! The texts are byte for byte those of Python's `json` and of PyYAML's `dump`. What those would write of Python's own
//! classes (`!!python/object:...`) is an error here, save for tuples, ranges and safe texts.

mod json_reading;
mod json_writing;
#[cfg(test)]
mod tests;
mod yaml;

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::value::{Integer, Value};

/// The filter `json_dumps(indent=None, stripLeadingTrailingQuotes=False)`: JSON in the order of the keys, ASCII alone.
///
/// The flag cuts off the first and the last character, whatever they are.
pub(super) fn json_dumps<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    let [indent, strip] = arguments.bind("json_dumps", ["indent", "stripLeadingTrailingQuotes"], 0)?;
    let indent = indentation(machine, "json_dumps", indent)?;
    let mut text = json_writing::write(machine, "json_dumps", value, indent.as_deref(), false)?;
    if strip.is_some_and(|strip| machine.is_true(&strip)) {
        text.pop();
        if !text.is_empty() {
            text.remove(0);
        }
    }
    Ok(Value::text(text))
}

/// The filter `tojson(indent=None)`: JSON with sorted keys that may stand in HTML, safe for `escape`.
pub(super) fn tojson<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    let [indent] = arguments.bind("tojson", ["indent"], 0)?;
    let indent = indentation(machine, "tojson", indent)?;
    let json = json_writing::write(machine, "tojson", value, indent.as_deref(), true)?;
    let special = json.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&' | b'\'')).count();
    machine.afford(json.len() + 5 * special)?;
    let mut text = String::with_capacity(json.len() + 5 * special);
    for character in json.chars() {
        match character {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\'' => text.push_str("\\u0027"),
            other => text.push(other),
        }
    }
    Ok(Value::markup(text))
}

/// The filter `from_json`: the value of a JSON text, keys in the order of the text.
pub(super) fn from_json<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    let [] = arguments.bind("from_json", [], 0)?;
    match value {
        Value::Text(text) => json_reading::read(machine, text),
        other => Err(Fault::problem(format!("`from_json` needs a text of JSON, but got a {}", other.type_name()))),
    }
}

/// The filter `to_nice_yaml(default_flow_style=False, sort_keys=False, indent=2)`: YAML in blocks; the first argument
/// has no effect, as before.
pub(super) fn to_nice_yaml<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    let [_, sort_keys, indent] = arguments.bind("to_nice_yaml", ["default_flow_style", "sort_keys", "indent"], 0)?;
    let sort_keys = sort_keys.is_some_and(|sort_keys| machine.is_true(&sort_keys));
    let indent = match indent {
        Some(Value::Integer(Integer::Small(indent @ 2..=9))) => usize::try_from(indent).unwrap_or(2),
        None | Some(Value::Integer(_) | Value::Bool(_)) => 2,
        Some(other) if machine.is_true(&other) => {
            let found = other.type_name();
            return Err(Fault::problem(format!("`to_nice_yaml` needs a number as `indent`, but got a {found}")));
        }
        Some(_) => 2,
    };
    yaml::write(machine, value, sort_keys, indent).map(Value::text)
}

/// What stands before each line per level; None: everything in one line.
fn indentation<'a>(
    machine: &mut Machine<'a, '_>,
    filter: &str,
    indent: Option<Value<'a>>,
) -> Result<Option<String>, Fault> {
    match indent {
        None | Some(Value::None) => Ok(None),
        Some(Value::Bool(bool)) => Ok(Some(" ".repeat(usize::from(bool)))),
        Some(Value::Integer(Integer::Small(count))) => {
            let count = usize::try_from(count).unwrap_or(0);
            machine.afford(count)?;
            Ok(Some(" ".repeat(count)))
        }
        Some(Value::Text(text)) => {
            machine.afford(text.len())?;
            Ok(Some(text.to_string()))
        }
        Some(other) => {
            let found = other.type_name();
            Err(Fault::problem(format!("`{filter}` needs a small number or a text as `indent`, but got a {found}")))
        }
    }
}
