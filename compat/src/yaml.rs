//! YAML 1.1 as PyYAML's full loader reads it, as JSON values in the order of the file.
//!
//! Bare `yes`, `no`, `on` and `off` are booleans, `0123` is octal, `12:30` sexagesimal, `<<` merges, a repeated key keeps
//! its first place and its last value. Anchors are expanded. What JSON cannot hold becomes the text that Python prints for
//! it, and a [`Finding`] says so.

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
    /// Another value that JSON does not have (infinity, not a number, binary, a set), as Python prints it.
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

/// Reads one document.
pub fn read(text: &str) -> Result<Read, YamlError> {
    let _ = text;
    todo!()
}
