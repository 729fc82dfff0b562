//! `pprint`: a value over as many lines as it takes to stay within 80 columns, as Python's module of that name does.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::sorting;
use super::super::value::{Map, Value};
use super::Outcome;
use super::character::{is_space, length, lines_with_ends};

const WIDTH: usize = 80;

pub(super) fn pprint<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("pprint", [], 0)?;
    let mut pretty = GrowingText::default();
    format(machine, &mut pretty, &value, Place { indent: 0, allowance: 0, level: 0 })?;
    Ok(Value::text(pretty.finish()))
}

/// Where a value is written: behind how many columns, before how many, and within how many others.
#[derive(Clone, Copy)]
struct Place {
    indent: usize,
    allowance: usize,
    level: usize,
}

impl Place {
    /// Columns that are left; negative ones make every text too long.
    fn width(self) -> Option<usize> {
        WIDTH.checked_sub(self.indent + self.allowance)
    }
}

fn format<'a>(machine: &mut Machine<'a, '_>, to: &mut GrowingText, value: &Value<'a>, at: Place) -> Result<(), Fault> {
    let flat = flat(machine, value)?;
    if at.width().is_some_and(|width| length(&flat) <= width) {
        return to.push(machine, &flat);
    }
    match value {
        Value::Text(text) if !text.markup && !text.is_empty() => format_text(machine, to, text, at),
        Value::List(_) | Value::Tuple(_) | Value::Map(_) => {
            if !machine.open(value)? {
                return to.push(machine, &flat);
            }
            let inner = Place { level: at.level + 1, ..at };
            match value {
                Value::Map(map) => format_map(machine, to, map, inner)?,
                Value::Tuple(_) => format_items(machine, to, value, inner, ["(", ",", ")"])?,
                _ => format_items(machine, to, value, inner, ["[", "", "]"])?,
            }
            machine.close();
            Ok(())
        }
        _ => to.push(machine, &flat),
    }
}

fn line_break(machine: &mut Machine<'_, '_>, to: &mut GrowingText, indent: usize) -> Result<(), Fault> {
    to.push(machine, "\n")?;
    to.repeat(machine, ' ', indent)
}

/// `signs` are what opens, what follows the only item, and what closes.
fn format_items<'a>(
    machine: &mut Machine<'a, '_>,
    to: &mut GrowingText,
    value: &Value<'a>,
    at: Place,
    [open, only, close]: [&str; 3],
) -> Result<(), Fault> {
    let items = machine.iterate(value)?;
    let only = if items.len() == 1 { only } else { "" };
    to.push(machine, open)?;
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            to.push(machine, ",")?;
            line_break(machine, to, at.indent + 1)?;
        }
        let allowance = if number + 1 == items.len() { at.allowance + only.len() + 1 } else { 1 };
        format(machine, to, item, Place { indent: at.indent + 1, allowance, ..at })?;
    }
    to.push(machine, only)?;
    to.push(machine, close)
}

fn format_map<'a>(machine: &mut Machine<'a, '_>, to: &mut GrowingText, map: &Map<'a>, at: Place) -> Result<(), Fault> {
    let entries = sorted(machine, map)?;
    to.push(machine, "{")?;
    for (number, (key, value)) in entries.iter().enumerate() {
        if number > 0 {
            to.push(machine, ",")?;
            line_break(machine, to, at.indent + 1)?;
        }
        let key = flat(machine, key)?;
        to.push(machine, &key)?;
        to.push(machine, ": ")?;
        let allowance = if number + 1 == entries.len() { at.allowance + 1 } else { 1 };
        format(machine, to, value, Place { indent: at.indent + 1 + length(&key) + 2, allowance, ..at })?;
    }
    to.push(machine, "}")
}

