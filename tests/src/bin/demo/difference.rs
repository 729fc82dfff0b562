//! What two JSON values differ in, one line a place.

use serde_json::Value;

use crate::pretty::line;

/// The differences, as lines with the path, what was expected and what is there. None if the values are the same.
pub(crate) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("$", expected, actual, &mut found);
    found
}

fn compare(path: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                let path = format!("{path}.{name}");
                match actual.get(name) {
                    Some(other) => compare(&path, value, other, found),
                    None => found.push(format!("  {path}: expected {}, there is nothing", line(value))),
                }
            }
            for (name, value) in actual.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                found.push(format!("  {path}.{name}: expected nothing, there is {}", line(value)));
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{path}[{index}]"), expected, actual, found);
            }
        }
        _ if expected == actual => {}
        _ => {
            found.push(format!("  {path}: expected {}", line(expected)));
            // Below each other, so that the eye finds what differs.
            found.push(format!("  {}  there is {}", " ".repeat(path.chars().count()), line(actual)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_values_have_no_differences() {
        let value = json!({"a": [1, {"b": null}]});
        assert_eq!(differences(&value, &value), Vec::<String>::new());
    }

    #[test]
    fn each_difference_names_its_place() {
        let found = differences(&json!({"a": [1, 2], "b": 1, "c": 1}), &json!({"a": [1, 3], "b": 1, "d": "x"}));
        assert_eq!(
            found,
            [
                "  $.a[1]: expected 2",
                "          there is 3",
                "  $.c: expected 1, there is nothing",
                "  $.d: expected nothing, there is \"x\"",
            ]
        );
    }
}
