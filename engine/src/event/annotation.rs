//! The annotations by which a pipeline fires an event or runs a generator: `event.cicdcontext.io/<id>: build=success`
//! and `generate.cicdcontext.io/<id>: build.dockerfile`, or JSON with more. Knows their text only; what is configured
//! for the event is looked up later.

mod object;

use std::collections::BTreeMap;

use cicdcontext_crds::{
    CicdEventSpec, ContextReference, ValueChange,
    vocabulary::annotation::{EVENT_PREFIX, GENERATE_PREFIX},
};
use serde_json::Value;
use thiserror::Error;

/// Bytes that an annotation may have.
pub const MAX_BYTES: usize = 32 * 1024;
/// Bytes of an annotation that could not be understood which are kept.
pub const RAW_BYTES: usize = 4 * 1024;
/// Characters of a name of a pipeline, an event or a generator.
pub const MAX_NAME: usize = 63;
/// How many maps and lists may stand inside each other in the JSON form.
pub const MAX_DEPTH: usize = 64;

/// The two kinds of annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Front {
    /// `event.cicdcontext.io/<id>`: something happened.
    Event,
    /// `generate.cicdcontext.io/<id>`: run a generator.
    Generate,
}

impl Front {
    /// `event` or `generate`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Generate => "generate",
        }
    }

    /// The prefix of the annotation's key.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Event => EVENT_PREFIX,
            Self::Generate => GENERATE_PREFIX,
        }
    }

    /// The key of the annotation with this id.
    pub fn key(self, id: &str) -> String {
        format!("{}{id}", self.prefix())
    }

    /// What the name after the pipeline names.
    fn noun(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Generate => "generator",
        }
    }

    fn separator(self) -> char {
        match self {
            Self::Event => '=',
            Self::Generate => '.',
        }
    }
}

/// One annotation of a context that asks for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Which kind it is.
    pub front: Front,
    /// What follows the prefix in its key.
    pub id: &'a str,
    /// Its value.
    pub value: &'a str,
}

/// The annotations that ask for events, in the order in which those seen together are handled: by id.
pub fn ids(annotations: &BTreeMap<String, String>) -> Vec<Found<'_>> {
    let of = |front: Front| {
        annotations.iter().filter_map(move |(key, value)| {
            let id = key.strip_prefix(front.prefix()).filter(|id| !id.is_empty())?;
            Some(Found { front, id, value })
        })
    };
    let mut found: Vec<_> = of(Front::Event).chain(of(Front::Generate)).collect();
    found.sort_by_key(|found| (found.id, found.front));
    found
}

/// An annotation that was understood. All of it fits the schema of CicdEvent.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// Which kind it was.
    pub front: Front,
    /// The pipeline.
    pub pipeline: String,
    /// The event, or the generator.
    pub name: String,
    /// Free-form facts; an explicit null is one.
    pub data: Option<Value>,
    /// Values for this event's templates, `{path: literal}`.
    pub vars: Option<Value>,
    /// Values for this event's templates, `{path: path in the state}`.
    pub vars_from: Option<BTreeMap<String, String>>,
    /// Changes of the state before the first handler.
    pub set: Option<Vec<ValueChange>>,
}

impl Parsed {
    /// The event that the annotation of this context becomes. Its `createdAt` is for whoever has a clock.
    pub fn into_spec(self, context_name: &str, context_uid: &str) -> CicdEventSpec {
        let (event, generate) = match self.front {
            Front::Event => (Some(self.name), None),
            Front::Generate => (None, Some(self.name)),
        };
        CicdEventSpec {
            context_ref: reference(context_name, context_uid),
            pipeline: Some(self.pipeline),
            event,
            generate,
            data: self.data,
            vars: self.vars,
            vars_from: self.vars_from,
            set: self.set,
            ..CicdEventSpec::default()
        }
    }
}

/// The event that an annotation becomes which could not be understood: it fails, and shows what it was made from.
pub fn raw_spec(value: &str, context_name: &str, context_uid: &str) -> CicdEventSpec {
    CicdEventSpec {
        context_ref: reference(context_name, context_uid),
        raw: Some(raw(value).to_owned()),
        ..CicdEventSpec::default()
    }
}

