//! Macros as partials: which names keep their order, and which of them an endpoint's templates need.
//!
//! The predecessor put the texts of all macros, in merged order, in front of every template. Here partials stand there in
//! the order of their names, and an endpoint has its own. So names are numbered where their order shows, and a template
//! is adapted where another partial than before stands in front of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::scan::{self, Part, parts};

/// The macros of all files together.
#[derive(Clone, Debug, Default)]
pub(super) struct Macros {
    /// Keys and texts in merged order.
    pub(super) texts: Vec<(String, String)>,
    names: BTreeMap<String, String>,
    /// Something stands beside the macros: it is part of every template.
    pub(super) has_loose_text: bool,
    /// Names had to be numbered.
    pub(super) is_numbered: bool,
}

/// Whether a text takes the whitespace behind it away.
fn eats(text: &str) -> bool {
    ["-%}", "-}}", "-#}"].iter().any(|end| text.ends_with(end))
}

fn defined(text: &str) -> Vec<String> {
    scan::names(text).macros
}

/// Whether a text is more than macros.
fn is_loose(text: &str) -> bool {
    let mut inside = 0_usize;
    parts(text).iter().any(|part| match part {
        Part::Statement(statement) => {
            let word = statement.split_whitespace().next().unwrap_or_default();
            match word {
                "macro" => inside += 1,
                "endmacro" => inside = inside.saturating_sub(1),
                _ => return inside == 0,
            }
            false
        }
        Part::Expression(_) => inside == 0,
        Part::Text(text) => inside == 0 && !text.trim().is_empty(),
    })
}

impl Macros {
    /// The merged `jinja2-macros`.
    pub(super) fn new(merged: &Map<String, Value>) -> Self {
        let texts: Vec<(String, String)> = merged
            .iter()
            .filter_map(|(key, text)| Some((key.clone(), text.as_str()?.trim().to_owned())))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        let has_loose_text = texts.iter().any(|(_, text)| is_loose(text));
        let mut sorted: Vec<&(String, String)> = texts.iter().collect();
        sorted.sort();
        let eats_last = |text: Option<&str>| text.is_some_and(eats);
        let same_end = eats_last(sorted.last().map(|(_, text)| text.as_str()))
            == eats_last(texts.last().map(|(_, text)| text.as_str()));
        let mut all = BTreeSet::new();
        let twice = texts.iter().flat_map(|(_, text)| defined(text)).any(|name| !all.insert(name));
        let is_numbered = !sorted.iter().copied().eq(texts.iter()) && (has_loose_text || twice || !same_end);
        let numbered = |(index, (key, _)): (usize, &(String, String))| {
            let name = if is_numbered { format!("{:02}-{key}", index + 1) } else { key.clone() };
            (key.clone(), name)
        };
        let names = texts.iter().enumerate().map(numbered).collect();
        Self { texts, names, has_loose_text, is_numbered }
    }

    /// The name of the partial that a macro's key becomes.
    pub(super) fn partial<'k>(&'k self, key: &'k str) -> &'k str {
        self.names.get(key).map_or(key, String::as_str)
    }

    /// Whether the whitespace that templates begin with was taken away.
    pub(super) fn eat(&self) -> bool {
        self.texts.last().is_some_and(|(_, text)| eats(text))
    }

    /// Whether a template calls a macro.
    pub(super) fn is_called_by(&self, template: &str) -> bool {
        let known: BTreeSet<String> = self.texts.iter().flat_map(|(_, text)| defined(text)).collect();
        scan::names(template).read.iter().any(|reference| known.contains(reference.root()))
    }

    /// The keys of the macros that these templates call, and of those that these call, in merged order.
    pub(super) fn needed<'t>(&self, templates: impl IntoIterator<Item = &'t str>) -> Vec<&str> {
        let mut wanted: BTreeSet<String> = templates.into_iter().flat_map(roots).collect();
        let mut found: BTreeSet<&str> = BTreeSet::new();
        loop {
            let calls = |text: &str| self.has_loose_text || defined(text).iter().any(|name| wanted.contains(name));
            let new: Vec<_> =
                self.texts.iter().filter(|(key, text)| !found.contains(key.as_str()) && calls(text)).collect();
            if new.is_empty() {
                break;
            }
            for (key, text) in new {
                found.insert(key);
                wanted.extend(roots(text));
            }
        }
        self.texts.iter().map(|(key, _)| key.as_str()).filter(|key| found.contains(key)).collect()
    }

    /// The text of a macro.
    pub(super) fn text(&self, key: &str) -> &str {
        self.texts.iter().find(|(found, _)| found == key).map_or("", |(_, text)| text.as_str())
    }

    /// A template that stands behind the macros `keys` alone, so that it prints what it printed behind all of them.
    pub(super) fn adapted(&self, template: &str, keys: &[&str]) -> String {
        let last = keys.iter().max_by_key(|key| self.partial(key)).map(|key| self.text(key));
        match (self.eat(), last.is_some_and(eats)) {
            (true, false) => template.trim_start().to_owned(),
            (false, true) if template.starts_with(char::is_whitespace) => format!("{{# #}}{template}"),
            _ => template.to_owned(),
        }
    }
}

fn roots(template: &str) -> Vec<String> {
    scan::names(template).read.iter().map(|reference| reference.root().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn macros(value: &Value) -> Macros {
        Macros::new(value.as_object().unwrap())
    }

    const EATS: &str = "{%- macro b(x) -%}{{ x }}{%- endmacro -%}";
    const KEEPS: &str = "{% macro a(x) %}{{ b(x) }}{% endmacro %}";

    #[test]
    fn names_are_numbered_only_where_their_order_shows() {
        let same = macros(&json!({"b": EATS, "a": "{%- macro a() -%}{%- endmacro -%}"}));
        assert_eq!((same.is_numbered, same.partial("b")), (false, "b"));
        let other_end = macros(&json!({"b": KEEPS, "a": EATS}));
        assert!(other_end.is_numbered && other_end.eat());
        assert_eq!((other_end.partial("b"), other_end.partial("a")), ("01-b", "02-a"));
        assert!(macros(&json!({"z": "{% set x = 1 %}", "a": KEEPS})).is_numbered);
        assert!(macros(&json!({"z": KEEPS, "a": KEEPS})).is_numbered, "the same name twice: the last one counts");
    }

    #[test]
    fn an_endpoint_needs_what_its_templates_call_and_what_that_calls() {
        let all = macros(&json!({"one": EATS, "two": KEEPS, "three": "{% macro c() %}{% endmacro %}"}));
        assert_eq!(all.needed(["{{ a(1) }}"]), ["one", "two"]);
        assert_eq!(all.needed(["{{ b(1) }}", "x"]), ["one"]);
        assert!(all.needed(["{{ other }}"]).is_empty());
        let loose = macros(&json!({"one": EATS, "text": "hello"}));
        assert_eq!(loose.needed(["x"]), ["one", "text"], "what stands beside macros is in front of everything");
    }

    #[test]
    fn a_template_begins_as_it_did_whatever_stands_in_front_of_it_now() {
        let eating = macros(&json!({"one": EATS}));
        assert_eq!(eating.adapted("\n x", &[]), "x");
        assert_eq!(eating.adapted("\n x", &["one"]), "\n x");
        let keeping = macros(&json!({"one": EATS, "two": KEEPS}));
        assert_eq!(keeping.adapted(" x", &["one"]), "{# #} x");
        assert_eq!(keeping.adapted(" x", &[]), " x");
    }
}
