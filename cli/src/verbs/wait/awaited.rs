//! What can be waited for, as it stands after `--for`, and what is missing of it. No source is known here.

use cicdcontext_crds::{ChangeOperation, CicdEvent, conditions};
use cicdcontext_engine::state::{ChangeSet, Path, PlainPrecondition, apply_all, change::Expected};

use crate::{
    arguments::UsageError,
    assignment::{Assignment, AssignmentError},
    following::{is_finished, names},
    output::handlers::word,
    source::Context,
};

/// The status words of conditions.
const STATUSES: [&str; 3] = ["True", "False", "Unknown"];

/// One thing that is waited for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Awaited {
    /// A value at a path of the state, or any.
    Value(PlainPrecondition),
    /// A status of a condition.
    Condition { kind: String, status: String },
    /// The end of an event, by its id or name.
    Event(String),
}

impl Awaited {
    /// Reads what stands after `--for`.
    pub(super) fn parse(text: &str) -> Result<Self, UsageError> {
        let wrong = || UsageError::NotAwaitable { found: text.to_owned() };
        if let Some(event) = text.strip_prefix("event=") {
            return if event.is_empty() { Err(wrong()) } else { Ok(Self::Event(event.to_owned())) };
        }
        if let Some(condition) = text.strip_prefix("condition=") {
            let (kind, status) = condition.split_once('=').unwrap_or((condition, "True"));
            let status = STATUSES.iter().find(|known| known.eq_ignore_ascii_case(status)).ok_or_else(wrong)?;
            let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
            return if is_kind {
                Ok(Self::Condition { kind: kind.to_owned(), status: (*status).to_owned() })
            } else {
                Err(wrong())
            };
        }
        if !text.starts_with("state") {
            return Err(wrong());
        }
        let (path, expected) = match Assignment::parse("--for", text) {
            Ok(assignment) if assignment.op == ChangeOperation::Set => {
                (assignment.path, Expected::Equals(assignment.value))
            }
            Ok(_) => return Err(wrong()),
            Err(AssignmentError::NoEquals { .. }) => (Path::parse(text)?, Expected::Exists(true)),
            Err(error) => return Err(error.into()),
        };
        Ok(Self::Value(PlainPrecondition { path, expected }))
    }

    /// The event that is waited for, if it is one.
    pub(super) fn event(&self) -> Option<&str> {
        match self {
            Self::Event(called) => Some(called),
            _ => None,
        }
    }

    /// What is missing, and what is there instead; none if it holds.
    pub(super) fn missing(&self, context: Option<&Context>, event: Option<&CicdEvent>) -> Option<String> {
        match self {
            Self::Value(precondition) => {
                let state = context.and_then(|context| context.state.as_ref());
                let looked = ChangeSet { preconditions: vec![precondition.clone()], ..ChangeSet::default() };
                match apply_all(state, &[looked]).results.into_iter().next()? {
                    Ok(_) => None,
                    Err(refusal) => Some(refusal.to_string().trim_start_matches("check ").to_owned()),
                }
            }
            Self::Condition { kind, status } => {
                let found = context.and_then(|context| conditions::get(&context.conditions, kind));
                match found {
                    Some(found) if found.status == *status => None,
                    Some(found) => {
                        let (now, reason, message) = (&found.status, &found.reason, &found.message);
                        Some(format!("condition {kind}: expected {status}, found {now} ({reason}: {message})"))
                    }
                    None => Some(format!("condition {kind}: expected {status}, found nothing")),
                }
            }
            Self::Event(called) => match event {
                Some(event) if is_finished(event) => None,
                Some(event) => {
                    let phase = event.status.as_ref().map(|status| status.phase).unwrap_or_default();
                    Some(format!("event {called}: it is {}", word(&phase)))
                }
                // What history has deleted was finished.
                None if context.is_some_and(|context| has_run(context, called)) => None,
                None => Some(format!("event {called}: it is not there")),
            },
        }
    }
}
/// Whether the event that somebody calls so ran and was deleted by history.
fn has_run(context: &Context, called: &str) -> bool {
    names(&context.name, Some(&context.uid), called).iter().any(|name| context.has_run(name))
}
