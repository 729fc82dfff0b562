//! Deliveries that wait: until their next attempt, for a limit, or for an endpoint that does not exist yet. And how a run
//! goes on from what was written down of it.

use cicdcontext_crds::{AttemptHistory, CicdEventStatus, Claim, HandlerPhase, HandlerStatus, Time, vocabulary::reason};

use super::{
    ContextFacts, EffectHash, EventFacts, Failure, Outcome, Prospect, Run, Slot, Stage, Turn, handlers_of, kept::unpack,
};
use crate::handler::Program;

use std::sync::Arc;

/// For what a delivery waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wait {
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When the next attempt is due; none if that is not known.
    pub until: Option<Time>,
    /// What is remembered until then.
    pub history: AttemptHistory,
}

impl Run {
    /// Goes on with a run that was written down as `status`, before its first handler or after it: what has ended stays
    /// so, what waits waits. Handlers that had not begun come from the configuration in force; one that it does not have
    /// any more is Skipped/Removed.
    ///
    /// `recorded` tells which effects are in the state already.
    pub fn resume(
        event: EventFacts,
        context: ContextFacts,
        program: Arc<Program>,
        recorded: impl IntoIterator<Item = EffectHash>,
        status: &CicdEventStatus,
    ) -> Self {
        if status.handlers.is_empty() {
            return Self::new(event, context, program, recorded);
        }
        let handlers = handlers_of(&event, &program).unwrap_or_default();
        let kept = |name: &str| status.requests.iter().find(|stored| stored.handler == name).cloned();
        let slots = status.handlers.iter().map(|one| Slot {
            handler: handlers.iter().find(|handler| handler.name == one.name).cloned(),
            kept: kept(&one.name),
        });
        let slots = slots.collect();
        let mut run = Self::new(event, context, program, recorded);
        run.slots = slots;
        run.statuses.clone_from(&status.handlers);
        run.paths.clone_from(&status.paths);
        // Handlers are written down only after spec.set was made.
        run.stage = Stage::Handler;
        for position in 0..run.statuses.len() {
            run.restore(position);
        }
        run
    }

    /// A handler as it was written down, seen by whoever goes on.
    fn restore(&mut self, position: usize) {
        let status = &mut self.statuses[position];
        if status.phase == HandlerPhase::Sending && status.claim.is_none() {
            status.phase = HandlerPhase::Pending;
        }
        let effect = self.effect(&self.statuses[position].name);
        let status = &self.statuses[position];
        if !status.phase.is_final() && status.phase != HandlerPhase::Pending && self.recorded.contains(&effect) {
            self.position = position;
            let message = "its answer was in the state already when the operator started anew";
            self.finish(HandlerPhase::Succeeded, reason::RECORDED_BEFORE, Some(message.to_owned()));
        }
    }

    /// Begins the next attempt of the named handler, which waits: the next step is to send its request, or to render
    /// it if that could not be done before. False if it does not wait.
    pub fn attempt(&mut self, handler: &str) -> bool {
        let waits = |status: &HandlerStatus| {
            status.name == handler && status.phase == HandlerPhase::Waiting && matches!(self.stage, Stage::Handler)
        };
        let Some(position) = self.statuses.iter().position(waits) else { return false };
        self.position = position;
        match self.slots[position].kept.as_ref().map(unpack) {
            None => {
                self.statuses[position].phase = HandlerPhase::Pending;
                self.statuses[position].next_attempt_time = None;
            }
            Some(Ok(request)) => {
                self.request = Some(Box::new(request));
                self.stage = Stage::Sending;
            }
            Some(Err(error)) => self.stage = self.failed(reason::INVALID_REQUEST, error.to_string()),
        }
        true
    }

    /// What is remembered of the current request, if it waited before.
    pub fn history(&self) -> Option<AttemptHistory> {
        self.slots.get(self.position)?.kept.as_ref().map(|kept| kept.history)
    }

    /// The same of the request that is kept of the named handler.
    pub fn history_of(&self, handler: &str) -> Option<AttemptHistory> {
        let position = self.statuses.iter().position(|status| status.name == handler)?;
        self.slots.get(position)?.kept.as_ref().map(|kept| kept.history)
    }

    /// The handler of the current step.
    pub fn current(&self) -> &str {
        self.statuses.get(self.position).map_or("", |status| &status.name)
    }

