//! How large and how deep state may become. Knows sizes only, not what a value means or who writes it.

use std::io;

use serde_json::{Map, Value};
use thiserror::Error;

/// The whole state, as compact JSON: 512 KiB.
pub const STATE_BYTES: usize = 512 * 1024;
/// From this size on a context says that its state is large: 64 KiB.
pub const LARGE_STATE_BYTES: usize = 64 * 1024;
/// One captured value, as compact JSON: 16 KiB.
pub const CAPTURED_VALUE_BYTES: usize = 16 * 1024;
/// How many maps and lists may stand inside each other; the state itself is the first.
pub const DEPTH: usize = 64;
/// All changes and preconditions of one state write, as compact JSON: 256 KiB.
pub const STATE_WRITE_BYTES: usize = 256 * 1024;
/// Changes in one state write or in one event's `set`.
pub const CHANGES: usize = 256;
/// Preconditions of one state write.
pub const PRECONDITIONS: usize = 64;

/// What a change of state must stay within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the whole state as compact JSON.
    pub state_bytes: usize,
    /// Bytes of each value that is written, if values have a limit of their own.
    pub value_bytes: Option<usize>,
    /// Maps and lists inside each other, the state itself included.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { state_bytes: STATE_BYTES, value_bytes: None, depth: DEPTH }
    }
}

impl Limits {
    /// The limits of a capture, whose values come from outside: each may have [`CAPTURED_VALUE_BYTES`].
    pub fn capture() -> Self {
        Self { value_bytes: Some(CAPTURED_VALUE_BYTES), ..Self::default() }
    }

    /// Whether a state that measured `before` may become one that measures `after`.
    ///
    /// A state can be over a limit because somebody patched it; a change that makes it no larger is then still let
    /// through, or nobody could ever bring it back with the operator's help.
    pub fn allow(&self, before: Measure, after: Measure) -> Result<(), LimitError> {
        if after.depth > self.depth && after.depth > before.depth {
            return Err(LimitError::TooDeep { actual: after.depth, allowed: self.depth });
        }
        if after.bytes > self.state_bytes && after.bytes > before.bytes {
            return Err(LimitError::StateTooLarge { actual: after.bytes, allowed: self.state_bytes });
        }
        Ok(())
    }

    /// Whether `value` may be written to `path`.
    pub fn allow_value(&self, path: &str, value: &Value) -> Result<(), LimitError> {
        let Some(allowed) = self.value_bytes else { return Ok(()) };
        let actual = size(value);
        if actual > allowed {
            return Err(LimitError::ValueTooLarge { path: path.to_owned(), actual, allowed });
        }
        Ok(())
    }
}

/// A limit that was passed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LimitError {
    /// The whole state is too large.
    #[error("keep state of {actual} bytes: at most {allowed} bytes are allowed; unset what is no longer needed")]
    StateTooLarge {
        /// Bytes that it has.
        actual: usize,
        /// Bytes that it may have.
        allowed: usize,
    },
    /// One value is too large.
    #[error("write {path}: the value has {actual} bytes, at most {allowed} bytes are allowed")]
    ValueTooLarge {
        /// Where it was to be written.
        path: String,
        /// Bytes that it has.
        actual: usize,
        /// Bytes that it may have.
        allowed: usize,
    },
    /// Maps and lists stand too deep inside each other.
    #[error("keep state nested {actual} deep: at most {allowed} maps and lists may stand inside each other")]
    TooDeep {
        /// How deep it is.
        actual: usize,
        /// How deep it may be.
        allowed: usize,
    },
}

/// Size and depth of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Bytes as compact JSON.
    pub bytes: usize,
    /// Maps and lists inside each other, the state itself included.
    pub depth: usize,
}

impl Measure {
    /// Measures a value; an absent state is `null` and measures nothing in depth.
    pub fn of(value: &Value) -> Self {
        Self { bytes: size(value), depth: depth(value) }
    }

    /// Measures a state as an object has it.
    pub fn of_state(state: Option<&Map<String, Value>>) -> Self {
        let Some(state) = state else { return Self::of(&Value::Null) };
        Self { bytes: size(state), depth: 1 + state.values().map(depth).max().unwrap_or(0) }
    }
}

