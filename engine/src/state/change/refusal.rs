//! Why changes are refused, in words for the one who wrote them.

use cicdcontext_crds::{ChangeOperation, vocabulary::reason};
use thiserror::Error;

use crate::state::{
    limits::{CHANGES, LimitError, PRECONDITIONS, STATE_WRITE_BYTES},
    path::{PathError, Segment},
};

/// Why a set of changes was refused. Nothing of it was made, and nothing of it can be made without a change of the
/// state or of the set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A path is not one.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A path leads through a text, a number or a boolean.
    #[error("change {path}: {at} holds {found} and cannot hold {segment}; unset {at} first or choose another path")]
    ThroughScalar {
        /// The whole path.
        path: String,
        /// The place on the way.
        at: String,
        /// What it holds.
        found: &'static str,
        /// The segment that leads on from there.
        segment: Segment,
    },
    /// A key where a list stands.
    #[error("change {path}: {at} is a list and has no key {segment}; write a place in it as {at}[0]")]
    KeyOfList {
        /// The whole path.
        path: String,
        /// The place on the way.
        at: String,
        /// The segment that leads on from there.
        segment: Segment,
    },
    /// A place in a list where a map stands.
    #[error("change {path}: {at} is a map and has no place {segment}; write a key of it as {at}.name")]
    IndexOfMap {
        /// The whole path.
        path: String,
        /// The place on the way.
        at: String,
        /// The segment that leads on from there.
        segment: Segment,
    },
    /// A place beyond a list's end.
    #[error(
        "change {path}: {at} has {length} items, {segment} is beyond its end; places count from 0, Append adds one"
    )]
    OutOfRange {
        /// The whole path.
        path: String,
        /// The list.
        at: String,
        /// Items that it has.
        length: usize,
        /// The segment that leads on from there.
        segment: Segment,
    },
    /// A place in a list that is not there.
    #[error("change {path}: {at} does not exist and has no place {segment}; Append creates a list")]
    IndexOfNothing {
        /// The whole path.
        path: String,
        /// The list that is not there.
        at: String,
        /// The segment that leads on from there.
        segment: Segment,
    },
    /// Append or Add to something that is no list.
    #[error("{op:?} to {path}: it holds {found}, only a list or nothing can be added to")]
    NotAList {
        /// The whole path.
        path: String,
        /// The operation.
        op: ChangeOperation,
        /// What it holds.
        found: &'static str,
    },
    /// Clear of a scalar.
    #[error("clear {path}: it holds {found}, only a list, a map or nothing can be cleared; use Set or Unset")]
    NotClearable {
        /// The whole path.
        path: String,
        /// What it holds.
        found: &'static str,
    },
    /// The state as a whole cannot be the target.
    #[error("change state: the state as a whole cannot be changed; name a key, as in state.build")]
    WholeState,
    /// A path with another root.
    #[error("change {path}: only paths that start with state can be changed")]
    OtherRoot {
        /// The whole path.
        path: String,
    },
    /// An operation without the value that it needs.
    #[error("change {path}: {op:?} needs a value")]
    NoValue {
        /// The whole path.
        path: String,
        /// The operation.
        op: ChangeOperation,
    },
    /// An operation with something that it has no use for.
    #[error("change {path}: {op:?} takes no {field}; remove it or use another op")]
    NotTaken {
        /// The whole path.
        path: String,
        /// The operation.
        op: ChangeOperation,
        /// `value` or `split`.
        field: &'static str,
    },
    /// A precondition with neither or both of `equals` and `exists`.
    #[error("check {path}: a precondition has exactly one of equals and exists")]
    InvalidPrecondition {
        /// The path of the precondition.
        path: String,
    },
    /// A precondition does not hold.
    #[error("check {path}: expected {expected}, found {found}")]
    PreconditionFailed {
        /// The path of the precondition.
        path: String,
        /// What was expected, cut.
        expected: String,
        /// What is there, cut.
        found: String,
    },
    /// More changes than one set may have.
    #[error("make {actual} changes: at most {CHANGES} are allowed together; split them")]
    TooManyChanges {
        /// How many there are.
        actual: usize,
    },
    /// More preconditions than one set may have.
    #[error("check {actual} preconditions: at most {PRECONDITIONS} are allowed together")]
    TooManyPreconditions {
        /// How many there are.
        actual: usize,
    },
    /// A state write with too much in it.
    #[error("make changes of {actual} bytes: at most {STATE_WRITE_BYTES} bytes are allowed in one state write")]
    WriteTooLarge {
        /// Bytes that it has.
        actual: usize,
    },
    /// The state or a value would be too large or too deep.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Whoever checks the new state, its schema for instance, does not want it.
    #[error("keep state within its schema: {0}")]
    Schema(String),
}

impl Refusal {
    /// The condition reason that names this refusal best: TooLarge, TooDeep, SchemaViolated or ChangeRefused.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Limit(LimitError::StateTooLarge { .. } | LimitError::ValueTooLarge { .. })
            | Self::WriteTooLarge { .. } => reason::TOO_LARGE,
            Self::Limit(LimitError::TooDeep { .. }) => reason::TOO_DEEP,
            Self::Schema(_) => reason::SCHEMA_VIOLATED,
            _ => reason::CHANGE_REFUSED,
        }
    }
}