    /// The current delivery waits. Its request is kept; if there is no room for it the handler fails.
    pub fn wait(&mut self, wait: Wait) {
        if !matches!(self.stage, Stage::Sending | Stage::Undelivered(_)) {
            return;
        }
        if let Err(error) = self.keep(wait.history) {
            let before = if wait.message.is_empty() { String::new() } else { format!("{}; ", wait.message) };
            self.stage = self.failed(reason::REQUEST_TOO_LARGE_TO_KEEP, format!("{before}{error}"));
            return;
        }
        self.end(HandlerPhase::Waiting, &wait.reason, Some(wait.message));
        self.statuses[self.position].next_attempt_time = wait.until;
        self.request = None;
        self.stage = Stage::Handler;
    }

    /// The current delivery is given up.
    pub fn give_up(&mut self, reason: &str, message: &str) {
        if matches!(self.stage, Stage::Sending | Stage::Undelivered(_)) {
            self.stage = self.undelivered(Failure::new(Prospect::Final, reason, message));
        }
    }

    /// The request of this step is claimed: written down, it says that whoever finds it without an outcome after its
    /// deadline must not send it again. False if there is no room to keep the request, and the handler has failed.
    pub fn claim(&mut self, claim: Claim, history: AttemptHistory) -> bool {
        if !matches!(self.stage, Stage::Sending) {
            return false;
        }
        if let Err(error) = self.keep(history) {
            self.stage = self.failed(reason::REQUEST_TOO_LARGE_TO_KEEP, error.to_string());
            return false;
        }
        let status = &mut self.statuses[self.position];
        status.phase = HandlerPhase::Sending;
        (status.reason, status.message, status.next_attempt_time) = (None, None, None);
        status.claim = Some(claim);
        true
    }

    /// Claims whose deadline is over: whether their requests arrived cannot be known. Not to be asked by whoever still
    /// waits for an answer.
    pub fn expire_claims(&mut self, now: &Time) {
        for position in 0..self.statuses.len() {
            let expired = claim_of(&self.statuses[position]).is_some_and(|claim| claim.deadline.0 <= now.0);
            if expired {
                self.position = position;
                lose(&mut self.statuses[position]);
            }
        }
    }

    /// Claims of which `unsent` says, by handler, that nothing was sent under them: the delivery waits, as if they had
    /// not been made.
    pub fn drop_claims(&mut self, unsent: impl Fn(&str, &Claim) -> bool) {
        for (status, slot) in self.statuses.iter_mut().zip(&self.slots) {
            if claim_of(status).is_some_and(|claim| unsent(&status.name, claim)) {
                status.claim = None;
                status.phase = if slot.kept.is_some() { HandlerPhase::Waiting } else { HandlerPhase::Pending };
            }
        }
    }

    /// The event as it stands while its handlers run; `retrying`: after they did. Where one of them has its turn again, they
    /// run again, so that whoever finds that written down goes on with it.
    pub fn standing(&self, retrying: bool) -> Outcome {
        let (handlers, paths) = (self.statuses.clone(), self.paths.clone());
        let outcome = if retrying && matches!(self.turn(), Turn::Wait) {
            Outcome::waiting(handlers, paths)
        } else {
            Outcome::running(handlers, paths)
        };
        Outcome { requests: self.requests(), ..outcome }
    }

    /// What follows on a delivery that failed. What ends here can be sent again if somebody asks for it.
    pub(super) fn undelivered(&mut self, failure: Failure) -> Stage {
        let phase = match failure.prospect {
            Prospect::Retry => return Stage::Undelivered(failure),
            Prospect::Final => HandlerPhase::Failed,
            Prospect::Unknown => HandlerPhase::Unknown,
        };
        let history = self.history().unwrap_or_default();
        // There is no room: it cannot be sent again, and has ended nevertheless.
        let kept = self.keep(history);
        if kept.is_err() {
            self.slots[self.position].kept = None;
        }
        self.end(phase, &failure.reason, Some(failure.message));
        self.request = None;
        Stage::Handler
    }
}

/// The claim under which a handler's attempt may be under way.
fn claim_of(status: &HandlerStatus) -> Option<&Claim> {
    status.claim.as_ref().filter(|_| status.phase == HandlerPhase::Sending)
}

/// The attempt under this claim will never be heard of, which is no reason to say that it was not made. False if there is
/// no such claim.
pub(in crate::event) fn lose(status: &mut HandlerStatus) -> bool {
    let Some(claim) = claim_of(status) else { return false };
    let message =
        format!("attempt {} was begun by an operator that ended before it could tell what came of it", claim.attempt);
    status.phase = HandlerPhase::Unknown;
    (status.reason, status.message) = (Some(reason::OUTCOME_UNKNOWN.to_owned()), Some(message));
    (status.next_attempt_time, status.claim) = (None, None);
    true
}

#[cfg(test)]
mod tests;
