//! What can be wrong with configuration: one enum, each variant with the reason that status shows.
//!
//! None of these is worth a retry: each waits until one of the named objects changes.

use std::fmt;

use cicdcontext_crds::{configuration::MAX_BASES, vocabulary::reason};

use super::{MAX_TEMPLATE_BYTES, Origin};

/// Most bases that may go into one configuration, all bases of bases counted.
pub const MAX_BASES_IN_ALL: usize = 2048;

/// Why configuration could not be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// A named base does not exist.
    #[error("find {base}, which the bases of {asked_by} name: it does not exist; create it, or correct spec.bases")]
    BaseNotFound {
        /// The base.
        base: Box<Origin>,
        /// Who names it.
        asked_by: Box<Origin>,
    },
    /// A named base exists and cannot be read.
    #[error("read {base}, which the bases of {asked_by} name: {problem}")]
    BaseNotReady {
        /// The base.
        base: Box<Origin>,
        /// Who names it.
        asked_by: Box<Origin>,
        /// What the caller found wrong with it.
        problem: String,
    },
    /// A ClusterCicdBase names a base of a namespace.
    #[error("read {base}, which the bases of {asked_by} name: a ClusterCicdBase may only build on ClusterCicdBases")]
    BaseNotAllowed {
        /// The base.
        base: Box<Origin>,
        /// The ClusterCicdBase that names it.
        asked_by: Box<Origin>,
    },
    /// Bases refer to each other in a circle.
    #[error("order the bases: they refer to each other in a circle: {}; remove one of these references", Chain(chain))]
    BaseCycle {
        /// The circle; its first and last members are the same.
        chain: Vec<Origin>,
    },
    /// One object names too many bases.
    #[error("read the bases of {asked_by}: they are {count}; at most {MAX_BASES} are allowed")]
    TooManyBases {
        /// Who names them.
        asked_by: Origin,
        /// How many it names.
        count: usize,
    },
    /// Bases of bases are nested too deep.
    #[error("read {base}: it is nested deeper than {MAX_BASES} bases ({}); name fewer bases of bases", Chain(chain))]
    BasesTooDeep {
        /// The first base that is too deep.
        base: Box<Origin>,
        /// Who leads to it, from the start.
        chain: Vec<Origin>,
    },
    /// All bases together are too many.
    #[error("read the bases of {owner}: they are more than {MAX_BASES_IN_ALL}, bases of bases included")]
    TooManyBasesInAll {
        /// Whose configuration it is.
        owner: Origin,
    },
    /// All templates together are too large.
    #[error(
        "read the templates of {owner}: they have {bytes} bytes in all, at most {MAX_TEMPLATE_BYTES} are allowed; remove \
         what this context does not need"
    )]
    TooManyTemplates {
        /// Whose configuration it is.
        owner: Origin,
        /// Bytes that they have.
        bytes: usize,
    },
    /// Two sources give one path values of different types.
    #[error(
        "merge {path}: is {first_type} in {first} and {second_type} in {second}; give it one type, or remove the \
         inherited value with unset"
    )]
    TypeClash {
        /// The path in the merged configuration.
        path: String,
        /// Who wrote the inherited value.
        first: Box<Origin>,
        /// Its type: "a map", "a notify handler".
        first_type: String,
        /// Who writes another type over it.
        second: Box<Origin>,
        /// The other type.
        second_type: String,
    },
    /// `spec.context` names an entry that no `contexts` has.
    #[error(
        "select context {selected:?} for {owner}: {}; correct spec.context, or add the entry to contexts of a base",
        Known(known)
    )]
    UnknownSelectedContext {
        /// Whose selection it is.
        owner: Origin,
        /// The name that was selected.
        selected: String,
        /// The names that exist, sorted.
        known: Vec<String>,
    },
    /// A value cannot be used.
    #[error("use {path} (written in {origin}): {problem}")]
    Invalid {
        /// Where it stands in the merged configuration.
        path: String,
        /// Who wrote it, or what it is part of.
        origin: Origin,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl ConfigurationError {
    /// The reason for condition `Ready`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BaseNotFound { .. } => reason::BASE_NOT_FOUND,
            Self::BaseNotReady { .. } => reason::BASE_NOT_READY,
            Self::BaseCycle { .. } => reason::BASE_CYCLE,
            Self::TooManyBases { .. } | Self::BasesTooDeep { .. } | Self::TooManyBasesInAll { .. } => {
                reason::TOO_MANY_BASES
            }
            Self::TypeClash { .. } => reason::TYPE_CLASH,
            Self::UnknownSelectedContext { .. } => reason::UNKNOWN_SELECTED_CONTEXT,
            Self::BaseNotAllowed { .. } | Self::TooManyTemplates { .. } | Self::Invalid { .. } => {
                reason::INVALID_CONFIGURATION
            }
        }
    }
}

/// `A -> B -> A`.
struct Chain<'c>(&'c [Origin]);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, origin) in self.0.iter().enumerate() {
            write!(formatter, "{}{origin}", if index == 0 { "" } else { " -> " })?;
        }
        Ok(())
    }
}

/// How many names an error lists before it only counts them.
const LISTED_NAMES: usize = 20;

struct Known<'k>(&'k [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("there are no contexts to select from");
        }
        write!(formatter, "known are {}", self.0.get(..LISTED_NAMES).unwrap_or(self.0).join(", "))?;
        match self.0.len().saturating_sub(LISTED_NAMES) {
            0 => Ok(()),
            more => write!(formatter, " and {more} more"),
        }
    }
}
