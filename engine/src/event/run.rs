//! One event, handled step by step.

use std::{collections::HashSet, sync::Arc};

use cicdcontext_crds::{
    HandlerPhase, HandlerStatus,
    handler::{EndpointReference, OnFailure},
    vocabulary::reason,
};
use serde_json::{Map, Value, json};

use super::{
    facts::{ContextFacts, EventFacts},
    outcome::Outcome,
};
use crate::{
    configuration::model::Handler,
    handler::{self, Endpoints, HandlerError, Prepared, Program, Request, Scope},
    state::{
        Effect, Path, PlainChange,
        ledger::{EffectHash, effect_hash},
    },
};

mod answer;
mod handlers;
mod trace;

pub use handlers::effects_of;
use handlers::handlers_of;
pub(super) use trace::HandlerTrace;
use trace::Trace;

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
    /// Send this request and tell [`Run::answered`] what came of it.
    Send(Box<Request>),
    /// Write this and tell [`Run::written`] what came of it.
    Write(Write),
    /// Nothing to do but to ask again: a handler was decided on without any effect. Between two of them others get
    /// their turn.
    Again,
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
    /// `None` if it was delivered, or else why not: a word and a sentence.
    pub failure: Option<(String, String)>,
    /// Status code, if there was a response.
    pub status: Option<u16>,
    /// Headers of the response, names in lower case.
    pub headers: Map<String, Value>,
    /// Body of the response as text.
    pub body: String,
    /// How long the attempt took.
    pub duration_ms: i64,
}

/// What the run waits for.
#[derive(Clone, Debug)]
enum Stage {
    Set,
    Setting(Write),
    Handler,
    Sending(Box<Request>),
    Answered(Box<Delivered>),
    Writing(Write),
    Done(Outcome),
}

/// The run of one event.
#[derive(Debug)]
pub struct Run {
    event: EventFacts,
    context: ContextFacts,
    program: Arc<Program>,
    handlers: Vec<Handler>,
    statuses: Vec<HandlerStatus>,
    /// Effects that the ledger says are in the state already.
    recorded: HashSet<EffectHash>,
    position: usize,
    stopped_by: Option<String>,
    paths: Vec<String>,
    /// What `varsFrom` found in the state when the first handler began.
    from_state: Option<Vec<(Path, Value)>>,
    stage: Stage,
    /// Only a rehearsal wants to know more than the statuses say.
    trace: Option<Trace>,
}

impl Run {
    /// Begins, or resumes after a restart: `recorded` tells which effects are in the state already.
    pub fn new(
        event: EventFacts,
        context: ContextFacts,
        program: Arc<Program>,
        recorded: impl IntoIterator<Item = EffectHash>,
    ) -> Self {
        let (handlers, stage) = match handlers_of(&event, &program) {
            Ok(handlers) => (handlers, Stage::Set),
            Err(outcome) => (Vec::new(), Stage::Done(outcome)),
        };
        let statuses = handlers
            .iter()
            .map(|handler| HandlerStatus {
                name: handler.name.clone(),
                handler_type: Some(handler.action.kind()),
                ..HandlerStatus::default()
            })
            .collect();
        Self {
            event,
            context,
            program,
            handlers,
            statuses,
            recorded: recorded.into_iter().collect(),
            position: 0,
            stopped_by: None,
            paths: Vec::new(),
            from_state: None,
            stage,
            trace: None,
        }
    }

    /// The endpoints that handlers of this event send to. Gather them before the first step.
    pub fn endpoints(&self) -> Vec<EndpointReference> {
        let mut endpoints: Vec<_> =
            self.handlers.iter().filter_map(|handler| handler.action.endpoint()).cloned().collect();
        endpoints.sort();
        endpoints.dedup();
        endpoints
    }

    /// Each handler as it stands.
    pub fn handlers(&self) -> &[HandlerStatus] {
        &self.statuses
    }

    /// The event that is run.
    pub fn event(&self) -> &EventFacts {
        &self.event
    }

    /// Whether deciding the next step looks at the state. Gather it anew if time has passed.
    pub fn looks_at_state(&self, endpoints: &dyn Endpoints) -> bool {
        match &self.stage {
            Stage::Answered(_) => self.handlers.get(self.position).is_some_and(|handler| {
                let last = self.position + 1 == self.handlers.len();
                !last || answer::is_looked_at(handler, endpoints)
            }),
            Stage::Handler => self.position < self.handlers.len(),
            Stage::Set | Stage::Setting(_) | Stage::Sending(_) | Stage::Writing(_) | Stage::Done(_) => false,
        }
    }

