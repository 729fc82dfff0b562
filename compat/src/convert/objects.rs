//! The manifests: which objects there are, under which names and in which files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{emit, endpoints::SecretValues};

/// A manifest to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Name of its file.
    pub file: String,
    /// Lines of comment at its head.
    pub comments: Vec<String>,
    /// The object, its keys in the order in which they are written.
    pub value: Value,
}

impl Manifest {
    pub(super) fn new(file: String, comment: String, kind: &str, name: &str, rest: Map<String, Value>) -> Self {
        let version = if kind == "Secret" { "v1" } else { "cicdcontext.io/v1alpha1" };
        let mut value = Map::new();
        value.insert("apiVersion".to_owned(), json!(version));
        value.insert("kind".to_owned(), json!(kind));
        value.insert("metadata".to_owned(), json!({"name": name}));
        value.extend(rest);
        Self { file, comments: vec![comment], value: Value::Object(value) }
    }

    /// Its YAML.
    pub fn text(&self) -> String {
        emit::document(&self.comments, &self.value)
    }
}

/// The Secrets, a manifest each.
pub(super) fn secrets(values: &SecretValues, source: &str) -> Vec<Manifest> {
    let manifest = |(name, keys): (&String, &BTreeMap<String, String>)| {
        let mut rest = Map::new();
        rest.insert("type".to_owned(), json!("Opaque"));
        rest.insert("stringData".to_owned(), json!(keys));
        Manifest::new(format!("{name}.yaml"), format!("From {source}. Not for Git."), "Secret", name, rest)
    };
    values.iter().map(manifest).collect()
}

/// The file name of a path without its folder and ending.
pub(super) fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// A text as the name of an object.
pub(super) fn name(text: &str) -> String {
    let lower = text.to_lowercase();
    let plain: String = lower
        .chars()
        .map(|found| if found.is_ascii_lowercase() || found.is_ascii_digit() || found == '.' { found } else { '-' })
        .collect();
    let cut: String = plain.trim_matches(['-', '.']).chars().take(63).collect();
    // A dot wants letters or digits on both sides.
    let parts: Vec<&str> = cut.split('.').map(|part| part.trim_matches('-')).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "unnamed".to_owned() } else { parts.join(".") }
}

/// A text as a key of a Secret.
pub(super) fn key(text: &str) -> String {
    text.chars()
        .map(|found| if found.is_ascii_alphanumeric() || matches!(found, '-' | '_' | '.') { found } else { '_' })
        .collect()
}

/// Names that are given once each.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let mut found = wanted.to_owned();
        let mut number = 2;
        while !self.0.insert(found.clone()) {
            found = format!("{wanted}-{number}");
            number += 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_the_name_of_an_object() {
        for (text, expected) in
            [("ferry-7", "ferry-7"), ("My App/1.4", "my-app-1.4"), ("-x_.-", "x"), ("a.-b", "a.b"), ("éé", "unnamed")]
        {
            assert_eq!(name(text), expected, "{text}");
        }
        assert_eq!((stem("bases/dock.yaml"), stem("dock"), stem("a.b/c.d.yml")), ("dock", "dock", "c.d"));
        let mut names = Names::default();
        assert_eq!([names.take("a"), names.take("a"), names.take("a")], ["a", "a-2", "a-3"]);
        assert_eq!(key("a.b/c"), "a.b_c");
    }
}
