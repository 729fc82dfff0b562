//! Where two values differ, path by path.

use std::{collections::BTreeSet, fmt::Display};

use serde_json::Value;

use crate::console::one_line;

/// Bytes of a value that are shown.
const SHOWN: usize = 400;

/// One difference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    /// Where.
    pub(super) place: String,
    /// What was to be there; none if nothing was.
    pub(super) expected: Option<Value>,
    /// What is there; none if nothing is.
    pub(super) actual: Option<Value>,
    /// Something that cannot be compared, in a sentence.
    pub(super) problem: Option<String>,
}

/// How much of a value has to be as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Exact,
    /// Of maps the keys that are expected.
    Subset,
}

impl Difference {
    /// Two values that are not equal.
    pub(super) fn new(place: impl Into<String>, expected: Option<Value>, actual: Option<Value>) -> Self {
        Self { place: place.into(), expected, actual, problem: None }
    }

    /// Something that is wrong.
    pub(super) fn problem(place: impl Into<String>, problem: &dyn Display) -> Self {
        Self { place: place.into(), expected: None, actual: None, problem: Some(problem.to_string()) }
    }

    /// It, on lines for people.
    pub(super) fn lines(&self) -> String {
        if let Some(problem) = &self.problem {
            return format!("  {}: {}\n", one_line(&self.place), one_line(problem));
        }
        let shown = |value: &Option<Value>| match value {
            None => "nothing".to_owned(),
            Some(value) => {
                let text = value.to_string();
                let cut = cicdcontext_crds::conditions::cut(&text, SHOWN);
                one_line(if cut.len() < text.len() { format!("{cut}...") } else { text }.as_str())
            }
        };
        let (place, expected, actual) = (one_line(&self.place), shown(&self.expected), shown(&self.actual));
        format!("  {place}\n    expected: {expected}\n    actual:   {actual}\n")
    }
}

/// Compares, and adds what differs.
pub(super) fn compare(
    place: &str,
    expected: &Value,
    actual: &Value,
    extent: Extent,
    differences: &mut Vec<Difference>,
) {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(found)) => {
            let others = found.keys().filter(|_| extent == Extent::Exact);
            let keys: BTreeSet<&String> = wanted.keys().chain(others).collect();
            for key in keys {
                let place = below(place, key);
                match (wanted.get(key), found.get(key)) {
                    (Some(expected), Some(actual)) => compare(&place, expected, actual, extent, differences),
                    (expected, actual) => {
                        differences.push(Difference::new(place, expected.cloned(), actual.cloned()));
                    }
                }
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            for index in 0..wanted.len().max(found.len()) {
                let place = format!("{place}[{index}]");
                match (wanted.get(index), found.get(index)) {
                    (Some(expected), Some(actual)) => compare(&place, expected, actual, extent, differences),
                    (expected, actual) => {
                        differences.push(Difference::new(place, expected.cloned(), actual.cloned()));
                    }
                }
            }
        }
        // 1 and 1.0 are one number; of integers each digit counts.
        (Value::Number(wanted), Value::Number(found))
            if (wanted.is_f64() || found.is_f64()) && wanted.as_f64() == found.as_f64() => {}
        _ if expected == actual => {}
        _ => differences.push(Difference::new(place, Some(expected.clone()), Some(actual.clone()))),
    }
}

/// The place of a key.
pub(super) fn below(place: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if plain { format!("{place}.{key}") } else { format!("{place}['{key}']") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[allow(clippy::needless_pass_by_value)]
    fn lines(expected: Value, actual: Value, extent: Extent) -> String {
        let mut differences = Vec::new();
        compare("state", &expected, &actual, extent, &mut differences);
        differences.iter().map(Difference::lines).collect()
    }

    #[test]
    fn integers_are_compared_digit_by_digit_and_1_is_as_good_as_1_0() {
        assert_eq!(lines(json!(1), json!(1.0), Extent::Exact), "");
        let (large, larger) = (json!(9_007_199_254_740_992_u64), json!(9_007_199_254_740_993_u64));
        assert_ne!(lines(large, larger, Extent::Exact), "");
    }

    #[test]
    fn a_key_cannot_move_the_cursor_or_forge_a_line() {
        let text = lines(json!({"q\u{1b}[31m\nok  fake": 1}), json!({}), Extent::Exact);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn each_place_that_differs_is_told_with_both_values() {
        let text = lines(
            json!({"a": {"b.c": 1, "d": [1, 2]}}),
            json!({"a": {"b.c": "1", "d": [1]}, "x": null}),
            Extent::Exact,
        );
        assert_eq!(
            text,
            "  state.a['b.c']\n    expected: 1\n    actual:   \"1\"\n\
             \x20 state.a.d[1]\n    expected: 2\n    actual:   nothing\n\
             \x20 state.x\n    expected: nothing\n    actual:   null\n"
        );
    }

    #[test]
    fn a_subset_looks_at_the_keys_that_are_expected_and_at_whole_lists() {
        assert_eq!(lines(json!({"a": {"b": 1}}), json!({"a": {"b": 1.0, "c": 2}, "d": 3}), Extent::Subset), "");
        let text = lines(json!({"a": [{"b": 1}]}), json!({"a": [{"b": 1, "c": 1}, 2]}), Extent::Subset);
        assert_eq!(text, "  state.a[1]\n    expected: nothing\n    actual:   2\n");
    }
}
