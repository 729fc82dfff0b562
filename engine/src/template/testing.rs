//! Short ways to render in tests.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Engine, Escape, Library, Seed, Source, TemplateError};

pub(super) fn seed() -> Seed {
    Seed::new("event", "2026-01-02T03:04:05Z".parse().unwrap())
}

pub(super) fn source(name: &str, text: &str) -> Source {
    Source::new(name, text, Engine::Handlebars)
}

pub(super) fn sources(prefix: &str, texts: &[(&str, &str)]) -> BTreeMap<String, Source> {
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

pub(super) fn render_with(template: &str, data: &Value) -> String {
    render(template, data).unwrap_or_else(|error| panic!("{template}: {error}"))
}

pub(super) fn rendering_error(template: &str, data: &Value) -> TemplateError {
    render(template, data).expect_err(template)
}
