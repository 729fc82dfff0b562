//! A dry run: the engine's rehearsal, told in the event's status. Nothing is sent, and nothing but that status written.

use std::sync::Arc;

use cicdcontext_crds::{EventPhase, HandlerPhase, conditions::cut, vocabulary::reason};
use cicdcontext_dispatch::shown;
use cicdcontext_engine::{
    event::{Outcome, Progress, Rehearsal, Run, run::MAX_HANDLER_MESSAGE_BYTES},
    state::{Schema, SchemaError},
};
use serde_json::{Map, Value};

use crate::configuration::GatheredEndpoints;

/// Rehearses to the end. What receivers would answer is not known: handlers that depend on it say so.
pub(super) fn rehearse(
    run: Run,
    state: Map<String, Value>,
    endpoints: &GatheredEndpoints,
    schema: Option<Arc<Result<Schema, SchemaError>>>,
) -> Outcome {
    let mut rehearsal = Rehearsal::new(run, state);
    if let Some(schema) = schema {
        rehearsal = rehearsal.within(schema);
    }
    let mut handlers = Vec::new();
    let mut outcome = loop {
        match rehearsal.next(endpoints, &|_, _| None) {
            Progress::Again | Progress::Set(_) => {}
            Progress::Handler(handler) => handlers.push(*handler),
            Progress::Done(outcome) => break *outcome,
        }
    };
    for (status, handler) in outcome.handlers.iter_mut().zip(&handlers) {
        if let Some(request) = &handler.request {
            status.request = Some(shown(request, endpoints));
            // Nobody has answered.
            (status.attempts, status.http_status, status.duration_ms) = (None, None, None);
            status.paths.clear();
            if status.phase == HandlerPhase::Succeeded {
                status.reason = Some(reason::DRY_RUN.to_owned());
            }
        }
        let parts: Vec<String> = status.message.take().into_iter().chain(handler.summary()).collect();
        status.message = Some(parts.join("; ")).filter(|text| !text.is_empty());
        status.message = status.message.as_deref().map(|text| cut(text, MAX_HANDLER_MESSAGE_BYTES).to_owned());
    }
    let uncertain = handlers.iter().filter(|handler| !handler.assumptions.is_empty()).count();
    outcome.message = format!("dry run, nothing was sent or written: {}", outcome.message);
    if uncertain > 0 {
        outcome.message = format!("{}; {uncertain} of them on answers that are not known", outcome.message);
    }
    if outcome.phase == EventPhase::Succeeded {
        reason::DRY_RUN.clone_into(&mut outcome.reason);
    }
    outcome
}
