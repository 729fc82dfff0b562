//! The blocks of an event, in their order: what is a block, what is switched off, and what cannot be read.
//!
//! Knows no templates. A handler that cannot be read fails as a whole, so that no block of it runs without the condition
//! that somebody meant for it; the other handlers run.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::{Ended, EventError, HandlerType, Outcome, condition::IF};
use crate::{document::Document, files::kind, notice::Notice};

const ENABLED: &str = "enabled";
const ARGS: &str = "args";

/// A block that is to be run.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) handler: HandlerType,
    pub(super) place: String,
    pub(super) configuration: Map<String, Value>,
}

/// What to do for a block, or for what stands in the place of one.
#[derive(Clone, Debug)]
pub(super) enum Planned {
    /// Run it.
    Run(Block),
    /// There is nothing to run.
    Ended(Ended),
}

impl HandlerType {
    const ALL: [Self; 5] = [Self::Notify, Self::Respond, Self::ManualChoice, Self::TriggerPipeline, Self::SetValues];

    /// Its key below an event.
    pub fn key(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Respond => "respond",
            Self::ManualChoice => "manual-choice",
            Self::TriggerPipeline => "trigger-pipeline",
            Self::SetValues => "set-values",
        }
    }

    /// The key that makes a handler one block without a name.
    pub fn marker(self) -> &'static str {
        match self {
            Self::Notify | Self::Respond => "message",
            Self::ManualChoice => "title",
            Self::TriggerPipeline => "name",
            Self::SetValues => "set",
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|handler| handler.key() == key)
    }
}

/// Finds the blocks of an event.
pub(super) fn planned(document: &Document, pipeline: &str, event: &str) -> Result<VecDeque<Planned>, EventError> {
    let missing = |problem| EventError::Pipeline { pipeline: pipeline.to_owned(), event: event.to_owned(), problem };
    let shape = |place: String, found: Option<&Value>, expected: &str| EventError::Configuration {
        place,
        problem: format!("it is {}; {expected}", kind(found)),
    };
    let pipelines = match document.0.get("pipelines") {
        Some(Value::Object(pipelines)) => pipelines,
        None => return Err(missing("the context has no pipelines".to_owned())),
        other => return Err(shape("pipelines".to_owned(), other, "write a map of pipelines")),
    };
    let place = format!("pipelines.{pipeline}");
    let configuration = match pipelines.get(pipeline) {
        Some(Value::Object(configuration)) => configuration,
        None => {
            let known: Vec<_> = pipelines.keys().map(String::as_str).collect();
            return Err(missing(format!("there is no such pipeline; there are: {}", known.join(", "))));
        }
        other => return Err(shape(place, other, "write a map with event-handlers")),
    };
    let place = format!("{place}.event-handlers");
    let events = match configuration.get("event-handlers") {
        Some(Value::Object(events)) => events,
        None => return Err(missing("the pipeline has no event-handlers".to_owned())),
        other => return Err(shape(place, other, "write a map of events")),
    };
    let place = format!("{place}.{event}");
    let mut planned = VecDeque::new();
    match events.get(event) {
        None => {}
        Some(Value::Object(handlers)) => {
            for (key, configuration) in handlers {
                plan_handler(&mut planned, &format!("{place}.{key}"), key, configuration);
            }
        }
        other => return Err(shape(place, other, "write a map of handlers")),
    }
    Ok(planned)
}

fn ended(place: &str, result: Outcome, notices: Vec<Notice>) -> Planned {
    Planned::Ended(Ended { place: place.to_owned(), result, notices })
}

fn failed(place: &str, problem: String) -> Planned {
    ended(place, Outcome::Failed(problem), Vec::new())
}

/// A failure of what was none before.
fn refused(place: &str, problem: String, before: &str, anchor: &'static str) -> Planned {
    let notice = Notice { place: place.to_owned(), text: before.to_owned(), anchor };
    ended(place, Outcome::Failed(problem), vec![notice])
}

/// Whether something stands where it looks like a part of the handler, and is none.
fn guards_nothing(configuration: &Map<String, Value>) -> bool {
    configuration.contains_key(IF) || configuration.contains_key(ARGS)
}

