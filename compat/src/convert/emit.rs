//! YAML that a person could have written and that readers of YAML 1.1 and 1.2 understand alike: block style, several
//! lines as a `|` block, quotes around all that could be anything but text.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// One document, with lines of comments in front.
pub(super) fn document(comments: &[String], value: &Value) -> String {
    let mut text = String::new();
    for comment in comments {
        let _ = writeln!(text, "# {}", comment.replace(['\n', '\r'], " "));
    }
    match value {
        Value::Object(map) if !map.is_empty() => entries(map, 0, &mut text),
        Value::Array(items) if !items.is_empty() => list(items, 0, &mut text),
        other => {
            scalar(other, 0, &mut text);
            text.push('\n');
        }
    }
    text
}

fn entries(map: &Map<String, Value>, indent: usize, text: &mut String) {
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            spaces(indent, text);
        }
        text.push_str(&short(key));
        text.push(':');
        below(value, indent, text);
    }
}

/// A value behind a key that stands at `indent`.
fn below(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            spaces(indent + 2, text);
            entries(map, indent + 2, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            spaces(indent + 2, text);
            list(items, indent + 2, text);
        }
        other => {
            text.push(' ');
            scalar(other, indent, text);
            text.push('\n');
        }
    }
}

fn list(items: &[Value], indent: usize, text: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            spaces(indent, text);
        }
        text.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => entries(map, indent + 2, text),
            Value::Array(items) if !items.is_empty() => list(items, indent + 2, text),
            other => {
                scalar(other, indent, text);
                text.push('\n');
            }
        }
    }
}

fn spaces(count: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', count));
}

/// A scalar of a parent that stands at `indent`, without the newline behind it.
fn scalar(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::String(content) if is_block(content) => block(content, indent, text),
        Value::String(content) => text.push_str(&short(content)),
        Value::Number(number) => text.push_str(&number_text(&number.to_string())),
        // What is left are `null`, booleans and what is empty, which JSON and YAML write alike.
        other => text.push_str(&other.to_string()),
    }
}

/// YAML 1.1 takes `1e20` for a text: it wants a dot and a sign.
fn number_text(number: &str) -> String {
    let Some((digits, exponent)) = number.split_once(['e', 'E']) else { return number.to_owned() };
    let dot = if digits.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with(['+', '-']) { "" } else { "+" };
    format!("{digits}{dot}e{sign}{exponent}")
}

/// Whether a text is best read as lines. Such a text is the same in a block as it is here.
fn is_block(text: &str) -> bool {
    let plain = |character: char| character == '\n' || character == '\t' || !is_special(character);
    text.trim_end_matches('\n').contains('\n') && text.chars().all(plain) && !text.trim().is_empty()
        || text.ends_with('\n') && text.chars().all(plain) && !text.trim().is_empty() && text.len() > 1
}

fn is_special(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{85}' | '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn block(content: &str, indent: usize, text: &mut String) {
    text.push('|');
    if content.starts_with([' ', '\n', '\t']) {
        text.push('2');
    }
    let body = content.trim_end_matches('\n');
    match content.len() - body.len() {
        0 => text.push('-'),
        1 => {}
        _ => text.push('+'),
    }
    for line in body.split('\n') {
        text.push('\n');
        if !line.is_empty() {
            spaces(indent + 2, text);
            text.push_str(line);
        }
    }
    // The caller ends the last line.
    text.extend(std::iter::repeat_n('\n', (content.len() - body.len()).saturating_sub(1)));
}

/// A text on one line: bare where every reader takes it for this text.
fn short(text: &str) -> String {
    if is_bare(text) {
        return text.to_owned();
    }
    let needs_escapes = text.contains('"') || text.contains('\\');
    if needs_escapes && !text.contains('\'') && !text.chars().any(is_special) {
        return format!("'{text}'");
    }
    let mut escaped = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\t' => escaped.push_str("\\t"),
            '\r' => escaped.push_str("\\r"),
            _ if is_special(character) => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped.push('"');
    escaped
}

fn is_bare(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let mut characters = text.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, '_' | '/'));
    let goes_on = characters.all(|found| found.is_ascii_alphanumeric() || matches!(found, '_' | '-' | '.' | '/' | ' '));
    starts && goes_on && !text.ends_with(' ') && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn maps_lists_and_lines_look_as_a_person_writes_them() {
        let value = json!({
            "apiVersion": "cicdcontext.io/v1alpha1",
            "spec": {"empty": {}, "none": [], "list": [{"a": "x", "b": ["1", 2]}, [true, null]], "text": "a\nb\n"},
        });
        let expected = "\
# from x
apiVersion: cicdcontext.io/v1alpha1
spec:
  empty: {}
  none: []
  list:
    - a: x
      b:
        - \"1\"
        - 2
    - - true
      - null
  text: |
    a
    b
";
        assert_eq!(document(&["from x".to_owned()], &value), expected);
    }

    #[test]
    fn what_another_reader_could_take_for_something_else_is_quoted() {
        for text in [
            "yes",
            "No",
            "on",
            "y",
            "null",
            "~",
            "12",
            "012",
            "12:30",
            "1e3",
            "2021-01-01",
            "",
            " a",
            "a ",
            "a: b",
            "#x",
            "- x",
            "<<",
            "=",
            "é",
        ] {
            assert!(short(text).starts_with(['"', '\'']), "{text}");
        }
        for text in ["a", "cicdcontext.io/v1", "_x", "linux/arm64", "two words"] {
            assert_eq!(short(text), text);
        }
        assert_eq!(short(r#"{"a": 1}"#), r#"'{"a": 1}'"#);
        assert_eq!(number_text("1e20"), "1.0e+20");
        assert_eq!(number_text("1.5e-7"), "1.5e-7");
    }

    #[test]
    fn whatever_is_written_is_read_back() {
        let texts = [
            "a\nb",
            "a\nb\n",
            "a\nb\n\n",
            " a\nb",
            "\na",
            "a\n\n b\n",
            "\n",
            "\n\n",
            "a\r\nb",
            "\ta\nb",
            "a\tb",
            "it's \"x\"",
            "tail \nx",
            "\u{85}",
            "\u{feff}x",
            "\u{7f}",
            "a\n ",
            " \n ",
            "x\n",
            "é\nü",
            "{{ x }}",
            "'",
            "\\",
            "a\n# b",
            "--- x\n--- y",
        ];
        for text in texts {
            let value = json!({"k": [{"t": text, "u": {"v": text}}, text], text: 1.5});
            let written = document(&[], &value);
            let read: Value =
                serde_saphyr::from_str(&written).unwrap_or_else(|error| panic!("{text:?}: {error}\n{written}"));
            assert_eq!(read, value, "{text:?}\n{written}");
        }
    }
}
