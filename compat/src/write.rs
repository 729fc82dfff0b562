//! Writing one value into the document: `a.b.c`, `list[]` (append), `list{}` (add what is not there yet).
//!
//! The one routine of `--set`, captures, set-values, generators and `--tmpl-ctx-var`. What the predecessor did silently and
//! its successor refuses: a path through a text, a number or a list, and an index.

mod change;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

/// Why nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A segment is in the way.
    #[error(
        "write {path}: {segment} is {found}, so nothing can stand below it; remove it first, or choose another path"
    )]
    Through {
        /// The whole path.
        path: String,
        /// The path up to what is in the way.
        segment: String,
        /// `a text`, `a list` ...
        found: &'static str,
    },
    /// The path is none.
    #[error("write {path:?}: {problem}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Items are appended to something that is no list.
    #[error("append to {path}: it is {found}, not a list")]
    NotAList {
        /// The path.
        path: String,
        /// What it is.
        found: &'static str,
    },
    /// Something else than a text is appended.
    #[error("append to {path}: only text can be appended, and the file holds {found}")]
    NotText {
        /// The path.
        path: String,
        /// What it is.
        found: &'static str,
    },
}

/// Writes a text (stripped) at `key` (stripped); with `[]` or `{}` behind the key it is split at commas and its items are
/// appended, and the text `[]` empties the list. Nothing is changed if this fails. A text that begins with `file://` is a
/// text like any other.
///
/// Missing maps on the way are created, also where null stands. An empty text is written like any other: whoever does not
/// want that does not call this.
///
/// ```
/// let mut document = serde_json::Map::new();
/// cicdcontext_compat::write::write(&mut document, "state.zones{}", "eu,us,eu").unwrap();
/// assert_eq!(serde_json::Value::from(document), serde_json::json!({"state": {"zones": ["eu", "us"]}}));
/// ```
pub fn write(document: &mut Map<String, Value>, key: &str, text: &str) -> Result<(), WriteError> {
    write_value(document, key, Value::String(strip(text).to_owned()))
}

/// Writes any value, as `--set path=file://...` does: what the file held. A text is written as it is, not stripped; only
/// texts can be appended.
pub fn write_value(document: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), WriteError> {
    change::apply(document, strip(key), value)
}

/// Python's `str.strip`: white space of Unicode, and the four separators of ASCII.
pub fn strip(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character))
}
