//! Reading JSONPath (RFC 9535) within a bound.
//!
//! It evaluates nothing.

use serde_json_path::{JsonPath, ParseError};

/// How deep brackets and parentheses of a JSONPath may be nested. The parser tries a filter in a filter more than once,
/// so that its work doubles with each level; six levels are more than a person reads and take it a millisecond.
pub const MAX_NESTING: usize = 6;

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
    let actual = nesting(text);
    if actual > MAX_NESTING {
        return Err(JsonPathError::TooDeep { text: text.to_owned(), actual });
    }
    JsonPath::parse(text).map_err(|problem| JsonPathError::Malformed { text: text.to_owned(), problem })
}

/// The deepest nesting of brackets and parentheses outside of quotes.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
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
                deepest = deepest.max(depth);
            }
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (Some(_) | None, _) => {}
        }
    }
    deepest
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
}
