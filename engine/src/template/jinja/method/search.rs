//! Methods that look for a text in a text. Indexes count characters.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::{Text, Value};
use super::{Made, given};

const PARAMETERS: [&str; 3] = ["sub", "start", "end"];

/// Where `sub` begins, counted in characters.
fn locate<'a>(method: &str, text: &Text<'a>, arguments: Arguments<'a>, last: bool) -> Result<Option<usize>, Fault> {
    let [sub, start, end] = given::positional(method, arguments, PARAMETERS, 1)?;
    let sub = sub.unwrap_or(Value::None);
    let sub = given::text(method, &sub)?;
    let Some(range) = given::range(method, text, start.as_ref(), end.as_ref())? else {
        return Ok(None);
    };
    let found = if last { range.part.rfind(&**sub) } else { range.part.find(&**sub) };
    Ok(found.map(|byte| range.before + range.part[..byte].chars().count()))
}

pub(super) fn find<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    Ok(position(locate("find", text, arguments, false)?))
}

pub(super) fn rfind<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    Ok(position(locate("rfind", text, arguments, true)?))
}

pub(super) fn index<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    certain("index", locate("index", text, arguments, false)?)
}

pub(super) fn rindex<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    certain("rindex", locate("rindex", text, arguments, true)?)
}

fn position<'a>(found: Option<usize>) -> Value<'a> {
    found.map_or_else(|| Value::integer(-1), Value::integer)
}

fn certain<'a>(method: &str, found: Option<usize>) -> Made<'a> {
    match found {
        Some(index) => Ok(Value::integer(index)),
        None => Err(Fault::problem(format!("`{method}` did not find the text; `find` gives -1 then"))),
    }
}

pub(super) fn count<'a>(_: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [sub, start, end] = given::positional("count", arguments, PARAMETERS, 1)?;
    let sub = sub.unwrap_or(Value::None);
    let sub = given::text("count", &sub)?;
    let range = given::range("count", text, start.as_ref(), end.as_ref())?;
    Ok(Value::integer(range.map_or(0, |range| range.part.matches(&**sub).count())))
}

pub(super) fn startswith<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    affix(machine, "startswith", text, arguments, |part, affix| part.starts_with(affix))
}

pub(super) fn endswith<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    affix(machine, "endswith", text, arguments, |part, affix| part.ends_with(affix))
}

fn affix<'a>(
    machine: &mut Machine<'a, '_>,
    method: &str,
    text: &Text<'a>,
    arguments: Arguments<'a>,
    fits: fn(&str, &str) -> bool,
) -> Made<'a> {
    let [affix, start, end] = given::positional(method, arguments, [method, "start", "end"], 1)?;
    let affix = affix.unwrap_or(Value::None);
    let range = given::range(method, text, start.as_ref(), end.as_ref())?;
    let affixes = match &affix {
        Value::Tuple(affixes) => &affixes[..],
        Value::Text(_) => std::slice::from_ref(&affix),
        other => return Err(given::wrong(method, "a text or a tuple of texts", other)),
    };
    for affix in affixes {
        let Value::Text(affix) = affix else {
            return Err(given::wrong(method, "a tuple of texts", affix));
        };
        machine.burn(1)?;
        machine.rendering.burn_bytes(affix.len().min(text.len()))?;
        if range.as_ref().is_some_and(|range| fits(range.part, affix)) {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}
