//! `events`: lists events, shows each delivery of one, and follows both live.

use std::collections::BTreeMap;

use cicdcontext_crds::CicdEvent;
use futures::{
    StreamExt,
    stream::{self, LocalBoxStream},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    arguments::{EventsArguments, UsageError, ValueFormat},
    console::{Console, one_line},
    failure::Failure,
    following::{bare, find, is_finished},
    output::{
        event::{details, happened, id, list},
        progress::Seen,
        value,
    },
    setting::Setting,
    source::{Contexts, Events, SourceError},
};

/// Which events, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    context: Option<String>,
    event: Option<String>,
    format: ValueFormat,
}

impl Request {
    /// Understands the arguments; without the name of a context it is about all events of the namespace.
    pub fn read(arguments: &EventsArguments, setting: Setting<'_>) -> Result<Self, UsageError> {
        let format = arguments.output;
        let is_named = setting.global.name.is_some() || setting.environment.context.is_some();
        if !is_named && arguments.object.is_none() {
            return Ok(Self { context: None, event: None, format });
        }
        let object = setting.object("events", arguments.object.iter().chain(&arguments.event))?;
        let mut rest = object.rest.into_iter();
        let event = rest.next();
        match rest.next() {
            Some(found) => Err(UsageError::TooMany { verb: "events", found }),
            None => Ok(Self { context: Some(object.name), event, format }),
        }
    }
}

/// Carries out the command.
pub async fn command(arguments: &EventsArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let request = Request::read(arguments, setting)?;
    let place = setting.place().await?;
    if !arguments.watch {
        return run(&place, &request, Timestamp::now(), console).await;
    }
    tokio::select! {
        ended = watch(&place, &request, Timestamp::now, console) => ended,
        // Whoever watches has no other way to say that it is enough.
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Prints the events as they are now.
pub async fn run<S: Contexts + Events>(
    source: &S,
    request: &Request,
    now: Timestamp,
    console: &mut Console,
) -> Result<(), Failure> {
    let palette = console.palette();
    if let (Some(context), Some(event)) = (&request.context, &request.event) {
        let event = find(source, context, event).await?;
        return console.data(&match request.format {
            ValueFormat::Text => details(&event, now, palette),
            format => value::one(format, &object(event)?)?,
        });
    }
    let events = source.events(request.context.as_deref()).await?;
    if events.is_empty() {
        let whose = match &request.context {
            // A name that was mistyped has no events either.
            Some(context) => format!("CicdContext {} has", source.context(context).await?.name),
            None => format!("namespace {} has", source.namespace()),
        };
        if request.format == ValueFormat::Text {
            console.note(&format!("{whose} no events"));
            return Ok(());
        }
    }
    console.data(&match request.format {
        ValueFormat::Text => list(&events, request.context.is_some(), now, palette),
        format => {
            let items = events.into_iter().map(object).collect::<Result<Vec<_>, _>>()?;
            value::one(format, &json!({"apiVersion": "v1", "kind": "List", "items": items}))?
        }
    })
}

/// Prints what changes, each as a line, or as an object in the other forms; never ends by itself but for one event that
/// is deleted.
pub async fn watch<S: Contexts + Events>(
    source: &S,
    request: &Request,
    now: impl Fn() -> Timestamp,
    console: &mut Console,
) -> Result<(), Failure> {
    // A watch goes on trying whatever happens; who cannot be reached at all is told at once. And it begins in any order.
    let (one, initial) = if let (Some(context), Some(event)) = (&request.context, &request.event) {
        (find(source, context, event).await?.metadata.name, Vec::new())
    } else {
        (None, source.events(request.context.as_deref()).await?)
    };
    let changes: LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> = match &one {
        Some(name) => source.observe_event(name),
        None => source.watch_events(request.context.as_deref()).map(|seen| seen.map(Some)).boxed_local(),
    };
    let old = initial.len();
    let mut changes = stream::iter(initial.into_iter().map(|event| Ok(Some(event)))).chain(changes).enumerate();
    let mut followed: BTreeMap<String, Seen> = BTreeMap::new();
    let mut versions: BTreeMap<String, Option<String>> = BTreeMap::new();
    while let Some((number, seen)) = changes.next().await {
        let Some(event) = seen? else {
            console.note(&format!("event {}: it was deleted", one.unwrap_or_default()));
            return Ok(());
        };
        let version = event.metadata.resource_version.clone();
        if version.is_some() && versions.insert(name(&event).to_owned(), version.clone()) == Some(version) {
            continue;
        }
        match request.format {
            ValueFormat::Text => {
                let time = Some(&event).filter(|_| number < old).and_then(last_time).unwrap_or_else(&now);
                let named = if request.context.is_some() { id(&event) } else { name(&event) };
                let is_new = !followed.contains_key(name(&event));
                let seen = followed.entry(name(&event).to_owned()).or_default();
                let handlers = seen.handlers(&event);
                // Of what had ended before anybody watched, that it had is enough.
                let handlers = if is_new && is_finished(&event) && one.is_none() { Vec::new() } else { handlers };
                for changed in handlers.into_iter().chain(seen.event(&event)) {
                    let line = changed.line(console.palette());
                    let head = format!("{time:.0} {}", one_line(&format!("{named} {}", happened(&event.spec))));
                    console.data(&format!("{head} {line}\n"))?;
                }
            }
            ValueFormat::Json => console.data(&format!("{}\n", object(event)?))?,
            ValueFormat::Yaml => console.data(&format!("---\n{}", value::one(ValueFormat::Yaml, &object(event)?)?))?,
        }
    }
    Ok(())
}

/// When the last thing happened to an event that is told of.
fn last_time(event: &CicdEvent) -> Option<Timestamp> {
    let status = event.status.as_ref();
    let ended = status.and_then(|status| status.completion_time.as_ref().or(status.start_time.as_ref()));
    ended.or(event.metadata.creation_timestamp.as_ref()).map(|time| time.0)
}

fn name(event: &CicdEvent) -> &str {
    event.metadata.name.as_deref().unwrap_or_default()
}

fn object(event: CicdEvent) -> Result<Value, Failure> {
    serde_json::to_value(bare(event)).map_err(|error| Failure::Form { form: "json", problem: error.to_string() })
}

#[cfg(test)]
mod tests;
