//! The JSON form of an annotation. Whatever passes here passes the schema of CicdEvent too: an event that the API
//! server refuses would leave its annotation behind for ever.

use std::collections::BTreeMap;

use cicdcontext_crds::{ChangeOperation, ValueChange};
use serde_json::{Map, Value};

use super::{AnnotationError, Front, MAX_DEPTH, Parsed, checked_name, shown};
use crate::state::limits;

/// Entries that `varsFrom` may have.
const MAX_VARS_FROM: usize = 64;
/// Characters that a path may have, as the schema counts them.
const MAX_PATH: usize = 1024;
/// Characters that a separator may have.
const MAX_SPLIT: usize = 16;

pub(super) fn parse(front: Front, text: &str) -> Result<Parsed, AnnotationError> {
    // serde_json stops at 128 levels by itself, before they could hurt.
    let mut object: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| AnnotationError::Json(error.to_string()))?;
    let actual = 1 + object.values().map(limits::depth).max().unwrap_or(0);
    if actual > MAX_DEPTH {
        return Err(AnnotationError::TooDeep { actual });
    }
    let noun = front.noun();
    only(&object, "", &["pipeline", noun, "data", "vars", "varsFrom", "set"])?;
    Ok(Parsed {
        front,
        pipeline: name(&object, "pipeline")?,
        name: name(&object, noun)?,
        data: object.remove("data"),
        vars: object.remove("vars").map(vars).transpose()?,
        vars_from: object.get("varsFrom").map(vars_from).transpose()?,
        set: object.remove("set").map(set).transpose()?,
    })
}

/// Refuses keys that nobody would read; `at` is the prefix that says where they stand.
fn only(object: &Map<String, Value>, at: &str, known: &[&str]) -> Result<(), AnnotationError> {
    let unknown = object.keys().filter(|key| !known.contains(&key.as_str()));
    let keys: Vec<String> = unknown.take(8).map(|key| format!("{at}{}", shown(key))).collect();
    if keys.is_empty() { Ok(()) } else { Err(AnnotationError::UnknownKeys { keys, expected: known.join(", ") }) }
}

fn name(object: &Map<String, Value>, key: &'static str) -> Result<String, AnnotationError> {
    const EXPECTED: &str = "write a name as text";
    match object.get(key) {
        Some(Value::String(name)) => checked_name(key, name),
        Some(other) => Err(wrong(key, other, EXPECTED)),
        None => Err(AnnotationError::Missing { key: key.to_owned(), expected: EXPECTED }),
    }
}

fn vars(value: Value) -> Result<Value, AnnotationError> {
    if value.is_object() {
        Ok(value)
    } else {
        Err(wrong("vars", &value, r#"write an object such as {"ctx.flag": true}"#))
    }
}

fn vars_from(value: &Value) -> Result<BTreeMap<String, String>, AnnotationError> {
    let Value::Object(map) = value else {
        return Err(wrong("varsFrom", value, r#"write an object such as {"ctx.tag": "state.build.tag"}"#));
    };
    if map.len() > MAX_VARS_FROM {
        let found = format!("{} entries", map.len());
        return Err(AnnotationError::Wrong { key: "varsFrom".to_owned(), found, expected: "write at most 64" });
    }
    let entry =
        |(path, from): (&String, &Value)| Ok((path.clone(), path_text(&format!("varsFrom.{}", shown(path)), from)?));
    map.iter().map(entry).collect()
}

fn set(value: Value) -> Result<Vec<ValueChange>, AnnotationError> {
    let Value::Array(list) = value else {
        return Err(wrong("set", &value, r#"write a list such as [{"path": "state.a", "value": 1}]"#));
    };
    if list.len() > limits::CHANGES {
        let found = format!("{} changes", list.len());
        return Err(AnnotationError::Wrong { key: "set".to_owned(), found, expected: "write at most 256" });
    }
    list.into_iter().enumerate().map(|(position, change)| value_change(position, change)).collect()
}

fn value_change(position: usize, change: Value) -> Result<ValueChange, AnnotationError> {
    let at = format!("set[{position}]");
    let Value::Object(mut change) = change else {
        return Err(wrong(&at, &change, r#"write an object such as {"path": "state.a", "value": 1}"#));
    };
    only(&change, &format!("{at}."), &["path", "op", "value", "split"])?;
    let key = |name: &str| format!("{at}.{name}");
    let path = change
        .get("path")
        .ok_or_else(|| AnnotationError::Missing { key: key("path"), expected: "write a path such as state.a" })?;
    let path = path_text(&key("path"), path)?;
    let op = change.get("op").map(|op| operation(&key("op"), op)).transpose()?;
    let split = change.get("split").map(|split| separator(&key("split"), split)).transpose()?;
    let value = change.remove("value");
    let takes_value = !matches!(op, Some(ChangeOperation::Unset | ChangeOperation::Clear));
    match &value {
        None if takes_value => {
            Err(AnnotationError::Missing { key: key("value"), expected: "write any JSON, or use op Unset or Clear" })
        }
        Some(value) if !takes_value => Err(wrong(&key("value"), value, "leave it out with op Unset or Clear")),
        _ => Ok(ValueChange { path, op, value, split }),
    }
}

fn path_text(key: &str, value: &Value) -> Result<String, AnnotationError> {
    match value {
        Value::String(text) if (1..=MAX_PATH).contains(&text.chars().count()) => Ok(text.clone()),
        _ => Err(wrong(key, value, "write a path of 1 to 1024 characters as text, such as state.a")),
    }
}

fn operation(key: &str, value: &Value) -> Result<ChangeOperation, AnnotationError> {
    serde_json::from_value(value.clone())
        .map_err(|_| wrong(key, value, "write one of Set, Append, Add, Unset and Clear as text"))
}

fn separator(key: &str, value: &Value) -> Result<String, AnnotationError> {
    match value {
        Value::String(text) if (1..=MAX_SPLIT).contains(&text.chars().count()) => Ok(text.clone()),
        _ => Err(wrong(key, value, "write a separator of 1 to 16 characters as text")),
    }
}

fn wrong(key: &str, value: &Value, expected: &'static str) -> AnnotationError {
    let found = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(value) => format!("the number {value}"),
        Value::String(text) => format!("the text '{}'", shown(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    AnnotationError::Wrong { key: key.to_owned(), found, expected }
}
