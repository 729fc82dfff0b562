//! Why a schema cannot be used, in words for the one who wrote it.

use std::fmt;

use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::Value;
use thiserror::Error;

use super::{
    APPLICATIONS, CHAIN, NESTED_DEFINITIONS, NESTED_REFERENCES, PATTERN_BYTES, PATTERN_PROGRAM_BYTES, PATTERNS,
    SCHEMA_BYTES, SCHEMA_DEPTH, sentence::cut,
};

/// A schema that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("compile spec.stateSchema at {place}: {problem}")]
pub struct SchemaError {
    /// Where, as a JSON pointer in the schema: `#/properties/build`. Cut if it is long.
    pub place: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// It is too large.
    #[error("it has {actual} bytes, at most {SCHEMA_BYTES} bytes are allowed")]
    TooLarge {
        /// Bytes that it has.
        actual: usize,
    },
    /// Maps and lists stand too deep inside each other.
    #[error("it is nested {actual} deep, at most {SCHEMA_DEPTH} maps and lists may stand inside each other")]
    TooDeep {
        /// How deep it is.
        actual: usize,
    },
    /// References stand too deep inside definitions that refer to each other.
    #[error(
        "references stand {actual} deep inside definitions, those of the {NESTED_DEFINITIONS} deepest ones added up; at \
         most {NESTED_REFERENCES} are allowed: make definitions of their inner parts"
    )]
    NestedReferences {
        /// How deep they stand.
        actual: usize,
    },
    /// It is written for another version of JSON Schema.
    #[error(
        "$schema is {found}; only JSON Schema 2020-12 is understood: leave it out or write \
         https://json-schema.org/draft/2020-12/schema"
    )]
    OtherDraft {
        /// What it names, cut.
        found: String,
    },
    /// A keyword that is not understood there.
    #[error("{keyword} is not understood there; {instead}")]
    Keyword {
        /// The keyword.
        keyword: &'static str,
        /// What to write.
        instead: &'static str,
    },
    /// A reference that leaves the document.
    #[error(
        "{reference} refers to another document, which is never fetched; refer to a place in this one: #/$defs/name"
    )]
    Foreign {
        /// The reference, cut.
        reference: String,
    },
    /// A reference to nothing.
    #[error("{reference} refers to nothing in this document")]
    Lost {
        /// The reference, cut.
        reference: String,
    },
    /// Neither a map nor a boolean.
    #[error("a schema is a map, true or false, not {found}")]
    NoSchema {
        /// What stands there, cut.
        found: String,
    },
    /// Two places have one name.
    #[error("the anchor {name} is at {other} already; give each its own name")]
    SameAnchor {
        /// The name, cut.
        name: String,
        /// The other place.
        other: String,
    },
    /// It is applied to a value again before it is done with it.
    #[error("it is applied to the same value again without end: {chain}")]
    Endless {
        /// The places, in order.
        chain: String,
    },
    /// Subschemas of one value, inside each other.
    #[error("more than {CHAIN} subschemas inside each other look at one value, at most {CHAIN} are allowed")]
    Chain,
    /// Subschemas of one value, in all.
    #[error("{actual} subschemas look at one value, at most {APPLICATIONS} are allowed")]
    Applications {
        /// How many do; the largest number that there is stands for even more.
        actual: u64,
    },
    /// Subschemas that unevaluatedProperties and unevaluatedItems look at.
    #[error(
        "all unevaluatedProperties and unevaluatedItems together look at {actual} subschemas, at most {APPLICATIONS} \
         are allowed"
    )]
    Unevaluated {
        /// How many they look at.
        actual: u64,
    },
    /// More patterns than allowed.
    #[error("it is one pattern too many, at most {PATTERNS} different ones are allowed")]
    TooManyPatterns,
    /// A pattern that is too long.
    #[error("the pattern has {actual} bytes, at most {PATTERN_BYTES} bytes are allowed")]
    LongPattern {
        /// Bytes that it has.
        actual: usize,
    },
    /// A pattern that compiles to too much.
    #[error("the pattern {pattern} has more than {PATTERN_PROGRAM_BYTES} bytes once compiled; repeat less")]
    LargePattern {
        /// The pattern, cut.
        pattern: String,
    },
    /// No pattern, or one that cannot be matched in linear time.
    #[error("{pattern} is no pattern that can be matched in linear time (no look-around, no backreferences): {cause}")]
    Pattern {
        /// The pattern, cut.
        pattern: String,
        /// What is wrong with it.
        cause: String,
    },
    /// It breaks the rules for schemas in another way.
    #[error("{0}")]
    Invalid(String),
}

impl Problem {
    /// The error for a place.
    pub(super) fn at(self, place: &str) -> SchemaError {
        SchemaError { place: cut(place, PLACE_CHARACTERS), problem: self }
    }
}

/// Characters of a place in a message.
const PLACE_CHARACTERS: usize = 256;
/// Characters of a reference, a pattern or a value in a message.
const SHOWN_CHARACTERS: usize = 80;

/// Text or value of the schema in a message.
pub(super) fn shown(value: &(impl fmt::Display + ?Sized)) -> String {
    cut(&value.to_string(), SHOWN_CHARACTERS)
}

/// What the library found that the rules did not.
pub(super) fn of_build(error: &ValidationError<'_>) -> SchemaError {
    let place = format!("#{}", error.instance_path().as_str());
    if let (ValidationErrorKind::Format { format }, Value::String(pattern)) = (error.kind(), error.instance().as_ref())
        && format == "regex"
    {
        return of_pattern(pattern).at(&place);
    }
    Problem::Invalid(sentence_of(error)).at(&place)
}

/// Why a pattern cannot be used.
pub(super) fn of_pattern(pattern: &str) -> Problem {
    match regex::RegexBuilder::new(pattern).size_limit(PATTERN_PROGRAM_BYTES).build() {
        Err(regex::Error::CompiledTooBig(_)) => Problem::LargePattern { pattern: shown(pattern) },
        Err(error) => {
            let text = error.to_string();
            let cause = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Problem::Pattern { pattern: shown(pattern), cause: cut(cause, SHOWN_CHARACTERS) }
        }
        Ok(_) => Problem::Pattern { pattern: shown(pattern), cause: "not understood".to_owned() },
    }
}

fn sentence_of(error: &ValidationError<'_>) -> String {
    let found = shown(error.instance().as_ref());
    match super::sentence::demand(error.kind()) {
        Some(demand) => format!("{found} {demand}"),
        None => cut(&error.to_string(), 2 * SHOWN_CHARACTERS),
    }
}
