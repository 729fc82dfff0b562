//! Templates as the predecessor rendered them: Jinja with the macros in front and its names at the root.

use serde_json::{Map, Value};

use crate::document::Document;

/// What all templates of one command share.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// `configData`: the core config below its root key.
    pub config: Map<String, Value>,
    /// `--tmpl-ctx-var`: path and expression, in their order.
    pub variables: Vec<(String, String)>,
    /// Identifies the run of this command, for `random` and the like.
    pub seed: String,
    /// When it began.
    pub now: jiff::Timestamp,
}

/// Why a template gives nothing. Position and template are in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub String);

/// What the templates of one block see: a copy of the document, `configData`, the command's variables, and more.
#[derive(Debug)]
pub struct Scope {}

impl Scope {
    /// The scope of a block over the document as it is now.
    pub fn new(document: &Document, settings: &Settings) -> Result<Self, TemplateError> {
        let _ = (document, settings);
        todo!()
    }

    /// Puts a value at the root, under a name that wins over the document's.
    pub fn insert(&mut self, name: &str, value: Value) {
        let _ = (name, value);
        todo!()
    }

    /// The value at the root under a name that was inserted.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let _ = name;
        todo!()
    }

    /// Renders a template; `place` is what errors call it.
    pub fn text(&self, place: &str, template: &str) -> Result<String, TemplateError> {
        let _ = (place, template);
        todo!()
    }
}
