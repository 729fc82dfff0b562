//! One event, handled step by step.

use std::{collections::HashSet, sync::Arc};

use cicdcontext_crds::{
    HandlerPhase, HandlerStatus, StoredRequest,
    handler::{EndpointReference, OnFailure},
    vocabulary::reason,
};
use serde_json::Value;

use super::{
    facts::{ContextFacts, EventFacts},
    outcome::Outcome,
};
use crate::{
    configuration::model::Handler,
    handler::{self, Endpoints, Program, Request},
    state::{
        Effect, Path,
        ledger::{EffectHash, effect_hash},
    },
};

mod answer;
mod handlers;
mod kept;
mod render;
mod step;
mod trace;
pub(super) mod wait;

pub use handlers::effects_of;
use handlers::handlers_of;
pub use kept::{KeptError, MAX_KEPT_BYTES};
pub use step::{Delivered, Failure, Prospect, Step, View, Write};
pub(super) use trace::HandlerTrace;
use trace::Trace;
pub use wait::Wait;

/// What the run waits for.
#[derive(Clone, Debug)]
enum Stage {
    Set,
    Setting(Write),
    Handler,
    /// A request is to be sent. It is kept until its handler has ended.
    Sending,
    Answered(Box<Delivered>),
    Undelivered(Failure),
    Writing(Write),
    Done(Outcome),
}

/// What is known of one handler of the event beside its status.
#[derive(Clone, Debug)]
struct Slot {
    /// None where the configuration in force does not have it any more.
    handler: Option<Handler>,
    /// Its request, where that waits or can be sent again.
    kept: Option<StoredRequest>,
}

impl Slot {
    /// Whether those behind it depend on how it ends.
    fn stops(&self) -> bool {
        self.handler.as_ref().is_some_and(|handler| handler.on_failure == OnFailure::Stop)
    }
}

/// Whose turn it is.
enum Turn {
    /// This handler's.
    Handler(usize),
    /// This one is left out, since the named one before it failed.
    Stopped(usize, String),
    /// Nobody's: some wait.
    Wait,
    /// Nobody's: all have ended.
    Done,
}

/// The run of one event.
#[derive(Debug)]
pub struct Run {
    event: EventFacts,
    context: ContextFacts,
    program: Arc<Program>,
    slots: Vec<Slot>,
    /// Of each slot.
    statuses: Vec<HandlerStatus>,
    /// Effects that the ledger says are in the state already.
    recorded: HashSet<EffectHash>,
    /// The handler that the stage is about.
    position: usize,
    /// Its request.
    request: Option<Box<Request>>,
    paths: Vec<String>,
    /// What `varsFrom` found in the state when the first handler began.
    from_state: Option<Vec<(Path, Value)>>,
    stage: Stage,
    /// Only a rehearsal wants to know more than the statuses say.
    trace: Option<Trace>,
}

impl Run {
    /// Begins: `recorded` tells which effects are in the state already, from a run that nobody wrote down.
    pub fn new(
        event: EventFacts,
        context: ContextFacts,
        program: Arc<Program>,
        recorded: impl IntoIterator<Item = EffectHash>,
    ) -> Self {
        let (handlers, stage) = match handlers_of(&event, &program) {
            Ok(handlers) => (handlers, Stage::Set),
            Err(outcome) => (Vec::new(), Stage::Done(*outcome)),
        };
        let statuses = handlers
            .iter()
            .map(|handler| HandlerStatus {
                name: handler.name.clone(),
                handler_type: Some(handler.action.kind()),
                ..HandlerStatus::default()
            })
            .collect();
        let slots = handlers.into_iter().map(|handler| Slot { handler: Some(handler), kept: None }).collect();
        Self {
            event,
            context,
            program,
            slots,
            statuses,
            recorded: recorded.into_iter().collect(),
            position: 0,
            request: None,
            paths: Vec::new(),
            from_state: None,
            stage,
            trace: None,
        }
    }

