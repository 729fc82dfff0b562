//! What a rehearsal tells, for people and as data.

use std::fmt::Write as _;

use cicdcontext_crds::{ChangeOperation, EventPhase, HandlerPhase, HandlerType, conditions::cut};
use serde::Serialize;
use serde_json::Value;

use super::{Assumption, Origin};
use crate::{event::Outcome, handler::Request, state::PlainChange};

/// Bytes of a value that a summary shows, and how many changes.
const SHOWN_VALUE_BYTES: usize = 80;
const SHOWN_CHANGES: usize = 4;

/// A whole rehearsal.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rehearsed {
    /// How the event would end.
    pub phase: EventPhase,
    /// Why: one of `vocabulary::reason`.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// The changes of `spec.set`, made before the first handler. If they were refused, `reason` says so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<RehearsedChange>,
    /// Each handler, in order.
    pub handlers: Vec<RehearsedHandler>,
}

impl Rehearsed {
    pub(super) fn new(outcome: Outcome, set: Vec<RehearsedChange>, handlers: Vec<RehearsedHandler>) -> Self {
        Self { phase: outcome.phase, reason: outcome.reason, message: outcome.message, set, handlers }
    }
}

/// What one handler would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedHandler {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub handler_type: Option<HandlerType>,
    /// Succeeded, Failed or Skipped.
    pub phase: HandlerPhase,
    /// Why: one of `vocabulary::reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The text of its `if`; none if it has none, or one that cannot be rendered.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The request that it would send: without credentials, which no template sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Box<Request>>,
    /// The changes of the state that it would make, also if they were refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<RehearsedChange>,
    /// Paths at which its captures, and those of its endpoint, would write, whatever the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub captures: Vec<String>,
    /// What was captured of the assumed answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub captured: Vec<RehearsedChange>,
    /// Why all this is not certain. None if it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<Assumption>,
    /// What its templates were to print and had no value, so that it is blank; at most 64, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The settings that its templates read, as `settings.chat.channel`; at most 64, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<String>,
}

impl RehearsedHandler {
    /// What it would write and capture, and on what that rests, in a sentence: `would capture state.ts; reads
    /// state.ticket, which handler open-ticket would capture: the request is an assumption`.
    pub fn summary(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.changes.is_empty() {
            parts.push(format!("would write {}", list(self.changes.iter().map(RehearsedChange::to_string))));
        }
        if self.request.is_some() && !self.captures.is_empty() {
            parts.push(format!("would capture {}", list(self.captures.iter().cloned())));
        }
        parts.extend(self.assumption());
        if parts.is_empty() { None } else { Some(parts.join("; ")) }
    }

    /// On what it rests that is not known yet, and what of it is therefore an assumption.
    pub fn assumption(&self) -> Option<String> {
        let first = self.assumptions.first()?;
        let Assumption { reads, handler, written, origin, only_captures } = first;
        let place = if reads == written { "which".to_owned() } else { format!("and {written} is what") };
        let mut text = match origin {
            Origin::Captured => format!("reads {reads}, {place} handler {handler} would capture"),
            Origin::Written => format!("reads {reads}, {place} handler {handler} would write on an assumption"),
        };
        let more = self.assumptions.len() - 1;
        if more > 0 {
            let _ = write!(text, " (and {more} more like that)");
        }
        let what = match self.phase {
            _ if *only_captures => "what it captures",
            HandlerPhase::Skipped => "that it is skipped",
            HandlerPhase::Failed if self.request.is_none() => "that it fails",
            _ if self.request.is_some() => "the request",
            _ => "what it writes",
        };
        let _ = write!(text, ": {what} is an assumption");
        Some(text)
    }
}

fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(SHOWN_CHANGES);
    let mut shown: Vec<String> = items.take(SHOWN_CHANGES).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

/// A change of the state.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RehearsedChange {
    /// Where.
    pub path: String,
    /// What is done there.
    pub op: ChangeOperation,
    /// The value; Unset and Clear have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Append and Add: the separator at which a text is split into items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
}

impl From<PlainChange> for RehearsedChange {
    fn from(change: PlainChange) -> Self {
        Self { path: change.path.to_string(), op: change.op, value: change.value, split: change.split }
    }
}

impl std::fmt::Display for RehearsedChange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = match self.op {
            ChangeOperation::Set => "=",
            ChangeOperation::Append | ChangeOperation::Add => "+=",
            ChangeOperation::Unset => return write!(formatter, "{} unset", self.path),
            ChangeOperation::Clear => return write!(formatter, "{} cleared", self.path),
        };
        let value = self.value.as_ref().unwrap_or(&Value::Null).to_string();
        let short = cut(&value, SHOWN_VALUE_BYTES);
        let dots = if short.len() < value.len() { "…" } else { "" };
        write!(formatter, "{} {sign} {short}{dots}", self.path)
    }
}
