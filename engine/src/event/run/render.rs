//! A handler's turn: its `if`, and what it comes to, rendered over what is known now.

use cicdcontext_crds::{HandlerPhase, HandlerStatus, handler::HandlerType, vocabulary::reason};
use serde_json::json;

use super::{Failure, Prospect, Run, Stage, View, Write, trace::HandlerTrace};
use crate::{
    configuration::model::Handler,
    handler::{self, HandlerError, Prepared, Scope},
    state::Path,
    template::truthy,
};

enum Decision {
    Skip(String),
    Go(Prepared),
}

impl Run {
    pub(super) fn handler(&mut self, view: View<'_>) -> Stage {
        self.take_vars(view);
        let Some(handler) = &self.slots[self.position].handler else {
            let message = "the configuration does not have it any more";
            return self.finish(HandlerPhase::Skipped, reason::REMOVED, Some(message.to_owned()));
        };
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
                self.request = Some(request);
                Stage::Sending
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
                match error {
                    // It is rendered once the endpoint is there.
                    HandlerError::EndpointNotFound(_) => {
                        self.statuses[self.position].webhook_id = Some(webhook_id);
                        Stage::Undelivered(Failure::new(Prospect::Retry, error.reason(), error.to_string()))
                    }
                    _ => self.failed(error.reason(), error.to_string()),
                }
            }
        }
    }

    /// What `varsFrom` finds in the state: as it is when the first handler begins, or when a run is resumed.
    pub(super) fn take_vars(&mut self, view: View<'_>) {
        if self.from_state.is_none() {
            let found = |(path, source): &(Path, Path)| Some((path.clone(), source.get_in(view.state)?.clone()));
            self.from_state = Some(self.event.vars_from.iter().filter_map(found).collect());
        }
    }

    fn prepare(&self, handler: &Handler, view: View<'_>) -> (Result<Decision, HandlerError>, String, HandlerTrace) {
        let webhook_id = handler::request::webhook_id(&self.context.uid, &self.event.name, &handler.name);
        let mut scope = match self.scope(&self.statuses[self.position], view) {
            Ok(scope) => scope,
            Err(error) => return (Err(error), webhook_id, HandlerTrace::default()),
        };
        let mut condition = None;
        let result = match handler::condition(handler, &scope) {
            Err(error) => Err(error),
            Ok(Some(text)) if !truthy(&text) => Ok(Decision::Skip(text)),
            Ok(held) => {
                condition = held;
                handler::prepare(handler, &mut scope, view.endpoints, &webhook_id).map(Decision::Go)
            }
        };
        let traced = match &self.trace {
            Some(_) => HandlerTrace { condition, ..HandlerTrace::of(handler, scope, view.endpoints) },
            None => HandlerTrace::default(),
        };
        (result, webhook_id, traced)
    }

    pub(super) fn scope<'a>(&'a self, status: &HandlerStatus, view: View<'_>) -> Result<Scope<'a>, HandlerError> {
        let from_state = self.from_state.as_deref().unwrap_or_default();
        let mut scope = Scope::new(&self.program, &self.context, &self.event, view.state, from_state)?;
        let kind = status.handler_type.map(HandlerType::as_str);
        scope.insert("handler", json!({"name": status.name, "type": kind}));
        if self.trace.is_some() {
            scope.note_reads();
        }
        Ok(scope)
    }
}
