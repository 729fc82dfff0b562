//! Texts with places for values: Python's `%` and its `str.format`.
//!
//! What a place asks for is paid for before it is made: templates give widths and precisions.

mod braces;
mod digits;
mod percent;
mod specification;
#[cfg(test)]
mod tests;

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::markup;
use super::value::{Text, Value};

/// `text % argument`. A safe text escapes what it is given and stays safe.
pub(super) fn percent<'a>(
    machine: &mut Machine<'a, '_>,
    text: &Text<'a>,
    argument: &Value<'a>,
) -> Result<Value<'a>, Fault> {
    let made = percent::expand(machine, text, argument)?;
    Ok(marked(made, text.markup))
}

/// `text.format(...)`.
pub(super) fn format<'a>(
    machine: &mut Machine<'a, '_>,
    text: &Text<'a>,
    arguments: Arguments<'a>,
) -> Result<Value<'a>, Fault> {
    let made = braces::expand(machine, text, &braces::Source::Arguments(arguments))?;
    Ok(marked(made, text.markup))
}

/// `text.format_map(mapping)`.
pub(super) fn format_map<'a>(
    machine: &mut Machine<'a, '_>,
    text: &Text<'a>,
    mapping: Value<'a>,
) -> Result<Value<'a>, Fault> {
    let made = braces::expand(machine, text, &braces::Source::Mapping(mapping))?;
    Ok(marked(made, text.markup))
}

fn marked<'a>(text: String, markup: bool) -> Value<'a> {
    if markup { Value::markup(text) } else { Value::text(text) }
}

/// What a safe text takes of a value: the text of it, escaped unless it is safe itself.
fn escaped<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<String, Fault> {
    let text = machine.to_text(value)?;
    if matches!(value, Value::Text(text) if text.markup) { Ok(text) } else { escaped_text(machine, text) }
}

fn escaped_text(machine: &mut Machine<'_, '_>, text: String) -> Result<String, Fault> {
    let special = text.matches(['&', '<', '>', '"', '\'']).count();
    if special == 0 {
        return Ok(text);
    }
    machine.afford(text.len() + 4 * special)?;
    Ok(markup::escape(&text))
}

/// Python's `ascii`: the `repr` with everything escaped that is not ASCII.
fn ascii<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<String, Fault> {
    let text = machine.representation(value)?;
    machine.afford(text.chars().map(|character| if character.is_ascii() { 1 } else { 10 }).sum())?;
    let mut made = String::new();
    for character in text.chars() {
        if character.is_ascii() {
            made.push(character);
        } else {
            made.push_str(&escape(character));
        }
    }
    Ok(made)
}

/// A character as Python's escape of it.
pub(super) fn escape(character: char) -> String {
    match u32::from(character) {
        code @ 0..=0xff => format!("\\x{code:02x}"),
        code @ 0x100..=0xffff => format!("\\u{code:04x}"),
        code => format!("\\U{code:08x}"),
    }
}
