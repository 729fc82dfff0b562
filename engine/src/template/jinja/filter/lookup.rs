//! Filters that choose by name or presence, and the paths of attributes (`attribute='a.b.0'`) of many others.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::{Integer, Str, Text, Value};
use super::{Outcome, flag, given, unfit};

/// Names that Python's maps have as attributes, each a method.
const MAP_METHODS: [&str; 11] =
    ["clear", "copy", "fromkeys", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];

/// Where in an item a filter looks; the item itself if there are no parts. The parts are texts and numbers alone.
#[derive(Clone)]
pub(super) struct Path<'a> {
    parts: Vec<Value<'a>>,
    ignore_case: bool,
}

impl<'a> Path<'a> {
    /// The path that an argument `attribute` holds.
    pub(super) fn of(machine: &mut Machine<'a, '_>, filter: &str, attribute: Option<Value<'a>>) -> Result<Self, Fault> {
        let parts = match attribute {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Text(path)) => parts(machine, filter, &path)?,
            Some(key @ (Value::Bool(_) | Value::Integer(_) | Value::Float(_) | Value::Undefined(_))) => vec![key],
            Some(other) => return Err(unfit(filter, "attribute", &other, "a name, a path like 'a.b' or a number")),
        };
        Ok(Path { parts, ignore_case: false })
    }

    /// The paths that the argument `attribute` of `sort` holds, separated by commas.
    pub(super) fn several(
        machine: &mut Machine<'a, '_>,
        filter: &str,
        attribute: Option<Value<'a>>,
    ) -> Result<Vec<Self>, Fault> {
        match attribute {
            Some(Value::Text(paths)) => {
                machine.afford(paths.len())?;
                let paths = paths.split(',').map(|path| parts(machine, filter, path));
                paths.map(|parts| Ok(Path { parts: parts?, ignore_case: false })).collect()
            }
            attribute => Ok(vec![Path::of(machine, filter, attribute)?]),
        }
    }

    /// Gives texts in lower case if `ignore`.
    pub(super) fn ignoring_case(self, ignore: bool) -> Self {
        Path { ignore_case: ignore, ..self }
    }

    /// What it leads to, `default` where that is undefined.
    pub(super) fn get(
        &self,
        machine: &mut Machine<'a, '_>,
        item: Value<'a>,
        default: Option<&Value<'a>>,
    ) -> Result<Value<'a>, Fault> {
        let mut found = item;
        for part in &self.parts {
            machine.burn(1)?;
            found = machine.item(&found, part)?;
            if let (Value::Undefined(_), Some(default)) = (&found, default) {
                found = default.clone();
            }
        }
        match found {
            Value::Text(text) if self.ignore_case => {
                machine.burn(1)?;
                machine.afford(text.len())?;
                Ok(Value::Text(lower(text)))
            }
            found => Ok(found),
        }
    }
}

/// Most texts are in lower case already and stay shared.
fn lower(text: Text<'_>) -> Text<'_> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return text;
    }
    Text { text: Str::Shared(text.to_lowercase().into()), markup: text.markup }
}

fn parts<'a>(machine: &mut Machine<'a, '_>, filter: &str, path: &str) -> Result<Vec<Value<'a>>, Fault> {
    machine.burn(path.len() / 8)?;
    path.split('.')
        .map(|part| {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Ok(Value::text(part));
            }
            let number =
                part.parse().map_err(|_| Fault::problem(format!("filter `{filter}`: no list has an item {part}")))?;
            Ok(Value::Integer(Integer::Small(number)))
        })
        .collect()
}

pub(super) fn default<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [otherwise, boolean] = arguments.bind("default", ["default_value", "boolean"], 0)?;
    let missing =
        matches!(value, Value::Undefined(_)) || (flag(machine, boolean.as_ref(), false) && !machine.is_true(&value));
    Ok(if missing { otherwise.unwrap_or_else(|| Value::text("")) } else { value })
}

/// Never the key of a map: that is what tells it from `value.name`.
pub(super) fn attr<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [name] = arguments.bind("attr", ["name"], 1)?;
    let name = match given(name) {
        Some(Value::Text(name)) => name,
        name => return Err(unfit("attr", "name", &name.unwrap_or(Value::None), "a text")),
    };
    match &value {
        Value::Map(_) if !MAP_METHODS.contains(&&*name) => Ok(Value::undefined(&name)),
        Value::Object(object) => Ok(object.attribute(machine, &name)?.unwrap_or_else(|| Value::undefined(&name))),
        value => machine.attribute(value, &name),
    }
}