/// The first [`RAW_BYTES`] of a value, cut between characters.
pub fn raw(value: &str) -> &str {
    value.get(..value.floor_char_boundary(RAW_BYTES)).unwrap_or(value)
}

fn reference(name: &str, uid: &str) -> ContextReference {
    ContextReference { name: name.to_owned(), uid: Some(uid.to_owned()) }
}

/// Reads an annotation's value: `pipeline=event` (`pipeline.generator`), or a JSON object.
///
/// ```
/// use cicdcontext_engine::event::annotation::{Front, parse};
///
/// let parsed = parse(Front::Event, r#"{"pipeline": "build", "event": "success", "data": {"run": 7}}"#)?;
/// assert_eq!((parsed.pipeline.as_str(), parsed.name.as_str()), ("build", "success"));
/// assert_eq!(parse(Front::Generate, "build.dockerfile")?.name, "dockerfile");
/// # Ok::<(), cicdcontext_engine::event::annotation::AnnotationError>(())
/// ```
pub fn parse(front: Front, value: &str) -> Result<Parsed, AnnotationError> {
    if value.len() > MAX_BYTES {
        return Err(AnnotationError::TooLarge { actual: value.len() });
    }
    let text = value.trim();
    if text.starts_with('{') {
        return object::parse(front, text);
    }
    let (pipeline, name) =
        text.split_once(front.separator()).ok_or_else(|| AnnotationError::Form { front, found: shown(text) })?;
    Ok(Parsed {
        front,
        pipeline: checked_name("pipeline", pipeline)?,
        name: checked_name(front.noun(), name)?,
        data: None,
        vars: None,
        vars_from: None,
        set: None,
    })
}

fn checked_name(key: &'static str, name: &str) -> Result<String, AnnotationError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits) {
        Ok(name.to_owned())
    } else {
        Err(AnnotationError::Name { key, found: shown(name) })
    }
}

/// At most 80 characters of a text, for a message.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(80).collect();
    if cut.len() < text.len() {
        cut.push_str("...");
    }
    cut
}

/// Why an annotation was not understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AnnotationError {
    /// It is longer than [`MAX_BYTES`].
    #[error(
        "read annotation: it has {actual} bytes, at most {MAX_BYTES} are allowed; put large data into state or create a CicdEvent"
    )]
    TooLarge {
        /// Bytes that it has.
        actual: usize,
    },
    /// It is neither the short form nor a JSON object.
    #[error("read annotation '{found}': write pipeline{}{}, or a JSON object", .front.separator(), .front.noun())]
    Form {
        /// Which kind it is.
        front: Front,
        /// Its head.
        found: String,
    },
    /// It begins like JSON and is none.
    #[error("read annotation as JSON: {0}")]
    Json(String),
    /// It is nested too deep.
    #[error("read annotation as JSON: it is nested {actual} deep, at most {MAX_DEPTH} is allowed")]
    TooDeep {
        /// How deep it is.
        actual: usize,
    },
    /// A key is not one of those that there are.
    #[error("read annotation: unknown {} {}; there are {expected}", if .keys.len() == 1 { "key" } else { "keys" }, .keys.join(", "))]
    UnknownKeys {
        /// The unknown keys, with where they stand.
        keys: Vec<String>,
        /// The known ones.
        expected: String,
    },
    /// A key is missing.
    #[error("read annotation: key {key} is missing; {expected}")]
    Missing {
        /// The key, with where it should stand.
        key: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A value is not of the right type or size.
    #[error("read annotation: key {key} holds {found}; {expected}")]
    Wrong {
        /// The key, with where it stands.
        key: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// A name is not one.
    #[error("read annotation: {key} '{found}' is not a name; write 1 to {MAX_NAME} letters, digits, _ and -")]
    Name {
        /// `pipeline`, `event` or `generator`.
        key: &'static str,
        /// What stands there.
        found: String,
    },
}

#[cfg(test)]
mod tests;
