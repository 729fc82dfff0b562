//! HTML's character references as text, as Python's `html.unescape` reads them.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::super::super::error::Fault;
use super::super::machine::Machine;

/// `NAME=CODE` and `NAME=CODE+CODE`, as HTML lists them; some are valid without the semicolon.
static ENTITIES: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let entries = include_str!("entities.txt").split_whitespace().filter_map(|entry| entry.split_once('='));
    let character = |code: &str| u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
    entries.map(|(name, codes)| (name, codes.split('+').filter_map(character).collect())).collect()
});

/// What HTML takes the numbers 128 to 159 for.
const WINDOWS: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}', '\u{2030}',
    '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}', '\u{2019}', '\u{201c}',
    '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}',
    '\u{17e}', '\u{178}',
];

/// Characters that a name may have.
const MOST_NAME: usize = 32;

pub(in super::super) fn unescape(machine: &mut Machine<'_, '_>, text: &str) -> Result<String, Fault> {
    machine.afford(text.len())?;
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        machine.burn(4)?;
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        rest = match rest.strip_prefix('#') {
            Some(number) => numbered(&mut plain, number),
            None => named(&mut plain, rest),
        };
    }
    plain.push_str(rest);
    Ok(plain)
}

/// Reads the number behind `&#` and gives what follows it.
fn numbered<'t>(plain: &mut String, text: &'t str) -> &'t str {
    let hexadecimal = text.strip_prefix(['x', 'X']);
    let (digits, radix) = hexadecimal.map_or((text, 10), |digits| (digits, 16));
    let end = digits.find(|character: char| !character.is_digit(radix)).unwrap_or(digits.len());
    if end == 0 {
        plain.push_str("&#");
        return text;
    }
    match u32::from_str_radix(&digits[..end], radix).unwrap_or(u32::MAX) {
        code @ 0x80..=0x9f => plain.push(WINDOWS[(code - 0x80) as usize]),
        13 => plain.push('\r'),
        1..=8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef => {}
        code if code <= 0x10_ffff && code & 0xfffe == 0xfffe => {}
        code => plain.push(char::from_u32(code).filter(|character| *character != '\0').unwrap_or('\u{fffd}')),
    }
    digits[end..].strip_prefix(';').unwrap_or(&digits[end..])
}

/// Reads the name behind `&`, or as much of it as is one, and gives what follows it.
fn named<'t>(plain: &mut String, text: &'t str) -> &'t str {
    let none = |character: char| matches!(character, '\t' | '\n' | '\u{c}' | ' ' | '<' | '&' | '#' | ';');
    let ends = text.char_indices().take(MOST_NAME).take_while(|(_, character)| !none(*character));
    let ends: Vec<usize> = ends.map(|(at, character)| at + character.len_utf8()).collect();
    let Some(end) = ends.last().copied() else {
        plain.push('&');
        return text;
    };
    let whole = text[end..].starts_with(';').then_some(end + 1);
    for end in whole.into_iter().chain(ends.into_iter().rev()) {
        if let Some(entity) = ENTITIES.get(&text[..end]) {
            plain.push_str(entity);
            return &text[end..];
        }
    }
    plain.push('&');
    text
}
