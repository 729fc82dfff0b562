//! `str.format`: replaces `{...}` by values.
//!
//! A field may go into a value, `{a.b[c]}`. Attributes are those that templates have too, and none that begin with `_`.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::method;
use super::super::value::{Integer, Text, Value};
use super::specification;

/// Names of arguments that are looked at for one step.
const NAMES_PER_STEP: usize = 8;

/// Where the values of fields come from.
pub(super) enum Source<'a> {
    Arguments(Arguments<'a>),
    /// Of `format_map`.
    Mapping(Value<'a>),
}

/// `text` with its fields replaced.
pub(super) fn expand<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, source: &Source<'a>) -> Result<String, Fault> {
    let mut expansion = Expansion { source, numbering: Numbering::Open, markup: text.markup };
    expansion.expand(machine, text, 2)
}

fn problem(what: &str) -> Fault {
    Fault::problem(format!("`format` cannot read its text: {what}"))
}

#[derive(Clone, Copy)]
enum Numbering {
    Open,
    /// `{}`: the index of the next.
    Automatic(usize),
    /// `{0}`
    Manual,
}

struct Expansion<'s, 'a> {
    source: &'s Source<'a>,
    numbering: Numbering,
    markup: bool,
}

/// One `{...}`.
struct Field<'t> {
    name: &'t str,
    conversion: Option<char>,
    specification: &'t str,
}

impl<'a> Expansion<'_, 'a> {
    fn expand(&mut self, machine: &mut Machine<'a, '_>, text: &str, depth: usize) -> Result<String, Fault> {
        if depth == 0 {
            return Err(problem("formats within formats of fields go too deep"));
        }
        let mut made = GrowingText::default();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            machine.burn(1)?;
            made.push(machine, &rest[..at])?;
            let bracket = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(bracket) {
                made.push(machine, bracket)?;
                rest = after;
                continue;
            }
            if bracket == "}" {
                return Err(problem("a `}` stands alone; as text it is written `}}`"));
            }
            let (field, after) = read(rest)?;
            rest = after;
            let text = self.field(machine, &field, depth)?;
            made.push(machine, &text)?;
        }
        made.push(machine, rest)?;
        Ok(made.finish())
    }

    fn field(&mut self, machine: &mut Machine<'a, '_>, field: &Field<'_>, depth: usize) -> Result<String, Fault> {
        let value = self.value(machine, field.name)?;
        let value = match field.conversion {
            None => value,
            Some('s') => Value::text(machine.to_text(&value)?),
            Some('r') => Value::text(machine.representation(&value)?),
            Some('a') => Value::text(super::ascii(machine, &value)?),
            Some(other) => return Err(problem(&format!("`!{other}` is none of `!r`, `!s` and `!a`"))),
        };
        let specification = if field.specification.contains('{') {
            self.expand(machine, field.specification, depth - 1)?
        } else {
            field.specification.to_owned()
        };
        if !self.markup {
            return specification::apply(machine, &value, &specification);
        }
        match &value {
            Value::Text(text) if text.markup && specification.is_empty() => machine.to_text(&value),
            Value::Text(text) if text.markup => Err(problem("a safe text in a safe text takes no format")),
            _ => {
                let text = specification::apply(machine, &value, &specification)?;
                super::escaped_text(machine, text)
            }
        }
    }

    /// The value that `name` leads to.
    fn value(&mut self, machine: &mut Machine<'a, '_>, name: &str) -> Result<Value<'a>, Fault> {
        let (first, mut path) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
        // The two languages of formats differ: for a safe text, `{0.real}` does not count as numbered.
        let counts = !self.markup || path.is_empty();
        let mut value = self.first(machine, first, counts)?;
        while !path.is_empty() {
            machine.burn(1)?;
            if let Some(after) = path.strip_prefix('.') {
                let (attribute, rest) = after.split_at(after.find(['.', '[']).unwrap_or(after.len()));
                value = attribute_of(machine, &value, attribute)?;
                path = rest;
            } else if let Some(after) = path.strip_prefix('[') {
                let (key, rest) = after.split_once(']').ok_or_else(|| problem("a `[` is not closed"))?;
                value = item_of(machine, &value, key)?;
                path = rest;
            } else {
                return Err(problem("after a `]`, only `.` or `[` may follow"));
            }
        }
        Ok(value)
    }

    /// The value of the first name; `counts` tells whether it decides on how fields are numbered.
    fn first(&mut self, machine: &mut Machine<'a, '_>, first: &str, counts: bool) -> Result<Value<'a>, Fault> {
        let index = match (first.parse::<usize>(), self.numbering) {
            (Ok(_), Numbering::Automatic(_)) if counts => {
                return Err(problem("numbered fields cannot stand beside fields without numbers"));
            }
            (Ok(index), _) => {
                if counts {
                    self.numbering = Numbering::Manual;
                }
                Some(index)
            }
            (Err(_), Numbering::Manual) if first.is_empty() && counts => {
                return Err(problem("fields without numbers cannot stand beside numbered ones"));
            }
            (Err(_), numbering) if first.is_empty() && counts => {
                let index = if let Numbering::Automatic(index) = numbering { index } else { 0 };
                self.numbering = Numbering::Automatic(index + 1);
                Some(index)
            }
            (Err(_), _) => None,
        };
        let found = match (self.source, index) {
            (Source::Arguments(arguments), Some(index)) => arguments.positional.get(index).cloned(),
            (Source::Arguments(arguments), None) => {
                machine.burn(arguments.named.len() / NAMES_PER_STEP)?;
                arguments.named.iter().find(|(name, _)| name == first).map(|(_, value)| value.clone())
            }
            (Source::Mapping(Value::Map(map)), None) => machine.get(map, &Value::text(first))?,
            (Source::Mapping(_), _) => None,
        };
        found.ok_or_else(|| match index {
            Some(index) => problem(&format!("there is no argument number {index}, counted from 0")),
            None => problem(&format!("there is no argument `{first}`")),
        })
    }
}

