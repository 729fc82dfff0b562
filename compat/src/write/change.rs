//! The one change that a path and a value make.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::WriteError;
use crate::merge::is_truthy;

/// What is done at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Replace,
    /// `[]`: append.
    List,
    /// `{}`: append what is not there yet.
    Set,
}

/// Writes a value. Looks at the whole way first, so that nothing is changed if it leads nowhere.
pub(super) fn apply(document: &mut Map<String, Value>, path: &str, value: Value) -> Result<(), WriteError> {
    let (keys, manner) = read(path)?;
    let Some((last, way)) = keys.split_last() else { return Ok(()) };
    check(document, path, way)?;
    let mut map = &*document;
    let mut reached = true;
    for key in way {
        match map.get(*key) {
            Some(Value::Object(inner)) => map = inner,
            _ => reached = false,
        }
        if !reached {
            break;
        }
    }
    let old = if reached { map.get(*last) } else { None };
    let new = match manner {
        Manner::Replace => value,
        Manner::List | Manner::Set => appended(path, old, manner, &value)?,
    };
    put(document, way, last, new);
    Ok(())
}

/// The keys of a path, and what is done at its end.
fn read(path: &str) -> Result<(Vec<&str>, Manner), WriteError> {
    let (bare, manner) = if let Some(bare) = path.strip_suffix("[]") {
        (bare, Manner::List)
    } else if let Some(bare) = path.strip_suffix("{}") {
        (bare, Manner::Set)
    } else {
        (path, Manner::Replace)
    };
    let wrong = |problem: &str| WriteError::Path { path: path.to_owned(), problem: problem.to_owned() };
    if bare.is_empty() {
        return Err(wrong("it names nothing; write names with dots between them"));
    }
    if bare.contains("[]") || bare.contains("{}") {
        return Err(wrong("[] and {} stand once, at the end of a path"));
    }
    let keys: Vec<&str> = bare.split('.').collect();
    if keys.iter().any(|key| has_index(key)) {
        return Err(wrong("a single item of a list cannot be written; append with [] or write the whole list"));
    }
    Ok((keys, manner))
}

/// Whether a key has something in brackets: `x[0]`.
fn has_index(key: &str) -> bool {
    key.split_once('[').is_some_and(|(_, rest)| rest.contains(']'))
}

/// Refuses a way through anything but maps. Null gives way, since nothing is lost.
fn check(document: &Map<String, Value>, path: &str, way: &[&str]) -> Result<(), WriteError> {
    let mut map = document;
    for (index, key) in way.iter().enumerate() {
        map = match map.get(*key) {
            Some(Value::Object(inner)) => inner,
            None | Some(Value::Null) => return Ok(()),
            Some(other) => {
                let segment = way[..=index].join(".");
                return Err(WriteError::Through { path: path.to_owned(), segment, found: kind(other) });
            }
        };
    }
    Ok(())
}

/// The list with the items of a text.
fn appended(path: &str, old: Option<&Value>, manner: Manner, value: &Value) -> Result<Value, WriteError> {
    let mut list = match old {
        Some(Value::Array(items)) => items.clone(),
        Some(other) if is_truthy(other) => {
            return Err(WriteError::NotAList { path: path.to_owned(), found: kind(other) });
        }
        _ => Vec::new(),
    };
    let Value::String(text) = value else {
        return Err(WriteError::NotText { path: path.to_owned(), found: kind(value) });
    };
    if text == "[]" {
        return Ok(Value::Array(Vec::new()));
    }
    list.extend(text.split(',').map(Value::from));
    if manner == Manner::Set {
        let mut known = HashSet::new();
        list.retain(|item| known.insert(identity(item)));
    }
    Ok(Value::Array(list))
}

/// Items of one identity are equal to Python: `1`, `1.0` and `true` are.
fn identity(item: &Value) -> String {
    match item {
        Value::Bool(bool) => u8::from(*bool).to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Writes at the end of a way that [`check`] found free.
fn put(document: &mut Map<String, Value>, way: &[&str], last: &str, value: Value) {
    let mut map = document;
    for key in way {
        let next = map.entry(*key).or_insert(Value::Null);
        if next.is_null() {
            *next = Value::Object(Map::new());
        }
        match next {
            Value::Object(inner) => map = inner,
            _ => return,
        }
    }
    map.insert(last.to_owned(), value);
}

/// What a value is, in a user's words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
