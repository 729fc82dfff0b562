//! Short ways to render in tests: in Handlebars, or in the language given.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Engine, Escape, Library, Seed, Source, TemplateError};

type Texts<'t> = &'t [(&'t str, &'t str)];

pub(super) fn seed() -> Seed {
    Seed::new("event", "2026-01-02T03:04:05Z".parse().unwrap())
}

pub(super) fn sources_of(engine: Engine, prefix: &str, texts: Texts<'_>) -> BTreeMap<String, Source> {
    let source = |name: &str, text: &str| Source::new(format!("{prefix}.{name}"), text, engine);
    texts.iter().map(|(name, text)| ((*name).to_owned(), source(name, text))).collect()
}

/// A library of these partials and variables, which may hold broken ones.
pub(super) fn library_of(engine: Engine, partials: Texts<'_>, variables: Texts<'_>) -> Library {
    let sources = |prefix, texts| sources_of(engine, prefix, texts);
    Library::new(sources("partials", partials), sources("variables", variables), BTreeMap::new()).0
}

pub(super) fn render_of(
    engine: Engine,
    library: &Library,
    template: &str,
    data: &Value,
) -> Result<String, TemplateError> {
    library.compile(&Source::new("test", template, engine))?.render(library, data, &seed(), Escape::None)
}

pub(super) fn source(name: &str, text: &str) -> Source {
    Source::new(name, text, Engine::Handlebars)
}

pub(super) fn sources(prefix: &str, texts: Texts<'_>) -> BTreeMap<String, Source> {
    sources_of(Engine::Handlebars, prefix, texts)
}

pub(super) fn library(partials: Texts<'_>, variables: Texts<'_>) -> Library {
    library_of(Engine::Handlebars, partials, variables)
}

pub(super) fn render_in(library: &Library, template: &str, data: &Value) -> Result<String, TemplateError> {
    render_of(Engine::Handlebars, library, template, data)
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
