//! How an event ended, and the status that says so.

use cicdcontext_crds::{
    CicdEventStatus, EventPhase, HandlerPhase, HandlerStatus, StoredRequest, Time, conditions,
    vocabulary::{condition, reason},
};

use super::run::wait::lose;

/// How an event ended, or why it cannot begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Succeeded, Failed or Skipped; Pending for an event that cannot begin yet.
    pub phase: EventPhase,
    /// One of `vocabulary::reason`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// Whether condition Succeeded is True. An event that nobody listens to is Skipped and yet no failure.
    pub succeeded: bool,
    /// Each handler, in order.
    pub handlers: Vec<HandlerStatus>,
    /// Requests that wait, or that can be sent again.
    pub requests: Vec<StoredRequest>,
    /// Paths that `spec.set` wrote.
    pub paths: Vec<String>,
}

impl Outcome {
    /// The event failed as a whole.
    pub fn failed(reason: &str, message: impl Into<String>) -> Self {
        Self::of(EventPhase::Failed, reason, message, false)
    }

    /// There was nothing to do.
    pub fn skipped(reason: &str, message: impl Into<String>, succeeded: bool) -> Self {
        Self::of(EventPhase::Skipped, reason, message, succeeded)
    }

    /// Its handlers run.
    pub(super) fn running(handlers: Vec<HandlerStatus>, paths: Vec<String>) -> Self {
        let mut outcome = Self::of(EventPhase::Running, reason::RUNNING, "handlers run", false);
        (outcome.handlers, outcome.paths) = (handlers, paths);
        outcome
    }

    /// The event waits.
    pub fn pending(reason: &str, message: impl Into<String>) -> Self {
        Self::of(EventPhase::Pending, reason, message, false)
    }

    fn of(phase: EventPhase, reason: &str, message: impl Into<String>, succeeded: bool) -> Self {
        Self {
            phase,
            reason: reason.to_owned(),
            message: message.into(),
            succeeded,
            handlers: Vec::new(),
            requests: Vec::new(),
            paths: Vec::new(),
        }
    }

    /// What the handlers come to.
    pub(super) fn of_handlers(handlers: Vec<HandlerStatus>, paths: Vec<String>) -> Self {
        let failed: Vec<&HandlerStatus> = handlers
            .iter()
            .filter(|handler| matches!(handler.phase, HandlerPhase::Failed | HandlerPhase::Unknown))
            .collect();
        let (phase, reason, message) = if failed.is_empty() {
            let ran = handlers.iter().filter(|handler| handler.phase == HandlerPhase::Succeeded).count();
            let skipped = handlers.len() - ran;
            let message = match skipped {
                0 => format!("{ran} of {} handlers ran", handlers.len()),
                _ => format!("{ran} of {} handlers ran, {skipped} skipped", handlers.len()),
            };
            (EventPhase::Succeeded, reason::SUCCEEDED, message)
        } else {
            let unknown = failed.iter().any(|handler| handler.phase == HandlerPhase::Unknown);
            let reason = if unknown { reason::OUTCOME_UNKNOWN } else { reason::HANDLER_FAILED };
            let list: Vec<String> = failed
                .iter()
                .map(|handler| format!("{}: {}", handler.name, handler.message.as_deref().unwrap_or_default()))
                .collect();
            let message = format!("{} of {} handlers failed: {}", failed.len(), handlers.len(), list.join("; "));
            (EventPhase::Failed, reason, message)
        };
        let succeeded = phase == EventPhase::Succeeded;
        Self { phase, reason: reason.to_owned(), message, succeeded, handlers, requests: Vec::new(), paths }
    }

