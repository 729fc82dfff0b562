//! The hash by which two configurations are known to be the same.
//!
//! It is stored in status and compared across versions of the operator: the form of what is hashed must only change
//! together with [`FORM`].

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Writer,
    shape::{CONTEXT, Shape},
    tree::{Content, Node},
};
use crate::template::Engine;

/// Names the form of what is hashed.
const FORM: &[u8] = b"cicdcontext.io/v1alpha1 configuration 1";

/// Bytes of the digest that are kept. A tenant who could make two configurations of one hash would only confuse
/// himself; 16 bytes keep him from meeting another's.
const KEPT_BYTES: usize = 16;

/// Hashes a merged configuration. Keys count in sorted order; numbers as they are written in JSON.
pub(super) fn hash(root: &Node, selected: Option<&str>, writers: &[Writer]) -> String {
    let mut hasher = Hasher { digest: Sha256::new(), writers };
    hasher.bytes(b'F', FORM);
    match selected {
        Some(name) => hasher.bytes(b'C', name.as_bytes()),
        None => hasher.tag(b'c', 0),
    }
    hasher.node(root, &CONTEXT);
    let digest = hasher.digest.finalize();
    HEXLOWER.encode(digest.get(..KEPT_BYTES).unwrap_or(&digest))
}

struct Hasher<'w> {
    digest: Sha256,
    writers: &'w [Writer],
}

impl Hasher<'_> {
    /// A kind and a length, so that no two different trees give the same bytes.
    fn tag(&mut self, kind: u8, length: usize) {
        self.digest.update([kind]);
        self.digest.update((length as u64).to_le_bytes());
    }

    fn bytes(&mut self, kind: u8, bytes: &[u8]) {
        self.tag(kind, bytes.len());
        self.digest.update(bytes);
    }

    /// Below settings nothing is a template, so the engine of the block does not count there.
    fn node(&mut self, node: &Node, shape: &Shape) {
        match &node.content {
            Content::Map(map) => {
                self.tag(b'm', map.len());
                for (key, node) in map {
                    self.bytes(b'k', key.as_bytes());
                    self.node(node, shape.below(key).unwrap_or(&Shape::Whole));
                }
            }
            Content::List(list) => {
                let items = list.ordered();
                self.tag(b'l', items.len());
                for (name, node) in items {
                    self.node(node, shape.below(name).unwrap_or(&Shape::Whole));
                }
            }
            Content::Leaf(value) => {
                if *shape != Shape::Free
                    && let Some(writer) = self.writers.get(node.writer)
                {
                    match writer.engine {
                        Engine::Handlebars => self.tag(b'h', 0),
                        Engine::Jinja => self.tag(b'j', 0),
                    }
                }
                self.value(value);
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.tag(b'z', 0),
            Value::Bool(value) => self.tag(b'b', usize::from(*value)),
            Value::Number(number) => self.bytes(b'n', number.to_string().as_bytes()),
            Value::String(text) => self.bytes(b's', text.as_bytes()),
            Value::Array(values) => {
                self.tag(b'a', values.len());
                for value in values {
                    self.value(value);
                }
            }
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_unstable_by_key(|(key, _)| *key);
                self.tag(b'o', entries.len());
                for (key, value) in entries {
                    self.bytes(b'k', key.as_bytes());
                    self.value(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::configuration::fixture::World;

    fn hash(yaml: &str) -> String {
        World::context(&[], yaml).resolve().hash
    }

    const BLOCK: &str = "{settings: {a: 1, b: [{c: 1, d: 2}]}, variables: {v: text}}";

    #[test]
    fn the_hash_is_the_same_on_every_machine_and_in_every_version() {
        assert_eq!(hash(BLOCK), "91e751b7748c1221759583fda1703216");
    }

    #[test]
    fn the_order_of_keys_and_the_layers_that_wrote_them_do_not_count() {
        assert_eq!(hash(BLOCK), hash("{variables: {v: text}, settings: {b: [{d: 2, c: 1}], a: 1}}"));
        let layered = World::context(&["base/a"], "variables: {v: text}").base(
            "base/a",
            &[],
            "{settings: {a: 1, b: [{c: 1, d: 2}]}, variables: {v: other}}",
        );
        assert_eq!(layered.resolve().hash, hash(BLOCK));
    }

    #[test]
    fn values_types_names_engines_and_the_selection_count() {
        let hashes = [
            hash(BLOCK),
            hash("{settings: {a: 2, b: [{c: 1, d: 2}]}, variables: {v: text}}"),
            hash("{settings: {a: '1', b: [{c: 1, d: 2}]}, variables: {v: text}}"),
            hash("{settings: {a: 1, c: [{c: 1, d: 2}]}, variables: {v: text}}"),
            hash("{settings: {a: 1, b: [{c: 1, d: 2}]}, partials: {v: text}}"),
            hash("{templateEngine: Jinja, settings: {a: 1, b: [{c: 1, d: 2}]}, variables: {v: text}}"),
            World::context(&[], "{settings: {a: 1, b: [{c: 1, d: 2}]}, variables: {v: text}, contexts: {stage: {}}}")
                .selecting("stage")
                .resolve()
                .hash,
        ];
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(hash.len(), 32, "{hash}");
            assert!(!hashes.iter().take(index).any(|other| other == hash), "number {index}: {hashes:#?}");
        }
    }

    #[test]
    fn the_engine_of_settings_and_entries_that_are_not_selected_do_not_count() {
        assert_eq!(hash("{templateEngine: Jinja, settings: {a: 1}}"), hash("settings: {a: 1}"));
        assert_eq!(hash("{settings: {a: 1}, contexts: {prod: {settings: {a: 2}}}}"), hash("settings: {a: 1}"));
    }

    #[test]
    fn a_variable_called_settings_has_an_engine() {
        assert_ne!(hash("{templateEngine: Jinja, variables: {settings: x}}"), hash("variables: {settings: x}"));
    }

    #[test]
    fn the_order_of_handlers_counts() {
        let ordered = |first: &str, second: &str| {
            let handler = |name: &str| format!("{{name: {name}, setValues: [{{path: state.a, value: 1}}]}}");
            hash(&format!("pipelines: {{b: {{eventHandlers: {{e: [{}, {}]}}}}}}", handler(first), handler(second)))
        };
        assert_ne!(ordered("h", "i"), ordered("i", "h"));
    }
}
