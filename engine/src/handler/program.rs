//! A resolved configuration with its templates compiled.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    configuration::Resolved,
    state::limits::size,
    template::{Library, Source, TemplateError},
};

/// Bytes of memory of a key of settings and what it has beside its texts: settings are kept as values, and once more with
/// who wrote them. Measured as [`Source::estimated_bytes`] is, with flat, nested, listed and long settings.
const KEY: usize = 330;
/// Bytes of a map beside its keys: both trees make room for several keys at once.
const MAP: usize = 1200;
/// Bytes of an item of a list, of a key of a map in a list, and of such a map: who wrote it is known of the whole list.
const ITEM: usize = 80;
const LISTED_KEY: usize = 170;
const LISTED_MAP: usize = 400;
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
        let settings = resolved.pipelines.values().map(|pipeline| &pipeline.settings).chain([&resolved.settings]);
        let settings = settings.map(|settings| of_map(settings, false)).sum::<usize>();
        let templates = resolved.templates().map(Source::estimated_bytes).sum::<usize>();
        let bytes = PROGRAM + templates + settings + 2 * size(variable_values);
        Self { resolved, library, errors, bytes }
    }

    /// Bytes of memory that it takes, estimated; more rather than less. See [`Source::estimated_bytes`].
    pub fn estimated_bytes(&self) -> usize {
        self.bytes
    }
}

/// Bytes of memory of a map of settings.
fn of_map(map: &Map<String, Value>, in_list: bool) -> usize {
    let key = if in_list { LISTED_KEY } else { KEY };
    map.iter().map(|(name, value)| key + name.len() + of_value(value, in_list)).sum()
}

fn of_value(value: &Value, in_list: bool) -> usize {
    match value {
        Value::Object(map) if map.is_empty() => 0,
        Value::Object(map) => of_map(map, in_list) + if in_list { LISTED_MAP } else { MAP },
        Value::Array(items) => items.iter().map(|item| ITEM + of_value(item, true)).sum(),
        Value::String(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a process grew by for each of 300 programs with these settings.
    #[test]
    fn settings_are_estimated_at_what_they_took_or_up_to_twice_as_much() {
        let keys = |count: usize, value: Value| -> Value {
            (0..count).map(|number| (format!("k{number}"), value.clone())).collect::<Map<_, _>>().into()
        };
        for (settings, measured) in [
            (keys(1000, json!(1)), 298_161),
            (keys(300, json!({"a": 1, "b": 2})), 569_412),
            (keys(300, json!({"a": 1})), 517_720),
            (keys(100, json!({"a": {"b": {"c": {"d": 1}}}})), 598_002),
            (keys(100, keys(10, json!(1))), 337_633),
            (keys(300, json!({})), 94_098),
            (json!({"l": vec![json!({"a": 1}); 500]}), 249_050),
            (json!({"l": vec![keys(10, json!(1)); 100]}), 209_537),
            (json!({"l": vec![json!([1]); 1000]}), 156_794),
            (json!({"l": vec![1; 3000]}), 220_405),
            (keys(200, json!("a text of fifty characters, more or less, as it is")), 75_789),
        ] {
            let estimated = PROGRAM + of_value(&settings, false);
            assert!((measured..2 * measured).contains(&estimated), "{estimated} of {measured}: {settings}");
        }
    }
}
