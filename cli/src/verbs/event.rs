//! `event`: creates a CicdEvent and, if asked, waits for its outcome.

mod request;

use std::time::Duration;

use cicdcontext_crds::{CicdEvent, CicdEventSpec, conditions, vocabulary::condition};
use futures::StreamExt;

pub use request::Request;

use crate::{
    arguments::{EventArguments, EventFormat},
    console::Console,
    failure::Failure,
    output::{
        handlers::{handlers, word},
        value,
    },
    setting::{Occasion, Setting},
    source::{Contexts, Events, Problem},
};

/// Carries out the command.
pub async fn command(arguments: &EventArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("event", arguments.object.iter().chain(&arguments.happened))?;
    let request = Request::read(arguments, object)?;
    run(&setting.place().await?, &request, &Occasion::now()?, console).await
}

/// Creates the event, or finds that it was created before, and prints its name or, after waiting, its outcome.
pub async fn run<S: Contexts + Events>(
    source: &S,
    request: &Request,
    occasion: &Occasion,
    console: &mut Console,
) -> Result<(), Failure> {
    let context = source.context(request.context()).await?;
    let event = request.event(&context, occasion)?;
    let name = event.metadata.name.clone().unwrap_or_default();
    let fired = match source.create_event(&event).await {
        Err(error) if matches!(error.problem, Problem::AlreadyExists) => {
            let first = source.event(&name).await?;
            console.note(&already_fired(&name, &first.spec, &event.spec));
            first
        }
        created => created?,
    };
    let Some(timeout) = request.wait() else {
        return console.data(&match request.format() {
            EventFormat::Text => format!("{name}\n"),
            EventFormat::Json => printed(fired)?,
        });
    };
    let finished = if is_finished(&fired) { fired } else { finished(source, &name, timeout).await? };
    let failed = failure(&name, &finished);
    console.data(&match request.format() {
        EventFormat::Text => handlers(&finished),
        EventFormat::Json => printed(finished)?,
    })?;
    failed.map_or(Ok(()), Err)
}

/// What a person must know about an id that was used before.
fn already_fired(name: &str, first: &CicdEventSpec, again: &CicdEventSpec) -> String {
    let same =
        CicdEventSpec { created_at: None, ..first.clone() } == CicdEventSpec { created_at: None, ..again.clone() };
    let content = if same { "" } else { ", with another content, which stands" };
    format!("event {name}: already fired{content}; nothing new is fired")
}

/// Waits until the event is finished.
async fn finished<S: Contexts + Events>(source: &S, name: &str, timeout: Duration) -> Result<CicdEvent, Failure> {
    let mut changes = source.watch_event(name);
    let mut last_seen = None;
    let waiting = async {
        while let Some(seen) = changes.next().await {
            match seen? {
                Some(event) if is_finished(&event) => return Ok(event),
                Some(event) => last_seen = Some(event),
                None => break,
            }
        }
        Err(Failure::EventDeleted { event: name.to_owned() })
    };
    match tokio::time::timeout(timeout, waiting).await {
        Ok(ended) => ended,
        Err(_) => Err(Failure::NotFinished {
            event: name.to_owned(),
            namespace: source.namespace().to_owned(),
            after: timeout,
            standing: standing(last_seen.as_ref()),
        }),
    }
}

fn is_finished(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| conditions::is_true(&status.conditions, condition::FINISHED))
}

/// What an unfinished event does, and what it waits for.
fn standing(event: Option<&CicdEvent>) -> String {
    let Some(status) = event.and_then(|event| event.status.as_ref()) else {
        return "no operator has taken it up yet; check that one runs".to_owned();
    };
    let mut parts = vec![format!("it is {}", word(&status.phase))];
    if let Some(why) = conditions::get(&status.conditions, condition::SUCCEEDED) {
        parts.push(format!("{}: {}", why.reason, why.message));
    }
    let unfinished = status.handlers.iter().filter(|handler| !handler.phase.is_final());
    parts.extend(unfinished.map(|handler| format!("{} is {}", handler.name, word(&handler.phase))));
    parts.join(", ")
}

/// How a finished event failed, if it did: one that was skipped may have succeeded.
fn failure(name: &str, event: &CicdEvent) -> Option<Failure> {
    let status = event.status.clone().unwrap_or_default();
    let outcome = conditions::get(&status.conditions, condition::SUCCEEDED);
    if outcome.is_some_and(|outcome| outcome.status == "True") {
        return None;
    }
    let (reason, message) =
        outcome.map(|outcome| (outcome.reason.clone(), outcome.message.clone())).unwrap_or_default();
    Some(Failure::EventFailed { event: name.to_owned(), phase: word(&status.phase), reason, message })
}

/// The object as JSON, without what only the API server has a use for.
fn printed(mut event: CicdEvent) -> Result<String, Failure> {
    event.metadata.managed_fields = None;
    value::json(&event)
}

#[cfg(test)]
mod tests;
