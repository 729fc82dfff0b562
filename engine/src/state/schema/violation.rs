//! Where a state breaks a schema: the places in our own spelling, a sentence each, and what tells two of them apart.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
};

use jsonschema::{ValidationError, error::ValidationErrorKind as Kind, paths::Location};
use serde_json::Value;

use super::{
    LISTED_STEPS,
    sentence::{cut, demand, shown},
};
use crate::state::path::{STATE, Segment};

/// Violations that are told one by one, and bytes of them all: a handler's status takes 600 bytes of text.
const TOLD: usize = 10;
const TOLD_BYTES: usize = 540;
/// Characters of a path in a sentence.
const PATH_CHARACTERS: usize = 128;

/// Where a state breaks a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Violations {
    told: Vec<String>,
    more: usize,
    counts: Option<HashMap<Key, usize>>,
}

/// One violation.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) key: Key,
    path: String,
    error: &'a ValidationError<'a>,
    kind: &'a Kind,
    about: About,
}

/// Tells violations apart: the place, where all items of a list are one, and the place of the rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    place: String,
    rule: Location,
}

#[derive(Debug)]
enum About {
    Value,
    Missing,
    Unknown,
    Name,
}

impl Violations {
    pub(super) fn listed(found: &[&Found<'_>], counts: HashMap<Key, usize>) -> Self {
        let mut told: Vec<String> = Vec::new();
        let mut bytes = 0;
        for sentence in found.iter().take(TOLD).map(|found| found.sentence()) {
            bytes += sentence.len() + 2;
            if bytes > TOLD_BYTES && !told.is_empty() {
                break;
            }
            told.push(sentence);
        }
        Self { more: found.len() - told.len(), told, counts: Some(counts) }
    }

    pub(super) fn unlisted(first: Option<&Found<'_>>) -> Self {
        Self { told: first.into_iter().map(Found::sentence).collect(), more: 0, counts: None }
    }

    /// Whether all of them are known.
    pub(super) fn are_listed(&self) -> bool {
        self.counts.is_some()
    }

    pub(super) fn count(&self, key: &Key) -> Option<&usize> {
        self.counts.as_ref()?.get(key)
    }

    /// A sentence for each of the first ones, at most ten.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    /// How many there are beside those that are told; 0 also if they were not listed.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.told.join("; "))?;
        match (&self.counts, self.more) {
            (Some(_), 0) => Ok(()),
            (Some(_), more) => write!(formatter, "; and {more} more"),
            (None, _) => {
                let separator = if self.told.is_empty() { "" } else { "; " };
                write!(
                    formatter,
                    "{separator}state is not what spec.stateSchema asks for, and a list of all places would take more \
                     than {LISTED_STEPS} steps"
                )
            }
        }
    }
}

impl<'a> Found<'a> {
    /// The violations of one error; one for each key or item that is unknown.
    pub(super) fn of(error: &'a ValidationError<'a>, state: &Value) -> Vec<Self> {
        let place = Place::of(error.instance_path(), state);
        let one = |place: Place, about| {
            let key = Key { place: place.general, rule: error.schema_path().clone() };
            Self { key, path: place.exact, error, kind: error.kind(), about }
        };
        match error.kind() {
            Kind::Required { property: Value::String(name) } => vec![one(place.key(name), About::Missing)],
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().map(|name| one(place.key(name), About::Unknown)).collect()
            }
            Kind::PropertyNames { error: inner } => {
                let place = match inner.instance().as_str() {
                    Some(name) => place.key(name),
                    None => place,
                };
                vec![Self { kind: inner.kind(), ..one(place, About::Name) }]
            }
            _ => vec![one(place, About::Value)],
        }
    }

    fn sentence(&self) -> String {
        let path = cut(&self.path, PATH_CHARACTERS);
        let rule = || cut(&self.error.to_string(), PATH_CHARACTERS);
        match self.about {
            About::Missing => format!("{path} is missing"),
            About::Unknown => format!("{path} is not known to the schema"),
            About::Name => match demand(self.kind) {
                Some(demand) => format!("{path} has a name that is not allowed {demand}"),
                None => format!("{path} has a name that is not allowed"),
            },
            About::Value => match (self.kind, demand(self.kind)) {
                (Kind::UnevaluatedItems { unexpected }, _) => {
                    format!("{path} has items that the schema does not know: {}", cut(&unexpected.join(", "), 60))
                }
                (Kind::FalseSchema, _) => format!("{path} must not be there"),
                (_, Some(demand)) => format!("{path} is {} {demand}", shown(self.error.instance())),
                (_, None) => format!("{path}: {}", rule()),
            },
        }
    }
}

/// A place in a state.
#[derive(Clone, Debug)]
struct Place {
    exact: String,
    general: String,
}

impl Place {
    fn of(location: &Location, state: &Value) -> Self {
        let mut place = Self { exact: STATE.to_owned(), general: STATE.to_owned() };
        let mut value = Some(state);
        for token in location.as_str().split('/').skip(1) {
            let name = token.replace("~1", "/").replace("~0", "~");
            value = match (value, name.parse::<usize>()) {
                (Some(Value::Array(list)), Ok(index)) => {
                    place.push(&Segment::Index(index));
                    list.get(index)
                }
                (value, _) => {
                    let inner = value.and_then(|value| value.get(name.as_str()));
                    place.push(&Segment::Key(name));
                    inner
                }
            };
        }
        place
    }

    fn key(&self, name: &str) -> Self {
        let mut place = self.clone();
        place.push(&Segment::Key(name.to_owned()));
        place
    }

    fn push(&mut self, segment: &Segment) {
        // Writing into a text cannot fail.
        let _ = write!(self.exact, "{segment}");
        let _ = match segment {
            Segment::Index(_) => self.general.write_str("[*]"),
            key @ Segment::Key(_) => write!(self.general, "{key}"),
        };
    }
}
