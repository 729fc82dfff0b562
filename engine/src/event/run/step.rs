//! What a run asks for, and what it is told: the words between it and whoever drives it.

use serde_json::{Map, Value};

use super::Outcome;
use crate::{
    handler::{Endpoints, Request},
    state::{PlainChange, ledger::EffectHash},
};

/// What is known when the next step is decided.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The live state of the context.
    pub state: &'a Map<String, Value>,
    /// The endpoints that [`Run::endpoints`] names.
    pub endpoints: &'a dyn Endpoints,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Send this request and tell [`Run::answered`] what came of it; or, if it cannot be sent now, tell [`Run::wait`].
    Send(Box<Request>),
    /// A delivery failed in a way that time may mend: tell [`Run::wait`] until when, or [`Run::give_up`].
    Undelivered(Failure),
    /// Write this and tell [`Run::written`] what came of it.
    Write(Write),
    /// Nothing to do but to ask again: a handler was decided on without any effect. Between two of them others get
    /// their turn.
    Again,
    /// Nothing before a delivery that waits has ended: report this, and go on with [`Run::resume`].
    Wait(Outcome),
    /// Nothing more: report this.
    Done(Outcome),
}

/// Changes of state that go into the ledger under one hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The effect's hash in the ledger.
    pub effect: EffectHash,
    /// The changes, all or none.
    pub changes: Vec<PlainChange>,
    /// Whether they were captured from a response, so that each value has a limit of its own.
    pub captured: bool,
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delivered {
    /// `None` if it was delivered, or else why not.
    pub failure: Option<Failure>,
    /// Status code, if there was a response.
    pub status: Option<u16>,
    /// Headers of the response, names in lower case.
    pub headers: Map<String, Value>,
    /// Body of the response as text.
    pub body: String,
    /// How long the attempt took.
    pub duration_ms: i64,
}

/// Why something was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// What can follow.
    pub prospect: Prospect,
}

impl Failure {
    /// A failure with these words.
    pub fn new(prospect: Prospect, reason: &str, message: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), message: message.into(), prospect }
    }
}

/// What can follow on a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// Another attempt would end the same.
    Final,
    /// Another attempt may do better.
    Retry,
    /// Whether the request arrived cannot be known, and it must not arrive twice.
    Unknown,
}
