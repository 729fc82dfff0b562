//! The handlers of one event, block by block: what each sends and writes.
//!
//! A [`Run`] is stepped: [`Run::next`] gives a request or tells what a block came to, [`Run::answered`] takes in what came
//! back. It changes the document it is given; whoever drives it saves that after each step.

use serde_json::Value;

use crate::{
    document::Document,
    files::{Core, Secrets},
    notice::Notice,
    template::Settings,
};

/// The five types of handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandlerType {
    /// POST to `slack.url`.
    Notify,
    /// POST to a URL of a template.
    Respond,
    /// POST to `slack.url`.
    ManualChoice,
    /// POST to `trigger.url`.
    TriggerPipeline,
    /// Writes.
    SetValues,
}

/// What is sent. Credentials are added by whoever sends it: the token only if [`Self::url`] is on the host and port of
/// `slack.url`, and never for trigger-pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose it is.
    pub handler: HandlerType,
    /// Where it stands: `pipelines.ship.event-handlers.shipped.notify.team`.
    pub place: String,
    /// Where to.
    pub url: String,
    /// Headers of `trigger.headers`, in their order, names as written; they replace standard ones. Their values may hold
    /// secrets and are shown nowhere.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: String,
}

/// What came back for a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// 2xx with this body, secrets already taken out.
    Delivered(String),
    /// All attempts failed; why, for people.
    Failed(String),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send it, then call [`Run::answered`].
    Send(Box<Request>),
    /// A block has ended. The document may have changed.
    Ended(Ended),
    /// No block is left.
    Done,
}

/// What a block came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Where it stands.
    pub place: String,
    /// What it came to.
    pub result: Outcome,
    /// What people should know, each once per command.
    pub notices: Vec<Notice>,
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: sent and captured, or written.
    Done,
    /// Not run, and why.
    Skipped(String),
    /// Failed, and why; nothing of it was written.
    Failed(String),
}

/// Why no handler can run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// There is no such pipeline, or it has no `event-handlers`.
    #[error("handle {pipeline}={event}: {problem}")]
    Pipeline {
        /// Its name.
        pipeline: String,
        /// The event.
        event: String,
        /// What there is instead.
        problem: String,
    },
    /// A handler's configuration cannot be read.
    #[error("{place}: {problem}")]
    Configuration {
        /// Where.
        place: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// The handlers of one event.
#[derive(Debug)]
pub struct Run {}

impl Run {
    /// Finds the blocks of an event, in their order. An unknown event has none.
    pub fn new(document: &Document, pipeline: &str, event: &str) -> Result<Self, EventError> {
        let _ = (document, pipeline, event);
        todo!()
    }

    /// What to do next.
    pub fn next(&mut self, document: &mut Document, core: &Core, secrets: &Secrets, settings: &Settings) -> Step {
        let _ = (document, core, secrets, settings);
        todo!()
    }

    /// Takes in what came back for the last request; the next [`Self::next`] tells how its block ended.
    pub fn answered(&mut self, document: &mut Document, core: &Core, answered: Answered) {
        let _ = (document, core, answered, Value::Null);
        todo!()
    }
}