    /// Decides the next step. Asked again before the last step was answered, it gives that step again.
    pub fn next(&mut self, view: View<'_>) -> Step {
        loop {
            match &self.stage {
                Stage::Set => self.stage = self.begin(),
                Stage::Handler => {
                    self.stage = self.handler(view);
                    if matches!(self.stage, Stage::Handler) {
                        return Step::Again;
                    }
                }
                Stage::Answered(_) => self.stage = self.take_in(view),
                Stage::Setting(write) | Stage::Writing(write) => return Step::Write(write.clone()),
                Stage::Sending(request) => return Step::Send(request.clone()),
                Stage::Done(outcome) => return Step::Done(outcome.clone()),
            }
        }
    }

    /// Takes in what came of the request of the last step.
    pub fn answered(&mut self, delivered: Delivered) {
        if !matches!(self.stage, Stage::Sending(_)) {
            return;
        }
        let status = &mut self.statuses[self.position];
        status.attempts = Some(status.attempts.unwrap_or_default() + 1);
        status.http_status = delivered.status.map(i32::from);
        status.duration_ms = Some(delivered.duration_ms);
        self.stage = match delivered.failure {
            Some((reason, message)) => self.failed(&reason, message),
            None => Stage::Answered(Box::new(delivered)),
        };
    }

    /// Takes in what came of the write of the last step: the paths that were written, or why it was refused.
    pub fn written(&mut self, result: Result<Vec<String>, String>) {
        match (&self.stage, result) {
            (Stage::Setting(_), Ok(paths)) => {
                self.paths = shown(paths);
                self.stage = Stage::Handler;
            }
            (Stage::Setting(_), Err(message)) => {
                self.stage = Stage::Done(Outcome::failed(reason::SET_REFUSED, format!("apply spec.set: {message}")));
            }
            (Stage::Writing(write), Ok(paths)) => {
                let reason = if write.captured { reason::DELIVERED } else { reason::STATE_WRITTEN };
                self.statuses[self.position].paths = shown(paths);
                self.stage = self.succeeded(reason);
            }
            (Stage::Writing(write), Err(message)) => {
                let reason = if write.captured { reason::CAPTURE_REFUSED } else { reason::CHANGE_REFUSED };
                self.stage = self.failed(reason, message);
            }
            _ => {}
        }
    }

    /// Ends the run early: what has not started is Skipped.
    pub fn cancel(&mut self, reason: &str, message: &str) {
        if matches!(self.stage, Stage::Done(_)) {
            return;
        }
        // A request that was answered was delivered, whatever became of what it was to capture.
        let delivered = match &self.stage {
            Stage::Answered(_) => true,
            Stage::Writing(write) => write.captured,
            _ => false,
        };
        if delivered {
            let lost = matches!(self.stage, Stage::Writing(_));
            let note = lost.then(|| format!("what it captured is not written: {message}"));
            self.finish(HandlerPhase::Succeeded, reason::DELIVERED, note);
        }
        for status in &mut self.statuses[self.position..] {
            status.phase = HandlerPhase::Skipped;
            status.reason = Some(reason.to_owned());
            status.message = Some(message.to_owned());
        }
        let mut outcome = Outcome::failed(reason, message);
        outcome.handlers.clone_from(&self.statuses);
        outcome.paths.clone_from(&self.paths);
        self.stage = Stage::Done(outcome);
    }

    fn effect(&self, handler: &str) -> EffectHash {
        effect_hash(Effect::Handler { event_uid: &self.event.uid, handler })
    }

    fn begin(&mut self) -> Stage {
        let effect = effect_hash(Effect::Set { event_uid: &self.event.uid });
        if self.event.set.is_empty() || self.recorded.contains(&effect) {
            return Stage::Handler;
        }
        Stage::Setting(Write { effect, changes: self.event.set.clone(), captured: false })
    }

    fn handler(&mut self, view: View<'_>) -> Stage {
        if self.from_state.is_none() {
            let found = |(path, source): &(Path, Path)| Some((path.clone(), source.get_in(view.state)?.clone()));
            self.from_state = Some(self.event.vars_from.iter().filter_map(found).collect());
        }
        let Some(handler) = self.handlers.get(self.position) else {
            return Stage::Done(self.outcome());
        };
        if let Some(stopper) = &self.stopped_by {
            let message = format!("{stopper} failed and says onFailure: Stop");
            return self.finish(HandlerPhase::Skipped, reason::STOPPED, Some(message));
        }
        let effect = self.effect(&handler.name);
        if self.recorded.contains(&effect) {
            let message = "what it wrote was in the state already when the operator started anew";
            return self.finish(HandlerPhase::Succeeded, reason::RECORDED_BEFORE, Some(message.to_owned()));
        }
        let (result, webhook_id, traced) = self.prepare(handler, view);
        if let Some(trace) = &mut self.trace {
            trace.handlers[self.position] = traced;
        }
        match result {
            Ok(Decision::Skip(text)) => {
                let message = format!("its if gave {text:?}");
                self.statuses[self.position].condition = Some(text);
                self.finish(HandlerPhase::Skipped, reason::CONDITION_NOT_MET, Some(message))
            }
            Ok(Decision::Go(Prepared::Send(request))) => {
                let status = &mut self.statuses[self.position];
                status.webhook_id = Some(webhook_id);
                status.endpoint = Some(request.target.to_string());
                Stage::Sending(request)
            }
            Ok(Decision::Go(Prepared::Nothing(why))) => {
                self.finish(HandlerPhase::Skipped, reason::NOTHING_TO_SEND, Some(why.to_owned()))
            }
            Ok(Decision::Go(Prepared::Write(changes))) if changes.is_empty() => self.finish(
                HandlerPhase::Succeeded,
                reason::STATE_WRITTEN,
                Some("nothing was to be written".to_owned()),
            ),
            Ok(Decision::Go(Prepared::Write(changes))) => Stage::Writing(Write { effect, changes, captured: false }),
            Err(error) => {
                let endpoint = handler.action.endpoint().cloned().map(handler::Target::Endpoint);
                self.statuses[self.position].endpoint = endpoint.map(|endpoint| endpoint.to_string());
                self.failed(error.reason(), error.to_string())
            }
        }
    }

