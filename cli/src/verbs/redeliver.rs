//! `redeliver`: asks for what was given up to be sent again, with the id and bytes that it had.

use std::time::Duration;

use cicdcontext_crds::{CicdEvent, EventPhase, vocabulary::annotation::REDELIVER_PREFIX};
use cicdcontext_engine::event::{redeliver, redelivery::EVERY_HANDLER};

use crate::{
    arguments::{EventFormat, Object, RedeliverArguments, UsageError},
    console::Console,
    failure::Failure,
    following::{failure, find, is_finished, until},
    setting::{Occasion, Setting},
    source::{Contexts, Events, Problem, SourceError},
    verbs::event::{is_id, print_outcome},
};

/// What to send again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    context: String,
    event: String,
    handler: String,
    id: Option<String>,
    wait: bool,
    timeout: Duration,
}

impl Request {
    /// Understands the arguments; `object` holds the event and perhaps a handler.
    pub fn read(arguments: &RedeliverArguments, object: Object) -> Result<Self, UsageError> {
        let mut rest = object.rest.into_iter();
        let event = rest.next().ok_or(UsageError::NoEvent { verb: "redeliver" })?;
        let handler = rest.next().unwrap_or_else(|| EVERY_HANDLER.to_owned());
        if let Some(found) = rest.next() {
            return Err(UsageError::TooMany { verb: "redeliver", found });
        }
        if let Some(id) = arguments.id.as_deref().filter(|id| !is_id(id)) {
            return Err(UsageError::NotAnId { id: id.to_owned() });
        }
        let (wait, timeout) = (arguments.wait, arguments.timeout);
        Ok(Self { context: object.name, event, handler, id: arguments.id.clone(), wait, timeout })
    }
}

/// Carries out the command.
pub async fn command(
    arguments: &RedeliverArguments,
    setting: Setting<'_>,
    console: &mut Console,
) -> Result<(), Failure> {
    let positional = arguments.object.iter().chain(&arguments.event).chain(&arguments.handler);
    let request = Request::read(arguments, setting.object("redeliver", positional)?)?;
    run(&setting.place().await?, &request, &Occasion::now()?, console).await
}

/// Asks for the redelivery, unless it would come to nothing, and waits for its outcome if asked to.
pub async fn run<S: Contexts + Events>(
    source: &S,
    request: &Request,
    occasion: &Occasion,
    console: &mut Console,
) -> Result<(), Failure> {
    let event = find(source, &request.context, &request.event).await?;
    let name = event.metadata.name.clone().unwrap_or_default();
    let id = request.id.clone().unwrap_or_else(|| occasion.random_id());
    let key = format!("{REDELIVER_PREFIX}{id}");
    let is_new = !knows(&event, &id);
    if is_new {
        rehearse(&event, &name, &id, &request.handler, occasion)?;
        source.annotate_event(&name, &key, &request.handler).await.map_err(|error| match error.problem {
            Problem::Forbidden(message) => Failure::RedeliveryForbidden { event: name.clone(), message },
            problem => SourceError { problem, ..error }.into(),
        })?;
        console.note(&format!("event {name}: to be sent again: {}", request.handler));
    } else {
        console.note(&format!("event {name}: {id} was asked for before; nothing new is asked for"));
    }
    if !request.wait && !source.carries_out_events() {
        return Ok(());
    }
    let mut is_taken_in = false;
    // Until the operator has taken the annotation in, the event is as finished as it was before.
    let reached = |event: &CicdEvent| {
        is_taken_in |= knows(event, &id);
        let is_asked_for = event.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(&key));
        if !is_taken_in && !is_asked_for {
            let problem =
                format!("none of its handlers could be sent again; kubectl describe cicdevent {name} says why");
            return Err(Failure::NothingToRedeliver { event: name.clone(), problem });
        }
        Ok(is_taken_in && is_finished(event))
    };
    let followed = until(source, &name, request.timeout, reached, console).await?;
    let failed = failure(&followed);
    print_outcome(followed, EventFormat::Text, console)?;
    failed.map_or(Ok(()), Err)
}

/// Whether a handler was sent again under this id.
fn knows(event: &CicdEvent, id: &str) -> bool {
    let mut handlers = event.status.iter().flat_map(|status| &status.handlers);
    handlers.any(|handler| handler.redeliveries.iter().any(|known| known == id))
}

/// Does to a copy of the status what the operator will do, to find what it would refuse.
fn rehearse(event: &CicdEvent, name: &str, id: &str, handler: &str, occasion: &Occasion) -> Result<(), Failure> {
    let mut status = event.status.clone().unwrap_or_default();
    // The operator looks at it when each handler has had its turn.
    if matches!(status.phase, EventPhase::Pending | EventPhase::Running) {
        return Ok(());
    }
    let rehearsed = redeliver(&mut status, id, handler, None, occasion.now);
    rehearsed
        .map(drop)
        .map_err(|error| Failure::NothingToRedeliver { event: name.to_owned(), problem: error.to_string() })
}

#[cfg(test)]
mod tests;
