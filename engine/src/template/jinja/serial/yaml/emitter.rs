//! The layout of a YAML document: which node goes where, in which column, with which marks.
//!
//! Lists below a key are not indented, keys that are long, empty or of several lines get a `?`, empty lists and maps are
//! written as `[]` and `{}`.

use std::collections::HashSet;

use super::super::super::super::error::Fault;
use super::super::super::machine::Machine;
use super::super::super::sorting;
use super::super::super::value::{Integer, Text, Value};
use super::anchors::{self, Anchors, Identity};
use super::quoting::{self, Style};
use super::writer::Writer;

/// Columns of a key and its tag from which on it gets a `?`.
const LONG_KEY: usize = 128;

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// After `-`.
    Item,
    /// Before `:` in one line.
    Key,
    /// After `:`, or after `?`.
    Mapped,
}

pub(super) fn document<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    anchors: Anchors,
    sort_keys: bool,
    step: usize,
) -> Result<String, Fault> {
    let mut emitter = Emitter { writer: Writer::new(), anchors, written: HashSet::new(), sort_keys, step };
    emitter.node(machine, value, None, Place::Root)?;
    emitter.writer.indent(machine, 0)?;
    if ends_open(value) {
        emitter.writer.mark(machine, "...")?;
        emitter.writer.indent(machine, 0)?;
    }
    Ok(emitter.writer.finish())
}

/// Whether a document of that value alone must say where it ends: a text or number without quotes.
fn ends_open(value: &Value<'_>) -> bool {
    match value {
        Value::Text(text) => !text.markup && quoting::style(text) == Style::Plain,
        Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => true,
        _ => false,
    }
}

struct Emitter {
    writer: Writer,
    anchors: Anchors,
    /// What was written and can be referred to.
    written: HashSet<Identity>,
    sort_keys: bool,
    /// Columns from one level to the next.
    step: usize,
}

