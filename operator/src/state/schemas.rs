//! Schemas of contexts, compiled once for each content: a thousand contexts of one pipeline mostly share one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cicdcontext_engine::state::{Schema, SchemaError};
use serde_json::{Map, Value};

/// A schema, or why it is none.
pub type Compiled = Arc<Result<Schema, SchemaError>>;

/// Bytes of memory that kept schemas may take: 32 MiB.
const MEMORY: usize = 32 * 1024 * 1024;
/// Bytes that any kept entry takes beside its text.
const ENTRY: usize = 1024;

/// Compiled schemas by content; those that were not used for the longest time are forgotten first.
#[derive(Debug, Default)]
pub struct Schemas(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_text: HashMap<String, Entry>,
    memory: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    compiled: Compiled,
    memory: usize,
    used: u64,
}

impl Schemas {
    /// The schema, compiled now if it is not known. That may take its time: call it where things are computed.
    pub fn get(&self, schema: &Map<String, Value>) -> Compiled {
        // Serialising what was just parsed cannot fail; if it did, different schemas must not be taken for one.
        let Ok(text) = serde_json::to_string(schema) else { return Arc::new(Schema::compile(schema)) };
        if let Some(known) = self.lock().touch(&text) {
            return known;
        }
        let compiled = Arc::new(Schema::compile(schema));
        let own = compiled.as_ref().as_ref().map_or(0, Schema::memory);
        self.lock().keep(text, Arc::clone(&compiled), own);
        compiled
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn touch(&mut self, text: &str) -> Option<Compiled> {
        self.clock += 1;
        let entry = self.by_text.get_mut(text)?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.compiled))
    }

    fn keep(&mut self, text: String, compiled: Compiled, own: usize) {
        let memory = own + text.len() + ENTRY;
        self.forget(&text);
        while self.memory + memory > MEMORY {
            let oldest = self.by_text.iter().min_by_key(|(_, entry)| entry.used).map(|(text, _)| text.clone());
            match oldest {
                Some(oldest) => self.forget(&oldest),
                // Larger than everything together may be: used now, and not kept.
                None => return,
            }
        }
        self.memory += memory;
        self.by_text.insert(text, Entry { compiled, memory, used: self.clock });
    }

    fn forget(&mut self, text: &str) {
        if let Some(entry) = self.by_text.remove(text) {
            self.memory -= entry.memory;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn one_content_is_compiled_once_whether_it_is_a_schema_or_not() {
        let schemas = Schemas::default();
        for schema in [json!({"type": "object"}), json!({"$ref": "https://a.example"})] {
            let schema = map(schema);
            assert!(Arc::ptr_eq(&schemas.get(&schema), &schemas.get(&schema.clone())));
        }
        assert!(schemas.get(&map(json!({"type": "object"}))).is_ok());
        assert!(schemas.get(&map(json!({"$ref": "https://a.example"}))).is_err());
    }

    #[test]
    fn kept_schemas_take_a_bounded_amount_of_memory_and_the_one_in_use_stays() {
        let schemas = Schemas::default();
        let rules: Map<String, Value> = (0..400).map(|at| (format!("p{at}"), json!(true))).collect();
        let of = |at: usize| map(json!({"properties": rules, "title": at.to_string()}));
        let first = schemas.get(&of(0));
        for at in 0..60 {
            schemas.get(&of(at));
            assert!(Arc::ptr_eq(&first, &schemas.get(&of(0))), "{at}");
            let kept = schemas.lock();
            assert!(kept.memory <= MEMORY);
            assert_eq!(kept.memory, kept.by_text.values().map(|entry| entry.memory).sum::<usize>());
        }
        assert!(schemas.lock().by_text.len() < 60, "some were forgotten");
    }
}
