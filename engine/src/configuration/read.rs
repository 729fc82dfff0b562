//! Reading the merged tree into [`model`](super::model): every required field is there, every name, path and JSONPath
//! is sound, every template has its name and its engine.
//!
//! It does not merge, and it compiles no template.

mod action;
mod change;
mod place;

use std::{collections::BTreeMap, fmt};

use cicdcontext_crds::{
    EventHandler, Generator,
    configuration::{MAX_HANDLERS, MAX_NAME_BYTES},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::place::Place;
use super::{
    ConfigurationError, Writer,
    model::{GeneratorItem, Handler, Pipeline},
    tree::{Content, Node},
};
use crate::template::Source;

/// What the tree is read into.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) settings: Map<String, Value>,
    pub(super) variables: BTreeMap<String, Source>,
    pub(super) partials: BTreeMap<String, Source>,
    pub(super) pipelines: BTreeMap<String, Pipeline>,
}

/// Why something cannot be used.
enum Unusable {
    /// A required part is missing: in a base, another block may bring it.
    Incomplete(ConfigurationError),
    /// It is wrong, whatever else comes.
    Wrong(ConfigurationError),
}

impl From<ConfigurationError> for Unusable {
    fn from(error: ConfigurationError) -> Self {
        Self::Wrong(error)
    }
}

/// Reads one tree and collects its templates.
pub(super) struct Reader<'w> {
    writers: &'w [Writer],
    may_be_incomplete: bool,
    /// All templates read so far.
    pub(super) templates: Vec<Source>,
}

impl<'w> Reader<'w> {
    pub(super) fn new(writers: &'w [Writer], may_be_incomplete: bool) -> Self {
        Self { writers, may_be_incomplete, templates: Vec::new() }
    }

    pub(super) fn read(&mut self, root: &Node) -> Result<Parts, ConfigurationError> {
        let root = Place::root(root);
        let mut parts = Parts {
            settings: root.field("settings").to_map(),
            variables: self.texts(&root.field("variables"))?,
            partials: self.texts(&root.field("partials"))?,
            pipelines: BTreeMap::new(),
        };
        for (name, place) in root.field("pipelines").entries() {
            self.check_name("pipeline", name, &place)?;
            let pipeline = self.pipeline(name, &place)?;
            parts.pipelines.insert(name.to_owned(), pipeline);
        }
        Ok(parts)
    }

    /// Variables or partials.
    fn texts(&mut self, place: &Place<'_>) -> Result<BTreeMap<String, Source>, ConfigurationError> {
        place.entries().map(|(name, place)| Ok((name.to_owned(), self.source(&place, place.typed(self)?)))).collect()
    }

    fn pipeline(&mut self, name: &str, place: &Place<'_>) -> Result<Pipeline, ConfigurationError> {
        let mut pipeline = Pipeline { settings: place.field("settings").to_map(), ..Pipeline::default() };
        for (event, place) in place.field("eventHandlers").entries() {
            self.check_name("event", event, &place)?;
            self.event(&mut pipeline, name, event, &place)?;
        }
        for (generator, place) in place.field("generators").entries() {
            self.check_name("generator", generator, &place)?;
            let items = self.generator(&place)?;
            pipeline.generators.insert(generator.to_owned(), items);
        }
        Ok(pipeline)
    }

    fn event(
        &mut self,
        pipeline: &mut Pipeline,
        pipeline_name: &str,
        event: &str,
        place: &Place<'_>,
    ) -> Result<(), ConfigurationError> {
        let mut handlers = Vec::new();
        for (name, place) in place.items() {
            self.check_name("handler", name, &place)?;
            let handler: EventHandler = place.typed(self)?;
            if handler.enabled == Some(false) {
                pipeline.disabled.entry(event.to_owned()).or_default().push(name.to_owned());
                continue;
            }
            match self.handler(pipeline_name, &place, handler) {
                Ok(handler) => handlers.push(handler),
                Err(Unusable::Incomplete(_)) if self.may_be_incomplete => {
                    pipeline.incomplete.entry(event.to_owned()).or_default().push(name.to_owned());
                }
                Err(Unusable::Incomplete(error) | Unusable::Wrong(error)) => return Err(error),
            }
        }
        self.at_most(place, "handlers that are switched on", handlers.len(), MAX_HANDLERS)?;
        if !handlers.is_empty() {
            pipeline.events.insert(event.to_owned(), handlers);
        }
        Ok(())
    }

