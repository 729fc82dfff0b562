//! What the templates of one handler see, and the rendering of texts and changes over it.

use std::cell::RefCell;

use serde_json::{Map, Value, json};

use super::{error::HandlerError, program::Program};
use crate::{
    configuration::json_path,
    configuration::model::{ChangeTemplate, ChangeValue, Pipeline},
    event::{ContextFacts, EventFacts, Happened, facts::RESERVED_ROOTS},
    state::{Path, PathError, PlainChange, change::set_value},
    template::{Escape, Extent, Library, Reads, Seed, Source, Wanted},
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
    reads: Option<RefCell<Reads>>,
}

impl<'a> Scope<'a> {
    /// The scope of a handler of `event`, over `state`. `from_state` is what the event's `varsFrom` found when it began.
    pub fn new(
        program: &'a Program,
        context: &ContextFacts,
        event: &'a EventFacts,
        state: &Map<String, Value>,
        from_state: &[(Path, Value)],
    ) -> Result<Self, HandlerError> {
        let pipeline = program.resolved.pipelines.get(&event.pipeline);
        let name = match &event.happened {
            Happened::Event(name) | Happened::Generate(name) => name,
        };
        let mut root = json!({
            "context": {
                "name": context.name, "namespace": context.namespace, "uid": context.uid,
                "selected": program.resolved.selected,
            },
            "pipeline": {"name": event.pipeline, "settings": pipeline.map(|pipeline: &Pipeline| &pipeline.settings)},
            "event": {"id": event.id, "name": name, "time": event.time.to_string(), "data": event.data},
        });
        if let Some(root) = root.as_object_mut() {
            // Cloned here, since `json!` would serialise them, which takes several times as long.
            root.insert("state".to_owned(), Value::Object(state.clone()));
            root.insert("settings".to_owned(), Value::Object(program.resolved.settings.clone()));
            for (path, value) in event.vars.iter().chain(from_state) {
                set_value(root, path, value.clone())?;
            }
        }
        Ok(Self { program, pipeline: &event.pipeline, root, seed: Seed::new(&event.uid, event.time), reads: None })
    }

    /// From now on it is noted what templates and JSONPaths read.
    pub fn note_reads(&mut self) {
        self.reads.get_or_insert_default();
    }

    /// What was read since [`Self::note_reads`], or since this was asked last.
    pub fn take_reads(&self) -> Reads {
        self.reads.as_ref().map(RefCell::take).unwrap_or_default()
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
        let variables = &self.program.library;
        Ok(match &self.reads {
            None => template.render(variables, &self.root, &self.seed, escape)?,
            Some(reads) => {
                template.render_noting(variables, &self.root, &self.seed, escape, &mut reads.borrow_mut())?
            }
        })
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
                ChangeValue::FromPath(path) => {
                    let place = format!("{}.fromPath", template.path.name.trim_end_matches(".path"));
                    match self.query(&place, path)? {
                        Some(value) => Some(value),
                        None => continue,
                    }
                }
            };
            let wrong = |source: PathError| HandlerError::Path { place: template.path.name.clone(), source };
            let path = self.render(library, &template.path, Escape::None)?;
            let path = Path::parse(path.trim()).map_err(wrong)?;
            changes.push(PlainChange { path, op: template.op, value, split: template.split.clone() });
        }
        Ok(changes)
    }

    /// Where changes would write, whatever their values turn out to be: for a path that cannot be rendered yet, the part
    /// in front of its first tag.
    pub(crate) fn paths(&self, library: &Library, templates: &[ChangeTemplate]) -> Vec<Path> {
        let known = |template: &ChangeTemplate| {
            let text = self.render(library, &template.path, Escape::None).ok();
            text.and_then(|text| Path::parse(text.trim()).ok()).or_else(|| beginning(&template.path.text))
        };
        templates.iter().filter_map(known).collect()
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
                None => root.shift_remove(name),
            };
        }
        text
    }

    /// What a JSONPath finds: nothing, one value, or a list of several. Variables that it may select are rendered, and no
    /// others. `place` is where it stands in the configuration.
    pub(super) fn query(&self, place: &str, path: &str) -> Result<Option<Value>, HandlerError> {
        let follow = |root: &Value| {
            json_path::find(path, root).map_err(|source| HandlerError::JsonPath { place: place.to_owned(), source })
        };
        let origins = json_path::reads(path);
        if let Some(reads) = &self.reads {
            for origin in &origins {
                reads.borrow_mut().note(origin, Extent::Whole);
            }
        }
        let library = &self.program.library;
        let of_variables = |origin: &&Vec<String>| origin.first().is_none_or(|first| first == VARIABLES);
        let selecting: Vec<_> = origins.iter().filter(of_variables).collect();
        if selecting.is_empty() || library.variable_names().next().is_none() {
            return follow(&self.root);
        }
        let wanted = match selecting.as_slice() {
            [only] if only.len() > 1 => Wanted::One(&only[1]),
            _ => Wanted::All,
        };
        let mut reads = self.reads.as_ref().map(RefCell::borrow_mut);
        let variables = library.variables(wanted, place, &self.root, &self.seed, reads.as_deref_mut())?;
        drop(reads);
        // Nothing but variables is looked at by most paths that look at any: then nothing else has to be copied.
        let alone = origins.iter().all(|origin| origin.first().is_some_and(|first| first == VARIABLES));
        let mut root = if alone { Map::new() } else { self.root.as_object().cloned().unwrap_or_default() };
        root.insert(VARIABLES.to_owned(), Value::Object(variables));
        follow(&Value::Object(root))
    }
}

/// The root name below which templates see variables.
const VARIABLES: &str = "variables";

/// The path that all texts of a path template begin with.
fn beginning(template: &str) -> Option<Path> {
    let tag = ["{{", "{%", "{#"].iter().filter_map(|open| template.find(open)).min()?;
    let literal = template[..tag].trim_start();
    Path::parse(&literal[..literal.rfind(['.', '['])?]).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_path_template_that_cannot_be_rendered_the_beginning_is_known() {
        let known = |template: &str| beginning(template).map(|path| path.to_string());
        assert_eq!(known("state.tickets.{{body.id}}.x").as_deref(), Some("state.tickets"));
        assert_eq!(known("state.ticket-{{body.id}}").as_deref(), Some("state"));
        assert_eq!(known("state.list[{{body.id}}]").as_deref(), Some("state.list"));
        assert_eq!(known("{{body.path}}"), None);
    }
}
