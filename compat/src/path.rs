//! The predecessor's paths (jsonpath-ng 1.16, as far as its users need): `a.b-c`, `$.a`, `'quoted key'`, `a[0]`, `a[-1]`,
//! slices, `*`, `..`, several matches. No filters.

use serde_json::Value;

/// A path that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPath {}

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
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, OldPathError> {
        let _ = text;
        todo!()
    }

    /// Everything that it finds below `root`, in the predecessor's order.
    pub fn find<'v>(&self, root: &'v Value) -> Vec<&'v Value> {
        let _ = root;
        todo!()
    }
}
