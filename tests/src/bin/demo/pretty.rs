//! JSON for people: whatever fits stands on one line, so that a message is read at a glance.

use serde_json::Value;

/// One level of nesting.
const INDENT: usize = 2;

/// Writes JSON in lines of at most `width` characters, as far as single texts allow.
pub(crate) fn pretty(value: &Value, width: usize) -> String {
    let mut text = String::new();
    write(&mut text, value, Place { column: 0, depth: 0, width });
    text
}

/// JSON on one line, with spaces as people write it.
pub(crate) fn line(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(line).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", key(name), line(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

fn key(name: &str) -> String {
    Value::from(name).to_string()
}

#[derive(Clone, Copy)]
struct Place {
    /// Characters on the line already.
    column: usize,
    depth: usize,
    width: usize,
}

fn write(text: &mut String, value: &Value, place: Place) {
    let short = line(value);
    // One more for a comma behind it.
    if place.column + short.chars().count() < place.width {
        return text.push_str(&short);
    }
    let depth = place.depth + 1;
    let indent = " ".repeat(depth * INDENT);
    let (open, close) = match value {
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "\n" } else { ",\n" });
                text.push_str(&indent);
                write(text, item, Place { column: indent.len(), depth, ..place });
            }
            ("[", "]")
        }
        Value::Object(fields) => {
            text.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                let name = key(name);
                text.push_str(if index == 0 { "\n" } else { ",\n" });
                text.push_str(&indent);
                text.push_str(&name);
                text.push_str(": ");
                write(text, value, Place { column: indent.len() + name.chars().count() + 2, depth, ..place });
            }
            ("{", "}")
        }
        _ => return text.push_str(&short),
    };
    if !text.ends_with(open) {
        text.push('\n');
        text.push_str(&" ".repeat(place.depth * INDENT));
    }
    text.push_str(close);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_stands_on_one_line_and_the_rest_is_opened() {
        let value = json!({"a": [1, 2], "b": {"c": "a longer text", "d": null}});
        assert_eq!(pretty(&value, 80), r#"{"a": [1, 2], "b": {"c": "a longer text", "d": null}}"#);
        let opened = "{\n  \"a\": [1, 2],\n  \"b\": {\n    \"c\": \"a longer text\",\n    \"d\": null\n  }\n}";
        assert_eq!(pretty(&value, 30), opened);
    }

    #[test]
    fn what_is_printed_is_the_same_json() {
        let value = json!({"text": "a \"quoted\"\nline", "empty": {}, "list": [[], {"x": [true, 1.5]}]});
        for width in [1, 10, 40, 200] {
            assert_eq!(serde_json::from_str::<Value>(&pretty(&value, width)).unwrap(), value);
        }
    }
}