    /// The endpoints that handlers of this event send to. Gather them before the first step.
    pub fn endpoints(&self) -> Vec<EndpointReference> {
        let handlers = self.slots.iter().filter_map(|slot| slot.handler.as_ref());
        let mut endpoints: Vec<_> = handlers.filter_map(|handler| handler.action.endpoint()).cloned().collect();
        // A request that waits goes where it was to go, whatever its handler says by now.
        let waiting = self.slots.iter().zip(&self.statuses).filter(|(slot, _)| slot.kept.is_some());
        endpoints.extend(waiting.filter_map(|(_, status)| handler::request::endpoint_of(status.endpoint.as_deref()?)));
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
            Stage::Answered(_) => {
                let handler = self.slots.get(self.position).and_then(|slot| slot.handler.as_ref());
                self.renders_after(self.position) || answer::is_looked_at(handler, self.sent_to(endpoints).as_deref())
            }
            Stage::Handler => matches!(self.turn(), Turn::Handler(_)),
            Stage::Set
            | Stage::Setting(_)
            | Stage::Sending
            | Stage::Undelivered(_)
            | Stage::Writing(_)
            | Stage::Done(_) => false,
        }
    }

    /// Decides the next step. Asked again before the last step was answered, it gives that step again.
    pub fn next(&mut self, view: View<'_>) -> Step {
        loop {
            match &self.stage {
                Stage::Set => self.stage = self.begin(),
                Stage::Handler => match self.turn() {
                    Turn::Handler(position) => {
                        self.position = position;
                        self.stage = self.handler(view);
                        if matches!(self.stage, Stage::Handler) {
                            return Step::Again;
                        }
                    }
                    Turn::Stopped(position, stopper) => {
                        self.position = position;
                        let message = format!("{stopper} failed and says onFailure: Stop");
                        self.stage = self.finish(HandlerPhase::Skipped, reason::STOPPED, Some(message));
                        return Step::Again;
                    }
                    Turn::Wait => return Step::Wait(self.waiting()),
                    Turn::Done => self.stage = Stage::Done(self.outcome()),
                },
                Stage::Answered(_) => self.stage = self.take_in(view),
                Stage::Setting(write) | Stage::Writing(write) => return Step::Write(write.clone()),
                Stage::Sending => match &self.request {
                    Some(request) => return Step::Send(request.clone()),
                    None => self.stage = Stage::Handler,
                },
                Stage::Undelivered(failure) => return Step::Undelivered(failure.clone()),
                Stage::Done(outcome) => return Step::Done(outcome.clone()),
            }
        }
    }

    /// Takes in what came of the request of the last step.
    pub fn answered(&mut self, delivered: Delivered) {
        if !matches!(self.stage, Stage::Sending) {
            return;
        }
        let status = &mut self.statuses[self.position];
        status.attempts = Some(status.attempts.unwrap_or_default() + 1);
        status.http_status = delivered.status.map(i32::from);
        status.duration_ms = Some(delivered.duration_ms);
        status.claim = None;
        self.stage = match delivered.failure {
            None => Stage::Answered(Box::new(delivered)),
            Some(failure) => self.undelivered(failure),
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
                self.stage = self.finish(HandlerPhase::Succeeded, reason, None);
            }
            (Stage::Writing(write), Err(message)) => {
                // What was captured of it is lost, and it is not sent again for that.
                let reason = if write.captured { reason::CAPTURE_REFUSED } else { reason::CHANGE_REFUSED };
                self.stage = self.failed(reason, message);
            }
            _ => {}
        }
    }

    /// Ends the run early: what has not started, or waits, is Skipped.
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
        for (status, slot) in
            self.statuses.iter_mut().zip(&mut self.slots).filter(|(status, _)| !status.phase.is_final())
        {
            if wait::lose(status) {
                continue;
            }
            status.phase = HandlerPhase::Skipped;
            status.reason = Some(reason.to_owned());
            status.message = Some(message.to_owned());
            status.next_attempt_time = None;
            status.claim = None;
            slot.kept = None;
        }
        let mut outcome = Outcome::failed(reason, message);
        outcome.handlers.clone_from(&self.statuses);
        outcome.requests = self.requests();
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

    /// Whose turn it is: the first handler's that has not begun, unless it depends on one that waits.
    fn turn(&self) -> Turn {
        let mut stopper = None;
        let mut waits = false;
        for (position, (slot, status)) in self.slots.iter().zip(&self.statuses).enumerate() {
            match status.phase {
                HandlerPhase::Pending => {
                    return match stopper {
                        Some(name) => Turn::Stopped(position, name),
                        None => Turn::Handler(position),
                    };
                }
                HandlerPhase::Failed | HandlerPhase::Unknown if slot.stops() => {
                    stopper.get_or_insert_with(|| status.name.clone());
                }
                HandlerPhase::Waiting | HandlerPhase::Sending if slot.stops() => return Turn::Wait,
                HandlerPhase::Waiting | HandlerPhase::Sending => waits = true,
                HandlerPhase::Succeeded | HandlerPhase::Skipped | HandlerPhase::Failed | HandlerPhase::Unknown => {}
            }
        }
        if waits { Turn::Wait } else { Turn::Done }
    }

    /// Whether a handler may have to be rendered once that at `position` has ended.
    fn renders_after(&self, position: usize) -> bool {
        self.statuses.iter().skip(position + 1).any(|status| status.phase == HandlerPhase::Pending)
    }

    fn failed(&mut self, reason: &str, message: String) -> Stage {
        self.finish(HandlerPhase::Failed, reason, Some(message))
    }

    fn finish(&mut self, phase: HandlerPhase, reason: &str, message: Option<String>) -> Stage {
        self.end(phase, reason, message);
        self.slots[self.position].kept = None;
        self.request = None;
        Stage::Handler
    }

    fn end(&mut self, phase: HandlerPhase, reason: &str, message: Option<String>) {
        let status = &mut self.statuses[self.position];
        status.phase = phase;
        status.reason = Some(reason.to_owned());
        status.message =
            message.map(|text| cicdcontext_crds::conditions::cut(&text, MAX_HANDLER_MESSAGE_BYTES).to_owned());
        status.next_attempt_time = None;
        status.claim = None;
    }

    fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::of_handlers(self.statuses.clone(), self.paths.clone());
        outcome.requests = self.requests();
        if outcome.handlers.is_empty() {
            let message = format!("no handlers are configured for {}", self.event.label());
            outcome = Outcome { paths: outcome.paths, ..Outcome::skipped(reason::NO_HANDLERS, message, true) };
        }
        outcome
    }

    /// The event as it stands while something waits.
    fn waiting(&self) -> Outcome {
        Outcome { requests: self.requests(), ..Outcome::waiting(self.statuses.clone(), self.paths.clone()) }
    }

    fn requests(&self) -> Vec<StoredRequest> {
        self.slots.iter().filter_map(|slot| slot.kept.clone()).collect()
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

#[cfg(test)]
pub(super) mod tests;
