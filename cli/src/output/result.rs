//! Values as results of a step: Tekton's results, and Argo's `valueFrom.path`. The file holds the value and no newline.
//!
//! Tekton carries a step's results in the container's termination message, which Kubernetes ends at 4096 bytes; what is
//! longer fails the step after all its work. So it is refused before. The message also holds names and punctuation, of
//! which nothing is known here: results that barely fit may still be too many.

use std::{borrow::Cow, path::Path};

use serde_json::Value;
use thiserror::Error;

use super::file::{self, FileError, FileWrite, How, Mode};

/// Bytes that the results of one step may have in all.
pub const MAX_BYTES: usize = 4096;

/// The results of a step are too large.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "load results: they have {actual} bytes in all, at most {MAX_BYTES} are allowed; nothing was written; \
     the largest is {largest} with {bytes} bytes: load it into a file with --json or --shell"
)]
pub struct ResultsTooLarge {
    /// Bytes of all results.
    pub actual: usize,
    /// The path of the largest one.
    pub largest: String,
    /// Its bytes.
    pub bytes: usize,
}

/// A text as it is, anything else as compact JSON.
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// Writes one value into a file that anybody may read.
pub fn write(file: &Path, text: &str) -> Result<(), FileError> {
    let (path, content) = (file.to_owned(), text.to_owned());
    file::write(&[FileWrite { path, content, mode: Mode::SHARED, how: How::Replace }])
}

/// Adds up the bytes of results; each is a path with its text.
pub fn check<'t>(results: impl IntoIterator<Item = (String, &'t str)>) -> Result<(), ResultsTooLarge> {
    let mut actual = 0;
    let mut largest = (String::new(), 0);
    for (path, text) in results {
        actual += text.len();
        if text.len() > largest.1 {
            largest = (path, text.len());
        }
    }
    let (largest, bytes) = largest;
    if actual > MAX_BYTES { Err(ResultsTooLarge { actual, largest, bytes }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_the_text_itself_or_compact_json() {
        assert_eq!(text(&json!("two\nlines\n")), "two\nlines\n");
        assert_eq!(text(&json!(["a", {"b": 1.5}])), r#"["a",{"b":1.5}]"#);
        assert_eq!(text(&json!(null)), "null");
        assert_eq!(text(&json!("")), "");
    }

    #[test]
    fn results_of_4096_bytes_in_all_are_allowed_and_one_more_is_refused() {
        let (long, short) = ("ä".repeat(2000), "x".repeat(96));
        let results = |short| [("state.short".to_owned(), short), ("state.long".to_owned(), long.as_str())];
        assert_eq!(check(results(&short)), Ok(()));
        assert_eq!(
            check(results(&format!("{short}y"))).unwrap_err().to_string(),
            "load results: they have 4097 bytes in all, at most 4096 are allowed; nothing was written; \
             the largest is state.long with 4000 bytes: load it into a file with --json or --shell"
        );
    }
}
