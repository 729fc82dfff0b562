//! Short ways to render Jinja in tests.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::testing::seed;
use super::super::{Engine, Escape, Library, Source, TemplateError};

pub(super) fn source(name: &str, text: &str) -> Source {
    Source::new(name, text, Engine::Jinja)
}

fn sources(prefix: &str, texts: &[(&str, &str)]) -> BTreeMap<String, Source> {
    texts.iter().map(|(name, text)| ((*name).to_owned(), source(&format!("{prefix}.{name}"), text))).collect()
}

/// A library of these partials and variables, which may hold broken ones.
pub(super) fn library(partials: &[(&str, &str)], variables: &[(&str, &str)]) -> Library {
    Library::new(sources("partials", partials), sources("variables", variables), BTreeMap::new()).0
}

pub(super) fn render_in(library: &Library, template: &str, data: &Value) -> Result<String, TemplateError> {
    library.compile(&source("test", template))?.render(library, data, &seed(), Escape::None)
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
