//! What is played: the steps of one release through stage and prod, and what must come of each.
//!
//! A step is what a task of a pipeline would run. Everything that is expected stands here in full, so that the demo
//! fails if a request or a value differs in a single character.

mod prod;
mod stage;

use cicdcontext_crds::{EventPhase, HandlerPhase};
use serde_json::{Value, json};

use crate::{events::Which, kubectl::Invocation, services::CHAT_PATH};

/// One step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) title: &'static str,
    /// One or two sentences for the person who watches.
    pub(crate) about: &'static str,
    pub(crate) commands: Vec<Invocation>,
    /// The event that the commands cause.
    pub(crate) event: Which,
    pub(crate) context: &'static str,
    pub(crate) requests: Vec<ExpectedRequest>,
    pub(crate) phase: EventPhase,
    pub(crate) handlers: Vec<ExpectedHandler>,
    /// What the operator wrote: the path as the event's status shows it, and the value that stands there afterwards.
    pub(crate) written: Vec<Written>,
}

/// A request that must arrive.
#[derive(Debug)]
pub(crate) struct ExpectedRequest {
    pub(crate) path: String,
    /// The Authorization header.
    pub(crate) authorization: &'static str,
    /// X-Correlation-Id; blank if there must be none.
    pub(crate) correlation: &'static str,
    pub(crate) body: Value,
}

/// What the event's status must say of a handler.
#[derive(Debug)]
pub(crate) struct ExpectedHandler {
    pub(crate) name: &'static str,
    pub(crate) phase: HandlerPhase,
    pub(crate) reason: &'static str,
}

/// A value in the state.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) path: &'static str,
    /// The same place as a JSON pointer.
    pub(crate) pointer: &'static str,
    /// `None`: it was removed.
    pub(crate) value: Option<Value>,
}

/// All steps, in order, for contexts of this namespace.
pub(crate) fn steps(namespace: &str) -> Vec<Step> {
    let mut steps = stage::steps(namespace);
    steps.extend(prod::steps(namespace));
    steps
}

/// The state of each context at the end.
pub(crate) fn final_states() -> [(&'static str, Value); 2] {
    [("shop-stage", stage::final_state()), ("shop-prod", prod::final_state())]
}

const VERSION: &str = "1.4.2";
const COMMIT: &str = "4f9d2c7";
const DIGEST: &str = "sha256:9b1f6a0c";

fn image() -> String {
    format!("registry.example/shop/shop@{DIGEST}")
}

/// `kubectl patch` of a context, as a merge patch.
fn patch(namespace: &str, context: &str, patch: &Value) -> Invocation {
    // 14 columns for the indentation and the quotation marks.
    let patch = crate::pretty::pretty(patch, crate::output::WIDTH - 14);
    let context = format!("cctx/{context}");
    Invocation::new(["-n", namespace, "patch", &context, "--type", "merge", "-p", &patch])
}

/// `kubectl annotate` of a context with an event.
fn annotate(namespace: &str, context: &str, id: &str, event: &str) -> Invocation {
    let (context, annotation) = (format!("cctx/{context}"), format!("event.cicdcontext.io/{id}={event}"));
    Invocation::new(["-n", namespace, "annotate", &context, &annotation])
}

fn annotation(context: &str, id: &str) -> Which {
    Which::Annotation { context: context.to_owned(), id: id.to_owned() }
}

/// A message to the chat; a reply if `thread` is given, with whether it shows in the channel as well.
fn message(channel: &str, thread: Option<(&str, bool)>, text: &str, fields: &[(&str, &str)]) -> ExpectedRequest {
    let mut blocks = vec![json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})];
    if !fields.is_empty() {
        let field = |(name, value): &(&str, &str)| json!({"type": "mrkdwn", "text": format!("*{name}*\n{value}")});
        blocks.push(json!({"type": "section", "fields": fields.iter().map(field).collect::<Vec<_>>()}));
    }
    let mut body = json!({"channel": channel, "text": text, "blocks": blocks});
    if let Some((timestamp, broadcast)) = thread {
        body["thread_ts"] = json!(timestamp);
        body["reply_broadcast"] = json!(broadcast);
    }
    let authorization = "Bearer example-chat-token";
    ExpectedRequest { path: CHAT_PATH.to_owned(), authorization, correlation: "", body }
}

/// The start of a pipeline.
fn run(pipeline: &str, correlation: &'static str, body: Value) -> ExpectedRequest {
    // example-user:example-ci-password
    let authorization = "Basic ZXhhbXBsZS11c2VyOmV4YW1wbGUtY2ktcGFzc3dvcmQ=";
    ExpectedRequest { path: format!("/api/pipelines/{pipeline}/runs"), authorization, correlation, body }
}

fn delivered(name: &'static str) -> ExpectedHandler {
    ExpectedHandler { name, phase: HandlerPhase::Succeeded, reason: "Delivered" }
}

fn wrote(name: &'static str) -> ExpectedHandler {
    ExpectedHandler { name, phase: HandlerPhase::Succeeded, reason: "StateWritten" }
}

fn skipped(name: &'static str) -> ExpectedHandler {
    ExpectedHandler { name, phase: HandlerPhase::Skipped, reason: "ConditionNotMet" }
}

fn written(path: &'static str, pointer: &'static str, value: impl Into<Value>) -> Written {
    Written { path, pointer, value: Some(value.into()) }
}

fn removed(path: &'static str, pointer: &'static str) -> Written {
    Written { path, pointer, value: None }
}