    fn handler(&mut self, pipeline: &str, place: &Place<'_>, handler: EventHandler) -> Result<Handler, Unusable> {
        Ok(Handler {
            name: handler.name.clone(),
            path: place.path().to_owned(),
            condition: self.optional(place, "if", handler.condition.clone()),
            on_failure: handler.on_failure.unwrap_or_default(),
            action: self.action(pipeline, place, handler)?,
        })
    }

    fn generator(&mut self, place: &Place<'_>) -> Result<Vec<GeneratorItem>, ConfigurationError> {
        let mut items = Vec::new();
        for (name, place) in place.items() {
            self.check_name("generator item", name, &place)?;
            let item: Generator = place.typed(self)?;
            if item.enabled == Some(false) {
                continue;
            }
            let condition = self.optional(&place, "if", item.condition);
            let Some(set) = item.set else {
                if self.may_be_incomplete {
                    continue;
                }
                return Err(self.invalid(&place, "set is missing; write the changes that the item makes"));
            };
            let changes = self.changes(&place.field("set"), set)?;
            items.push(GeneratorItem { name: name.to_owned(), condition, changes });
        }
        self.at_most(place, "items that are switched on", items.len(), MAX_HANDLERS)?;
        Ok(items)
    }

    /// A template, by the engine of the block that wrote it.
    fn source(&mut self, place: &Place<'_>, text: String) -> Source {
        let engine = self.writers.get(place.writer()).map_or_else(Default::default, |writer| writer.engine);
        let source = Source::new(place.path(), text, engine);
        self.templates.push(source.clone());
        source
    }

    fn optional(&mut self, place: &Place<'_>, field: &str, text: Option<String>) -> Option<Source> {
        text.map(|text| self.source(&place.field(field), text))
    }

    /// The error that says that a value cannot be used.
    fn invalid(&self, place: &Place<'_>, problem: impl fmt::Display) -> ConfigurationError {
        super::invalid(self.writers, place.writer(), place.path(), problem)
    }

    fn at_most(&self, place: &Place<'_>, what: &str, count: usize, limit: usize) -> Result<(), ConfigurationError> {
        if count <= limit {
            return Ok(());
        }
        Err(self.invalid(place, format_args!("there are {count} {what}; at most {limit} are allowed")))
    }

    /// The API server cannot check the keys of maps, so names are checked here.
    fn check_name(&self, what: &str, name: &str, place: &Place<'_>) -> Result<(), ConfigurationError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed) {
            return Ok(());
        }
        let problem =
            format_args!("the name of a {what} must be 1 to {MAX_NAME_BYTES} letters, digits, - and _, not {name:?}");
        Err(self.invalid(place, problem))
    }
}

impl Place<'_> {
    /// The value as the type that the schema gives it.
    fn typed<T: DeserializeOwned>(&self, reader: &Reader<'_>) -> Result<T, ConfigurationError> {
        let value = self.node().map(Node::to_value).unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|problem| reader.invalid(self, format_args!("it cannot be read: {problem}")))
    }

    fn entries(&self) -> impl Iterator<Item = (&str, Self)> {
        let map = match self.node().map(|node| &node.content) {
            Some(Content::Map(map)) => Some(map),
            _ => None,
        };
        map.into_iter().flatten().map(|(key, _)| (key.as_str(), self.field(key)))
    }

    fn items(&self) -> Vec<(&str, Self)> {
        match self.node().map(|node| &node.content) {
            Some(Content::List(list)) => list.ordered().into_iter().map(|(name, _)| (name, self.item(name))).collect(),
            _ => Vec::new(),
        }
    }
}