    fn prepare(&self, handler: &Handler, view: View<'_>) -> (Result<Decision, HandlerError>, String, HandlerTrace) {
        let webhook_id = handler::request::webhook_id(&self.context.uid, &self.event.name, &handler.name);
        let mut scope = match self.scope(handler, view) {
            Ok(scope) => scope,
            Err(error) => return (Err(error), webhook_id, HandlerTrace::default()),
        };
        let result = match handler::condition(handler, &scope) {
            Err(error) => Err(error),
            Ok(Some(text)) => Ok(Decision::Skip(text)),
            Ok(None) => handler::prepare(handler, &mut scope, view.endpoints, &webhook_id).map(Decision::Go),
        };
        let traced = match &self.trace {
            Some(_) => HandlerTrace::of(handler, scope, view.endpoints),
            None => HandlerTrace::default(),
        };
        (result, webhook_id, traced)
    }

    fn scope<'a>(&'a self, handler: &Handler, view: View<'_>) -> Result<Scope<'a>, HandlerError> {
        let from_state = self.from_state.as_deref().unwrap_or_default();
        let mut scope = Scope::new(&self.program, &self.context, &self.event, view.state, from_state)?;
        scope.insert("handler", json!({"name": handler.name, "type": handler.action.kind().as_str()}));
        if self.trace.is_some() {
            scope.note_reads();
        }
        Ok(scope)
    }

    fn succeeded(&mut self, reason: &str) -> Stage {
        self.finish(HandlerPhase::Succeeded, reason, None)
    }

    fn failed(&mut self, reason: &str, message: String) -> Stage {
        let handler = &self.handlers[self.position];
        if handler.on_failure == OnFailure::Stop {
            self.stopped_by = Some(handler.name.clone());
        }
        self.finish(HandlerPhase::Failed, reason, Some(message))
    }

    fn finish(&mut self, phase: HandlerPhase, reason: &str, message: Option<String>) -> Stage {
        let status = &mut self.statuses[self.position];
        status.phase = phase;
        status.reason = Some(reason.to_owned());
        status.message =
            message.map(|text| cicdcontext_crds::conditions::cut(&text, MAX_HANDLER_MESSAGE_BYTES).to_owned());
        self.position += 1;
        Stage::Handler
    }

    fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::of_handlers(self.statuses.clone(), self.paths.clone());
        if outcome.handlers.is_empty() {
            let message = format!("no handlers are configured for {}", self.event.label());
            outcome = Outcome { paths: outcome.paths, ..Outcome::skipped(reason::NO_HANDLERS, message, true) };
        }
        outcome
    }
}

/// Most paths of one handler that its status names, and most bytes of each: a status has to stay small enough to be
/// written whatever paths a template gives.
const MAX_SHOWN_PATHS: usize = 16;
const MAX_SHOWN_PATH_BYTES: usize = 128;

fn shown(mut paths: Vec<String>) -> Vec<String> {
    let more = paths.len().saturating_sub(MAX_SHOWN_PATHS);
    paths.truncate(MAX_SHOWN_PATHS);
    for path in &mut paths {
        if path.len() > MAX_SHOWN_PATH_BYTES {
            *path = format!("{}…", cicdcontext_crds::conditions::cut(path, MAX_SHOWN_PATH_BYTES));
        }
    }
    if more > 0 {
        paths.push(format!("and {more} more"));
    }
    paths
}

/// Longest message of one handler in status, in bytes.
pub const MAX_HANDLER_MESSAGE_BYTES: usize = 600;

enum Decision {
    Skip(String),
    Go(Prepared),
}

#[cfg(test)]
pub(super) mod tests;