/// The field after a `{`, and what follows its `}`.
fn read(text: &str) -> Result<(Field<'_>, &str), Fault> {
    let mut in_key = false;
    let mut end = None;
    for (index, character) in text.char_indices() {
        match character {
            '{' => return Err(problem("a `{` stands in the name of a field; as text it is written `{{`")),
            '[' => in_key = true,
            ']' => in_key = false,
            '}' | ':' | '!' if !in_key => {
                end = Some(index);
                break;
            }
            _ => {}
        }
    }
    let unclosed = || problem("a `{` has no `}`; as text it is written `{{`");
    let (name, mut rest) = text.split_at(end.ok_or_else(unclosed)?);
    let mut conversion = None;
    if let Some(after) = rest.strip_prefix('!') {
        let mut characters = after.chars();
        conversion = characters.next();
        rest = characters.as_str();
        if !rest.starts_with([':', '}']) {
            return Err(problem("after `!` stands one letter and then `:` or `}`"));
        }
    }
    if let Some(after) = rest.strip_prefix('}') {
        return Ok((Field { name, conversion, specification: "" }, after));
    }
    let body = &rest[1..];
    let mut open = 1_usize;
    for (index, character) in body.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Ok((Field { name, conversion, specification: &body[..index] }, &body[index + 1..]));
        }
    }
    Err(unclosed())
}

/// Python's attribute: a method or what an object has, never the key of a map.
fn attribute_of<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, name: &str) -> Result<Value<'a>, Fault> {
    if name.is_empty() {
        return Err(problem("the name of an attribute is missing"));
    }
    let own = match value {
        _ if name.starts_with('_') => None,
        Value::Object(object) => object.attribute(machine, name)?,
        _ => None,
    };
    let found = own.or_else(|| method::find(machine, value, name));
    found.ok_or_else(|| {
        let kind = value.type_name();
        problem(&format!("a {kind} has no attribute `{name}`; a key of a map is written `[{name}]`"))
    })
}

fn item_of<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, key: &str) -> Result<Value<'a>, Fault> {
    if key.is_empty() {
        return Err(problem("the key between `[` and `]` is missing"));
    }
    let digits = key.bytes().all(|byte| byte.is_ascii_digit());
    let index = if digits { key.parse::<i64>().ok() } else { None };
    let key_value = index.map_or_else(|| Value::text(key), |index| Value::Integer(Integer::Small(index)));
    let found = match value {
        Value::Map(map) => machine.get(map, &key_value)?,
        Value::Object(object) => object.item(machine, &key_value)?,
        Value::List(_) | Value::Tuple(_) | Value::Text(_) => {
            let length = i64::try_from(machine.length(value)?).unwrap_or(i64::MAX);
            let inside = index.is_some_and(|index| index < length);
            if inside { Some(machine.item(value, &key_value)?) } else { None }
        }
        _ => None,
    };
    found.ok_or_else(|| problem(&format!("a {} has no item `{key}`", value.type_name())))
}
