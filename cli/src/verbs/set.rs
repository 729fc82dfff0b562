//! `set`: changes of the state in one JSON patch, all or none, guarded by what was read.
//!
//! What would break the context's schema is refused before anything is sent, as the operator refuses its own writes.
//! A schema that cannot be used refuses nothing; the context's condition StateValid tells, and so does a warning here.
//!
//! When somebody else changed the same place in the meantime, the context is read anew and the patch made anew, after
//! a pause that grows and differs from process to process.

use std::{fmt, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use cicdcontext_crds::ChangeOperation;
use cicdcontext_engine::state::{
    ChangeSet, Draft, Path, PlainChange, PlainPrecondition, Schema, SchemaError, change::Expected, patch, schema::Guard,
};
use json_patch::PatchOperation;

use crate::{
    arguments::{Object, SetArguments, UsageError},
    assignment::Assignment,
    failure::Failure,
    source::{Context, Source},
};

/// Attempts after the first one.
const RETRIES: usize = 10;
/// The first pause, and the longest; jitter adds up to as much again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What is to be changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    changes: ChangeSet,
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
            changes.push(assignment("PATH=TEXT", text)?);
        }
        if changes.is_empty() {
            return Err(UsageError::NothingToSet);
        }
        let mut preconditions = Vec::with_capacity(arguments.conditions.len());
        for text in &arguments.conditions {
            let PlainChange { path, value, .. } = assignment("--if", text)?;
            preconditions.push(PlainPrecondition { path, expected: Expected::Equals(value.unwrap_or_default()) });
        }
        Ok(Self { context: object.name, changes: ChangeSet { preconditions, changes, ..ChangeSet::default() } })
    }

    /// What would be written; no path, no patch.
    fn plan(&self, context: &Context) -> Result<Plan, Failure> {
        let schema = context.state_schema.as_ref().map(Schema::compile);
        let unusable = schema.as_ref().and_then(|schema| schema.as_ref().err()).cloned();
        let schema = schema.as_ref().and_then(|schema| schema.as_ref().ok());
        let mut guard = Guard::new(schema, context.state.as_ref());
        let mut draft = Draft::new(context.state.as_ref());
        let paths = draft
            .apply_checked(&self.changes, |state| guard.check(state))
            .map_err(|refusal| Failure::Refused { context: self.context.clone(), refusal })?;
        let (_, mut operations, needs_resource_version) = draft.finish();
        if needs_resource_version {
            operations.insert(0, patch::test_resource_version(&context.resource_version));
        }
        Ok(Plan { paths, operations, unusable })
    }
}

/// What would be written.
struct Plan {
    paths: Vec<String>,
    operations: Vec<PatchOperation>,
    unusable: Option<SchemaError>,
}

fn assignment(flag: &'static str, text: &str) -> Result<PlainChange, UsageError> {
    let Assignment { path, op, value } = Assignment::parse(flag, text)?;
    let op = match op {
        ChangeOperation::Append => "Append",
        ChangeOperation::Add => "Add",
        _ => return Ok(PlainChange::set(path, value)),
    };
    Err(UsageError::NoAppend { path: path.to_string(), op })
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The context.
    pub context: String,
    /// The paths, in order.
    pub paths: Vec<String>,
    /// How many attempts it took.
    pub attempts: usize,
    /// Why the context's schema was not asked, if it has one that cannot be used.
    pub unusable: Option<SchemaError>,
}

impl fmt::Display for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, paths, attempts, .. } = self;
        if paths.is_empty() {
            return write!(formatter, "CicdContext {context}: nothing to change");
        }
        write!(formatter, "CicdContext {context}: changed {} (attempt {attempts})", paths.join(", "))
    }
}

/// The pauses between attempts.
pub fn delays() -> impl Iterator<Item = Duration> {
    let (first, longest) = PAUSES;
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_max_delay(longest)
        .with_max_times(RETRIES)
        .with_jitter()
        .build()
}

/// Reads, decides and patches until nobody interferes, at most once more than there are `delays`.
pub async fn run<S: Source>(
    source: &S,
    request: &Request,
    mut delays: impl Iterator<Item = Duration>,
) -> Result<Written, Failure> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let context = source.context(&request.context).await?;
        let Plan { paths, operations, unusable } = request.plan(&context)?;
        let written = Written { context: request.context.clone(), paths, attempts, unusable };
        if written.paths.is_empty() {
            return Ok(written);
        }
        let Err(error) = source.patch_context(&request.context, &operations).await else { return Ok(written) };
        if !error.problem.is_worth_another_attempt() {
            return Err(error.into());
        }
        let Some(delay) = delays.next() else {
            return Err(Failure::Conflict { context: request.context.clone(), attempts });
        };
        tokio::time::sleep(delay).await;
    }
}

#[cfg(test)]
mod tests;
