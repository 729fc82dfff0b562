//! Kinds of characters as Python sees them, which is not always how Rust does.

use unicode_general_category::{GeneralCategory, get_general_category};

/// Python's `str.isspace`, and `\s` of its patterns.
pub(super) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// `\w` of Python's patterns: unlike Rust's it has no combining marks.
pub(super) fn is_word(character: char) -> bool {
    use GeneralCategory as Is;
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || character == '_';
    }
    matches!(
        get_general_category(character),
        Is::UppercaseLetter
            | Is::LowercaseLetter
            | Is::TitlecaseLetter
            | Is::ModifierLetter
            | Is::OtherLetter
            | Is::DecimalNumber
            | Is::LetterNumber
            | Is::OtherNumber
    )
}

/// `\d` of Python's patterns.
pub(super) fn is_digit(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_digit()
    } else {
        get_general_category(character) == GeneralCategory::DecimalNumber
    }
}

/// The digit from 0 to 9 that a digit of another script stands for. Each script has its ten in a row.
pub(super) fn decimal(character: char) -> Option<char> {
    if character.is_ascii() || !is_digit(character) {
        return None;
    }
    let before = (0..u32::from(character)).rev().map_while(char::from_u32).take_while(|before| is_digit(*before));
    char::from_digit(u32::try_from(before.count() % 10).ok()?, 10)
}

/// `[^\d\W]` of Python's patterns.
pub(super) fn is_letter(character: char) -> bool {
    is_word(character) && !is_digit(character)
}

/// Python's `str.splitlines`.
pub(super) fn lines(text: &str) -> Vec<&str> {
    lines_with_ends(text).into_iter().map(|(line, _)| line).collect()
}

/// The lines of a text, each without and with what ends it.
pub(super) fn lines_with_ends(text: &str) -> Vec<(&str, &str)> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !matches!(
            character,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        ) {
            continue;
        }
        let mut end = at + character.len_utf8();
        if character == '\r' && characters.next_if(|(_, next)| *next == '\n').is_some() {
            end += 1;
        }
        lines.push((&text[start..at], &text[start..end]));
        start = end;
    }
    if start < text.len() {
        lines.push((&text[start..], &text[start..]));
    }
    lines
}

/// The byte at which the character with this number starts; the length for those after the last.
pub(super) fn offset(text: &str, number: usize) -> usize {
    if text.is_ascii() {
        return number.min(text.len());
    }
    text.char_indices().nth(number).map_or(text.len(), |(at, _)| at)
}

/// How many characters there are.
pub(super) fn length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