impl Emitter {
    /// Writes a node; `indent` is the column of what it stands in, None at the root.
    fn node<'a>(
        &mut self,
        machine: &mut Machine<'a, '_>,
        value: &Value<'a>,
        indent: Option<usize>,
        place: Place,
    ) -> Result<(), Fault> {
        machine.burn(1)?;
        if let Some(identity) = anchors::identity(value)
            && let Some(number) = self.anchors.number(identity)
        {
            if !self.written.insert(identity) {
                return self.writer.mark(machine, &format!("*id{number:03}"));
            }
            self.writer.mark(machine, &format!("&id{number:03}"))?;
        }
        match value {
            Value::Text(text) if text.markup => {
                self.writer.mark(machine, "!!python/object/new:markupsafe.Markup")?;
                machine.afford(text.len())?;
                self.list(machine, value, &[Value::text(text.shared())], indent, place)
            }
            Value::Text(text) => self.text(machine, text, indent, place),
            Value::List(list) => {
                machine.burn(machine.length(value)?)?;
                let items = machine.items(list);
                self.list(machine, value, &items, indent, place)
            }
            Value::Tuple(items) => {
                self.writer.mark(machine, "!!python/tuple")?;
                self.list(machine, value, items, indent, place)
            }
            Value::Map(map) => {
                machine.burn(machine.length(value)?)?;
                let entries = machine.entries(map);
                let entries = if self.sort_keys { sorted(machine, entries)? } else { entries };
                self.map(machine, value, &entries, indent)
            }
            Value::Object(object) if object.type_name() == "range" => {
                let parts = ["start", "stop", "step"].map(|part| machine.attribute(value, part));
                let parts = parts.into_iter().collect::<Result<Vec<_>, _>>()?;
                self.writer.mark(machine, "!!python/object/apply:builtins.range")?;
                self.list(machine, value, &parts, indent, place)
            }
            scalar => {
                let text = scalar_text(machine, scalar)?;
                self.writer.plain(machine, &text, 0, false)
            }
        }
    }

    fn text(
        &mut self,
        machine: &mut Machine<'_, '_>,
        text: &Text<'_>,
        indent: Option<usize>,
        place: Place,
    ) -> Result<(), Fault> {
        machine.rendering.burn_bytes(text.len())?;
        let fold = place != Place::Key;
        let indent = indent.map_or(self.step, |indent| indent + self.step);
        match quoting::style(text) {
            Style::Plain => self.writer.plain(machine, text, indent, fold),
            Style::Single => self.writer.single(machine, text, indent, fold),
            Style::Double => self.writer.double(machine, text, indent, fold),
        }
    }

    fn list<'a>(
        &mut self,
        machine: &mut Machine<'a, '_>,
        container: &Value<'a>,
        items: &[Value<'a>],
        indent: Option<usize>,
        place: Place,
    ) -> Result<(), Fault> {
        if items.is_empty() {
            return self.writer.mark(machine, "[]");
        }
        // One that holds itself was written already: it is an alias.
        machine.open(container)?;
        let below_key = matches!(place, Place::Key | Place::Mapped) && !self.writer.is_fresh();
        let column = indent.map_or(0, |indent| if below_key { indent } else { indent + self.step });
        for item in items {
            self.writer.indent(machine, column)?;
            self.writer.block_mark(machine, "-")?;
            self.node(machine, item, Some(column), Place::Item)?;
        }
        machine.close();
        Ok(())
    }

    fn map<'a>(
        &mut self,
        machine: &mut Machine<'a, '_>,
        container: &Value<'a>,
        entries: &[(Value<'a>, Value<'a>)],
        indent: Option<usize>,
    ) -> Result<(), Fault> {
        if entries.is_empty() {
            return self.writer.mark(machine, "{}");
        }
        machine.open(container)?;
        let column = indent.map_or(0, |indent| indent + self.step);
        for (key, value) in entries {
            self.writer.indent(machine, column)?;
            if self.is_simple(machine, key)? {
                self.node(machine, key, Some(column), Place::Key)?;
                self.writer.attached(machine, ":")?;
            } else {
                self.writer.block_mark(machine, "?")?;
                self.node(machine, key, Some(column), Place::Mapped)?;
                self.writer.indent(machine, column)?;
                self.writer.block_mark(machine, ":")?;
            }
            self.node(machine, value, Some(column), Place::Mapped)?;
        }
        machine.close();
        Ok(())
    }

    /// Whether a key stands before its `:` in one line. Its tag counts though it is not written.
    fn is_simple<'a>(&self, machine: &mut Machine<'a, '_>, key: &Value<'a>) -> Result<bool, Fault> {
        Ok(match key {
            Value::Text(text) => {
                let lines = text.contains(['\n', '\u{85}', '\u{2028}', '\u{2029}']);
                !(text.markup || text.is_empty() || lines) && text.chars().count() + "!!str".len() < LONG_KEY
            }
            Value::Integer(Integer::Big(_)) => scalar_text(machine, key)?.len() + "!!int".len() < LONG_KEY,
            Value::Tuple(items) if !items.is_empty() => {
                anchors::identity(key).is_some_and(|identity| self.written.contains(&identity))
            }
            _ => true,
        })
    }
}

/// Entries by their keys; as they were when the keys cannot be compared.
fn sorted<'a>(
    machine: &mut Machine<'a, '_>,
    entries: Vec<(Value<'a>, Value<'a>)>,
) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
    let sorted = sorting::sort(machine, entries.clone(), |machine, left, right| machine.compare(&left.0, &right.0));
    match sorted {
        Err(Fault::Problem(_)) => Ok(entries),
        sorted => sorted,
    }
}

fn scalar_text<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<String, Fault> {
    Ok(match value {
        Value::None => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Integer(_) => machine.representation(value)?,
        Value::Float(float) if float.is_nan() => ".nan".to_owned(),
        Value::Float(float) if float.is_infinite() => if *float > 0.0 { ".inf" } else { "-.inf" }.to_owned(),
        Value::Float(_) => {
            let text = machine.representation(value)?;
            // YAML 1.1 reads `1e+20` as a text.
            if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
        }
        other => {
            let found = other.type_name();
            return Err(Fault::problem(format!(
                "`to_nice_yaml` cannot write a {found}; it takes texts, numbers, bools, none, lists and maps"
            )));
        }
    })
}
