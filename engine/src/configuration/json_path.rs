//! JSONPath (RFC 9535) within bounds: what a path may look like, and how much work it may be over given data.
//!
//! The library that evaluates it has no bounds of its own, so the work is told beforehand: by the shape of the path and
//! the size of what it is asked of. Knows nothing of templates.

mod shape;
mod work;

use serde_json::Value;
use serde_json_path::JsonPath;

use self::shape::{Prefix, Shape};

/// Bytes that a JSONPath may have.
pub const MAX_BYTES: usize = 1024;
/// How deep brackets and parentheses of a JSONPath may be nested. The parser tries a filter in a filter more than once,
/// so that its work doubles with each level; six levels are more than a person reads and take it a millisecond.
pub const MAX_NESTING: usize = 6;
/// Values that an evaluation may visit, as far as that can be told beforehand: some 100 milliseconds.
pub const MAX_STEPS: u64 = 4_000_000;
/// Bytes of memory that several values take that a JSONPath finds, roughly: one may lie inside another, and be found with
/// it. A single value is never larger than the data.
pub const MAX_FOUND_BYTES: u64 = 4 * 1024 * 1024;

/// Why a text is not a JSONPath that is used.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonPathError {
    /// More than anybody writes by hand.
    #[error("read JSONPath: it has {actual} bytes; at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Its bytes.
        actual: usize,
    },
    /// Brackets in brackets in brackets.
    #[error("read JSONPath {text:?}: it nests brackets {actual} levels deep; at most {MAX_NESTING} are allowed")]
    TooDeep {
        /// The text.
        text: String,
        /// Its levels.
        actual: usize,
    },
    /// Its evaluation could visit far more than there is data.
    #[error("read JSONPath {text:?}: it may visit too much: {problem}")]
    TooWide {
        /// The text.
        text: String,
        /// What there is too much of, and how much is allowed.
        problem: &'static str,
    },
    /// It ends within a quoted key or text.
    #[error("read JSONPath {text:?}: a quote is not closed; write keys as $.state['a key']")]
    NotClosed {
        /// The text.
        text: String,
    },
    /// Not a JSONPath.
    #[error("read JSONPath {text:?}: {problem}; write it as $.state.list")]
    Malformed {
        /// The text.
        text: String,
        /// What the parser says.
        problem: String,
    },
    /// The data is too large for this path.
    #[error(
        "query JSONPath {text:?}: it may take {actual} steps over this data, at most {MAX_STEPS} are allowed; name \
         more of the way before the first *, .. or filter"
    )]
    TooMuchWork {
        /// The text.
        text: String,
        /// Steps that it may take, at least.
        actual: u64,
    },
    /// What it finds is too large.
    #[error("query JSONPath {text:?}: what it finds takes more than the allowed {MAX_FOUND_BYTES} bytes; select less")]
    TooMuchFound {
        /// The text.
        text: String,
    },
}

/// Reads a JSONPath of at most [`MAX_BYTES`].
///
/// ```
/// use cicdcontext_engine::configuration::json_path;
///
/// assert!(json_path::parse("$.body.ts").is_ok());
/// assert!(json_path::parse("body.ts").is_err());
/// ```
pub fn parse(text: &str) -> Result<JsonPath, JsonPathError> {
    checked(text).map(|(path, _)| path)
}

fn checked(text: &str) -> Result<(JsonPath, Shape), JsonPathError> {
    if text.len() > MAX_BYTES {
        return Err(JsonPathError::TooLong { actual: text.len() });
    }
    let shape = Shape::of(text);
    if shape.nesting > MAX_NESTING {
        return Err(JsonPathError::TooDeep { text: text.to_owned(), actual: shape.nesting });
    }
    if let Some(problem) = shape.too_wide() {
        return Err(JsonPathError::TooWide { text: text.to_owned(), problem });
    }
    // The parser panics where a text ends within `\u`.
    if shape.ends_in_quotes {
        return Err(JsonPathError::NotClosed { text: text.to_owned() });
    }
    match JsonPath::parse(text) {
        Ok(path) => Ok((path, shape)),
        Err(problem) => Err(JsonPathError::Malformed { text: text.to_owned(), problem: problem.to_string() }),
    }
}

