//! `--generate PATH`: the conditional lists of values at one path, written one item after the other.

use serde_json::{Map, Value};

use crate::{
    document::Document,
    files::kind,
    handler::{Failure, check_target, condition, file_value, template},
    notice::Notice,
    path::OldPath,
    template::{Scope, Settings, is_falsy},
    write::{strip, write},
};

/// Why nothing was generated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("generate {path}: {problem}")]
pub struct GenerateError {
    /// The path.
    pub path: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

/// Whether anything was written, and what people should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// Paths that were written.
    pub written: Vec<String>,
    /// What people should know.
    pub notices: Vec<Notice>,
}

/// Runs the generator at `path`: each item sees what those before it wrote, the entries of one `set` list do not see each
/// other. If it fails the document is as it was.
pub fn generate(document: &mut Document, path: &str, settings: &Settings) -> Result<Generated, GenerateError> {
    let failed = |problem| GenerateError { path: path.to_owned(), problem };
    let items = items(document, path).map_err(failed)?;
    let mut changed = document.clone();
    let mut generated = Generated::default();
    for (name, item) in &items {
        let place = format!("{path}.{name}");
        item_written(&mut changed, &place, item, settings, &mut generated).map_err(|failure| {
            let Failure { problem, .. } = failure;
            failed(format!("item {name}: {problem}; nothing is written"))
        })?;
    }
    *document = changed;
    Ok(generated)
}

/// The items of the one map that the path finds.
fn items(document: &Document, path: &str) -> Result<Map<String, Value>, String> {
    let root = Value::Object(document.0.clone());
    let read = OldPath::parse(path).map_err(|error| error.to_string())?;
    match read.find(&root).as_slice() {
        [Value::Object(items)] => Ok(items.clone()),
        [other] => Err(format!("it is {}; write a map of items, each with a list `set`", kind(Some(other)))),
        [] => Err("there is nothing at this path; it must find one map of items".to_owned()),
        several => Err(format!("the path finds {} values; it must find one map of items", several.len())),
    }
}

fn item_written(
    document: &mut Document,
    place: &str,
    item: &Value,
    settings: &Settings,
    generated: &mut Generated,
) -> Result<(), Failure> {
    let Value::Object(fields) = item else {
        return Err(Failure::plain(format!("it is {}; write a map with a list `set`", kind(Some(item)))));
    };
    let mut scope = Scope::new(document, settings).map_err(|error| Failure::plain(error.0))?;
    scope.insert("generator", item.clone());
    let blank = condition::Blank::Stripped;
    if condition::skipped(fields, place, &scope, blank, &mut generated.notices)?.is_some() {
        return Ok(());
    }
    let Some(Value::Array(entries)) = fields.get("set") else {
        let found = kind(fields.get("set"));
        return Err(Failure::plain(format!("`set` is {found}; write a list of {{key, value}}")));
    };
    for (index, entry) in entries.iter().enumerate() {
        let wrong = |problem: String| Failure::plain(format!("`set[{index}]`: {problem}"));
        let place = format!("{place}.set[{index}]");
        let Value::Object(entry) = entry else {
            return Err(wrong(format!("it is {}; write a map of key and value", kind(Some(entry)))));
        };
        let key = scope.text(&format!("{place}.key"), template(entry, "key").map_err(wrong)?)?;
        // A value that is written as empty or false is none; one that a template makes blank is written.
        if key.is_empty() || entry.get("value").is_some_and(is_falsy) {
            continue;
        }
        let text = scope.text(&format!("{place}.value"), template(entry, "value").map_err(wrong)?)?;
        check_target(&key, &text)?;
        write(&mut document.0, &key, &text)?;
        generated.written.push(strip(&key).to_owned());
        generated.notices.extend(file_value(&place, &text));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
