//! A resolved configuration with its templates compiled.

use std::collections::BTreeMap;

use crate::{
    configuration::Resolved,
    template::{Library, TemplateError},
};

/// What a context's events run on. Cheap to share, and the same for all contexts with the same content.
#[derive(Debug)]
pub struct Program {
    /// The configuration.
    pub resolved: Resolved,
    /// Its partials and variables.
    pub library: Library,
    /// Templates that do not compile. Only handlers that use them fail.
    pub errors: Vec<TemplateError>,
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
        Self { resolved, library, errors }
    }
}
