//! Python's text forms of what stands in a file: what keys become, and what findings show.

use cicdcontext_engine::template::{float_text, quote};
use serde_json::Value;

use super::scalar::Scalar;

/// A finding shows so many characters of a value.
const SHOWN: usize = 200;

/// Python's `str` of a scalar.
pub(super) fn text(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Null => "None".to_owned(),
        Scalar::Bool(true) => "True".to_owned(),
        Scalar::Bool(false) => "False".to_owned(),
        Scalar::Integer(integer) => integer.to_string(),
        Scalar::Float(float) => float_text(*float),
        Scalar::Text(text) | Scalar::Date(text) => text.clone(),
        Scalar::Bytes(bytes) => bytes_text(bytes),
    }
}

/// Python's `repr` of bytes.
fn bytes_text(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            _ if char::from(*byte) == quote => text.extend(['\\', quote]),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.extend(["\\x", &format!("{byte:02x}")]),
        }
    }
    text.push(quote);
    text
}

/// Python's `repr` of a set with these items, as far as a finding shows it.
pub(super) fn set(items: &[Value]) -> String {
    if items.is_empty() {
        return "set()".to_owned();
    }
    shown(&joined(items, ["{", "}"]))
}

/// Python's `repr` of a tuple with these items, as far as a finding shows it.
pub(super) fn tuple(items: &[Value]) -> String {
    shown(&joined(items, if items.len() == 1 { ["(", ",)"] } else { ["(", ")"] }))
}

/// Python's `repr` of a list of pairs, each a list of two, as far as a finding shows it.
pub(super) fn pairs(pairs: &[Value]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|pair| joined(pair.as_array().map_or(&[], Vec::as_slice), ["(", ")"])).collect();
    shown(&format!("[{}]", pairs.join(", ")))
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

fn joined(items: &[Value], [open, close]: [&str; 2]) -> String {
    let items: Vec<String> = items.iter().map(representation).collect();
    format!("{open}{}{close}", items.join(", "))
}

/// Python's `repr` of a value.
fn representation(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float_text(float),
            _ => number.to_string(),
        },
        Value::String(text) => quoted(text),
        Value::Array(items) => joined(items, ["[", "]"]),
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{}: {}", quoted(key), representation(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn quoted(characters: &str) -> String {
    let mut text = String::new();
    quote(characters, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_sets_tuples_and_pairs_read_as_python_prints_them() {
        assert_eq!(bytes_text(b"it's\n\xff\\"), r#"b"it's\n\xff\\""#);
        assert_eq!(bytes_text(b"'\""), r#"b'\'"'"#);
        assert_eq!(set(&[]), "set()");
        assert_eq!(set(&[json!("a"), json!(1.0)]), "{'a', 1.0}");
        assert_eq!(tuple(&[json!(1)]), "(1,)");
        assert_eq!(pairs(&[json!(["a", {"b": null}])]), "[('a', {'b': None})]");
        assert_eq!(set(&[json!("x".repeat(500))]).chars().count(), SHOWN + 4);
    }
}
