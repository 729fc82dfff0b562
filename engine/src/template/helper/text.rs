//! Helpers that look at texts and change them.

use serde_json::Value;

use super::super::bounds::Bound;
use super::super::item::{Item, kind, scalar};
use super::super::rendering::Rendering;
use super::logic::equal;
use super::{Arguments, Outcome, shorten};

pub(super) fn contains<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    match arguments.value(0) {
        Value::Array(items) => {
            for item in items {
                rendering.burn(1)?;
                if equal(item, arguments.value(1), rendering)? {
                    return Ok(Item::made(true));
                }
            }
            Ok(Item::made(false))
        }
        Value::Object(fields) => Ok(Item::made(fields.contains_key(&*arguments.text(1)?))),
        Value::Null => Ok(Item::made(false)),
        _ => Ok(Item::made(arguments.text(0)?.contains(&*arguments.text(1)?))),
    }
}

pub(super) fn starts_with<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(Item::made(arguments.text(0)?.starts_with(&*arguments.text(1)?)))
}

pub(super) fn ends_with<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(Item::made(arguments.text(0)?.ends_with(&*arguments.text(1)?)))
}

/// Steps for compiling a small pattern, whether it was kept or not: fuel must not depend on what ran before.
const PATTERN_STEPS: u64 = 500;

pub(super) fn matches<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let (text, pattern) = (arguments.text(0)?, arguments.text(1)?);
    if pattern.len() > rendering.bounds.pattern_bytes {
        return Err(rendering.too_much(Bound::PatternSize, Some(pattern.len())));
    }
    if text.len() > rendering.bounds.pattern_subject_bytes {
        return Err(rendering.too_much(Bound::PatternSubjectSize, Some(text.len())));
    }
    rendering.burn(PATTERN_STEPS)?;
    let regex = match rendering.pattern(&pattern)? {
        Ok(regex) => regex,
        Err(regex::Error::CompiledTooBig(_)) => return Err(rendering.too_much(Bound::PatternProgramSize, None)),
        Err(error) => {
            let text = error.to_string();
            let cause = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            return Err(arguments.wrong(1, &format!("is no regular expression (\"{}\"): {cause}", shorten(&pattern))));
        }
    };
    // A search is linear in the text, and at worst in the size of the pattern as well.
    rendering.burn(text.len() as u64)?;
    Ok(Item::made(regex.is_match(&text)))
}

pub(super) fn replace<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let (text, from, to) = (arguments.text(0)?, arguments.some_text(1)?, arguments.text(2)?);
    let found = text.matches(&*from).count();
    rendering.afford((text.len() - found * from.len()).saturating_add(found.saturating_mul(to.len())))?;
    Ok(Item::text(text.replace(&*from, &to)))
}

/// The longest that one character can become in upper or lower case, in bytes per byte.
const CASE_GROWTH: usize = 3;

pub(super) fn upper<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    rendering.burn_bytes(text.len() * CASE_GROWTH)?;
    let changed = text.to_uppercase();
    rendering.afford(changed.len())?;
    Ok(Item::text(changed))
}

pub(super) fn lower<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    rendering.burn_bytes(text.len() * CASE_GROWTH)?;
    let changed = text.to_lowercase();
    rendering.afford(changed.len())?;
    Ok(Item::text(changed))
}

pub(super) fn trim<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    rendering.afford(text.len())?;
    Ok(Item::text(text.trim()))
}

/// Bytes of memory for each part beside its text.
const PART_BYTES: usize = 64;

pub(super) fn split<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let (text, separator) = (arguments.text(0)?, arguments.some_text(1)?);
    if text.is_empty() {
        return Ok(Item::made(Value::Array(Vec::new())));
    }
    let parts = text.matches(&*separator).count() + 1;
    rendering.afford(text.len() + parts * PART_BYTES)?;
    Ok(Item::made(text.split(&*separator).map(Value::from).collect::<Vec<_>>()))
}

pub(super) fn join<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let items = arguments.list(0)?;
    let separator = if arguments.has(1) { arguments.text(1)? } else { ",".into() };
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        let Some(text) = scalar(item) else {
            let problem = format!("holds {} at index {index}; only texts, numbers and bools can be joined", kind(item));
            return Err(arguments.wrong(0, &problem));
        };
        let before = if index == 0 { "" } else { &*separator };
        rendering.burn(1)?;
        rendering.burn_bytes(before.len() + text.len())?;
        if joined.len() + before.len() + text.len() > rendering.bounds.value_bytes {
            return Err(rendering.too_much(Bound::ValueSize, None));
        }
        joined.push_str(before);
        joined.push_str(&text);
    }
    Ok(Item::text(joined))
}
