//! The predecessor's merge: maps deeply, lists as a whole, a falsy old value gives way to anything, another type is an error.

use serde_json::{Map, Value};

/// Two sources disagree about the type of a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("merge {path}: {old} says {old_kind}, {new} says {new_kind}; make them the same type")]
pub struct MergeError {
    /// Where.
    pub path: String,
    /// Who wrote the old value.
    pub old: String,
    /// Its type.
    pub old_kind: &'static str,
    /// Who writes the new one.
    pub new: String,
    /// Its type.
    pub new_kind: &'static str,
}

/// Merges layers, each with the name of its source, in their order. Keys stay in the order in which they were first seen.
///
/// ```
/// use serde_json::json;
/// let layer = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
/// let (base, app) = (layer(json!({"a": {"x": 1}, "b": ""})), layer(json!({"b": [2], "a": {"y": 3}})));
/// let merged = cicdcontext_compat::merge::merge([("base.yaml", &base), ("app.yaml", &app)]).unwrap();
/// assert_eq!(serde_json::Value::from(merged), json!({"a": {"x": 1, "y": 3}, "b": [2]}));
/// ```
pub fn merge<'l>(
    layers: impl IntoIterator<Item = (&'l str, &'l Map<String, Value>)>,
) -> Result<Map<String, Value>, MergeError> {
    let mut merged = Map::new();
    let mut before: Vec<(&str, &Map<String, Value>)> = Vec::new();
    for (source, layer) in layers {
        let mut path = Vec::new();
        overlay(&mut merged, layer, &mut path).map_err(|[old_kind, new_kind]| MergeError {
            old: writer(&before, &path).to_owned(),
            path: path.join("."),
            old_kind,
            new: source.to_owned(),
            new_kind,
        })?;
        before.push((source, layer));
    }
    Ok(merged)
}

/// Merges a layer. An error is the two types at `path`.
fn overlay<'l>(
    merged: &mut Map<String, Value>,
    layer: &'l Map<String, Value>,
    path: &mut Vec<&'l str>,
) -> Result<(), [&'static str; 2]> {
    for (key, new) in layer {
        path.push(key);
        match merged.get_mut(key) {
            Some(old) if is_truthy(old) => match (old, new) {
                (Value::Object(old), Value::Object(new)) => overlay(old, new, path)?,
                (old, new) if kind(old) == kind(new) => *old = new.clone(),
                (old, new) => return Err([kind(old), kind(new)]),
            },
            Some(old) => *old = new.clone(),
            None => {
                merged.insert(key.clone(), new.clone());
            }
        }
        path.pop();
    }
    Ok(())
}

/// The last of the layers that has something at a path: that is whose value stands there.
fn writer<'l>(layers: &[(&'l str, &Map<String, Value>)], path: &[&str]) -> &'l str {
    let Some((first, rest)) = path.split_first() else { return "an earlier file" };
    let has = |layer: &Map<String, Value>| {
        layer.get(*first).is_some_and(|value| rest.iter().try_fold(value, |value, key| value.get(*key)).is_some())
    };
    layers.iter().rev().find(|(_, layer)| has(layer)).map_or("an earlier file", |(source, _)| source)
}

/// What Python takes for true.
pub(crate) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(bool) => *bool,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// Python's type, in a user's words.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a point",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(layers: &[Value]) -> Result<String, String> {
        let layers: Vec<_> = layers.iter().map(|layer| layer.as_object().unwrap().clone()).collect();
        let names = ["one.yaml", "two.yaml", "three.yaml"];
        let merged = merge(names.into_iter().zip(&layers));
        merged.map(|map| Value::Object(map).to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn maps_merge_deeply_lists_are_replaced_and_keys_keep_their_first_place() {
        let layers = [json!({"z": {"a": 1, "l": [1, 2]}, "b": "x"}), json!({"b": "y", "z": {"l": [3], "c": 2}})];
        assert_eq!(merged(&layers).unwrap(), r#"{"z":{"a":1,"l":[3],"c":2},"b":"y"}"#);
    }

    #[test]
    fn a_falsy_old_value_gives_way_to_any_type() {
        for old in [json!(null), json!(false), json!(0), json!(0.0), json!(-0.0), json!(""), json!([]), json!({})] {
            for new in [json!(null), json!({"x": 1}), json!([1]), json!("x")] {
                let result = merged(&[json!({"a": old}), json!({"a": new})]).unwrap();
                assert_eq!(result, json!({"a": new}).to_string());
            }
        }
    }

    #[test]
    fn another_type_is_an_error_that_names_both_files_and_the_path() {
        let layers = [json!({"p": {"q": {"r": "x"}}}), json!({"p": {}}), json!({"p": {"q": {"r": 1}}})];
        assert_eq!(
            merged(&layers).unwrap_err(),
            "merge p.q.r: one.yaml says a text, three.yaml says a whole number; make them the same type"
        );
        for (old, new) in
            [(json!(1), json!(true)), (json!(1), json!(1.5)), (json!([1]), json!(null)), (json!("x"), json!({}))]
        {
            assert!(merged(&[json!({"a": old}), json!({"a": new})]).is_err(), "{old} {new}");
        }
    }
}
