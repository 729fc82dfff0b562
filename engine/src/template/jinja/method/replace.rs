//! Methods that put texts together or replace parts of them.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::value::{Integer, Text, Value};
use super::{Made, given, text};

pub(super) fn join<'a>(machine: &mut Machine<'a, '_>, receiver: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let items = given::only("join", arguments, "iterable")?;
    let items = machine.iterate(&items)?;
    let mut made = GrowingText::default();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            made.push(machine, receiver)?;
        }
        let Some(text) = text::taken(machine, receiver, item)? else {
            let found = item.type_name();
            let problem = format!("`join` needs texts, but item {index} is a {found}; the filter `join` takes any");
            return Err(Fault::problem(problem));
        };
        made.push(machine, &text)?;
    }
    Ok(given::like(receiver, made.finish()))
}

pub(super) fn replace<'a>(machine: &mut Machine<'a, '_>, receiver: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [old, new, most] = given::positional("replace", arguments, ["old", "new", "count"], 2)?;
    let (old, new) = (old.unwrap_or(Value::None), new.unwrap_or(Value::None));
    let old = given::text("replace", &old)?;
    let Some(new) = text::taken(machine, receiver, &new)? else {
        return Err(given::wrong("replace", "a text", &new));
    };
    let most = given::optional_integer("replace", most.as_ref())?.unwrap_or(-1);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let count = receiver.matches(&**old).take(most).count();
    let removed = count * old.len();
    machine.burn(count)?;
    machine.afford((receiver.len() - removed).saturating_add(count.saturating_mul(new.len())))?;
    Ok(given::like(receiver, receiver.replacen(&**old, &new, count)))
}

/// A table for `translate`: numbers of characters with what replaces them.
pub(super) fn maketrans<'a>(machine: &mut Machine<'a, '_>, _: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [from, to, without] = given::positional("maketrans", arguments, ["x", "y", "z"], 1)?;
    let from = from.unwrap_or(Value::None);
    let code = |character: char| Value::integer(u32::from(character));
    let Some(to) = to else {
        let Value::Map(map) = &from else {
            return Err(given::wrong("maketrans", "a map, or two texts", &from));
        };
        machine.burn(machine.entry_count(map))?;
        let mut table = Vec::new();
        for (key, value) in machine.entries(map) {
            let key = match &key {
                Value::Text(text) => {
                    let mut characters = text.chars();
                    match (characters.next(), characters.next()) {
                        (Some(character), None) => code(character),
                        _ => return Err(Fault::problem("`maketrans` needs keys of one character")),
                    }
                }
                Value::Integer(_) | Value::Bool(_) => key,
                other => return Err(given::wrong("maketrans", "texts or numbers as keys", other)),
            };
            table.push((key, value));
        }
        return Value::map(table);
    };
    let (from, to) = (given::text("maketrans", &from)?, given::text("maketrans", &to)?);
    if from.chars().count() != to.chars().count() {
        return Err(Fault::problem("`maketrans` needs two texts of the same length"));
    }
    machine.burn(2 * from.len())?;
    let mut table: Vec<_> = from.chars().zip(to.chars()).map(|(from, to)| (code(from), code(to))).collect();
    if let Some(without) = &without {
        let without = given::text("maketrans", without)?;
        machine.burn(without.len())?;
        table.extend(without.chars().map(|character| (code(character), Value::None)));
    }
    Value::map(table)
}

pub(super) fn translate<'a>(machine: &mut Machine<'a, '_>, receiver: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let table = given::only("translate", arguments, "table")?;
    let Value::Map(table) = &table else {
        return Err(given::wrong("translate", "a map, as `maketrans` gives", &table));
    };
    let mut made = GrowingText::default();
    for character in receiver.chars() {
        machine.burn(1)?;
        let key = Value::Integer(Integer::Small(i64::from(u32::from(character))));
        match machine.get(table, &key)? {
            None => made.push_char(machine, character)?,
            Some(Value::None) => {}
            Some(Value::Text(text)) => made.push(machine, &text)?,
            Some(value @ (Value::Integer(_) | Value::Bool(_))) => {
                let code = u32::try_from(given::integer("translate", &value)?).ok().and_then(char::from_u32);
                let Some(character) = code else {
                    return Err(Fault::problem("`translate` found a number in its map that is no character's"));
                };
                made.push_char(machine, character)?;
            }
            Some(other) => return Err(given::wrong("translate", "texts, numbers or none in its map", &other)),
        }
    }
    Ok(given::like(receiver, made.finish()))
}
