//! Methods that fill a text up to a width.

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::value::{Text, Value};
use super::{Made, given, text};

/// How the missing characters are shared between the two sides, from their number and the width.
type Share = fn(usize, usize) -> (usize, usize);

fn padded<'a>(
    machine: &mut Machine<'a, '_>,
    method: &str,
    receiver: &Text<'a>,
    arguments: Arguments<'a>,
    share: Share,
) -> Made<'a> {
    let [width, fill] = given::positional(method, arguments, ["width", "fillchar"], 1)?;
    let width = given::size(method, &width.unwrap_or(Value::None))?;
    let fill = match &fill {
        None => ' ',
        Some(fill) => {
            let Some(fill) = text::taken(machine, receiver, fill)? else {
                return Err(given::wrong(method, "a character to fill with", fill));
            };
            let mut characters = fill.chars();
            let (Some(character), None) = (characters.next(), characters.next()) else {
                let problem = format!("`{method}` needs one character to fill with, but got `{}`", &*fill);
                return Err(Fault::problem(problem));
            };
            character
        }
    };
    let missing = width.saturating_sub(receiver.chars().count());
    let (before, after) = share(missing, width);
    let mut made = GrowingText::default();
    made.repeat(machine, fill, before)?;
    made.push(machine, receiver)?;
    made.repeat(machine, fill, after)?;
    Ok(given::like(receiver, made.finish()))
}

pub(super) fn center<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    padded(machine, "center", text, arguments, |missing, width| {
        let before = missing / 2 + (missing & width & 1);
        (before, missing - before)
    })
}

pub(super) fn ljust<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    padded(machine, "ljust", text, arguments, |missing, _| (0, missing))
}

pub(super) fn rjust<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    padded(machine, "rjust", text, arguments, |missing, _| (missing, 0))
}

/// Zeros go between a sign and the rest.
pub(super) fn zfill<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let width = given::size("zfill", &given::only("zfill", arguments, "width")?)?;
    let missing = width.saturating_sub(text.chars().count());
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut made = GrowingText::default();
    made.push(machine, &text[..text.len() - digits.len()])?;
    made.repeat(machine, '0', missing)?;
    made.push(machine, digits)?;
    Ok(given::like(text, made.finish()))
}

pub(super) fn expandtabs<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [width] = arguments.bind("expandtabs", ["tabsize"], 0)?;
    let width = match &width {
        None => 8,
        Some(width) => given::size("expandtabs", width)?,
    };
    let mut made = GrowingText::default();
    let mut column = 0_usize;
    for character in text.chars() {
        match character {
            '\t' => {
                let spaces = if width == 0 { 0 } else { width - column % width };
                made.repeat(machine, ' ', spaces)?;
                column += spaces;
            }
            '\n' | '\r' => {
                made.push_char(machine, character)?;
                column = 0;
            }
            other => {
                made.push_char(machine, other)?;
                column += 1;
            }
        }
    }
    Ok(given::like(text, made.finish()))
}
