//! A resolved configuration with its templates compiled.

use std::collections::BTreeMap;

use crate::{
    configuration::Resolved,
    state::limits::size,
    template::{Library, Source, TemplateError},
};

/// Bytes of memory for each byte of settings as JSON: they are kept as values, and once more with who wrote them.
/// Measured with short keys and values.
const SETTINGS: usize = 12;
/// Bytes that a program takes however little there is in it.
const PROGRAM: usize = 4 * 1024;

/// What a context's events run on. Cheap to share, and the same for all contexts with the same content.
#[derive(Debug)]
pub struct Program {
    /// The configuration.
    pub resolved: Resolved,
    /// Its partials and variables.
    pub library: Library,
    /// Templates that do not compile. Only handlers that use them fail.
    pub errors: Vec<TemplateError>,
    bytes: usize,
}

impl Program {
    /// Compiles all templates of a configuration. `variable_values` are literal and win over variables.
    pub fn new(resolved: Resolved, variable_values: &BTreeMap<String, String>) -> Self {
        let (library, mut errors) =
            Library::new(resolved.partials.clone(), resolved.variables.clone(), variable_values.clone());
        for source in resolved.templates() {
            let known = |error: &TemplateError| *error.place().template == *source.name;
            if let Err(error) = library.compile(source)
                && !errors.iter().any(known)
            {
                errors.push(error);
            }
        }
        let settings = resolved.pipelines.values().map(|pipeline| size(&pipeline.settings)).sum::<usize>();
        let templates = resolved.templates().map(Source::estimated_bytes).sum::<usize>();
        let bytes = PROGRAM + templates + SETTINGS * (settings + size(&resolved.settings)) + 2 * size(variable_values);
        Self { resolved, library, errors, bytes }
    }

    /// Bytes of memory that it takes, estimated; more rather than less. See [`Source::estimated_bytes`].
    pub fn estimated_bytes(&self) -> usize {
        self.bytes
    }
}
