//! Templates as the predecessor rendered them: Jinja with the macros in front and its names at the root.
//!
//! All names come from the document, `configData`, the command's variables and what a handler puts in; the engine adds none
//! of its own. Its bounds are in force.

use std::collections::BTreeMap;

use cicdcontext_engine::template::{Bounds, Engine, Escape, Library, Seed, Source};
use serde_json::{Map, Value};

use crate::{
    document::{Document, MACROS},
    notice::DOCUMENTATION,
    path::OldPath,
    write,
};

/// The name under which templates see the core config.
pub const CONFIG: &str = "configData";

/// What all templates of one command share.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `configData`: the core config below its root key.
    pub config: Map<String, Value>,
    /// `--tmpl-ctx-var`: path and expression, in their order.
    pub variables: Vec<(String, String)>,
    /// What the files held that expressions of `variables` name, each by its expression: `file://plan.json`.
    pub files: BTreeMap<String, Value>,
    /// Identifies the run of this command, for `random` and the like.
    pub seed: String,
    /// When it began.
    pub now: jiff::Timestamp,
}

impl Settings {
    /// Refuses variables that would change configuration: what is sent where is not for them. Worth a call before a
    /// command does anything; [`Scope::new`] refuses them too.
    pub fn check(&self) -> Result<(), TemplateError> {
        let is_config = |path: &str| {
            let first = path.trim().split('.').next().unwrap_or_default();
            first.replace("[]", "").replace("{}", "") == CONFIG
        };
        match self.variables.iter().find(|(path, _)| is_config(path)) {
            Some((path, _)) => Err(TemplateError(format!(
                "set template variable {path}: {CONFIG} is the configuration, which no variable changes; choose another \
                 name ({DOCUMENTATION}#context-vars)"
            ))),
            None => Ok(()),
        }
    }

    /// The same without the command's variables, which captures do not see.
    pub(crate) fn without_variables(&self) -> Self {
        Self { variables: Vec::new(), files: BTreeMap::new(), ..self.clone() }
    }
}

/// Why a template gives nothing. Position and template are in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// What the templates of one block see: a copy of the document, `configData`, the command's variables, and more.
#[derive(Debug)]
pub struct Scope {
    names: Value,
    library: Library,
    seed: Seed,
}

impl Scope {
    /// The scope of a block over the document as it is now. An empty `configData` is none at all, as for variables at
    /// their rendering.
    pub fn new(document: &Document, settings: &Settings) -> Result<Self, TemplateError> {
        settings.check()?;
        let mut names = document.0.clone();
        if !settings.config.is_empty() {
            names.insert(CONFIG.to_owned(), Value::Object(settings.config.clone()));
        }
        if !settings.variables.is_empty() {
            let root = Value::Object(document.0.clone());
            for (path, expression) in &settings.variables {
                set_variable(&mut names, &root, path, expression, &settings.files).map_err(|error| {
                    TemplateError(format!("set template variable {path} to {expression:?}: {error}"))
                })?;
            }
        }
        let macros = match names.get(MACROS).map(|macros| macros.get("all")) {
            None => "",
            Some(Some(Value::String(all))) => all,
            Some(_) => return Err(TemplateError(format!("read macros: {MACROS}.all is no text; write one"))),
        };
        let mut partials = BTreeMap::new();
        if !macros.is_empty() {
            let source = Source::new(format!("{MACROS}.all"), macros, Engine::Jinja);
            partials.insert("all".to_owned(), source);
        }
        // A partial in error is told by each template.
        let (library, _) = Library::new(partials, BTreeMap::new(), BTreeMap::new());
        let seed = Seed::new(settings.seed.as_str(), settings.now);
        Ok(Self { names: Value::Object(names), library: library.with_names_from_data(), seed })
    }

    /// Puts a value at the root, under a name that wins over the document's.
    pub fn insert(&mut self, name: &str, value: Value) {
        if let Value::Object(names) = &mut self.names {
            names.insert(name.to_owned(), value);
        }
    }

