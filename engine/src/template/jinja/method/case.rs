//! Methods that change between capital and small letters, by the rules of Unicode.

use unicode_general_category::{GeneralCategory, get_general_category};

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::Text;
use super::{Made, given};

/// One character becomes at most three.
fn made<'a>(
    machine: &mut Machine<'a, '_>,
    method: &str,
    text: &Text<'a>,
    arguments: Arguments<'a>,
    change: fn(&str) -> String,
) -> Result<super::super::value::Value<'a>, Fault> {
    given::nothing(method, arguments)?;
    machine.afford(text.len())?;
    let made = change(text);
    machine.afford(made.len())?;
    Ok(given::like(text, made))
}

pub(super) fn upper<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    made(machine, "upper", text, arguments, str::to_uppercase)
}

pub(super) fn lower<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    made(machine, "lower", text, arguments, lowered)
}

pub(super) fn casefold<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    made(machine, "casefold", text, arguments, |text| {
        let mut folded = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                'ı' | '\u{13a0}'..='\u{13f5}' => folded.push(character),
                '\u{13f8}'..='\u{13fd}' | '\u{ab70}'..='\u{abbf}' => folded.extend(character.to_uppercase()),
                _ => folded.extend(character.to_uppercase().flat_map(char::to_lowercase)),
            }
        }
        folded
    })
}

pub(super) fn swapcase<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    made(machine, "swapcase", text, arguments, |text| {
        let characters: Vec<char> = text.chars().collect();
        let mut swapped = String::with_capacity(text.len());
        for (index, character) in characters.iter().enumerate() {
            if character.is_uppercase() {
                push_lower(&mut swapped, &characters, index);
            } else if character.is_lowercase() {
                swapped.extend(character.to_uppercase());
            } else {
                swapped.push(*character);
            }
        }
        swapped
    })
}

pub(super) fn capitalize<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    made(machine, "capitalize", text, arguments, capitalized)
}

/// The first letter as in titles, all others small.
pub(in super::super) fn capitalized(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut capitalized = String::with_capacity(text.len());
    for (index, character) in characters.iter().enumerate() {
        if index == 0 {
            push_title(&mut capitalized, *character);
        } else {
            push_lower(&mut capitalized, &characters, index);
        }
    }
    capitalized
}

pub(super) fn title<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    made(machine, "title", text, arguments, |text| {
        let characters: Vec<char> = text.chars().collect();
        let mut titled = String::with_capacity(text.len());
        let mut in_word = false;
        for (index, character) in characters.iter().enumerate() {
            if in_word {
                push_lower(&mut titled, &characters, index);
            } else {
                push_title(&mut titled, *character);
            }
            in_word = is_cased(*character);
        }
        titled
    })
}

fn lowered(text: &str) -> String {
    if !text.contains('Σ') {
        return text.to_lowercase();
    }
    let characters: Vec<char> = text.chars().collect();
    let mut lowered = String::with_capacity(text.len());
    for index in 0..characters.len() {
        push_lower(&mut lowered, &characters, index);
    }
    lowered
}

/// The small letter; a capital sigma at the end of a word has its own.
fn push_lower(text: &mut String, characters: &[char], index: usize) {
    if characters[index] != 'Σ' {
        text.extend(characters[index].to_lowercase());
        return;
    }
    let cased = |found: Option<&char>| found.is_some_and(|character| is_cased(*character));
    let after_letter = cased(characters[..index].iter().rev().find(|character| !is_ignorable(**character)));
    let before_letter = cased(characters[index + 1..].iter().find(|character| !is_ignorable(**character)));
    text.push(if after_letter && !before_letter { 'ς' } else { 'σ' });
}

/// Whether a character does not part a word where its end matters for the letter before.
fn is_ignorable(character: char) -> bool {
    use GeneralCategory::{EnclosingMark, Format, ModifierLetter, ModifierSymbol, NonspacingMark};
    matches!(character, '\'' | '.' | ':' | '\u{b7}' | '\u{2018}' | '\u{2019}' | '\u{2024}' | '\u{2027}')
        || matches!(
            get_general_category(character),
            EnclosingMark | Format | ModifierLetter | ModifierSymbol | NonspacingMark
        )
}

pub(super) fn is_cased(character: char) -> bool {
    character.is_lowercase() || character.is_uppercase() || is_title(character)
}

/// Whether a character is two letters of which the first alone is a capital.
pub(super) fn is_title(character: char) -> bool {
    !character.is_ascii() && get_general_category(character) == GeneralCategory::TitlecaseLetter
}

/// The letter as the first of a word in a title.
fn push_title(text: &mut String, character: char) {
    let code = u32::from(character);
    let single = match character {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        'ა'..='ჺ' | 'ჽ'..='ჿ' => character,
        '\u{1f80}'..='\u{1faf}' => char::from_u32(code | 8).unwrap_or(character),
        'ᾳ' | 'ᾼ' | 'ᾷ' => 'ᾼ',
        'ῃ' | 'ῌ' | 'ῇ' => 'ῌ',
        'ῳ' | 'ῼ' | 'ῷ' => 'ῼ',
        'ß' | 'և' | '\u{fb00}'..='\u{fb06}' | '\u{fb13}'..='\u{fb17}' => {
            let mut capitals = character.to_uppercase();
            text.extend(capitals.next());
            text.extend(capitals.flat_map(char::to_lowercase));
            return;
        }
        'ᾲ' | 'ᾴ' | 'ῂ' | 'ῄ' | 'ῲ' | 'ῴ' => {
            text.extend(character.to_uppercase().next());
            text.push('\u{345}');
            return;
        }
        _ => {
            text.extend(character.to_uppercase());
            return;
        }
    };
    text.push(single);
    if matches!(character, 'ᾷ' | 'ῇ' | 'ῷ') {
        text.push('\u{342}');
    }
}
