//! What the templates of one handler see, and the rendering of texts and changes over it.

use serde_json::{Map, Value, json};

use super::{error::HandlerError, program::Program};
use crate::{
    configuration::json_path,
    configuration::model::{ChangeTemplate, ChangeValue, Pipeline},
    event::{ContextFacts, EventFacts, Happened, facts::RESERVED_ROOTS},
    state::{Path, PathError, PlainChange, change::set_value},
    template::{Escape, Library, Seed, Source},
};

/// The root of all templates of one handler.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The configuration in force.
    pub program: &'a Program,
    /// The event's own pipeline.
    pub pipeline: &'a str,
    root: Value,
    seed: Seed,
}

impl<'a> Scope<'a> {
    /// The scope of a handler of `event`, over `state`.
    pub fn new(
        program: &'a Program,
        context: &ContextFacts,
        event: &'a EventFacts,
        state: &Map<String, Value>,
    ) -> Result<Self, HandlerError> {
        let pipeline = program.resolved.pipelines.get(&event.pipeline);
        let name = match &event.happened {
            Happened::Event(name) | Happened::Generate(name) => name,
        };
        let mut root = json!({
            "state": state,
            "settings": program.resolved.settings,
            "context": {
                "name": context.name, "namespace": context.namespace, "uid": context.uid,
                "selected": program.resolved.selected,
            },
            "pipeline": {"name": event.pipeline, "settings": pipeline.map(|pipeline: &Pipeline| &pipeline.settings)},
            "event": {"id": event.id, "name": name, "time": event.time.to_string(), "data": event.data},
        });
        let from_state: Vec<(&Path, Value)> =
            event.vars_from.iter().filter_map(|(path, source)| Some((path, source.get_in(state)?.clone()))).collect();
        if let Some(root) = root.as_object_mut() {
            for (path, value) in event.vars.iter().map(|(path, value)| (path, value.clone())).chain(from_state) {
                set_value(root, path, value)?;
            }
        }
        Ok(Self { program, pipeline: &event.pipeline, root, seed: Seed::new(&event.uid, event.time) })
    }

    /// Puts `value` at the root under `name`: handler, endpoint, body, status or headers.
    pub fn insert(&mut self, name: &str, value: Value) {
        if let Some(root) = self.root.as_object_mut() {
            root.insert(name.to_owned(), value);
        }
    }

    /// Adds to what templates see as `handler.*`.
    pub fn add_to_handler<const N: usize>(&mut self, values: [(&str, Value); N]) {
        if let Some(handler) = self.root.get_mut("handler").and_then(Value::as_object_mut) {
            handler.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
    }

    /// What templates see.
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Renders a template of the configuration; nothing is escaped.
    pub fn text(&self, source: &Source) -> Result<String, HandlerError> {
        self.render(&self.program.library, source, Escape::None)
    }

    /// Renders a template whose partials are those of `library`, over the context's variables.
    pub fn render(&self, library: &Library, source: &Source, escape: Escape) -> Result<String, HandlerError> {
        let template = library.compile(source)?;
        Ok(template.render(&self.program.library, &self.root, &self.seed, escape)?)
    }

    /// Renders a body that declares JSON, and checks that it is.
    pub fn json_body(&self, library: &Library, source: &Source) -> Result<String, HandlerError> {
        let text = self.render(library, source, Escape::JsonString)?;
        match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => Ok(text),
            Err(error) => Err(HandlerError::Body { place: source.name.clone(), problem: error.to_string() }),
        }
    }

    /// Makes changes out of their templates, each seeing the same scope. What is blank, or matches nothing, is left
    /// out.
    pub fn changes(&self, templates: &[ChangeTemplate]) -> Result<Vec<PlainChange>, HandlerError> {
        self.changes_with(&self.program.library, templates)
    }

    /// The same for templates whose partials are those of `library`.
    pub fn changes_with(
        &self,
        library: &Library,
        templates: &[ChangeTemplate],
    ) -> Result<Vec<PlainChange>, HandlerError> {
        let mut changes = Vec::with_capacity(templates.len());
        for template in templates {
            let value = match &template.value {
                ChangeValue::None => None,
                ChangeValue::Literal(value) => Some(value.clone()),
                ChangeValue::Template(source) => {
                    let text = self.render(library, source, Escape::None)?;
                    if text.trim().is_empty() && !template.write_blank {
                        continue;
                    }
                    Some(Value::String(text))
                }
                ChangeValue::FromPath(path) => match self.query(path) {
                    Some(value) => Some(value),
                    None => continue,
                },
            };
            let wrong = |source: PathError| HandlerError::Path { place: template.path.name.clone(), source };
            let path = self.render(library, &template.path, Escape::None)?;
            let path = Path::parse(path.trim()).map_err(wrong)?;
            changes.push(PlainChange { path, op: template.op, value, split: template.split.clone() });
        }
        Ok(changes)
    }

    /// Renders a template that sees one more value at the root, under `name` if that is not one of ours.
    pub fn text_with(&mut self, name: &str, value: Value, source: &Source) -> Result<String, HandlerError> {
        let Some(root) = self.root.as_object_mut() else { return self.text(source) };
        if name == "state" || RESERVED_ROOTS.contains(&name) {
            return self.text(source);
        }
        let before = root.insert(name.to_owned(), value);
        let text = self.text(source);
        if let Some(root) = self.root.as_object_mut() {
            match before {
                Some(before) => root.insert(name.to_owned(), before),
                None => root.remove(name),
            };
        }
        text
    }

    /// What a JSONPath that is known to parse finds: nothing, one value, or a list of several.
    pub(super) fn query(&self, path: &str) -> Option<Value> {
        let path = json_path::parse(path).ok()?;
        let mut found = path.query(&self.root).all();
        match found.len() {
            0 => None,
            1 => found.pop().cloned(),
            _ => Some(Value::Array(found.into_iter().cloned().collect())),
        }
    }
}

/// The texts of named templates as one map.
pub(super) fn fields(
    scope: &Scope<'_>,
    sources: &[crate::configuration::model::NamedSource],
) -> Result<Map<String, Value>, HandlerError> {
    let mut fields = Map::new();
    for field in sources {
        fields.insert(field.name.clone(), Value::String(scope.text(&field.value)?));
    }
    Ok(fields)
}

/// A response as captures see it: JSON where it parses, text otherwise.
pub fn parse_body(body: &str) -> Value {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => value,
        Err(_) => Value::String(body.to_owned()),
    }
}
