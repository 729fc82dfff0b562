//! Why a block fails, and whether the predecessor did something else then.

use crate::{files::FileError, notice::Notice, template::TemplateError, write::WriteError};

/// Why a block fails.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What is wrong.
    pub(crate) problem: String,
    /// What the predecessor did instead, and where that is explained.
    before: Option<(&'static str, &'static str)>,
}

impl Failure {
    /// A failure that nobody is surprised of, or that was one before.
    pub(crate) fn plain(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), before: None }
    }

    /// A failure where the predecessor went on, and how.
    pub(crate) fn new(problem: impl Into<String>, before: &'static str, anchor: &'static str) -> Self {
        Self { problem: problem.into(), before: Some((before, anchor)) }
    }

    /// The same, with what it means in front.
    pub(crate) fn within(self, meaning: &str) -> Self {
        Self { problem: format!("{meaning}: {}", self.problem), ..self }
    }

    /// What to tell of the difference.
    pub(crate) fn notice(&self, place: &str) -> Option<Notice> {
        let (text, anchor) = self.before?;
        Some(Notice { place: place.to_owned(), text: text.to_owned(), anchor })
    }
}

impl From<TemplateError> for Failure {
    fn from(error: TemplateError) -> Self {
        let before = "a template error is a failure, and nothing is sent or written; before, its text was used as data";
        Self::new(error.0, before, "template-error")
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::plain(error.to_string())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let problem = error.to_string();
        match error {
            WriteError::Through { .. } => {
                let before =
                    "what is in the way of a path is a failure; before, it was replaced and the rest of the path lost";
                Self::new(problem, before, "path-through-scalar")
            }
            _ => Self::plain(problem),
        }
    }
}
