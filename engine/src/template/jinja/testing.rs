//! Short ways to render Jinja in tests.

use serde_json::Value;

use super::super::testing::{library_of, render_of};
use super::super::{Engine, Library, Source, TemplateError};

pub(super) fn source(name: &str, text: &str) -> Source {
    Source::new(name, text, Engine::Jinja)
}

/// A library of these partials and variables, which may hold broken ones.
pub(super) fn library(partials: &[(&str, &str)], variables: &[(&str, &str)]) -> Library {
    library_of(Engine::Jinja, partials, variables)
}

pub(super) fn render_in(library: &Library, template: &str, data: &Value) -> Result<String, TemplateError> {
    render_of(Engine::Jinja, library, template, data)
}

pub(super) fn render(template: &str, data: &Value) -> Result<String, TemplateError> {
    render_in(&Library::default(), template, data)
}

pub(super) fn rendered(template: &str, data: &Value) -> String {
    render(template, data).unwrap_or_else(|error| panic!("{template}: {error}"))
}

/// The text of the error.
pub(super) fn failure(template: &str, data: &Value) -> String {
    render(template, data).expect_err(template).to_string()
}