/// What a JSONPath finds in `root`: nothing, one value, or a list of several. Types are kept.
///
/// ```
/// use cicdcontext_engine::configuration::json_path::find;
/// use serde_json::json;
///
/// let root = json!({"body": {"ok": false, "runs": [{"id": 7}, {"id": 8}]}});
/// assert_eq!(find("$.body.ok", &root)?, Some(json!(false)));
/// assert_eq!(find("$.body.runs[*].id", &root)?, Some(json!([7, 8])));
/// assert_eq!(find("$.body.ts", &root)?, None);
/// # Ok::<(), cicdcontext_engine::configuration::json_path::JsonPathError>(())
/// ```
pub fn find(text: &str, root: &Value) -> Result<Option<Value>, JsonPathError> {
    let (path, shape) = checked(text)?;
    if let Err(actual) = work::check(text, &shape, root) {
        return Err(JsonPathError::TooMuchWork { text: text.to_owned(), actual });
    }
    let mut found = path.query(root).all();
    if found.len() > 1 && !work::fits(&found) {
        return Err(JsonPathError::TooMuchFound { text: text.to_owned() });
    }
    Ok(match found.len() {
        0 => None,
        1 => found.pop().cloned(),
        _ => Some(Value::Array(found.into_iter().cloned().collect())),
    })
}

/// Where a JSONPath that is known to parse reads: for each `$` in it the names and positions in front of whatever may
/// select more than one value. Positions are written as numbers.
pub(crate) fn reads(text: &str) -> Vec<Vec<String>> {
    Shape::of(text).roots.into_iter().map(|root| Prefix::after(text, root).segments).collect()
}

#[cfg(test)]
mod attacks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_accepted() {
        for path in ["$.state.list", "$.body['a.b'][0]", "$..ts", "$.body.items[?@.name == 'a)](['].id"] {
            assert!(parse(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_text_and_an_example() {
        let problem = parse("body.ts").unwrap_err().to_string();
        assert!(problem.starts_with("read JSONPath \"body.ts\": "), "{problem}");
        assert!(problem.ends_with("; write it as $.state.list"), "{problem}");
    }

    #[test]
    fn a_path_that_ends_within_quotes_is_refused_before_the_parser_panics() {
        for path in [r#"$["a\u"#, r"$['a\uD", r"$['\uD8", r"$[?@.a == '\uD800\u", r"$['a\", "$['a"] {
            let problem = parse(path).unwrap_err().to_string();
            assert!(problem.ends_with(": a quote is not closed; write keys as $.state['a key']"), "{problem}");
        }
        assert!(parse(r"$['a\uD834\uDD1E\'']").is_ok());
    }

    #[test]
    fn filters_in_filters_are_refused_before_they_keep_the_parser_busy() {
        let nested = |levels: usize| format!("${}{}", "[?@".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(6)).is_ok());
        let problem = parse(&nested(200)).unwrap_err().to_string();
        assert!(problem.ends_with(": it nests brackets 200 levels deep; at most 6 are allowed"), "{problem}");
    }

    #[test]
    fn a_path_of_64_kib_is_refused_with_its_size() {
        let problem = parse(&format!("${}", ".a".repeat(32 * 1024))).unwrap_err().to_string();
        assert_eq!(problem, "read JSONPath: it has 65537 bytes; at most 1024 are allowed");
    }

    #[test]
    fn paths_whose_evaluation_would_multiply_are_refused() {
        let problem = |path: &str| parse(path).unwrap_err().to_string();
        assert_eq!(
            problem("$..*..*..*"),
            "read JSONPath \"$..*..*..*\": it may visit too much: at most one .. is allowed"
        );
        assert!(problem("$[*,*][*,*][*,*][*,*][*,*]").ends_with("at most 4 commas are allowed"));
        assert!(problem("$.a[?@.x == $.b[?@.y].*]").ends_with("must not select many values with *, : or .."));
        assert!(problem("$.a[?count($.b[0:9]) > 1]").ends_with("must not select many values with *, : or .."));
        for path in ["$.a[?@.id == $.state.current].name", "$..ts", "$.a['x..y,z*',0,1]", "$.a[?@.list[*]]"] {
            assert!(parse(path).is_ok(), "{path}: {:?}", parse(path).err());
        }
    }

    #[test]
    fn patterns_that_would_be_compiled_for_each_value_are_refused() {
        for path in ["$.a[?match(@.x, 'a.*')]", "$.a[?!search(@.x, $.p)]"] {
            let problem = parse(path).unwrap_err().to_string();
            assert!(problem.contains("match and search are not available"), "{problem}");
        }
        assert!(parse("$.a['match('].search[?@.match == 'search(']").is_ok());
    }
}