/// Checks a state that stands in an object already, whoever wrote it.
pub fn check(state: &Map<String, Value>, limits: &Limits) -> Result<(), LimitError> {
    limits.allow(Measure::default(), Measure::of_state(Some(state)))
}

/// Bytes of a value as compact JSON.
pub fn size<T: serde::Serialize + ?Sized>(value: &T) -> usize {
    let mut counter = Counter(0);
    // Neither JSON values nor the counter can fail; should they ever, then the value fits nowhere.
    serde_json::to_writer(&mut counter, value).map_or(usize::MAX, |()| counter.0)
}

/// How many maps and lists stand inside each other; a scalar has 0, `{}` has 1.
///
/// It does not recurse: what it measures may come from a plain patch and be deeper than anything of ours.
pub fn depth(value: &Value) -> usize {
    let mut deepest = 0;
    let mut waiting = vec![(value, 0)];
    while let Some((value, above)) = waiting.pop() {
        match value {
            Value::Object(map) => {
                deepest = deepest.max(above + 1);
                waiting.extend(map.values().map(|inner| (inner, above + 1)));
            }
            Value::Array(list) => {
                deepest = deepest.max(above + 1);
                waiting.extend(list.iter().map(|inner| (inner, above + 1)));
            }
            _ => {}
        }
    }
    deepest
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nested(depth: usize) -> Value {
        (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }))
    }

    #[test]
    fn depth_counts_maps_and_lists_of_the_deepest_branch() {
        assert_eq!(depth(&json!("text")), 0);
        assert_eq!(depth(&json!({})), 1);
        assert_eq!(depth(&json!({"a": 1, "b": [[], {"c": {}}]})), 4);
        assert_eq!(depth(&nested(200)), 200);
    }

    #[test]
    fn size_is_that_of_the_compact_json() {
        let value = json!({"a": [1, "ü\n"], "b": null});
        assert_eq!(size(&value), value.to_string().len());
    }

    #[test]
    fn state_over_512_kib_is_refused_with_both_sizes() {
        let state = json!({"a": "x".repeat(STATE_BYTES)});
        let error = check(state.as_object().unwrap(), &Limits::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "keep state of 524296 bytes: at most 524288 bytes are allowed; unset what is no longer needed"
        );
        let state = json!({"a": "x".repeat(STATE_BYTES - 8)});
        assert_eq!(check(state.as_object().unwrap(), &Limits::default()), Ok(()));
    }

    #[test]
    fn state_nested_65_deep_is_refused_and_64_deep_is_not() {
        let limits = Limits::default();
        assert_eq!(check(nested(64).as_object().unwrap(), &limits), Ok(()));
        let error = check(nested(65).as_object().unwrap(), &limits).unwrap_err();
        assert_eq!(
            error.to_string(),
            "keep state nested 65 deep: at most 64 maps and lists may stand inside each other"
        );
    }

    #[test]
    fn a_captured_value_over_16_kib_is_refused() {
        let limits = Limits::capture();
        assert_eq!(limits.allow_value("state.a", &json!("x".repeat(CAPTURED_VALUE_BYTES - 2))), Ok(()));
        let error = limits.allow_value("state.a", &json!("x".repeat(CAPTURED_VALUE_BYTES - 1))).unwrap_err();
        assert_eq!(error.to_string(), "write state.a: the value has 16385 bytes, at most 16384 bytes are allowed");
    }

    #[test]
    fn a_state_over_a_limit_may_shrink_but_not_grow() {
        let limits = Limits { state_bytes: 100, depth: 3, ..Limits::default() };
        let over = Measure { bytes: 200, depth: 5 };
        assert_eq!(limits.allow(over, Measure { bytes: 150, depth: 4 }), Ok(()));
        assert_eq!(limits.allow(over, over), Ok(()));
        assert!(limits.allow(over, Measure { bytes: 201, depth: 5 }).is_err());
        assert!(limits.allow(over, Measure { bytes: 50, depth: 6 }).is_err());
    }
}
