//! Reading JSONPath (RFC 9535) within a bound.
//!
//! It evaluates nothing.

use serde_json_path::{JsonPath, ParseError};

/// How deep brackets and parentheses of a JSONPath may be nested. The parser tries a filter in a filter more than once,
/// so that its work doubles with each level; six levels are more than a person reads and take it a millisecond.
pub const MAX_NESTING: usize = 6;
/// How many descendant segments (`..`) a JSONPath may have: each multiplies what is visited by the size of the data.
pub const MAX_DESCENDANTS: usize = 1;
/// How many commas may stand in a JSONPath's brackets: each selector more multiplies what is visited.
pub const MAX_COMMAS: usize = 4;

/// Why a text is not a JSONPath that is used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonPathError {
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
    /// Not a JSONPath.
    #[error("read JSONPath {text:?}: {problem}; write it as $.state.list")]
    Malformed {
        /// The text.
        text: String,
        /// What the parser says.
        problem: ParseError,
    },
}

/// Reads a JSONPath. Its work grows with the length of the text only, which the caller bounds (1,024 in the schema).
///
/// ```
/// use cicdcontext_engine::configuration::json_path;
///
/// assert!(json_path::parse("$.body.ts").is_ok());
/// assert!(json_path::parse("body.ts").is_err());
/// ```
pub fn parse(text: &str) -> Result<JsonPath, JsonPathError> {
    let shape = Shape::of(text);
    if shape.nesting > MAX_NESTING {
        return Err(JsonPathError::TooDeep { text: text.to_owned(), actual: shape.nesting });
    }
    if let Some(problem) = shape.too_wide() {
        return Err(JsonPathError::TooWide { text: text.to_owned(), problem });
    }
    JsonPath::parse(text).map_err(|problem| JsonPathError::Malformed { text: text.to_owned(), problem })
}

/// What of a JSONPath decides how much work it can be, seen without parsing it: all outside of quotes.
#[derive(Debug, Default)]
struct Shape {
    /// The deepest nesting of brackets and parentheses.
    nesting: usize,
    descendants: usize,
    commas: usize,
    /// `$` within brackets: a filter that reads from the root for each item.
    reads_root_in_filter: bool,
    /// `*`, `:` or `..` within brackets that hold a filter.
    many_in_filter: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self::default();
        let (mut depth, mut filter_from, mut last) = (0_usize, None, ' ');
        let mut quote = None;
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match (quote, character) {
                (Some(_), '\\') => {
                    characters.next();
                }
                (Some(open), _) if open == character => quote = None,
                (None, '\'' | '"') => quote = Some(character),
                (None, '[' | '(') => {
                    depth += 1;
                    shape.nesting = shape.nesting.max(depth);
                }
                (None, ']' | ')') => {
                    depth = depth.saturating_sub(1);
                    filter_from = filter_from.filter(|from| depth >= *from);
                }
                (None, '?') if depth > 0 => filter_from = filter_from.or(Some(depth)),
                (None, ',') => shape.commas += 1,
                (None, '.') if last == '.' => {
                    shape.descendants += 1;
                    shape.many_in_filter |= filter_from.is_some();
                }
                (None, '*' | ':') => shape.many_in_filter |= filter_from.is_some(),
                (None, '$') => shape.reads_root_in_filter |= filter_from.is_some(),
                (Some(_) | None, _) => {}
            }
            last = character;
        }
        shape
    }

    fn too_wide(&self) -> Option<&'static str> {
        if self.descendants > MAX_DESCENDANTS {
            Some("at most one .. is allowed")
        } else if self.commas > MAX_COMMAS {
            Some("at most 4 commas are allowed")
        } else if self.reads_root_in_filter && self.many_in_filter {
            Some("a filter that reads from $ must not select many values with *, : or ..")
        } else {
            None
        }
    }
}

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
    fn filters_in_filters_are_refused_before_they_keep_the_parser_busy() {
        let nested = |levels: usize| format!("${}{}", "[?@".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(6)).is_ok());
        let problem = parse(&nested(300)).unwrap_err().to_string();
        assert!(problem.ends_with(": it nests brackets 300 levels deep; at most 6 are allowed"), "{problem}");
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
}
