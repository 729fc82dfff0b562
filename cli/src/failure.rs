//! Why a command did not do what it was asked for, in one line, and with which exit code it ends.

use std::{io, time::Duration};

use cicdcontext_engine::{configuration::json_path::JsonPathError, event::FactsError, state::Refusal};
use thiserror::Error;

use crate::{
    arguments::UsageError, configuration::ConfigurationFailure, exit::Exit, output::file::FileError,
    source::SourceError, verbs::load::LoadError,
};

/// Why a command failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// The command line is wrong.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// Values are missing.
    #[error("get {paths} of CicdContext {context}: not in the state; write it first, or say --default TEXT")]
    ValueMissing {
        /// The paths.
        paths: String,
        /// The context.
        context: String,
    },
    /// The changes do not go with the state, a precondition, the schema or a limit.
    #[error("change CicdContext {context}: {refusal}")]
    Refused {
        /// The context.
        context: String,
        /// Why.
        refusal: Refusal,
    },
    /// Others changed the same place each time.
    #[error(
        "change CicdContext {context}: others changed the same place during each of {attempts} attempts; \
         nothing was changed; run it again, or let fewer steps write there at once"
    )]
    Conflict {
        /// The context.
        context: String,
        /// Attempts that were made.
        attempts: usize,
    },
    /// The operator does not apply a state write.
    #[error("change CicdContext {context}: the operator refuses it: {message}")]
    StateWriteRefused {
        /// The context.
        context: String,
        /// Reason and message of its condition Applied.
        message: String,
    },
    /// The operator did not apply a state write in time.
    #[error(
        "change CicdContext {context}: no operator applied CicdStateWrite {write} within {} s; {}; a write in flight may \
         still land: look before you repeat it, and check that the operator runs", .after.as_secs_f32(),
        .left.as_ref().map_or("it was withdrawn".to_owned(), |why| format!("it could not be withdrawn: {why}"))
    )]
    NotApplied {
        /// The context.
        context: String,
        /// The name of the CicdStateWrite.
        write: String,
        /// How long was waited.
        after: Duration,
        /// Why it may be there still, if it may.
        left: Option<String>,
    },
    /// The context was deleted before a change was made.
    #[error("change CicdContext {context}: it was deleted before the change was made")]
    ContextDeleted {
        /// The context.
        context: String,
    },
    /// The event did not succeed.
    #[error("event {event}: {phase}: {reason}: {message}")]
    EventFailed {
        /// The name of the CicdEvent.
        event: String,
        /// How it ended.
        phase: String,
        /// The reason of its condition Succeeded.
        reason: String,
        /// The message of that condition.
        message: String,
    },
    /// The event was not finished in time.
    #[error(
        "event {event}: not finished after {} s: {standing}; {further}", .after.as_secs_f32()
    )]
    NotFinished {
        /// The name of the CicdEvent.
        event: String,
        /// How long was waited.
        after: Duration,
        /// What was last seen of it.
        standing: String,
        /// What becomes of it now.
        further: String,
    },
    /// The event was deleted while it was waited for.
    #[error("event {event}: it was deleted before it was finished")]
    EventDeleted {
        /// The name of the CicdEvent.
        event: String,
    },
    /// No event has this name or id.
    #[error(
        "find event '{event}' of CicdContext {context}: it has none of this name or id; cicdctl events {context} lists \
         those that there are"
    )]
    NoSuchEvent {
        /// The context.
        context: String,
        /// What was asked for.
        event: String,
    },
    /// Nothing of the event can be sent again.
    #[error("event {event}: nothing to redeliver: {problem}")]
    NothingToRedeliver {
        /// The name of the CicdEvent.
        event: String,
        /// Why.
        problem: String,
    },
    /// The user may not ask for a redelivery.
    #[error("redeliver event {event}: {message}; the ClusterRole cicd-editor grants it")]
    RedeliveryForbidden {
        /// The name of the CicdEvent.
        event: String,
        /// The API server's words.
        message: String,
    },
    /// What was waited for did not come.
    #[error("wait for CicdContext {context}: not within {} s: {missing}", .after.as_secs_f32())]
    NotYet {
        /// The context.
        context: String,
        /// How long was waited.
        after: Duration,
        /// What is missing, and what is there instead.
        missing: String,
    },
    /// The program could not be copied.
    #[error("copy this program to {folder}: {problem}")]
    Copy {
        /// The folder.
        folder: String,
        /// What went wrong.
        problem: String,
    },
    /// The cluster could not be asked.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Configuration cannot be tried, or trying it showed something.
    #[error(transparent)]
    Configuration(#[from] ConfigurationFailure),
    /// Standard output does not take what is written.
    #[error("write to standard output: {source}")]
    Output {
        /// Why.
        source: io::Error,
    },
    /// Files of the predecessor cannot be converted, or not all of what they hold.
    #[error("{0}")]
    Convert(String),
    /// Values cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A value cannot be written in the form that was asked for.
    #[error("print as {form}: {problem}")]
    Form {
        /// The form.
        form: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A file that a flag names cannot be read.
    #[error("{request}: {problem}")]
    Unread {
        /// What was tried, with the file's name.
        request: String,
        /// What is wrong.
        problem: String,
    },
    /// A JSONPath cannot be followed through the state.
    #[error("get from CicdContext {context}: {problem}")]
    Query {
        /// The context.
        context: String,
        /// What is wrong.
        problem: JsonPathError,
    },
    /// There is such a context already.
    #[error(
        "init CicdContext {context}: it exists already, {made_for}; go on with it with --if-exists=keep, begin anew with \
         --if-exists=reset, or choose another name"
    )]
    ContextExists {
        /// The context.
        context: String,
        /// Which run it was made for.
        made_for: String,
    },
    /// A variable cannot be rendered before there are events.
    #[error("freeze variable {name} of CicdContext {context}: {problem}")]
    NotFrozen {
        /// The context.
        context: String,
        /// The variable.
        name: String,
        /// Why.
        problem: String,
    },
    /// The operating system gives no random numbers.
    #[error("choose a name: the system gives no random numbers")]
    NoRandomness,
}

