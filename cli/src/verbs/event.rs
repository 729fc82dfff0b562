//! `event`: creates a CicdEvent and, if asked, waits for its outcome. `generate` goes the same way.

mod request;

use cicdcontext_crds::{
    CicdEvent, CicdEventSpec, conditions,
    vocabulary::{condition, reason},
};

pub use request::Request;
pub(super) use request::is_id;

use crate::{
    arguments::{EventArguments, EventFormat},
    console::Console,
    failure::Failure,
    following::{bare, failure, is_as_far, known, until},
    output::{event::requests, handlers::handlers, value},
    setting::{Occasion, Setting},
    source::{Contexts, Events, Problem},
};

/// Carries out the command.
pub async fn command(arguments: &EventArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let object = setting.object("event", arguments.object.iter().chain(&arguments.happened))?;
    let request = Request::read(arguments, object)?.of_run(setting.environment.run_uid.as_deref());
    run(&setting.place().await?, &request, &Occasion::now()?, console).await
}

/// Creates the event, or finds that it was created before, and prints its name or, after waiting, its outcome. Where
/// there is no operator it is always waited for, since waiting is what carries it out.
pub async fn run<S: Contexts + Events>(
    source: &S,
    request: &Request,
    occasion: &Occasion,
    console: &mut Console,
) -> Result<(), Failure> {
    let context = source.context(request.context()).await?;
    let event = request.event(&context, occasion)?;
    let name = event.metadata.name.clone().unwrap_or_default();
    if context.has_run(&name) && known(source.event(&name).await)?.is_none() {
        return gone(&name, request, console);
    }
    let fired = match source.create_event(&event).await {
        Err(error) if matches!(error.problem, Problem::AlreadyExists) => {
            let first = source.event(&name).await?;
            console.note(&already_fired(&name, &first.spec, &event.spec));
            first
        }
        created => created?,
    };
    if !request.waits() && !source.carries_out_events() {
        return print_name(&name, fired, request.format(), console);
    }
    let far = |event: &CicdEvent| is_as_far(event, request.wait_for());
    let followed = if far(&fired) {
        fired
    } else {
        until(source, &name, request.timeout(), |event| Ok(far(event)), console).await?
    };
    if reason_of(&followed) == Some(reason::ALREADY_RUN) {
        return gone(&name, request, console);
    }
    let failed = failure(&followed);
    if request.waits() {
        print_outcome(followed, request.format(), console)?;
    } else {
        print_name(&name, followed, request.format(), console)?;
    }
    failed.map_or(Ok(()), Err)
}

/// Tells that the event ran before and that history has deleted it, and its outcome with it: nothing is left to fail for.
fn gone(name: &str, request: &Request, console: &mut Console) -> Result<(), Failure> {
    console.note(&format!(
        "event {name}: already fired; it ended so long ago that its outcome is not kept any more; nothing new is fired"
    ));
    if request.waits() || request.format() == EventFormat::Json {
        return Ok(());
    }
    console.data(&format!("{name}\n"))
}

/// Why a finished event ended as it did.
fn reason_of(event: &CicdEvent) -> Option<&str> {
    let conditions = &event.status.as_ref()?.conditions;
    conditions::get(conditions, condition::SUCCEEDED).map(|outcome| outcome.reason.as_str())
}

fn print_name(name: &str, event: CicdEvent, format: EventFormat, console: &mut Console) -> Result<(), Failure> {
    console.data(&match format {
        EventFormat::Text => format!("{name}\n"),
        EventFormat::Json => value::json(&bare(event))?,
    })
}

/// Prints what became of the handlers, and for a dry run what they would send.
pub(super) fn print_outcome(event: CicdEvent, format: EventFormat, console: &mut Console) -> Result<(), Failure> {
    console.data(&match format {
        EventFormat::Text => handlers(&event, console.palette()) + &requests(&event),
        EventFormat::Json => value::json(&bare(event))?,
    })
}

/// What a person must know about an id that was used before.
fn already_fired(name: &str, first: &CicdEventSpec, again: &CicdEventSpec) -> String {
    let same =
        CicdEventSpec { created_at: None, ..first.clone() } == CicdEventSpec { created_at: None, ..again.clone() };
    let content = if same { "" } else { ", with another content, which stands" };
    format!("event {name}: already fired{content}; nothing new is fired")
}

#[cfg(test)]
mod tests;
