//! What a rehearsal found, told in the outcome that goes into an event's status: each request as it would be sent, and what
//! is not certain.

use std::fmt::Write as _;

use cicdcontext_crds::{EventPhase, HandlerPhase, HandlerStatus, conditions::cut, vocabulary::reason};
use cicdcontext_engine::event::{Outcome, RehearsedHandler, run::MAX_HANDLER_MESSAGE_BYTES};

use crate::{attempt::Specs, shown::shown};

/// What the status of one handler says of its rehearsal: less than was rehearsed, which may be large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    request: Option<String>,
    summary: Option<String>,
    is_uncertain: bool,
}

impl Told {
    /// What is told of a handler.
    pub fn of(handler: &RehearsedHandler, endpoints: &impl Specs) -> Self {
        Self {
            request: handler.request.as_ref().map(|request| shown(request, endpoints)),
            summary: handler.summary(),
            is_uncertain: !handler.assumptions.is_empty(),
        }
    }

    fn apply(self, status: &mut HandlerStatus) {
        if self.request.is_some() {
            // What the assumed answer brought about says nothing.
            (status.attempts, status.http_status, status.duration_ms) = (None, None, None);
            status.paths.clear();
            if status.phase == HandlerPhase::Succeeded {
                status.reason = Some(reason::DRY_RUN.to_owned());
            }
        }
        status.request = self.request;
        let parts: Vec<String> = status.message.take().into_iter().chain(self.summary).collect();
        if !parts.is_empty() {
            status.message = Some(cut(&parts.join("; "), MAX_HANDLER_MESSAGE_BYTES).to_owned());
        }
    }
}

/// The outcome of a rehearsal with what is told of its handlers, in their order.
pub fn rehearsed(mut outcome: Outcome, told: Vec<Told>) -> Outcome {
    let uncertain = told.iter().filter(|told| told.is_uncertain).count();
    for (status, told) in outcome.handlers.iter_mut().zip(told) {
        told.apply(status);
    }
    outcome.message = format!("dry run, nothing was sent or written: {}", outcome.message);
    if uncertain > 0 {
        let _ = write!(outcome.message, "; {uncertain} of them on answers that are not known");
    }
    if outcome.phase == EventPhase::Succeeded {
        reason::DRY_RUN.clone_into(&mut outcome.reason);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(request: Option<&str>, summary: Option<&str>, is_uncertain: bool) -> Told {
        Told { request: request.map(str::to_owned), summary: summary.map(str::to_owned), is_uncertain }
    }

    #[test]
    fn what_the_assumed_answer_brought_about_is_not_told_and_what_rests_on_it_is() {
        let handlers = serde_json::from_value(json!([
            {"name": "tell", "phase": "Succeeded", "reason": "Delivered", "message": "fine", "attempts": 1,
             "httpStatus": 200, "durationMs": 0, "paths": ["state.run"]},
            {"name": "note", "phase": "Succeeded", "reason": "StateWritten", "paths": ["state.seen"]},
        ]));
        let mut outcome = Outcome::skipped("Succeeded", "2 of 2 handlers ran", true);
        (outcome.phase, outcome.handlers) = (EventPhase::Succeeded, handlers.unwrap());
        let told = vec![
            told(Some("POST https://ci.example/"), Some("would capture state.run"), false),
            told(None, Some("would write state.seen"), true),
        ];
        let outcome = rehearsed(outcome, told);
        let message =
            "dry run, nothing was sent or written: 2 of 2 handlers ran; 1 of them on answers that are not known";
        assert_eq!((outcome.reason.as_str(), outcome.message.as_str()), ("DryRun", message));
        assert_eq!(
            json!(outcome.handlers),
            json!([
                {"name": "tell", "phase": "Succeeded", "reason": "DryRun", "message": "fine; would capture state.run",
                 "request": "POST https://ci.example/"},
                {"name": "note", "phase": "Succeeded", "reason": "StateWritten", "message": "would write state.seen",
                 "paths": ["state.seen"]},
            ])
        );
    }

    #[test]
    fn a_long_message_is_cut() {
        let mut outcome = Outcome::failed("HandlerFailed", "0 of 1 handlers ran");
        outcome.handlers = vec![HandlerStatus::default()];
        let outcome = rehearsed(outcome, vec![told(None, Some(&"x".repeat(MAX_HANDLER_MESSAGE_BYTES + 1)), false)]);
        assert_eq!(outcome.handlers[0].message.as_ref().map(String::len), Some(MAX_HANDLER_MESSAGE_BYTES));
        assert_eq!(outcome.reason, "HandlerFailed");
    }
}