impl Failure {
    /// A change of this context was refused.
    pub fn refused(context: &str, refusal: Refusal) -> Self {
        Self::Refused { context: context.to_owned(), refusal }
    }

    /// The exit code that tells a script about it.
    pub fn exit(&self) -> Exit {
        match self {
            // The command line is right where only a limit is passed.
            Self::Usage(UsageError::Event(FactsError::TooLarge { .. }))
            | Self::Refused { .. }
            | Self::StateWriteRefused { .. }
            | Self::ContextExists { .. }
            | Self::Conflict { .. }
            | Self::NothingToRedeliver { .. } => Exit::Refused,
            Self::Usage(_) => Exit::Usage,
            Self::ValueMissing { .. } => Exit::ValueMissing,
            Self::EventFailed { .. } => Exit::EventFailed,
            Self::EventDeleted { .. } | Self::ContextDeleted { .. } | Self::NoSuchEvent { .. } => Exit::NotFound,
            Self::NotFinished { .. } | Self::NotApplied { .. } | Self::NotYet { .. } => Exit::TimedOut,
            Self::Source(error) => error.exit(),
            Self::Load(error) => error.exit(),
            Self::Configuration(failure) => failure.exit(),
            Self::File(_)
            | Self::Convert(_)
            | Self::Unread { .. }
            | Self::Output { .. }
            | Self::Form { .. }
            | Self::Query { .. }
            | Self::NotFrozen { .. }
            | Self::NoRandomness
            | Self::RedeliveryForbidden { .. }
            | Self::Copy { .. } => Exit::Failed,
        }
    }
}
