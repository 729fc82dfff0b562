//! `wait`: until values are in the state, conditions hold, or events are finished.

mod awaited;

use std::{collections::BTreeMap, time::Duration};

use cicdcontext_crds::CicdEvent;
use futures::{
    StreamExt,
    stream::{LocalBoxStream, SelectAll},
};

use awaited::Awaited;

use crate::{
    arguments::{Object, UsageError, WaitArguments},
    console::Console,
    failure::Failure,
    following::{failure, is_finished, known, names},
    setting::Setting,
    source::{Context, Contexts, Events, SourceError},
};

/// What is told of a context that no watch has seen.
const NOTHING_SEEN: &str = "nothing was seen of it";

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    context: String,
    awaited: Vec<Awaited>,
    timeout: Duration,
}

/// What a watch has seen.
enum Seen {
    Context(Option<Box<Context>>),
    Event(Box<CicdEvent>),
}

impl Request {
    /// Understands the arguments.
    pub fn read(arguments: &WaitArguments, object: Object) -> Result<Self, UsageError> {
        if let Some(found) = object.rest.into_iter().next() {
            return Err(UsageError::TooMany { verb: "wait", found });
        }
        let awaited = arguments.conditions.iter().map(|text| Awaited::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { context: object.name, awaited, timeout: arguments.timeout })
    }
}

/// Carries out the command.
pub async fn command(arguments: &WaitArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let request = Request::read(arguments, setting.object("wait", &arguments.object)?)?;
    run(&setting.place().await?, &request, console).await
}

/// Waits until all of it holds at once. A context that is not there yet is waited for; an event that fails ends it.
pub async fn run<S: Contexts + Events>(source: &S, request: &Request, console: &mut Console) -> Result<(), Failure> {
    // A watch goes on trying whatever happens; who cannot be reached at all, or does not know us, is told at once.
    known(source.context(&request.context).await)?;
    let mut missing = NOTHING_SEEN.to_owned();
    let waiting = follow(source, request, &mut missing, console);
    let ended = tokio::time::timeout(request.timeout, waiting).await;
    console.end_progress();
    ended.unwrap_or_else(|_| {
        let Request { context, timeout, .. } = request.clone();
        Err(Failure::NotYet { context, after: timeout, missing })
    })
}

async fn follow<S: Contexts + Events>(
    source: &S,
    request: &Request,
    missing: &mut String,
    console: &mut Console,
) -> Result<(), Failure> {
    let name = &request.context;
    let mut seen: SelectAll<LocalBoxStream<'_, Result<Seen, SourceError>>> = SelectAll::new();
    seen.push(source.watch_context(name).map(|seen| seen.map(|now| Seen::Context(now.map(Box::new)))).boxed_local());
    if request.awaited.iter().any(|awaited| awaited.event().is_some()) {
        seen.push(source.watch_events(Some(name)).map(|seen| seen.map(Box::new).map(Seen::Event)).boxed_local());
    }
    let mut context = None;
    let mut events: BTreeMap<String, CicdEvent> = BTreeMap::new();
    let mut has_looked = false;
    while let Some(changed) = seen.next().await {
        match changed? {
            Seen::Context(now) => {
                context = now.map(|now| *now);
                has_looked = true;
            }
            Seen::Event(event) => {
                let name = event.metadata.name.clone().unwrap_or_default();
                let is_new = !events.contains_key(&name);
                // Where there is no operator, to watch an event is what carries it out.
                if is_new
                    && source.carries_out_events()
                    && !is_finished(&event)
                    && concerns(request, context.as_ref(), &name)
                {
                    let carried_out = source.watch_event(&name).filter_map(|seen| async { seen.transpose() });
                    seen.push(carried_out.map(|seen| seen.map(Box::new).map(Seen::Event)).boxed_local());
                }
                events.insert(name, *event);
            }
        }
        if !has_looked {
            continue;
        }
        let mut absent = Vec::new();
        for awaited in &request.awaited {
            let event = awaited.event().and_then(|called| {
                let uid = context.as_ref().map(|context| context.uid.as_str());
                names(name, uid, called).iter().find_map(|name| events.get(name))
            });
            if let Some(failed) = event.filter(|event| is_finished(event)).and_then(failure) {
                return Err(failed);
            }
            absent.extend(awaited.missing(context.as_ref(), event));
        }
        if absent.is_empty() {
            return Ok(());
        }
        let now = if context.is_none() { format!("there is no CicdContext {name}") } else { absent.join("; ") };
        console.progress(&format!("wait for {name}: {now}"));
        // A log has a line for each change, and none for how it was at first.
        if !console.shows_progress() && *missing != now && missing.as_str() != NOTHING_SEEN {
            console.note(&format!("wait for {name}: {now}"));
        }
        *missing = now;
    }
    Err(Failure::NotYet { context: name.clone(), after: request.timeout, missing: missing.clone() })
}

/// Whether it is waited for the event of this name.
fn concerns(request: &Request, context: Option<&Context>, name: &str) -> bool {
    let uid = context.map(|context| context.uid.as_str());
    let mut called = request.awaited.iter().filter_map(Awaited::event);
    called.any(|called| names(&request.context, uid, called).iter().any(|one| one == name))
}

#[cfg(test)]
mod tests;