    /// The handlers as they stand while at least one of them waits.
    pub(super) fn waiting(handlers: Vec<HandlerStatus>, paths: Vec<String>) -> Self {
        let waits = |one: &&HandlerStatus| matches!(one.phase, HandlerPhase::Waiting | HandlerPhase::Sending);
        let waiting: Vec<&HandlerStatus> = handlers.iter().filter(waits).collect();
        let why = |handler: &HandlerStatus| match (&handler.claim, &handler.message) {
            (Some(claim), _) => format!("attempt {} may be under way until {}", claim.attempt, claim.deadline.0),
            (None, message) => message.clone().unwrap_or_default(),
        };
        let list: Vec<String> = waiting.iter().map(|handler| format!("{}: {}", handler.name, why(handler))).collect();
        let message = format!("{} of {} handlers wait: {}", waiting.len(), handlers.len(), list.join("; "));
        let mut outcome = Self::of(EventPhase::Retrying, reason::RETRYING, message, false);
        (outcome.handlers, outcome.paths) = (handlers, paths);
        outcome
    }

    /// The same for an event that had begun: what had ended stays so, an attempt that was claimed is Unknown, all else is
    /// Skipped for the outcome's reason.
    #[must_use]
    pub fn over(mut self, begun: &CicdEventStatus) -> Self {
        self.paths.clone_from(&begun.paths);
        self.handlers = begun
            .handlers
            .iter()
            .cloned()
            .map(|mut one| {
                if one.phase.is_final() || lose(&mut one) {
                    return one;
                }
                let (reason, message) = (Some(self.reason.clone()), Some(self.message.clone()));
                let left_out = HandlerStatus { phase: HandlerPhase::Skipped, reason, message, ..one };
                HandlerStatus { next_attempt_time: None, claim: None, ..left_out }
            })
            .collect();
        let ended = |stored: &&StoredRequest| {
            let of = self.handlers.iter().find(|one| one.name == stored.handler);
            of.is_some_and(|one| matches!(one.phase, HandlerPhase::Failed | HandlerPhase::Unknown))
        };
        self.requests = begun.requests.iter().filter(ended).cloned().collect();
        self
    }

    /// Writes the outcome into a status.
    pub fn apply(&self, status: &mut CicdEventStatus, generation: Option<i64>, now: &Time) {
        status.observed_generation = generation;
        status.phase = self.phase;
        status.handlers.clone_from(&self.handlers);
        status.requests.clone_from(&self.requests);
        status.paths.clone_from(&self.paths);
        let finished = self.phase.is_final();
        if !finished {
            status.completion_time = None;
        } else if status.completion_time.is_none() {
            status.completion_time = Some(now.clone());
        }
        let mut set = |kind: &str, value: bool| {
            conditions::set(&mut status.conditions, kind, value, &self.reason, &self.message, generation, now);
        };
        set(condition::FINISHED, finished);
        set(condition::SUCCEEDED, finished && self.succeeded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(name: &str, phase: HandlerPhase, message: &str) -> HandlerStatus {
        HandlerStatus { name: name.into(), phase, message: Some(message.into()), ..HandlerStatus::default() }
    }

    #[test]
    fn one_failed_handler_fails_the_event_and_is_named() {
        let outcome = Outcome::of_handlers(
            vec![
                handler("tell", HandlerPhase::Succeeded, ""),
                handler("note", HandlerPhase::Failed, "503 from https://x.example"),
            ],
            Vec::new(),
        );
        assert_eq!(outcome.phase, EventPhase::Failed);
        assert_eq!(outcome.message, "1 of 2 handlers failed: note: 503 from https://x.example");
    }

    #[test]
    fn an_event_that_waits_is_neither_finished_nor_succeeded() {
        let mut status = CicdEventStatus::default();
        let now = Time(jiff::Timestamp::UNIX_EPOCH);
        Outcome::pending(reason::SUSPENDED, "the context is suspended").apply(&mut status, Some(1), &now);
        assert!(!conditions::is_true(&status.conditions, condition::FINISHED));
        assert!(!conditions::is_true(&status.conditions, condition::SUCCEEDED));
        assert_eq!(status.completion_time, None);
    }
}
