//! `set`: changes of the state, all or none.

use std::fmt;

use cicdcontext_crds::ChangeOperation;
use cicdcontext_engine::state::{ChangeSet, Path, PlainChange, PlainPrecondition, change::Expected};

use crate::{
    arguments::{ChangeArguments, Object, SetArguments, UsageError},
    assignment::Assignment,
    console::Console,
    failure::Failure,
    setting::Setting,
    source::{Change, Changed, Contexts},
};

/// What is to be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    change: Change,
}

impl Request {
    /// Understands the arguments; `object` holds the assignments. What `--unset` names goes first.
    pub fn read(arguments: &SetArguments, object: Object) -> Result<Self, UsageError> {
        let mut changes = Vec::with_capacity(arguments.unset.len() + object.rest.len());
        for path in &arguments.unset {
            let path = Path::parse(path)?;
            changes.push(PlainChange { path, op: ChangeOperation::Unset, value: None, split: None });
        }
        for text in &object.rest {
            let Assignment { path, op, value } = Assignment::parse("PATH=TEXT", text)?;
            changes.push(PlainChange { op, ..PlainChange::set(path, value) });
        }
        if changes.is_empty() {
            return Err(UsageError::NothingToSet);
        }
        Ok(Self { context: object.name, change: change(&arguments.change, changes)? })
    }

    /// The change.
    pub fn change(&self) -> &Change {
        &self.change
    }
}

/// The change that the arguments of a verb say.
pub(super) fn change(arguments: &ChangeArguments, changes: Vec<PlainChange>) -> Result<Change, UsageError> {
    let mut preconditions = Vec::with_capacity(arguments.conditions.len());
    for text in &arguments.conditions {
        let Assignment { path, value, .. } = Assignment::parse("--if", text)?;
        preconditions.push(PlainPrecondition { path, expected: Expected::Equals(value) });
    }
    let set = ChangeSet { preconditions, changes, ..ChangeSet::default() };
    Ok(Change { set, via: arguments.via, timeout: arguments.timeout })
}

/// What was written, in words.
struct Told<'a>(&'a str, &'a Changed);

impl fmt::Display for Told<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(context, Changed { paths, attempts, state_write, .. }) = self;
        if paths.is_empty() {
            return write!(formatter, "CicdContext {context}: nothing to change");
        }
        write!(formatter, "CicdContext {context}: changed {}", paths.join(", "))?;
        match state_write {
            Some(name) => write!(formatter, " (CicdStateWrite {name})"),
            None => write!(formatter, " (attempt {attempts})"),
        }
    }
}

/// Carries out the command.
pub async fn command(arguments: &SetArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("set", arguments.object.iter().chain(&arguments.assignments))?;
    let request = Request::read(arguments, object)?;
    run(&setting.place().await?, &request, setting.global.verbosity, console).await
}

/// Makes the change, and tells what was done if somebody wants to know.
pub async fn run<C: Contexts>(
    contexts: &C,
    request: &Request,
    verbosity: u8,
    console: &mut Console,
) -> Result<(), Failure> {
    let changed = contexts.change(&request.context, &request.change).await?;
    tell(&request.context, &changed, verbosity, console);
    Ok(())
}

/// Tells what was done if somebody wants to know, and what could not be checked in any case.
pub(super) fn tell(context: &str, changed: &Changed, verbosity: u8, console: &mut Console) {
    if let Some(error) = &changed.unusable_schema {
        console.note(&format!("warning: CicdContext {context}: {error}; the change was not checked"));
    }
    if verbosity > 0 {
        console.note(&Told(context, changed).to_string());
    }
}
