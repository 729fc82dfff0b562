//! What becomes of an answer that was delivered: its endpoint may judge it (`successWhen`), and then it is captured.
//!
//! It is data: nothing of it is ever rendered, and secrets were taken out of it before it came here.

use std::sync::Arc;

use cicdcontext_crds::{HandlerPhase, vocabulary::reason};
use serde_json::{Value, json};

use super::{Delivered, Run, Stage, View, Write};
use crate::{
    configuration::model::Handler,
    handler::{Endpoint, EndpointLookup, Endpoints, HandlerError, Scope, scope::parse_body},
    state::PlainChange,
    template::{Reads, truthy},
};

/// What an answer comes to.
enum Verdict {
    /// What it brings into the state; there may be nothing.
    Success(Vec<PlainChange>),
    /// Its endpoint says that it is none; the reason and a sentence.
    Failure(&'static str, String),
    /// What is to be captured of it cannot be.
    NotCaptured(HandlerError),
}

/// Whether anything looks into the answer to this handler's request, and with that into the state.
pub(super) fn is_looked_at(handler: &Handler, endpoints: &dyn Endpoints) -> bool {
    let of_endpoint = |endpoint: Arc<Endpoint>| !endpoint.capture.is_empty() || endpoint.success_when.is_some();
    !handler.action.capture().is_empty() || used_endpoint(handler, endpoints).is_some_and(of_endpoint)
}

/// The endpoint that a handler sends to, if it can be used.
pub(super) fn used_endpoint(handler: &Handler, endpoints: &dyn Endpoints) -> Option<Arc<Endpoint>> {
    match endpoints.find(handler.action.endpoint()?) {
        EndpointLookup::Found(endpoint) => Some(endpoint),
        _ => None,
    }
}

impl Run {
    /// Judges and captures the answer that has come.
    pub(super) fn take_in(&mut self, view: View<'_>) -> Stage {
        let Stage::Answered(delivered) = &self.stage else { return self.stage.clone() };
        let handler = &self.handlers[self.position];
        let assumed = self.trace.as_ref().is_some_and(|trace| trace.assumed);
        let (verdict, reads) = self.verdict(handler, delivered, view, assumed);
        if let Some(trace) = &mut self.trace {
            trace.handlers[self.position].capture_reads = reads;
        }
        match verdict {
            Verdict::Success(changes) if changes.is_empty() => self.succeeded(reason::DELIVERED),
            Verdict::Success(changes) => {
                let effect = self.effect(&handler.name);
                Stage::Writing(Write { effect, changes, captured: true })
            }
            Verdict::Failure(reason, message) => self.failed(reason, message),
            // Whether the true answer can be captured is not known.
            Verdict::NotCaptured(error) if assumed => {
                let note = format!("what it captures depends on the answer: {error}");
                self.finish(HandlerPhase::Succeeded, reason::DELIVERED, Some(note))
            }
            Verdict::NotCaptured(error) => self.failed(reason::CAPTURE_REFUSED, error.to_string()),
        }
    }

    /// What an answer comes to, and what was read to tell. One that is only assumed is a success as it is.
    fn verdict(&self, handler: &Handler, delivered: &Delivered, view: View<'_>, assumed: bool) -> (Verdict, Reads) {
        if !is_looked_at(handler, view.endpoints) {
            return (Verdict::Success(Vec::new()), Reads::default());
        }
        let mut scope = match self.scope(handler, view) {
            Ok(scope) => scope,
            Err(error) => return (Verdict::NotCaptured(error), Reads::default()),
        };
        if let Some(reference) = handler.action.endpoint() {
            scope.insert("endpoint", json!({"name": reference.name}));
        }
        scope.insert("body", parse_body(&delivered.body));
        scope.insert("status", json!(delivered.status));
        scope.insert("headers", Value::Object(delivered.headers.clone()));
        let endpoint = used_endpoint(handler, view.endpoints);
        let refused = endpoint.as_deref().filter(|_| !assumed).and_then(|endpoint| self.refused(endpoint, &scope));
        let verdict = match refused {
            Some(refused) => refused,
            None => captured(handler, endpoint.as_deref(), &scope).map_or_else(Verdict::NotCaptured, Verdict::Success),
        };
        (verdict, scope.take_reads())
    }

    /// Why the endpoint's `successWhen` takes the answer for no success.
    fn refused(&self, endpoint: &Endpoint, scope: &Scope<'_>) -> Option<Verdict> {
        let condition = endpoint.success_when.as_ref()?;
        let text = match scope.render(&endpoint.library, condition, crate::template::Escape::None) {
            Ok(text) if truthy(&text) => return None,
            Ok(text) => text,
            Err(error) => return Some(Verdict::Failure(error.reason(), error.to_string())),
        };
        let status = &self.statuses[self.position];
        let (receiver, code) = (status.endpoint.as_deref().unwrap_or_default(), status.http_status.unwrap_or_default());
        let message =
            format!("{receiver} answered with status {code}, and its spec.successWhen gave {:?}", text.trim());
        Some(Verdict::Failure(reason::NOT_SUCCESSFUL, message))
    }
}

/// The changes that an answer brings: the endpoint's before the handler's.
fn captured(
    handler: &Handler,
    endpoint: Option<&Endpoint>,
    scope: &Scope<'_>,
) -> Result<Vec<PlainChange>, HandlerError> {
    let mut changes = match endpoint {
        Some(endpoint) => scope.changes_with(&endpoint.library, &endpoint.capture)?,
        None => Vec::new(),
    };
    changes.extend(scope.changes(handler.action.capture())?);
    Ok(changes)
}

#[cfg(test)]
mod tests;