    /// The value at the root under a name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.names.get(name)
    }

    /// Renders a template; `place` is what errors call it.
    pub fn text(&self, place: &str, template: &str) -> Result<String, TemplateError> {
        let template = self.library.compile(&Source::new(place, template, Engine::Jinja))?;
        Ok(template.render(&self.library, &self.names, &self.seed, Escape::None)?)
    }

    /// The same where secrets are seen: an error tells the place, and nothing that was found there.
    pub(crate) fn secret_text(&self, place: &str, template: &str) -> Result<String, TemplateError> {
        let template = self.library.compile(&Source::new(place, template, Engine::Jinja))?;
        template.render(&self.library, &self.names, &self.seed, Escape::None).map_err(|error| {
            let (at, label) = (error.place(), error.label());
            TemplateError(format!("render {at}: {label} error; more is not shown, since the template sees secrets"))
        })
    }

    /// What the predecessor made of a text that is data and that it rendered all the same. Without a tag that does no
    /// harm, and macros in front and the end of the text have their effect; with one it stays as it is.
    pub(crate) fn data(&self, text: &str) -> String {
        if has_tags(text) {
            return text.to_owned();
        }
        self.text("a text", text).unwrap_or_else(|_| text.to_owned())
    }
}

/// Whether a text would do something if it were rendered.
pub(crate) fn has_tags(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|tag| text.contains(tag))
}

impl From<cicdcontext_engine::template::TemplateError> for TemplateError {
    fn from(error: cicdcontext_engine::template::TemplateError) -> Self {
        Self(error.to_string())
    }
}

/// Sets one variable of the command: the value that the expression finds in the document, else the expression itself.
fn set_variable(
    names: &mut Map<String, Value>,
    document: &Value,
    path: &str,
    expression: &str,
    files: &BTreeMap<String, Value>,
) -> Result<(), write::WriteError> {
    let found = OldPath::parse(expression).map(|expression| expression.find(document)).unwrap_or_default();
    let value = match found.as_slice() {
        [] => match files.get(expression) {
            Some(content) => content.clone(),
            None => Value::String(expression.to_owned()),
        },
        [value] => (*value).clone(),
        several => Value::Array(several.iter().map(|value| (*value).clone()).collect()),
    };
    match value {
        value if is_falsy(&value) => Ok(()),
        Value::String(text) => write::write(names, path, &text),
        value => write::write_value(names, path, value),
    }
}

/// Whether Python takes a value for false.
pub(crate) fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// What Python's `str` makes of a value.
pub fn python_text(value: &Value) -> Result<String, TemplateError> {
    converted("{{ value }}", value)
}

/// What Python's `json.dumps` makes of a value: one line, ASCII.
pub fn python_json(value: &Value) -> Result<String, TemplateError> {
    converted("{{ value|json_dumps }}", value)
}

/// What Python's `json.dumps` makes of a value with an indent of 2: many lines, ASCII.
pub fn python_json_lines(value: &Value) -> Result<String, TemplateError> {
    converted("{{ value|json_dumps(indent=2) }}", value)
}

/// What PyYAML makes of a value: block style, ASCII, and in quotes what YAML 1.1 would not read as text.
pub fn python_yaml(value: &Value) -> Result<String, TemplateError> {
    converted("{{ value|to_nice_yaml }}", value)
}

/// Renders a template of our own, which needs no bounds but those of depth: all it does is proportional to the value.
fn converted(template: &str, value: &Value) -> Result<String, TemplateError> {
    const BYTES: usize = 1 << 30;
    let bounds = Bounds { value_bytes: BYTES, output_bytes: BYTES, fuel: u64::MAX, ..Bounds::DEFAULT };
    let (library, _) = Library::with_bounds(BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), bounds);
    let library = library.with_names_from_data();
    let template = library.compile(&Source::new("a value", template, Engine::Jinja))?;
    let names = Value::Object(Map::from_iter([("value".to_owned(), value.clone())]));
    Ok(template.render(&library, &names, &Seed::new("", jiff::Timestamp::UNIX_EPOCH), Escape::None)?)
}

#[cfg(test)]
mod tests;
