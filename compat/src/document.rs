//! The document of one run: configuration of the chosen cicd context, variables, macros and state in one map.

use serde_json::{Map, Value, json};

use crate::{
    files::{File, kind},
    merge::{MergeError, merge},
    template::{Scope, Settings, TemplateError},
};

/// Key of the state.
pub const STATE: &str = "state";
/// Key of the variables.
pub const VARIABLES: &str = "variables";
/// Key of the macros.
pub const MACROS: &str = "jinja2Macros";
/// Key of the raw copy of the app file.
pub const APP: &str = "appPipelinesConfig";
/// Key of the run's ID in the state.
pub const ID: &str = "cicdContextDataId";
/// Key of the chosen cicd context in the state.
pub const NAME: &str = "cicdContextName";

/// The document, in the order in which the predecessor keeps it: the context's own keys, [`APP`], [`MACROS`], [`STATE`],
/// [`VARIABLES`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document(pub Map<String, Value>);

/// Why a run cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InitError {
    /// Files disagree.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The cicd context is not there.
    #[error("init {id}: {file} and its bases have no cicd-contexts.{context}; {known}")]
    Context {
        /// ID of the run.
        id: String,
        /// The app file.
        file: String,
        /// Its name.
        context: String,
        /// What there is.
        known: String,
    },
    /// Something has another type than it must have.
    #[error("init {id}: {path} is {found}; {expected}")]
    Shape {
        /// ID of the run.
        id: String,
        /// Where.
        path: String,
        /// What it is.
        found: &'static str,
        /// What would be right.
        expected: &'static str,
    },
    /// A variable cannot be rendered.
    #[error("init {id}: {error}")]
    Variable {
        /// ID of the run.
        id: String,
        /// Why.
        error: TemplateError,
    },
}

impl Document {
    /// The document of a new run, without variables: merges bases and app file, and picks the cicd context. What
    /// `--set` says is written next, and then [`Self::render_variables`].
    pub fn begin(id: &str, context: &str, bases: &[File], app: &File) -> Result<Begun, InitError> {
        let layers = bases.iter().chain([app]).map(|file| (file.name.as_str(), &file.content));
        let mut merged = merge(layers)?;
        let contexts = merged.get_mut("cicd-contexts");
        let known = || match contexts.as_deref().and_then(Value::as_object) {
            Some(map) if !map.is_empty() => {
                format!("there are: {}", map.keys().map(String::as_str).collect::<Vec<_>>().join(", "))
            }
            _ => "there are none".to_owned(),
        };
        let missing = InitError::Context {
            id: id.to_owned(),
            file: app.name.clone(),
            context: context.to_owned(),
            known: known(),
        };
        let chosen = contexts.and_then(|contexts| contexts.get_mut(context)).map(Value::take).ok_or(missing)?;
        let shape = |path: String, found: &Value, expected| InitError::Shape {
            id: id.to_owned(),
            path,
            found: kind(Some(found)),
            expected,
        };
        let Value::Object(mut document) = chosen else {
            return Err(shape(format!("cicd-contexts.{context}"), &chosen, "write a map"));
        };
        document.insert(APP.to_owned(), Value::Object(app.content.clone()));
        let macros = match merged.get("jinja2-macros") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(macros)) => macros.clone(),
            Some(other) => return Err(shape("jinja2-macros".to_owned(), other, "write a map of names to templates")),
        };
        let mut all = String::new();
        for (name, text) in &macros {
            match text {
                // What Python's strip takes away.
                Value::String(text) => all.push_str(text.trim()),
                other => return Err(shape(format!("jinja2-macros.{name}"), other, "write a template")),
            }
        }
        document.insert(MACROS.to_owned(), json!({"byName": macros, "all": all}));
        document.insert(STATE.to_owned(), json!({ID: id, NAME: context}));
        let variables = match merged.remove(VARIABLES) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(other) => return Err(shape(VARIABLES.to_owned(), &other, "write a map of names to templates")),
        };
        let mut templates = Vec::with_capacity(variables.len());
        for (name, template) in variables {
            match template {
                Value::String(text) => templates.push((name, text)),
                other => return Err(shape(format!("{VARIABLES}.{name}"), &other, "write a template, in quotes")),
            }
        }
        Ok(Begun { document: Self(document), variables: templates })
    }

    /// The state; null if there is none.
    pub fn state(&self) -> &Value {
        self.0.get(STATE).unwrap_or(&Value::Null)
    }
}

/// A run that begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// The document so far.
    pub document: Document,
    /// Variables that are still to be rendered, in their order.
    pub variables: Vec<(String, String)>,
}

impl Begun {
    /// Renders the variables, each seeing those before it, over the document as it is by now. They do not see
    /// `configData` or `--tmpl-ctx-var`.
    pub fn render_variables(self, id: &str, settings: &Settings) -> Result<Document, InitError> {
        let Self { mut document, variables } = self;
        let settings = Settings { seed: settings.seed.clone(), now: settings.now, ..Settings::default() };
        for (name, template) in variables {
            let failed = |error| InitError::Variable { id: id.to_owned(), error };
            let scope = Scope::new(&document, &settings).map_err(failed)?;
            let text = scope.text(&format!("{VARIABLES}.{name}"), &template).map_err(failed)?;
            let rendered = document.0.entry(VARIABLES).or_insert_with(|| Value::Object(Map::new()));
            match rendered {
                Value::Object(map) => {
                    map.insert(name, Value::String(text));
                }
                other => {
                    return Err(InitError::Shape {
                        id: id.to_owned(),
                        path: VARIABLES.to_owned(),
                        found: kind(Some(other)),
                        expected: "write a map of names to values into the cicd context",
                    });
                }
            }
        }
        Ok(document)
    }
}
