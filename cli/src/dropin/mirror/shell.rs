//! A document as variables of a shell: `CICD_state__build__tag='v1'`. Every value is there, also one that is false or empty.

use std::collections::HashMap;

use cicdcontext_compat::files::plain_text;
use serde_json::{Map, Value};

use crate::output::shell::quoted;

const PREFIX: &str = "CICD_";
const SEPARATOR: &str = "__";

/// The file, and which paths give the same name: then the last one has it, as a shell would see it.
pub(super) fn file(document: &Map<String, Value>, without: &[String]) -> (String, Vec<String>) {
    let mut found = Vec::new();
    of_map(&mut Vec::new(), document, without, &mut found);
    let mut last: HashMap<&str, usize> = HashMap::new();
    let mut collisions = Vec::new();
    for (position, (name, path, _)) in found.iter().enumerate() {
        if let Some((_, other, _)) = last.insert(name, position).and_then(|earlier| found.get(earlier)) {
            collisions.push(format!("{other} and {path} both become {name}; {path} is the one that is written"));
        }
    }
    let lines = found.iter().enumerate().filter(|(position, (name, ..))| last.get(name.as_str()) == Some(position));
    let text = lines.map(|(_, (name, _, value))| format!("{name}={}\n", quoted(value))).collect::<Vec<_>>().concat();
    (text, collisions)
}

/// Name, path and text of each value.
type Found = Vec<(String, String, String)>;

fn of_map(path: &mut Vec<String>, map: &Map<String, Value>, without: &[String], found: &mut Found) {
    for (key, value) in map.iter().filter(|(key, _)| !without.contains(key)) {
        path.push(key.clone());
        of_value(path, value, without, found);
        path.pop();
    }
}

fn of_value(path: &mut Vec<String>, value: &Value, without: &[String], found: &mut Found) {
    match value {
        Value::Object(map) if !map.is_empty() => of_map(path, map, without, found),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                of_value(path, item, without, found);
                path.pop();
            }
        }
        // What is not there has no text: a script asks with [ -n ... ].
        Value::Null => found.push((name(path), path.join("."), String::new())),
        // A shell cannot hold it.
        other => found.push((name(path), path.join("."), plain_text(other).replace('\0', ""))),
    }
}

/// The name of a path: everything else than letters, digits and `_` becomes one `_`.
fn name(path: &[String]) -> String {
    let mut name = PREFIX.to_owned();
    let mut is_replaced = false;
    for character in path.join(SEPARATOR).chars() {
        let is_legal = character.is_ascii_alphanumeric() || character == '_';
        if is_legal {
            name.push(character);
        } else if !is_replaced {
            name.push('_');
        }
        is_replaced = !is_legal;
    }
    name
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(document: &Value, without: &[&str]) -> (String, Vec<String>) {
        let without: Vec<String> = without.iter().map(|&name| name.to_owned()).collect();
        file(document.as_object().unwrap(), &without)
    }

    #[test]
    fn every_value_has_its_line_and_no_text_gets_out_of_its_quotes() {
        let document = json!({
            "a": {"b-c.d": "it's $(1) `x` \"y\" \\", "no": false, "yes": true, "zero": 0, "none": null, "empty": ""},
            "l": [{"k": 1.5}, ["x"], []], "m": {},
        });
        let expected = "\
CICD_a__b_c_d='it'\\''s $(1) `x` \"y\" \\'
CICD_a__no='False'
CICD_a__yes='True'
CICD_a__zero='0'
CICD_a__none=''
CICD_a__empty=''
CICD_l__0__k='1.5'
CICD_l__1__0='x'
CICD_l__2='[]'
CICD_m='{}'
";
        assert_eq!(text(&document, &[]), (expected.to_owned(), Vec::new()));
    }

    #[test]
    fn keys_that_are_excluded_are_left_out_at_every_depth() {
        let document = json!({"x": 1, "a": {"x": 1, "b": 2, "l": [{"x": 1, "c": 3}]}});
        assert_eq!(text(&document, &["x"]).0, "CICD_a__b='2'\nCICD_a__l__0__c='3'\n");
    }

    #[test]
    fn paths_of_one_name_are_told_and_the_last_one_has_it() {
        let (text, collisions) = text(&json!({"a-b": 1, "a": {"b": 2}, "a.b": 3, "a__b": 4}), &[]);
        assert_eq!(text, "CICD_a_b='3'\nCICD_a__b='4'\n");
        assert_eq!(
            collisions,
            [
                "a-b and a.b both become CICD_a_b; a.b is the one that is written",
                "a.b and a__b both become CICD_a__b; a__b is the one that is written",
            ]
        );
    }
}
