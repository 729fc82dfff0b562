//! The predecessor's paths (jsonpath-ng 1.16, as far as its users need): `a.b-c`, `$.a`, `'quoted key'`, `a[0]`, `a[-1]`,
//! slices, `*`, `..`, `a,b`, `a|b`, `where`, several matches. No filters, no names in backticks.

mod find;
mod parse;
#[cfg(test)]
mod tests;
mod token;

use serde_json::Value;

use self::parse::Expression;

/// A path that was read.
///
/// ```
/// use cicdcontext_compat::path::OldPath;
///
/// let document = serde_json::json!({"state": {"targets": [{"id": "north"}, {"id": "south"}]}});
/// let path = OldPath::parse("state.targets[*].id").unwrap();
/// assert_eq!(path.find(&document), ["north", "south"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPath {
    expression: Expression,
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read path {path:?}: {problem}")]
pub struct OldPathError {
    /// The text.
    pub path: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl OldPath {
    /// Reads a path. One of more than 500 segments is refused, and one that could find the same value more than 10 000 times.
    pub fn parse(text: &str) -> Result<Self, OldPathError> {
        let failed = |problem| OldPathError { path: text.to_owned(), problem };
        let tokens = token::read(text).map_err(failed)?;
        let expression = parse::parse(&tokens).map_err(failed)?;
        Ok(Self { expression })
    }

    /// Everything that it finds below `root`, in the predecessor's order. A value that several ways lead to is there several
    /// times.
    pub fn find<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        find::find(&self.expression, root, root)
    }
}
