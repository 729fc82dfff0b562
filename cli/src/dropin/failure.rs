//! Why a command of `cicdstatemgr` failed, in one line. The exit code is 1 for each of them.

use cicdcontext_compat::{
    document::InitError, files, generator::GenerateError, get::GetError, handler::EventError, merge::MergeError,
    template::TemplateError, write::WriteError,
};
use thiserror::Error;

use super::store::StoreError;
use crate::{failure::Failure as Output, output::file::FileError};

/// Why a command failed.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// An argument or a variable that is not there.
    #[error("{command}: {missing}")]
    Missing {
        /// What was to be done.
        command: &'static str,
        /// What is missing, and what would be right.
        missing: &'static str,
    },
    /// An argument or a variable that cannot be used.
    #[error("read {what} {found:?}: {expected}")]
    Argument {
        /// Which.
        what: &'static str,
        /// What it says.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A file cannot be read.
    #[error("read {what} {path}: {problem}")]
    Read {
        /// What it is for.
        what: String,
        /// The file.
        path: String,
        /// Why not.
        problem: String,
    },
    /// Bases are listed, and nobody says where they are.
    #[error("read {file}: it lists bases; name their folder with --init-bases-dir or CICDSTATEMGR_BASES_DIR_PATH")]
    NoBases {
        /// The app file.
        file: String,
    },
    /// A base that is not in the folder of the bases.
    #[error(
        "read {file}: base {base} leads out of the folder of the bases; put it into that folder and name it without .."
    )]
    BaseElsewhere {
        /// The app file.
        file: String,
        /// The base.
        base: String,
    },
    /// Handlers failed; the others ran.
    #[error("handle {event}: {problems}")]
    Handlers {
        /// The event.
        event: String,
        /// Places and problems.
        problems: String,
    },
    /// A mirror file is configured wrongly.
    #[error("write datasources.{name}: {problem}")]
    Mirror {
        /// Its name.
        name: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    #[error(transparent)]
    Files(#[from] files::FileError),
    #[error(transparent)]
    Init(#[from] InitError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Get(#[from] GetError),
    #[error(transparent)]
    Generate(#[from] GenerateError),
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Output(#[from] Output),
}

impl Failure {
    /// The heading of the documentation about what is a failure only now.
    pub(super) fn anchor(&self) -> Option<&'static str> {
        match self {
            Self::Write(WriteError::Through { .. }) => Some("path-through-scalar"),
            Self::Read { what, .. } if what.starts_with("file of --set ") => Some("file-values"),
            _ => None,
        }
    }

    /// Whether standard output was closed by who reads it, as `head` does: there is nothing to tell.
    pub(super) fn is_of_a_reader_that_has_enough(&self) -> bool {
        matches!(self, Self::Output(Output::Output { source }) if source.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
