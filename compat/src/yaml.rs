//! YAML 1.1 as PyYAML's full loader reads it, as JSON values in the order of the file.
//!
//! Bare `yes`, `no`, `on` and `off` are booleans, `0123` is octal, `12:30` sexagesimal, `<<` merges, a repeated key keeps
//! its first place and its last value. Anchors are expanded. What JSON cannot hold becomes the text that Python prints for
//! it, or a list where it is a set, a tuple or pairs, and a [`Finding`] says so.
//!
//! Where the parser reads more than PyYAML's, as tabs between tokens, that is not refused.

mod binary;
mod build;
mod date;
mod python;
mod scalar;
mod tag;
#[cfg(test)]
mod tests;
mod tree;

use serde_json::Value;

/// A file that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// What it holds; null for an empty file.
    pub value: Value,
    /// What is not as it looks, in the order of the file.
    pub findings: Vec<Finding>,
}

/// What a person may not expect of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands: `pipelines.ship.event-handlers.True`.
    pub path: String,
    /// Line in the file, from 1.
    pub line: usize,
    /// What it is.
    pub kind: FindingKind,
}

/// Kinds of findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// A bare date or time, which is a date object for the predecessor, became this text.
    Date(String),
    /// A key that is no text became this text, for example `on` became `True`.
    Key {
        /// As it stands in the file.
        written: String,
        /// What it became.
        read: String,
    },
    /// An alias of an anchor became a copy.
    Alias(String),
    /// Another value that JSON does not have, as Python prints it: infinity, not a number, bytes and integers beyond 64 bits
    /// became this text; a set, a tuple and pairs became lists.
    Other(String),
}

/// Why a text is no YAML of one document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct YamlError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

/// Reads one document. A text without any is null.
///
/// Refused are a second document, nesting of more than 100 levels, and more than 500 000 values or 16 MiB of text once all
/// aliases are expanded.
///
/// ```
/// let read = cicdcontext_compat::yaml::read("on: {at: 12:30, mode: 0644}").unwrap();
/// assert_eq!(read.value, serde_json::json!({"True": {"at": 750, "mode": 420}}));
/// assert_eq!(read.findings[0].path, "True");
/// ```
pub fn read(text: &str) -> Result<Read, YamlError> {
    printable(text)?;
    build::build(&tree::Tree::read(text)?)
}

/// Refuses characters that no YAML may hold.
fn printable(text: &str) -> Result<(), YamlError> {
    let allowed = |character: char| {
        matches!(character,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
    };
    let Some((place, character)) = text.char_indices().find(|(_, character)| !allowed(*character)) else {
        return Ok(());
    };
    let before = &text[..place];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let problem =
        format!("the character U+{:04X} is not allowed; write it as an escape in double quotes", u32::from(character));
    Err(YamlError { line, column, problem })
}