/// A text over several lines: one for each of its own, and more where its words do not fit.
fn format_text<'a>(machine: &mut Machine<'a, '_>, to: &mut GrowingText, text: &str, at: Place) -> Result<(), Fault> {
    let top = usize::from(at.level == 0);
    let (indent, allowance) = (at.indent + top, at.allowance + top);
    let room = |machine: &mut Machine<'a, '_>, piece: &str, last: bool| {
        let quoted = machine.representation(&Value::text(piece))?;
        let width = WIDTH.checked_sub(indent + if last { allowance } else { 0 });
        Ok::<_, Fault>((width.is_some_and(|width| length(&quoted) <= width), quoted))
    };
    let mut chunks = Vec::new();
    let lines = lines_with_ends(text);
    for (number, (_, line)) in lines.iter().enumerate() {
        let last_line = number + 1 == lines.len();
        let (fits, quoted) = room(machine, line, last_line)?;
        if fits {
            chunks.push(quoted);
            continue;
        }
        let mut current = String::new();
        let mut rest = *line;
        while !rest.is_empty() {
            let word = rest.find(is_space).unwrap_or(rest.len());
            let end = rest[word..].find(|character| !is_space(character)).map_or(rest.len(), |end| word + end);
            let (part, behind) = rest.split_at(end);
            let candidate = format!("{current}{part}");
            if room(machine, &candidate, last_line && behind.is_empty())?.0 {
                current = candidate;
            } else {
                if !current.is_empty() {
                    chunks.push(machine.representation(&Value::text(&*current))?);
                }
                part.clone_into(&mut current);
            }
            rest = behind;
        }
        if !current.is_empty() {
            chunks.push(machine.representation(&Value::text(&*current))?);
        }
    }
    let brackets = top == 1 && chunks.len() > 1;
    if brackets {
        to.push(machine, "(")?;
    }
    for (number, chunk) in chunks.iter().enumerate() {
        if number > 0 {
            line_break(machine, to, indent)?;
        }
        to.push(machine, chunk)?;
    }
    if brackets { to.push(machine, ")") } else { Ok(()) }
}

/// The value on one line, as `repr` has it but with sorted keys.
fn flat<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<String, Fault> {
    if !matches!(value, Value::List(_) | Value::Tuple(_) | Value::Map(_)) {
        return machine.representation(value);
    }
    if machine.length(value)? == 0 {
        return machine.representation(value);
    }
    if !machine.open(value)? {
        return Ok(format!("<Recursion on {}>", value.type_name()));
    }
    let mut text = GrowingText::default();
    let [open, close] = match value {
        Value::Map(_) => ["{", "}"],
        Value::Tuple(_) => ["(", ")"],
        _ => ["[", "]"],
    };
    text.push(machine, open)?;
    if let Value::Map(map) = value {
        for (number, (key, value)) in sorted(machine, map)?.iter().enumerate() {
            text.push(machine, if number > 0 { ", " } else { "" })?;
            let key = flat(machine, key)?;
            text.push(machine, &key)?;
            text.push(machine, ": ")?;
            let value = flat(machine, value)?;
            text.push(machine, &value)?;
        }
    } else {
        let items = machine.iterate(value)?;
        for (number, item) in items.iter().enumerate() {
            text.push(machine, if number > 0 { ", " } else { "" })?;
            let item = flat(machine, item)?;
            text.push(machine, &item)?;
        }
        if items.len() == 1 && close == ")" {
            text.push(machine, ",")?;
        }
    }
    text.push(machine, close)?;
    machine.close();
    Ok(text.finish())
}

/// The entries of a map in the order of their keys; kinds that cannot be compared in that of their names.
fn sorted<'a>(machine: &mut Machine<'a, '_>, map: &Map<'a>) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
    machine.burn(machine.entry_count(map))?;
    let entries = machine.entries(map);
    sorting::sort(machine, entries, |machine, (left, _), (right, _)| {
        let less = match machine.less(left, right) {
            Err(Fault::Problem(_)) => left.type_name() < right.type_name(),
            less => less?,
        };
        Ok(if less { std::cmp::Ordering::Less } else { std::cmp::Ordering::Equal })
    })
}
