//! A dry run: the engine's rehearsal of an event, told in the event's status. Nothing is sent, nothing is written but that
//! status, which shows each request as it would be sent.

use std::fmt::Write as _;

use cicdcontext_crds::{EventPhase, HandlerPhase, HandlerStatus, conditions::cut, vocabulary::reason};
use cicdcontext_dispatch::shown;
use cicdcontext_engine::event::{Outcome, Progress, Rehearsal, RehearsedHandler, run::MAX_HANDLER_MESSAGE_BYTES};

use super::gather::Ready;
use crate::{endpoint::gather::Gathered, shared::Operator};

/// Rehearses to the end. Nobody knows what the receivers would answer: what would be captured of that is not written, and
/// handlers that read it are marked.
pub async fn rehearse(operator: &Operator, ready: Ready) -> Outcome {
    let Ready { run, state, endpoints, context, .. } = ready;
    let mut rehearsal = Rehearsal::new(run, state);
    if let Some(schema) = context.spec().ok().and_then(|spec| spec.state_schema) {
        rehearsal = rehearsal.within(operator.compute(context.namespace(), || operator.schemas.get(&schema)).await);
    }
    let mut told = Vec::new();
    let mut outcome = loop {
        match operator.compute(context.namespace(), || rehearsal.next(&endpoints, &|_, _| None)).await {
            Progress::Again | Progress::Set(_) => {}
            Progress::Handler(handler) => told.push(Told::of(&handler, &endpoints)),
            Progress::Done(outcome) => break *outcome,
        }
    };
    let uncertain = told.iter().filter(|told| told.uncertain).count();
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

/// What the status of a handler says of its rehearsal.
struct Told {
    request: Option<String>,
    summary: Option<String>,
    uncertain: bool,
}

impl Told {
    fn of(handler: &RehearsedHandler, endpoints: &Gathered) -> Self {
        Self {
            request: handler.request.as_ref().map(|request| shown(request, endpoints)),
            summary: handler.summary(),
            uncertain: !handler.assumptions.is_empty(),
        }
    }

    fn apply(self, status: &mut HandlerStatus) {
        if self.request.is_some() {
            // What the assumed answer brought about says nothing.
            status.http_status = None;
            status.attempts = None;
            status.duration_ms = None;
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
