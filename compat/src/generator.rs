//! `--generate PATH`: the conditional lists of values at one path, written one item after the other.

use crate::{document::Document, notice::Notice, template::Settings};

/// Why nothing was generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("generate {path}: {problem}")]
pub struct GenerateError {
    /// The path.
    pub path: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

/// Whether anything was written, and what people should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// Paths that were written.
    pub written: Vec<String>,
    /// What people should know.
    pub notices: Vec<Notice>,
}

/// Runs the generator at `path`. If it fails the document is as it was.
pub fn generate(document: &mut Document, path: &str, settings: &Settings) -> Result<Generated, GenerateError> {
    let _ = (document, path, settings);
    todo!()
}
