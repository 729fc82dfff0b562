//! Methods that cut a text: at its ends, or into pieces.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::{Text, Value};
use super::{Made, given};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Both,
    Left,
    Right,
}

fn stripped<'a>(
    machine: &mut Machine<'a, '_>,
    method: &str,
    text: &Text<'a>,
    arguments: Arguments<'a>,
    ends: Ends,
) -> Made<'a> {
    let [characters] = given::positional(method, arguments, ["chars"], 0)?;
    machine.afford(text.len())?;
    let part = match characters {
        None | Some(Value::None) => trimmed(text, ends, given::is_blank),
        Some(set) => {
            let set = given::text(method, &set)?;
            // Each character of the text may be looked for in the whole set.
            machine.rendering.burn_bytes(text.len().saturating_mul(set.len().min(64)))?;
            let mut sorted: Vec<char> = set.chars().collect();
            sorted.sort_unstable();
            trimmed(text, ends, |character| sorted.binary_search(&character).is_ok())
        }
    };
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    Ok(given::piece(text, start..start + part.len()))
}

fn trimmed(text: &str, ends: Ends, goes: impl Fn(char) -> bool) -> &str {
    let text = if ends == Ends::Right { text } else { text.trim_start_matches(&goes) };
    if ends == Ends::Left { text } else { text.trim_end_matches(&goes) }
}

pub(super) fn strip<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    stripped(machine, "strip", text, arguments, Ends::Both)
}

pub(super) fn lstrip<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    stripped(machine, "lstrip", text, arguments, Ends::Left)
}

pub(super) fn rstrip<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    stripped(machine, "rstrip", text, arguments, Ends::Right)
}

pub(super) fn removeprefix<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let prefix = given::only("removeprefix", arguments, "prefix")?;
    let prefix = given::text("removeprefix", &prefix)?;
    machine.afford(text.len())?;
    let start = if text.starts_with(&**prefix) { prefix.len() } else { 0 };
    Ok(given::piece(text, start..text.len()))
}

pub(super) fn removesuffix<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let suffix = given::only("removesuffix", arguments, "suffix")?;
    let suffix = given::text("removesuffix", &suffix)?;
    machine.afford(text.len())?;
    let end = if text.ends_with(&**suffix) { text.len() - suffix.len() } else { text.len() };
    Ok(given::piece(text, 0..end))
}

pub(super) fn partition<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let separator = separator("partition", arguments)?;
    let separator = given::text("partition", &separator)?;
    machine.afford(text.len())?;
    let (first, second) = match text.find(&**separator) {
        Some(at) => (at, at + separator.len()),
        None => (text.len(), text.len()),
    };
    Ok(three(text, first, second))
}

pub(super) fn rpartition<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let separator = separator("rpartition", arguments)?;
    let separator = given::text("rpartition", &separator)?;
    machine.afford(text.len())?;
    let (first, second) = match text.rfind(&**separator) {
        Some(at) => (at, at + separator.len()),
        None => (0, 0),
    };
    Ok(three(text, first, second))
}

fn three<'a>(text: &Text<'a>, first: usize, second: usize) -> Value<'a> {
    let ranges = [0..first, first..second, second..text.len()];
    Value::tuple(ranges.map(|range| given::piece(text, range)).into())
}

fn separator<'a>(method: &str, arguments: Arguments<'a>) -> Made<'a> {
    let separator = given::only(method, arguments, "sep")?;
    if given::text(method, &separator)?.is_empty() { Err(empty(method)) } else { Ok(separator) }
}

fn empty(method: &str) -> Fault {
    Fault::problem(format!("`{method}` needs a separator of at least one character, but got an empty text"))
}

pub(super) fn split<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let (separator, most) = how_to_split("split", arguments)?;
    let mut pieces = Pieces::new(text);
    if let Some(separator) = &separator {
        let separator = given::text("split", separator)?;
        let mut start = 0;
        while pieces.made.len() < most
            && let Some(at) = text[start..].find(&**separator)
        {
            pieces.add(machine, start..start + at)?;
            start += at + separator.len();
        }
        pieces.add(machine, start..text.len())?;
    } else {
        let mut start = text.len() - text.trim_start_matches(given::is_blank).len();
        while start < text.len() {
            let word = text[start..].find(given::is_blank).map(|at| start + at);
            let Some(end) = word.filter(|_| pieces.made.len() < most) else {
                pieces.add(machine, start..text.len())?;
                break;
            };
            pieces.add(machine, start..end)?;
            start = text.len() - text[end..].trim_start_matches(given::is_blank).len();
        }
    }
    Ok(Value::list(pieces.made))
}

pub(super) fn rsplit<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let (separator, most) = how_to_split("rsplit", arguments)?;
    let mut pieces = Pieces::new(text);
    if let Some(separator) = &separator {
        let separator = given::text("rsplit", separator)?;
        let mut end = text.len();
        while pieces.made.len() < most
            && let Some(at) = text[..end].rfind(&**separator)
        {
            pieces.add(machine, at + separator.len()..end)?;
            end = at;
        }
        pieces.add(machine, 0..end)?;
    } else {
        let mut end = text.trim_end_matches(given::is_blank).len();
        while end > 0 {
            let word = text[..end].trim_end_matches(|character| !given::is_blank(character)).len();
            if word == 0 || pieces.made.len() >= most {
                pieces.add(machine, 0..end)?;
                break;
            }
            pieces.add(machine, word..end)?;
            end = text[..word].trim_end_matches(given::is_blank).len();
        }
    }
    pieces.made.reverse();
    Ok(Value::list(pieces.made))
}

/// The separator, None for white space, and how many cuts are made at most.
fn how_to_split<'a>(method: &str, arguments: Arguments<'a>) -> Result<(Option<Value<'a>>, usize), Fault> {
    let [separator, most] = arguments.bind(method, ["sep", "maxsplit"], 0)?;
    let most = given::optional_integer(method, most.as_ref())?.unwrap_or(-1);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let separator = separator.filter(|separator| !matches!(separator, Value::None));
    match &separator {
        Some(found) if given::text(method, found)?.is_empty() => Err(empty(method)),
        _ => Ok((separator, most)),
    }
}

pub(super) fn splitlines<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [keep] = arguments.bind("splitlines", ["keepends"], 0)?;
    let keep = keep.is_some_and(|keep| machine.is_true(&keep));
    let mut pieces = Pieces::new(text);
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let line = rest.find(ends_line).unwrap_or(rest.len());
        let mark = &rest[line..];
        let mark = if mark.starts_with("\r\n") { 2 } else { mark.chars().next().map_or(0, char::len_utf8) };
        pieces.add(machine, start..start + if keep { line + mark } else { line })?;
        start += line + mark;
    }
    Ok(Value::list(pieces.made))
}

fn ends_line(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Pieces of a text, each paid for.
struct Pieces<'t, 'a> {
    text: &'t Text<'a>,
    made: Vec<Value<'a>>,
}

impl<'t, 'a> Pieces<'t, 'a> {
    fn new(text: &'t Text<'a>) -> Self {
        Pieces { text, made: Vec::new() }
    }

    fn add(&mut self, machine: &mut Machine<'a, '_>, piece: std::ops::Range<usize>) -> Result<(), Fault> {
        machine.burn(1)?;
        machine.rendering.burn_bytes(piece.len())?;
        self.made.push(given::piece(self.text, piece));
        Ok(())
    }
}
