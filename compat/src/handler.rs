//! The handlers of one event, block by block: what each sends and writes.
//!
//! A [`Run`] is stepped: [`Run::next`] gives a request or tells what a block came to, [`Run::answered`] takes in what came
//! back. It changes the document it is given; whoever drives it saves that after each step.

mod blocks;
mod capture;
pub(crate) mod condition;
mod failure;
mod manual_choice;
mod notify;
mod request;
mod respond;
mod set_values;
mod trigger_pipeline;

use std::{collections::VecDeque, fmt};

use serde_json::Value;

use self::blocks::{Block, Planned};
pub(crate) use self::{blocks::template, failure::Failure};
use crate::{
    document::{Document, STATE},
    files::{Core, Secrets},
    notice::Notice,
    template::{Scope, Settings, has_tags},
    write::strip,
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
#[derive(Clone, PartialEq, Eq)]
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

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let Self { handler, place, url, body, .. } = self;
        let mut shown = formatter.debug_struct("Request");
        shown.field("handler", handler).field("place", place).field("url", url).field("headers", &headers);
        shown.field("body", body).finish()
    }
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
pub struct Run {
    planned: VecDeque<Planned>,
    waiting: Option<Waiting>,
    ended: Option<Ended>,
}

/// A block of which the request is under way.
#[derive(Debug)]
struct Waiting {
    place: String,
    captures: Vec<capture::Planned>,
    /// What captures see.
    settings: Settings,
    notices: Vec<Notice>,
}

/// What a block that may send something came to.
enum Prepared {
    /// Send this.
    Send { url: String, headers: Vec<(String, String)>, body: String, captures: Vec<capture::Planned> },
    /// Do nothing, and why.
    Skip(String),
}

/// What a block sees.
struct Surroundings<'s> {
    document: &'s Document,
    core: &'s Core,
    secrets: &'s Secrets,
    settings: &'s Settings,
}

impl Surroundings<'_> {
    /// What the templates of a block that sends something see, the block itself under its own name; or why it is skipped.
    fn open(&self, block: &Block, name: &str, notices: &mut Vec<Notice>) -> Result<Result<Scope, String>, Failure> {
        let mut scope = Scope::new(self.document, self.settings).map_err(|error| Failure::plain(error.0))?;
        scope.insert(name, Value::Object(block.configuration.clone()));
        let skipped = condition::skipped(&block.configuration, &block.place, &scope, condition::Blank::AsIs, notices)?;
        Ok(skipped.map_or(Ok(scope), Err))
    }
}

impl Run {
    /// Finds the blocks of an event, in their order. An unknown event has none.
    pub fn new(document: &Document, pipeline: &str, event: &str) -> Result<Self, EventError> {
        let planned = blocks::planned(document, pipeline, event)?;
        Ok(Self { planned, waiting: None, ended: None })
    }

    /// What to do next. Between a request and its answer, nothing: without an answer its block has failed.
    pub fn next(&mut self, document: &mut Document, core: &Core, secrets: &Secrets, settings: &Settings) -> Step {
        if self.waiting.is_some() {
            self.answered(document, core, Answered::Failed("nobody told what came back".to_owned()));
        }
        if let Some(ended) = self.ended.take() {
            return Step::Ended(ended);
        }
        let block = match self.planned.pop_front() {
            None => return Step::Done,
            Some(Planned::Ended(ended)) => return Step::Ended(ended),
            Some(Planned::Run(block)) => block,
        };
        let mut notices = Vec::new();
        let surroundings = Surroundings { document, core, secrets, settings };
        let prepared = match block.handler {
            HandlerType::Notify => notify::prepare(&block, &surroundings, &mut notices),
            HandlerType::Respond => respond::prepare(&block, &surroundings, &mut notices),
            HandlerType::ManualChoice => manual_choice::prepare(&block, &surroundings, &mut notices),
            HandlerType::TriggerPipeline => trigger_pipeline::prepare(&block, &surroundings, &mut notices),
            HandlerType::SetValues => {
                let result = set_values::run(&block, document, settings, &mut notices);
                let result = result.map(|skipped| skipped.map_or(Outcome::Done, Outcome::Skipped));
                return Step::Ended(ended(block.place, result, notices));
            }
        };
        match prepared {
            Ok(Prepared::Send { url, headers, body, captures }) => {
                let place = block.place.clone();
                let settings = settings.without_variables();
                self.waiting = Some(Waiting { place, captures, settings, notices });
                Step::Send(Box::new(Request { handler: block.handler, place: block.place, url, headers, body }))
            }
            Ok(Prepared::Skip(reason)) => Step::Ended(ended(block.place, Ok(Outcome::Skipped(reason)), notices)),
            Err(failure) => Step::Ended(ended(block.place, Err(failure), notices)),
        }
    }

    /// Takes in what came back for the last request; the next [`Self::next`] tells how its block ended. Without a request
    /// under way it does nothing.
    pub fn answered(&mut self, document: &mut Document, core: &Core, answered: Answered) {
        let Some(Waiting { place, captures, mut settings, mut notices }) = self.waiting.take() else { return };
        settings.config.clone_from(core.config_data());
        let result = match answered {
            Answered::Delivered(body) => capture::taken_in(&captures, &body, document, &settings, &mut notices)
                .map(|()| Outcome::Done)
                .map_err(|failure| failure.within("the request was delivered, but nothing of its answer is written")),
            Answered::Failed(problem) => Ok(Outcome::Failed(problem)),
        };
        self.ended = Some(ended(place, result, notices));
    }
}

fn ended(place: String, result: Result<Outcome, Failure>, mut notices: Vec<Notice>) -> Ended {
    let result = result.unwrap_or_else(|failure| {
        notices.extend(failure.notice(&place));
        Outcome::Failed(failure.problem)
    });
    Ended { place, result, notices }
}

/// What to tell of a rendered text that the predecessor read as the name of a file.
pub(crate) fn file_value(place: &str, text: &str) -> Option<Notice> {
    strip(text).starts_with("file://").then(|| Notice {
        place: place.to_owned(),
        text: "a value that begins with file:// is written as it is; before, the file was read if there was one"
            .to_owned(),
        anchor: "file-values",
    })
}

/// Refuses a rendered text that holds template tags, at a place outside of the state: what stands there is rendered as
/// configuration, and the text may be what somebody else sent.
pub(crate) fn check_target(to: &str, text: &str) -> Result<(), Failure> {
    let first = strip(to).split('.').next().unwrap_or_default().trim_end_matches("[]").trim_end_matches("{}");
    if first == STATE || !has_tags(text) {
        return Ok(());
    }
    let problem = format!("write {}: the text holds template tags, and only the state is never rendered", strip(to));
    let before =
        "text with template tags is written below state only; before, it became configuration, and was rendered";
    Err(Failure::new(problem, before, "rendered-text"))
}

#[cfg(test)]
mod tests;