fn plan_handler(planned: &mut VecDeque<Planned>, place: &str, key: &str, configuration: &Value) {
    let Some(handler) = HandlerType::of_key(key) else {
        let known: Vec<_> = HandlerType::ALL.iter().map(|handler| handler.key()).collect();
        let text = format!("there is no handler of this type, so nothing is done; there are: {}", known.join(", "));
        let notice = Notice { place: place.to_owned(), text, anchor: "handlers" };
        planned.push_back(ended(place, Outcome::Skipped("unknown type of handler".to_owned()), vec![notice]));
        return;
    };
    let Value::Object(configuration) = configuration else {
        let found = kind(Some(configuration));
        planned.push_back(failed(place, format!("it is {found}; write a map, with `{}`", handler.marker())));
        return;
    };
    match is_enabled(configuration) {
        Ok(true) => {}
        Ok(false) => {
            planned.push_back(ended(place, Outcome::Skipped("`enabled` is false".to_owned()), Vec::new()));
            return;
        }
        Err(problem) => {
            planned.push_back(refused(
                place,
                problem,
                "what is neither true nor false is a failure; before, it was true",
                "enabled",
            ));
            return;
        }
    }
    if configuration.contains_key(handler.marker()) {
        let configuration = configuration.clone();
        planned.push_back(Planned::Run(Block { handler, place: place.to_owned(), configuration }));
        return;
    }
    match named_blocks(handler, place, configuration) {
        Ok(blocks) => planned.extend(blocks),
        // The other types of handlers failed before, too.
        Err(problem) if handler == HandlerType::TriggerPipeline && guards_nothing(configuration) => {
            let before = "nothing is sent; before, each of these keys sent a request of its own";
            planned.push_back(refused(place, problem, before, "handlers"));
        }
        Err(problem) => planned.push_back(failed(place, problem)),
    }
}

/// Whether a handler or block is switched on.
fn is_enabled(configuration: &Map<String, Value>) -> Result<bool, String> {
    match configuration.get(ENABLED) {
        None => Ok(true),
        Some(Value::Bool(enabled)) => Ok(*enabled),
        Some(other) => Err(format!("`enabled` is {}; write true or false, without quotes", kind(Some(other)))),
    }
}

/// The blocks of a handler without marker: one for each key.
fn named_blocks(handler: HandlerType, place: &str, configuration: &Map<String, Value>) -> Result<Vec<Planned>, String> {
    let marker = handler.marker();
    if configuration.contains_key(IF) {
        return Err(format!(
            "`if` without `{marker}` guards nothing; write it into each named block, or add `{marker}`"
        ));
    }
    if handler == HandlerType::TriggerPipeline && configuration.contains_key(ARGS) {
        return Err(format!("`args` stand beside no `{marker}`; write the name of the pipeline to trigger"));
    }
    let mut blocks = Vec::with_capacity(configuration.len());
    for (name, block) in configuration.iter().filter(|(name, _)| *name != ENABLED) {
        let place = format!("{place}.{name}");
        let Value::Object(block) = block else {
            let found = kind(Some(block));
            return Err(format!("{name} is {found}; without `{marker}` each key names a block, which is a map"));
        };
        blocks.push(match is_enabled(block) {
            Ok(true) => Planned::Run(Block { handler, place, configuration: block.clone() }),
            Ok(false) => {
                let text = "`enabled: false` skips this block; before, it was ignored on named blocks".to_owned();
                let notice = Notice { place: place.clone(), text, anchor: "enabled" };
                ended(&place, Outcome::Skipped("`enabled` is false".to_owned()), vec![notice])
            }
            Err(problem) => refused(
                &place,
                problem,
                "what is neither true nor false is a failure; before, it was ignored",
                "enabled",
            ),
        });
    }
    Ok(blocks)
}

impl Block {
    /// The template at a key of the block.
    pub(super) fn template(&self, key: &str) -> Result<&str, super::Failure> {
        template(&self.configuration, key).map_err(super::Failure::plain)
    }
}

/// The template at a key; what is wrong with it otherwise.
pub(crate) fn template<'c>(configuration: &'c Map<String, Value>, key: &str) -> Result<&'c str, String> {
    let found = configuration.get(key);
    found.and_then(Value::as_str).ok_or_else(|| format!("`{key}` is {}; write a template, in quotes", kind(found)))
}
