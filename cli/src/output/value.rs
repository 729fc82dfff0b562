//! Values of the state as text, JSON or YAML. Each form ends with a newline.

use serde_json::{Map, Value};

use crate::{arguments::ValueFormat, failure::Failure};

/// A value, and the path at which it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Named<'v> {
    /// The path.
    pub name: String,
    /// The value.
    pub value: &'v Value,
}

/// One value.
pub fn one(format: ValueFormat, value: &Value) -> Result<String, Failure> {
    match format {
        ValueFormat::Text => Ok(line(value)),
        ValueFormat::Json => json(value),
        ValueFormat::Yaml => {
            let text = serde_saphyr::to_string(value)
                .map_err(|error| Failure::Form { form: "yaml", problem: error.to_string() })?;
            Ok(if text.ends_with('\n') { text } else { text + "\n" })
        }
    }
}

/// Values one below the other as text; in the other forms a single one by itself, and several as a map by path.
pub fn several(format: ValueFormat, values: &[Named<'_>]) -> Result<String, Failure> {
    match (format, values) {
        (ValueFormat::Text, values) => Ok(values.iter().map(|named| line(named.value)).collect()),
        (format, [single]) => one(format, single.value),
        (format, values) => {
            let map: Map<String, Value> =
                values.iter().map(|named| (named.name.clone(), named.value.clone())).collect();
            one(format, &Value::Object(map))
        }
    }
}

/// Indented JSON.
pub fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Form { form: "json", problem: error.to_string() })?;
    Ok(text + "\n")
}

/// A text as it is, anything else as compact JSON.
fn line(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        other => format!("{other}\n"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_single_value_keeps_its_type_in_json_and_yaml() {
        let value = json!({"list": [1, "1"], "n": null});
        let named = [Named { name: "state.a".to_owned(), value: &value }];
        let text = several(ValueFormat::Json, &named).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let text = several(ValueFormat::Yaml, &named).unwrap();
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), value);
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn several_values_become_a_map_by_path() {
        let (one, two) = (json!("x"), json!(5));
        let named =
            [("state.b", &one), ("state['a.b']", &two)].map(|(name, value)| Named { name: name.to_owned(), value });
        let text = several(ValueFormat::Json, &named).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"state.b": "x", "state['a.b']": 5}));
        assert_eq!(several(ValueFormat::Text, &named).unwrap(), "x\n5\n");
    }

    #[test]
    fn texts_that_look_like_other_values_stay_texts_in_yaml() {
        for text in ["true", "null", "5", "", "a: b", "- a", "two\nlines\n", "#", " x"] {
            let yaml = one(ValueFormat::Yaml, &json!(text)).unwrap();
            assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json!(text), "{yaml}");
        }
    }
}
