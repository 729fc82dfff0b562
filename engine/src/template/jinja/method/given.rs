//! What methods are given: arguments by position, texts, indexes, ranges of a text.

use std::rc::Rc;

use num_bigint::Sign;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::number::Number;
use super::super::value::{Integer, Str, Text, Value};

/// The arguments of a method that takes them by position alone, as most of Python's do.
pub(super) fn positional<'a, const N: usize>(
    method: &str,
    arguments: Arguments<'a>,
    parameters: [&str; N],
    required: usize,
) -> Result<[Option<Value<'a>>; N], Fault> {
    match arguments.named.first() {
        Some((name, _)) => Err(Fault::problem(format!("`{method}` takes no argument by name, but got `{name}`"))),
        None => arguments.bind(method, parameters, required),
    }
}

/// The one argument of a method.
pub(super) fn only<'a>(method: &str, arguments: Arguments<'a>, parameter: &str) -> Result<Value<'a>, Fault> {
    let [value] = positional(method, arguments, [parameter], 1)?;
    Ok(value.unwrap_or(Value::None))
}

/// Nothing may be given.
pub(super) fn nothing(method: &str, arguments: Arguments<'_>) -> Result<(), Fault> {
    let [] = positional(method, arguments, [], 0)?;
    Ok(())
}

pub(super) fn text<'v, 'a>(method: &str, value: &'v Value<'a>) -> Result<&'v Text<'a>, Fault> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(wrong(method, "a text", other)),
    }
}

pub(super) fn wrong(method: &str, needed: &str, found: &Value<'_>) -> Fault {
    Fault::problem(format!("`{method}` needs {needed}, but got a {}", found.type_name()))
}

/// An integer; one that is too large for any index becomes the largest.
pub(super) fn integer(method: &str, value: &Value<'_>) -> Result<i64, Fault> {
    match Number::of(value) {
        Some(Number::Integer(Integer::Small(integer))) => Ok(integer),
        Some(Number::Integer(Integer::Big(integer))) => {
            Ok(if integer.sign() == Sign::Minus { i64::MIN } else { i64::MAX })
        }
        _ => Err(wrong(method, "an integer", value)),
    }
}

/// An integer that may be left out.
pub(super) fn optional_integer(method: &str, value: Option<&Value<'_>>) -> Result<Option<i64>, Fault> {
    match value {
        None => Ok(None),
        Some(value) => integer(method, value).map(Some),
    }
}

/// A start or end: None counts as left out.
pub(super) fn bound(method: &str, value: Option<&Value<'_>>) -> Result<Option<i64>, Fault> {
    optional_integer(method, value.filter(|value| !matches!(value, Value::None)))
}

/// A count of at least 0; a width, so to say.
pub(super) fn size(method: &str, value: &Value<'_>) -> Result<usize, Fault> {
    Ok(usize::try_from(integer(method, value)?.max(0)).unwrap_or(usize::MAX))
}

/// An index from either end, kept within 0 to `length`.
pub(super) fn clamp(index: i64, length: usize) -> usize {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let index = if index < 0 { index.saturating_add(length).max(0) } else { index.min(length) };
    usize::try_from(index).unwrap_or(0)
}

/// A part of a text between two indexes of characters.
pub(super) struct Range<'t> {
    pub(super) part: &'t str,
    /// Characters before it.
    pub(super) before: usize,
}

/// The part of `text` from `start` to `end`; None when it would begin behind its end.
pub(super) fn range<'t>(
    method: &str,
    text: &'t str,
    start: Option<&Value<'_>>,
    end: Option<&Value<'_>>,
) -> Result<Option<Range<'t>>, Fault> {
    let (start, end) = (bound(method, start)?, bound(method, end)?);
    if start.is_none() && end.is_none() {
        return Ok(Some(Range { part: text, before: 0 }));
    }
    let length = text.chars().count();
    let start = start.unwrap_or(0);
    if start > i64::try_from(length).unwrap_or(i64::MAX) {
        return Ok(None);
    }
    let before = clamp(start, length);
    let end = end.map_or(length, |end| clamp(end, length));
    if before > end {
        return Ok(None);
    }
    let byte = |index: usize| text.char_indices().nth(index).map_or(text.len(), |(byte, _)| byte);
    Ok(Some(Range { part: &text[byte(before)..byte(end)], before }))
}

/// A text that is as safe as `model`.
pub(super) fn like<'a>(model: &Text<'_>, made: impl Into<Rc<str>>) -> Value<'a> {
    Value::Text(Text { text: Str::Shared(made.into()), markup: model.markup })
}

/// A part of `text` by bytes; of borrowed data nothing is copied.
pub(super) fn piece<'a>(text: &Text<'a>, part: std::ops::Range<usize>) -> Value<'a> {
    let piece = match &text.text {
        Str::Borrowed(characters) => Str::Borrowed(&characters[part]),
        Str::Shared(characters) => Str::Shared(characters[part].into()),
    };
    Value::Text(Text { text: piece, markup: text.markup })
}

/// What Python takes for white space.
pub(super) fn is_blank(character: char) -> bool {
    matches!(character, '\t'..='\r' | '\u{1c}'..='\u{1f}') || (character > '\u{1f}' && character.is_whitespace())
}
