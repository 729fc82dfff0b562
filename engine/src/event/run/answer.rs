//! What becomes of an answer that was delivered: its endpoint may judge it (`successWhen`), and then it is captured.
//!
//! It is data: nothing of it is ever rendered, and secrets were taken out of it before it came here.

use std::sync::Arc;

use cicdcontext_crds::{HandlerPhase, vocabulary::reason};
use serde_json::{Value, json};

use super::{Delivered, Failure, Prospect, Run, Stage, View, Write};
use crate::{
    configuration::model::Handler,
    handler::{Endpoint, EndpointLookup, Endpoints, HandlerError, Scope, scope::parse_body},
    state::PlainChange,
    template::{Escape, Reads, Source, truthy},
};

/// What an answer comes to.
enum Verdict {
    /// What it brings into the state; there may be nothing.
    Success(Vec<PlainChange>),
    /// Its endpoint says that it is none.
    Failure(Failure),
    /// What is to be captured of it cannot be.
    NotCaptured(HandlerError),
}

/// Whether anything looks into the answer to a request, and with that into the state.
pub(super) fn is_looked_at(handler: Option<&Handler>, endpoint: Option<&Endpoint>) -> bool {
    let of_endpoint = |endpoint: &Endpoint| !endpoint.capture.is_empty() || endpoint.success_when.is_some();
    handler.is_some_and(|handler| !handler.action.capture().is_empty()) || endpoint.is_some_and(of_endpoint)
}

/// The endpoint that a handler sends to, if it can be used.
pub(super) fn used_endpoint(handler: &Handler, endpoints: &dyn Endpoints) -> Option<Arc<Endpoint>> {
    match endpoints.find(handler.action.endpoint()?) {
        EndpointLookup::Found(endpoint) => Some(endpoint),
        _ => None,
    }
}

impl Run {
    /// The endpoint that the current request went to, if it can be used.
    pub(super) fn sent_to(&self, endpoints: &dyn Endpoints) -> Option<Arc<Endpoint>> {
        match endpoints.find(self.request.as_ref()?.target.endpoint()?) {
            EndpointLookup::Found(endpoint) => Some(endpoint),
            _ => None,
        }
    }

    /// Whether the current request was sent under a claim.
    fn is_claimed(&self) -> bool {
        self.statuses[self.position].phase == HandlerPhase::Sending
    }

    /// Judges and captures the answer that has come.
    pub(super) fn take_in(&mut self, view: View<'_>) -> Stage {
        self.take_vars(view);
        let Stage::Answered(delivered) = &self.stage else { return self.stage.clone() };
        let assumed = self.trace.as_ref().is_some_and(|trace| trace.assumed);
        let (verdict, reads) = self.verdict(delivered, view, assumed);
        if let Some(trace) = &mut self.trace {
            trace.handlers[self.position].capture_reads = reads;
        }
        match verdict {
            Verdict::Success(changes) if changes.is_empty() => {
                self.finish(HandlerPhase::Succeeded, reason::DELIVERED, None)
            }
            Verdict::Success(changes) => {
                let effect = self.effect(&self.statuses[self.position].name);
                Stage::Writing(Write { effect, changes, captured: true })
            }
            Verdict::Failure(failure) => self.undelivered(failure),
            // Whether the true answer can be captured is not known.
            Verdict::NotCaptured(error) if assumed => {
                let note = format!("what it captures depends on the answer: {error}");
                self.finish(HandlerPhase::Succeeded, reason::DELIVERED, Some(note))
            }
            Verdict::NotCaptured(error) => self.failed(reason::CAPTURE_REFUSED, error.to_string()),
        }
    }

    /// What an answer comes to, and what was read to tell. One that is only assumed is a success as it is.
    fn verdict(&self, delivered: &Delivered, view: View<'_>, assumed: bool) -> (Verdict, Reads) {
        let handler = self.slots[self.position].handler.as_ref();
        let endpoint = self.sent_to(view.endpoints);
        if !is_looked_at(handler, endpoint.as_deref()) {
            return (Verdict::Success(Vec::new()), Reads::default());
        }
        let mut scope = match self.scope(&self.statuses[self.position], view) {
            Ok(scope) => scope,
            Err(error) => return (Verdict::NotCaptured(error), Reads::default()),
        };
        if let Some(reference) = self.request.as_ref().and_then(|request| request.target.endpoint()) {
            scope.insert("endpoint", json!({"name": reference.name}));
        }
        scope.insert("body", parse_body(&delivered.body));
        scope.insert("status", json!(delivered.status));
        scope.insert("headers", Value::Object(delivered.headers.clone()));
        let refused = endpoint.as_deref().filter(|_| !assumed).and_then(|endpoint| self.refused(endpoint, &scope));
        let verdict = match refused {
            Some(failure) => Verdict::Failure(failure),
            None => captured(handler, endpoint.as_deref(), &scope).map_or_else(Verdict::NotCaptured, Verdict::Success),
        };
        (verdict, scope.take_reads())
    }

    /// Why the endpoint's `successWhen` takes the answer for no success; its `retryWhen` says whether to try again.
    fn refused(&self, endpoint: &Endpoint, scope: &Scope<'_>) -> Option<Failure> {
        let holds = |template: &Source| {
            let rendered = scope.render(&endpoint.library, template, Escape::None);
            rendered.map(|text| (truthy(&text), text)).map_err(|error| {
                // A template that fails does so again.
                Failure::new(Prospect::Final, error.reason(), error.to_string())
            })
        };
        let text = match holds(endpoint.success_when.as_ref()?) {
            Ok((true, _)) => return None,
            Ok((false, text)) => text,
            Err(failure) => return Some(failure),
        };
        // At most once: the receiver has it, and what it answered is the last word.
        let retry_when = endpoint.retry_when.as_ref().filter(|_| !self.is_claimed());
        let prospect = match retry_when.map(holds) {
            None | Some(Ok((false, _))) => Prospect::Final,
            Some(Ok((true, _))) => Prospect::Retry,
            Some(Err(failure)) => return Some(failure),
        };
        let status = &self.statuses[self.position];
        let (receiver, code) = (status.endpoint.as_deref().unwrap_or_default(), status.http_status.unwrap_or_default());
        let message =
            format!("{receiver} answered with status {code}, and its spec.successWhen gave {:?}", text.trim());
        Some(Failure::new(prospect, reason::NOT_SUCCESSFUL, message))
    }
}

/// The changes that an answer brings: the endpoint's before the handler's.
fn captured(
    handler: Option<&Handler>,
    endpoint: Option<&Endpoint>,
    scope: &Scope<'_>,
) -> Result<Vec<PlainChange>, HandlerError> {
    let mut changes = match endpoint {
        Some(endpoint) => scope.changes_with(&endpoint.library, &endpoint.capture)?,
        None => Vec::new(),
    };
    if let Some(handler) = handler {
        changes.extend(scope.changes(handler.action.capture())?);
    }
    Ok(changes)
}

#[cfg(test)]
mod tests;
