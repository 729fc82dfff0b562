//! Paths into state: `state.a.b`, `state.a['key.with.dots']`, `state.list[2]`. Knows how a path is written and how a
//! value is found by it; changing values is the work of [`super::change`].

mod parse;

use std::{fmt, str::FromStr};

use serde_json::{Map, Value};
use thiserror::Error;

/// Segments that a path may have below its root.
pub const MAX_SEGMENTS: usize = 64;
/// Bytes that a path may have.
pub const MAX_BYTES: usize = 1024;
/// The root of every path into state.
pub const STATE: &str = "state";

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// A key of a map.
    Key(String),
    /// A position in a list, from 0.
    Index(usize),
}

impl fmt::Display for Segment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) if is_plain(key) => write!(formatter, ".{key}"),
            Self::Key(key) => {
                formatter.write_str("['")?;
                for character in key.chars() {
                    if matches!(character, '\'' | '\\') {
                        formatter.write_str("\\")?;
                    }
                    write!(formatter, "{character}")?;
                }
                formatter.write_str("']")
            }
            Self::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

/// A path that was understood. Its text form is normal: two ways to write one path are equal once parsed.
///
/// ```
/// use cicdcontext_engine::state::Path;
/// use serde_json::json;
///
/// let path = Path::parse(r#"state.images["app.web"][1]"#)?;
/// assert_eq!(path.to_string(), "state.images['app.web'][1]");
/// let state = json!({"images": {"app.web": ["one", "two"]}});
/// assert_eq!(path.get(&state), Some(&json!("two")));
/// # Ok::<(), cicdcontext_engine::state::PathError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    root: String,
    segments: Vec<Segment>,
}

impl Path {
    /// Reads a path into state; its root must be `state`. The bare `state` is the whole of it.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let path = Self::parse_any_root(text)?;
        if path.root == STATE { Ok(path) } else { Err(PathError::new(text, PathProblem::Root { found: path.root })) }
    }

    /// Reads a path whose root may be any plain name, as an event's `vars` may open new roots.
    pub fn parse_any_root(text: &str) -> Result<Self, PathError> {
        let (root, segments) = parse::parse(text).map_err(|problem| PathError::new(text, problem))?;
        let path = Self { root, segments };
        // A quote that needs no backslash between double quotes needs one as the path is written.
        let written = if text.contains('"') { path.to_string().len() } else { 0 };
        if written > MAX_BYTES {
            return Err(PathError::new(text, PathProblem::TooLongAsWritten { actual: written }));
        }
        Ok(path)
    }

    /// The first name: `state`, unless [`Path::parse_any_root`] read another one.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Whether the path leads into state.
    pub fn is_state(&self) -> bool {
        self.root == STATE
    }

    /// The steps below the root.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The value at this path in `root`, the value that the path's first name stands for. A `null` is a value.
    pub fn get<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        descend(root, &self.segments)
    }

    /// As [`Path::get`] for a state that is at hand as a map; the bare root is not a value of it and gives `None`.
    pub fn get_in<'v>(&self, root: &'v Map<String, Value>) -> Option<&'v Value> {
        match self.segments.split_first() {
            Some((Segment::Key(key), rest)) => descend(root.get(key)?, rest),
            _ => None,
        }
    }

    /// Whether one of the two paths leads through, or to, the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.root == other.root && self.segments.iter().zip(&other.segments).all(|(one, two)| one == two)
    }

    /// The text of the first `count` segments with the root, for messages about a place on the way.
    pub(crate) fn shown(&self, count: usize) -> String {
        let mut text = self.root.clone();
        for segment in self.segments.iter().take(count) {
            text.push_str(&segment.to_string());
        }
        text
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.root)?;
        self.segments.iter().try_for_each(|segment| segment.fmt(formatter))
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Follows `segments` down from `value`.
pub(crate) fn descend<'v>(value: &'v Value, segments: &[Segment]) -> Option<&'v Value> {
    segments.iter().try_fold(value, |value, segment| match (value, segment) {
        (Value::Object(map), Segment::Key(key)) => map.get(key),
        (Value::Array(list), Segment::Index(index)) => list.get(*index),
        _ => None,
    })
}

/// Whether a name may be written without brackets and quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_plain_character)
}

fn is_plain_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-')
}

/// A text that is not a path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("read path '{path}': {problem}")]
pub struct PathError {
    /// The text, cut to 128 characters.
    pub path: String,
    /// What is wrong with it.
    pub problem: PathProblem,
}

impl PathError {
    fn new(text: &str, problem: PathProblem) -> Self {
        let mut path: String = text.chars().take(128).collect();
        if path.len() < text.len() {
            path.push_str("...");
        }
        Self { path, problem }
    }
}

/// What is wrong with a path. Segments count from 1 below the root, positions are characters and count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathProblem {
    /// Nothing is there.
    #[error("it is empty; write for instance state.build.result")]
    Empty,
    /// It is longer than [`MAX_BYTES`].
    #[error("it has {actual} bytes, at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Bytes that it has.
        actual: usize,
    },
    /// It is longer than [`MAX_BYTES`] in its normal form.
    #[error("it has {actual} bytes with its keys in single quotes, at most {MAX_BYTES} are allowed")]
    TooLongAsWritten {
        /// Bytes that it has in its normal form.
        actual: usize,
    },
    /// It has more than [`MAX_SEGMENTS`] segments.
    #[error("it has more than {MAX_SEGMENTS} segments: the one at position {position} is too many")]
    TooManySegments {
        /// Where the first one too many begins.
        position: usize,
    },
    /// It does not start with `state`.
    #[error("it starts with '{found}'; write state.{found} or another path that starts with state")]
    Root {
        /// What it starts with.
        found: String,
    },
    /// A name is missing.
    #[error("segment {segment} at position {position} is empty; write a name after the dot, or ['']")]
    EmptyName {
        /// Which segment.
        segment: usize,
        /// Where the name was expected.
        position: usize,
    },
    /// A character that cannot stand there.
    #[error("segment {segment}: '{}' at position {position} cannot stand there; {expected}", .found.escape_default())]
    Unexpected {
        /// Which segment; 0 is the root.
        segment: usize,
        /// Where it stands.
        position: usize,
        /// The character.
        found: char,
        /// What may stand there.
        expected: &'static str,
    },
    /// The text ends inside a bracket.
    #[error("segment {segment}: the bracket at position {position} is not closed; {expected}")]
    NotClosed {
        /// Which segment.
        segment: usize,
        /// Where the bracket was opened.
        position: usize,
        /// What would close it.
        expected: &'static str,
    },
    /// A position in a list is not a plain number from 0.
    #[error(
        "segment {segment}: '{found}' at position {position} is not a place in a list; \
         write a number from 0 without leading zeros, or a key in quotes: ['{found}']"
    )]
    Index {
        /// Which segment.
        segment: usize,
        /// Where it stands.
        position: usize,
        /// What stands there.
        found: String,
    },
    /// A backslash before something that needs none.
    #[error(
        "segment {segment}: the backslash at position {position} stands before neither a quote nor a backslash; double it"
    )]
    Escape {
        /// Which segment.
        segment: usize,
        /// Where the backslash stands.
        position: usize,
    },
}

#[cfg(test)]
mod tests;
