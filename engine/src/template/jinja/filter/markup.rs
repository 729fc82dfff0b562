//! Filters for HTML: what is escaped, what is safe, and text without its tags.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::value::{Text, Value};
use super::character::is_space;
use super::{Outcome, entity, flag, text, unfit};

pub(super) fn escape<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("escape", [], 0)?;
    let text = text(machine, &value)?;
    Ok(Value::Text(machine.escaped(&text)?))
}

pub(super) fn forceescape<'a>(
    machine: &mut Machine<'a, '_>,
    value: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [] = arguments.bind("forceescape", [], 0)?;
    let text = text(machine, &value)?;
    Ok(Value::Text(machine.escaped(&Text { markup: false, ..text })?))
}

pub(super) fn safe<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("safe", [], 0)?;
    let text = text(machine, &value)?;
    Ok(Value::Text(Text { markup: true, ..text }))
}

pub(super) fn striptags<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("striptags", [], 0)?;
    let text = text(machine, &value)?;
    machine.afford(text.len())?;
    let mut without = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(start) = rest.find('<') {
        let tag = &rest[start..];
        let end = match tag.strip_prefix("<!--") {
            Some(comment) => comment.find("-->").map(|end| end + "<!---->".len()),
            None => tag.find('>').map(|end| end + 1),
        };
        let Some(end) = end else { break };
        without.push_str(&rest[..start]);
        rest = &tag[end..];
    }
    without.push_str(rest);
    let words: Vec<&str> = without.split(is_space).filter(|word| !word.is_empty()).collect();
    machine.burn(words.len())?;
    Ok(Value::text(entity::unescape(machine, &words.join(" "))?))
}

pub(super) fn xmlattr<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [space] = arguments.bind("xmlattr", ["autospace"], 0)?;
    let Value::Map(map) = &value else {
        return Err(unfit("xmlattr", "value", &value, "a map"));
    };
    machine.burn(machine.length(&value)?)?;
    let mut attributes = GrowingText::default();
    for (key, value) in machine.entries(map) {
        if matches!(value, Value::None | Value::Undefined(_)) {
            continue;
        }
        let Value::Text(key) = &key else {
            return Err(unfit("xmlattr", "key", &key, "a text"));
        };
        if key.contains([' ', '\t', '\n', '\r', '\u{b}', '\u{c}', '/', '>', '=']) {
            return Err(Fault::problem(format!(
                "filter `xmlattr`: {:?} is no name of an attribute; white space, `/`, `>` and `=` must not be in it",
                &**key
            )));
        }
        let value = text(machine, &value)?;
        let (key, value) = (machine.escaped(key)?, machine.escaped(&value)?);
        if !attributes.as_str().is_empty() || flag(machine, space.as_ref(), true) {
            attributes.push(machine, " ")?;
        }
        attributes.push(machine, &key)?;
        attributes.push(machine, "=\"")?;
        attributes.push(machine, &value)?;
        attributes.push(machine, "\"")?;
    }
    Ok(Value::text(attributes.finish()))
}
