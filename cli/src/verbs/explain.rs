//! `explain`: what each handler of an event would do, and why. Nothing is sent, written or fired, and no Secret is read.

mod explanation;
mod text;

use std::sync::Arc;

use cicdcontext_crds::{CicdContext, EventPhase};
use cicdcontext_engine::{
    event::{ContextFacts, EventFacts, Rehearsal, Run},
    state::Schema,
};

pub use explanation::{ExplainedHandler, Explanation, Field};

use super::event;
use crate::{
    arguments::{EventArguments, ExplainArguments, Object, UsageError, ValueFormat},
    configuration::{self, GatheredEndpoints, request::refusal},
    console::Console,
    failure::Failure,
    output::value,
    setting::{Occasion, Setting},
    source::{Configuration, Context, Contexts},
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The event as it would be fired.
    event: event::Request,
    format: ValueFormat,
}

impl Request {
    /// Understands the arguments; `object` holds `PIPELINE=EVENT`.
    pub fn read(arguments: &ExplainArguments, object: Object) -> Result<Self, UsageError> {
        if let Some(found) = object.rest.get(1) {
            return Err(UsageError::TooMany { verb: "explain", found: found.clone() });
        }
        let event = EventArguments { content: arguments.content.clone(), ..EventArguments::default() };
        Ok(Self { event: event::Request::read(&event, object)?, format: arguments.output })
    }
}

/// Carries out the command.
pub async fn command(arguments: &ExplainArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("explain", arguments.object.iter().chain(&arguments.happened))?;
    let request = Request::read(arguments, object)?;
    let place = setting.place().await?;
    run(&place, place.namespace(), &request, &Occasion::now()?, console).await
}

/// Reads the context and what it refers to, rehearses the event and prints. An event that would fail is a failure.
pub async fn run<C: Configuration>(
    source: &C,
    namespace: &str,
    request: &Request,
    occasion: &Occasion,
    console: &mut Console,
) -> Result<(), Failure> {
    let context = source.whole_context(request.event.context()).await?;
    let explanation = explain(source, namespace, &context, request, occasion).await?;
    console.data(&match request.format {
        ValueFormat::Text => text::text(&explanation),
        format => {
            let value = serde_json::to_value(&explanation)
                .map_err(|error| Failure::Form { form: "json", problem: error.to_string() })?;
            value::one(format, &value)?
        }
    })?;
    if explanation.phase != EventPhase::Failed {
        return Ok(());
    }
    let Explanation { event, reason, message, .. } = explanation;
    Err(Failure::EventFailed { event, phase: "Failed".to_owned(), reason, message })
}

async fn explain<C: Configuration>(
    source: &C,
    namespace: &str,
    context: &CicdContext,
    request: &Request,
    occasion: &Occasion,
) -> Result<Explanation, Failure> {
    let metadata = &context.metadata;
    let name = metadata.name.clone().unwrap_or_default();
    let uid = metadata.uid.clone().unwrap_or_default();
    let program = Arc::new(configuration::program(source, context).await?);
    let seen = Context { name: name.clone(), uid: uid.clone(), ..Context::default() };
    let event = request.event.event(&seen, occasion)?;
    let event_name = event.metadata.name.unwrap_or_default();
    let id = occasion.random_id();
    let event = EventFacts::read(event.spec, &event_name, &id, &id, occasion.now).map_err(UsageError::from)?;
    let label = event.label();
    let facts = ContextFacts { name, namespace: namespace.to_owned(), uid };
    let run = Run::new(event, facts, Arc::clone(&program), []);
    let endpoints = GatheredEndpoints::gather(source, namespace, run.endpoints()).await?;
    let mut notes = Vec::new();
    let mut rehearsal = Rehearsal::new(run, context.spec.state.clone().unwrap_or_default());
    if let Some(schema) = &context.spec.state_schema {
        let schema = Schema::compile(schema);
        notes.extend(schema.as_ref().err().map(|error| format!("spec.stateSchema refuses nothing: {error}")));
        rehearsal = rehearsal.within(Arc::new(schema));
    }
    let policy = source.egress_policy();
    let rehearsed = rehearsal.complete(&endpoints, &|_, request| refusal(request, &endpoints, policy.as_ref()));
    if context.spec.suspend == Some(true) {
        notes.insert(0, "the context is suspended: the event would wait".to_owned());
    }
    Ok(Explanation::new(context, label, notes, rehearsed, &program, &endpoints, &policy.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
