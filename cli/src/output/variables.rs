//! State as variables: the names that its values have in a shell or an environment, and their texts. Knows no file
//! format and writes nothing.
//!
//! A map gives one variable for each value in it, and everything else is one variable: texts as they are, null as the
//! empty text, numbers, booleans, lists and empty maps as compact JSON. The name is the keys and positions of the path
//! joined by `_`, with `_` for each character that is neither an ASCII letter nor a digit: `state.build.image-tag` is
//! `build_image_tag`. No two values share a name, and no name has a meaning of its own: both are errors, since a file
//! with a wrong value in it is worse than none.

mod reserved;

use std::{
    borrow::Cow,
    collections::{HashMap, hash_map::Entry},
    str::FromStr,
};

use cicdcontext_engine::state::{Path, path::Segment};
use serde_json::Value;
use thiserror::Error;

use super::value::Named;

/// A value of the state that is to become one variable, or several if it is a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Selected<'v> {
    /// Where it stands.
    pub path: Path,
    /// The value.
    pub value: &'v Value,
}

impl<'v> Selected<'v> {
    /// The same for forms that show paths and not names.
    pub fn named(&self) -> Named<'v> {
        Named { name: self.path.to_string(), value: self.value }
    }
}

/// What all names begin with. Empty, or the beginning of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl FromStr for Prefix {
    type Err = VariableError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.chars().all(is_name_character) && !text.starts_with(|first: char| first.is_ascii_digit());
        if valid { Ok(Self(text.to_owned())) } else { Err(VariableError::Prefix { found: text.to_owned() }) }
    }
}

/// A variable. Its text holds no NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable<'v> {
    /// Its name: `[A-Za-z_][A-Za-z0-9_]*`.
    pub name: String,
    /// Where its value stands in the state.
    pub path: String,
    /// The text of its value.
    pub text: Cow<'v, str>,
}

/// Why values cannot become variables.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VariableError {
    /// A prefix that no name can begin with.
    #[error(
        "read --prefix '{found}': a name has letters A to Z and a to z, digits and '_', and does not begin with a digit"
    )]
    Prefix {
        /// The prefix.
        found: String,
    },
    /// Two values would have one name.
    #[error(
        "load {first} and {second}: both would be the variable {name}; nothing was written; \
         rename one of the keys, or name the paths to load"
    )]
    Collision {
        /// The name.
        name: String,
        /// The path of one value.
        first: String,
        /// The path of the other.
        second: String,
    },
    /// The name means something to shells or other programs.
    #[error(
        "load {path}: the variable {name} has a meaning for shells or other programs; nothing was written; \
         choose other names with --prefix, as in --prefix CICD_"
    )]
    Reserved {
        /// The name.
        name: String,
        /// The path of the value.
        path: String,
    },
    /// No variable can hold a NUL.
    #[error(
        "load {path}: character {position} of its text is a NUL, which no variable can hold; nothing was written; \
         load it with --json or --result"
    )]
    Nul {
        /// The path of the value.
        path: String,
        /// Where the NUL stands; counts from 1.
        position: usize,
    },
}

/// The variables for these values, in their order; a value that is selected twice is there once.
pub fn variables<'v>(selected: &[Selected<'v>], prefix: &Prefix) -> Result<Vec<Variable<'v>>, VariableError> {
    let mut collection = Collection { prefix: &prefix.0, variables: Vec::new(), places: HashMap::new() };
    for Selected { path, value } in selected {
        let keys: Vec<String> = path.segments().iter().map(key).collect();
        collection.add(path.to_string(), &keys.join("_"), keys.is_empty(), value)?;
    }
    Ok(collection.variables)
}

struct Collection<'p, 'v> {
    prefix: &'p str,
    variables: Vec<Variable<'v>>,
    /// Where the variable of a name stands.
    places: HashMap<String, usize>,
}

impl<'v> Collection<'_, 'v> {
    /// `keys` are those of the path, joined; `is_root` tells a path without keys from one with an empty key.
    fn add(&mut self, path: String, keys: &str, is_root: bool, value: &'v Value) -> Result<(), VariableError> {
        match value {
            Value::Object(map) if is_root || !map.is_empty() => map.iter().try_for_each(|(name, value)| {
                let segment = Segment::Key(name.clone());
                let key = key(&segment);
                let keys = if is_root { key } else { format!("{keys}_{key}") };
                self.add(format!("{path}{segment}"), &keys, false, value)
            }),
            value => self.add_one(path, keys, value),
        }
    }

    fn add_one(&mut self, path: String, keys: &str, value: &'v Value) -> Result<(), VariableError> {
        let mut name = format!("{}{keys}", self.prefix);
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            name.insert(0, '_');
        }
        if reserved::is_reserved(&name) {
            return Err(VariableError::Reserved { name, path });
        }
        let text = text(value);
        if let Some(before) = text.chars().position(|character| character == '\0') {
            return Err(VariableError::Nul { path, position: before + 1 });
        }
        match self.places.entry(name) {
            Entry::Vacant(place) => {
                let name = place.key().clone();
                place.insert(self.variables.len());
                self.variables.push(Variable { name, path, text });
                Ok(())
            }
            Entry::Occupied(place) => match self.variables.get(*place.get()) {
                Some(other) if other.path != path => {
                    Err(VariableError::Collision { name: other.name.clone(), first: other.path.clone(), second: path })
                }
                _ => Ok(()),
            },
        }
    }
}

/// A step of a path as a part of a name.
fn key(segment: &Segment) -> String {
    match segment {
        Segment::Key(key) => {
            key.chars().map(|character| if is_name_character(character) { character } else { '_' }).collect()
        }
        Segment::Index(index) => index.to_string(),
    }
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed(""),
        other => Cow::Owned(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
