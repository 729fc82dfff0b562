//! What is written into the state: entries of `set` and of captures, `from` and `to` or `key` and `value`.

use serde_json::{Map, Value, json};

use super::{
    Conversion, Kind,
    report::Severity::{Changed, Hint, NotCarried},
    scan::{Part, has_tags, parts},
};
use crate::files::plain_text;

/// What a list of entries is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entries {
    /// `set` of set-values.
    Set,
    /// `set` of a generator, which writes blank values too.
    Generator,
    /// Captures, of a handler or of all.
    Capture,
}

impl Conversion<'_> {
    /// A list of entries as changes. None where there is no list.
    pub(super) fn changes(&mut self, place: &str, listed: Option<&Value>, entries: Entries) -> Option<Vec<Value>> {
        let items = match listed? {
            Value::Array(items) => items,
            Value::Null => return None,
            _ => {
                self.report.add(NotCarried, place, "it is no list, which was an error", "write a list");
                return None;
            }
        };
        let (source, target) = if entries == Entries::Generator { ("value", "key") } else { ("from", "to") };
        let mut changes = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let (Some(from), Some(to)) = (item.get(source), item.get(target).and_then(Value::as_str)) else {
                let text =
                    format!("it is no map of {source} and {target} (a text), which was an error; it is left out");
                self.report.add(NotCarried, &place, text, format!("write {{{source}, {target}}}"));
                continue;
            };
            for key in item.as_object().into_iter().flat_map(Map::keys) {
                if key != source && key != target {
                    self.unknown(&format!("{place}.{key}"));
                }
            }
            changes.extend(self.change(&place, from, to, entries));
        }
        Some(changes)
    }

    fn change(&mut self, place: &str, from: &Value, to: &str, entries: Entries) -> Option<Value> {
        let text = match from {
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) if entries != Entries::Capture => {
                let text = "its value is a list or map, which was an error; it is left out";
                self.report.add(NotCarried, place, text, "write a template");
                return None;
            }
            other => {
                if entries != Entries::Capture {
                    let text = "its value is no text, which was an error; it is that value's text now";
                    self.report.add(Changed, place, text, "nothing, or write the text in quotes");
                }
                plain_text(other)
            }
        };
        if text.trim_start().starts_with("file://") {
            let text = "it read a file of the step's own; nothing that is configured reads files any more";
            self.report.add(
                NotCarried,
                place,
                text,
                "let the step write it: cicdctl set NAME --set-json-file PATH=FILE",
            );
            return None;
        }
        if text.contains("file://") {
            let text = "a rendered text that begins with file:// read a file; it is the text itself now";
            self.report.add(Changed, place, text, "let the step write it: cicdctl set NAME --set-json-file PATH=FILE");
        }
        let kind = match entries {
            Entries::Set => Kind::Handler("set-values"),
            Entries::Generator => Kind::Generator,
            Entries::Capture => Kind::Capture,
        };
        let (to, operation) = match to.trim() {
            to if to.ends_with("[]") => (to.trim_end_matches("[]"), Some("Append")),
            to if to.ends_with("{}") => (to.strip_suffix("{}").unwrap_or(to), Some("Add")),
            to => (to, None),
        };
        let path = self.path(place, to)?;
        self.writes.push(to.split(['{']).next().unwrap_or_default().trim_end_matches('.').to_owned());
        let mut change = Map::new();
        change.insert("path".to_owned(), json!(path));
        if has_tags(to) {
            self.uses(place, to, kind.clone());
        }
        let literal = text.trim();
        match operation {
            Some(_) if literal == "[]" => {
                change.insert("op".to_owned(), json!("Clear"));
                return Some(Value::Object(change));
            }
            Some(operation) => {
                change.insert("op".to_owned(), json!(operation));
            }
            None => {}
        }
        let writes_blank = entries == Entries::Generator;
        if !has_tags(literal) && !self.macros.has_loose_text && (!literal.is_empty() || writes_blank) {
            change.insert("value".to_owned(), json!(literal));
        } else {
            self.uses(place, &text, kind);
            change.insert("template".to_owned(), json!(self.trimmed(literal)));
            if writes_blank {
                change.insert("writeBlank".to_owned(), json!(true));
            }
        }
        if operation.is_some() {
            change.insert("split".to_owned(), json!(","));
        }
        Some(Value::Object(change))
    }

    /// A template whose text is stripped, as it was: where a macro or a block may print whitespace around it.
    pub(super) fn trimmed(&self, template: &str) -> String {
        let parts = parts(template);
        let mut ends = parts.first().into_iter().chain(parts.last());
        if ends.any(|end| matches!(end, Part::Statement(_))) || self.macros.is_called_by(template) {
            format!("{{% filter trim %}}{template}{{% endfilter %}}")
        } else {
            template.to_owned()
        }
    }

    /// A path that was split at each dot, as a path of now.
    fn path(&mut self, place: &str, to: &str) -> Option<String> {
        let outside = "it writes outside of the state; native paths begin with state.";
        let advice = "write below state, and read it there";
        if has_tags(to) {
            if !to.starts_with("state.") {
                if to.starts_with('{') {
                    let text = "where it writes is known only when it is rendered; it has to be below state";
                    self.report.add(Changed, place, text, "begin the path with state. as it stands");
                } else {
                    self.report.add(NotCarried, place, outside, advice);
                    return None;
                }
            }
            let literal = to.split('{').next().unwrap_or_default();
            if !literal.chars().all(|found| found.is_ascii_alphanumeric() || matches!(found, '_' | '-' | '.')) {
                let text = "its path holds characters that are quoted now: ['a key']";
                self.report.add(Hint, place, text, "quote that key in the manifest");
            }
            return Some(to.to_owned());
        }
        let mut segments = to.split('.');
        let root = segments.next();
        let keys: Vec<&str> = segments.collect();
        if root != Some("state") || keys.is_empty() {
            self.report.add(NotCarried, place, outside, advice);
            return None;
        }
        if keys.iter().any(|key| key.contains(['[', ']'])) {
            let text = "brackets were part of the key's name, and stay so: the key is quoted";
            self.report.add(Changed, place, text, "write state.list[0] without quotes if a place in a list was meant");
        }
        let plain = |key: &str| {
            !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        let step = |key: &&str| {
            if plain(key) {
                format!(".{key}")
            } else {
                format!("['{}']", key.replace('\\', "\\\\").replace('\'', "\\'"))
            }
        };
        Some(format!("state{}", keys.iter().map(step).collect::<String>()))
    }
}
