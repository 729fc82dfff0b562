//! `spec.stateSchema`: the JSON Schema (2020-12) that a state must satisfy, compiled once and asked often.
//!
//! Whoever may write a context may write its schema. So a schema is bounded before the library sees it (`rules`), and
//! each check is bounded before it begins (`cost`): a check that would take too much is not made, and says so. Nothing
//! here knows who writes state or what is done with a violation.
//!
//! ```
//! use cicdcontext_engine::state::{Schema, Standing};
//! use serde_json::json;
//!
//! let schema = json!({"properties": {"count": {"type": "integer"}}, "required": ["app"]});
//! let schema = Schema::compile(schema.as_object().unwrap())?;
//! let Standing::Violated(violations) = schema.judge(&json!({"count": "five"})) else { panic!() };
//! assert_eq!(
//!     violations.to_string(),
//!     r#"state.app is missing; state.count is "five" and must be of type integer"#
//! );
//! assert_eq!(schema.judge(&json!({"app": "shop"})), Standing::Valid);
//! # Ok::<(), cicdcontext_engine::state::SchemaError>(())
//! ```

mod cost;
mod error;
mod guard;
mod rules;
mod sentence;
mod violation;

use std::collections::HashMap;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};
use thiserror::Error;

pub use error::{Problem, SchemaError};
pub use guard::Guard;
pub use violation::Violations;

use self::{cost::Cost, rules::Rules, violation::Found};
use super::limits;

/// A schema as compact JSON: 64 KiB.
pub const SCHEMA_BYTES: usize = 64 * 1024;
/// How many maps and lists may stand inside each other in a schema; the schema itself is the first.
pub const SCHEMA_DEPTH: usize = 32;
/// Subschemas that one value may have to satisfy, all branches and references counted, before its items and members
/// are looked at.
pub const APPLICATIONS: u64 = 4096;
/// Subschemas inside each other that are applied to one value, references included.
pub const CHAIN: usize = 64;
/// How deep the references of a schema may stand in the definitions that they stand in, those of the
/// [`NESTED_DEFINITIONS`] deepest definitions added up.
pub const NESTED_REFERENCES: usize = 80;
/// Definitions that may have to be read inside each other.
pub const NESTED_DEFINITIONS: usize = 9;
/// Different patterns of one schema, the keys of `patternProperties` included.
pub const PATTERNS: usize = 64;
/// Bytes of one pattern.
pub const PATTERN_BYTES: usize = 1024;
/// Bytes of one pattern once compiled: 128 KiB.
pub const PATTERN_PROGRAM_BYTES: usize = 128 * 1024;
/// Steps of one check: about one for each keyword at each value, more where a keyword looks at long texts or lists.
pub const STEPS: u64 = 500_000;
/// Schemas inside each other during one check, on the way from the state down to its innermost value.
pub const CHECK_DEPTH: usize = 256;
/// Steps up to which a list of all violations is made; beyond that at most one is told. Such a list may take as much
/// memory as there are steps.
pub const LISTED_STEPS: u64 = 50_000;

/// A schema that was understood and compiled.
#[derive(Debug)]
pub struct Schema {
    rules: Rules,
    validator: Validator,
}

/// How a state stands with a schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It satisfies the schema.
    Valid,
    /// It does not.
    Violated(Violations),
    /// The check would be too much work; nothing is known.
    Unchecked(TooCostly),
}

/// A check that is not made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TooCostly {
    /// It would take too many steps.
    #[error(
        "check state against spec.stateSchema: it takes more than {allowed} steps, at most {allowed} are allowed for \
         one check; make the state smaller or the schema simpler"
    )]
    Steps {
        /// Steps that are allowed.
        allowed: u64,
    },
    /// Too many schemas would be inside each other.
    #[error(
        "check state against spec.stateSchema: at {place} more than {allowed} schemas stand inside each other, at most \
         {allowed} are allowed; make the state less deep or the schema simpler"
    )]
    Depth {
        /// The schema that is one too many.
        place: String,
        /// Levels that are allowed.
        allowed: usize,
    },
}

impl Schema {
    /// Understands a schema. What it cannot do, or could do harm with, is an error that names the place.
    pub fn compile(schema: &Map<String, Value>) -> Result<Self, SchemaError> {
        let actual = limits::size(schema);
        if actual > SCHEMA_BYTES {
            return Err(Problem::TooLarge { actual }.at("#"));
        }
        let mut document = Value::Object(schema.clone());
        let actual = limits::depth(&document);
        if actual > SCHEMA_DEPTH {
            return Err(Problem::TooDeep { actual }.at("#"));
        }
        // In the order in which the API server gives it back: the same schema in a file, written in another order, has
        // the same rules, errors and violations in the same order.
        document.sort_all_objects();
        let rules = Rules::read(&document)?;
        if let Value::Object(document) = &mut document {
            // Nothing may refer to them; without them, no name that the library knows can be meant.
            document.shift_remove("$id");
            document.shift_remove("$schema");
        }
        let patterns =
            PatternOptions::regex().size_limit(PATTERN_PROGRAM_BYTES).dfa_size_limit(2 * PATTERN_PROGRAM_BYTES);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(patterns)
            .should_validate_formats(false)
            .build(&document)
            .map_err(|error| error::of_build(&error))?;
        Ok(Self { rules, validator })
    }

    /// A rough upper bound of the memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.rules.memory()
    }

    /// How a state, a JSON object, stands.
    pub fn judge(&self, state: &Value) -> Standing {
        self.examine(state, None).0
    }

    /// How the state that a write leads to stands, and why the write is to be refused, if it is.
    ///
    /// Only a write that breaks something is refused: one that leaves a state as invalid as it was, or less so, is let
    /// through, or a state that a plain patch broke could never be mended step by step. Violations are counted by
    /// place and rule, where all items of a list are one place, since items move when others go. What cannot be
    /// checked is not refused.
    ///
    /// ```
    /// use cicdcontext_engine::state::Schema;
    /// use serde_json::json;
    ///
    /// let schema = json!({"additionalProperties": {"type": "integer"}});
    /// let schema = Schema::compile(schema.as_object().unwrap())?;
    /// let before = schema.judge(&json!({"a": "x", "b": "y"}));
    /// let (better, refused) = schema.judge_write(&before, &json!({"a": 1, "b": "y"}));
    /// assert_eq!(refused, None);
    /// let (_, refused) = schema.judge_write(&better, &json!({"a": 1, "b": "y", "c": "z"}));
    /// assert_eq!(refused.unwrap().to_string(), r#"state.c is "z" and must be of type integer"#);
    /// # Ok::<(), cicdcontext_engine::state::SchemaError>(())
    /// ```
    pub fn judge_write(&self, before: &Standing, after: &Value) -> (Standing, Option<Violations>) {
        match before {
            Standing::Unchecked(_) => (self.judge(after), None),
            Standing::Valid => match self.judge(after) {
                Standing::Violated(violations) => (Standing::Violated(violations.clone()), Some(violations)),
                standing => (standing, None),
            },
            Standing::Violated(before) => self.examine(after, Some(before)),
        }
    }

    /// The standing, and the violations that are not among those before.
    fn examine(&self, state: &Value, before: Option<&Violations>) -> (Standing, Option<Violations>) {
        let cost = match Cost::of(&self.rules, state) {
            Ok(cost) => cost,
            Err(error) => return (Standing::Unchecked(error), None),
        };
        if self.validator.is_valid(state) {
            return (Standing::Valid, None);
        }
        if cost.listing > LISTED_STEPS {
            let violations = self.unlisted(state);
            let worse = before.is_some_and(Violations::are_listed);
            return (Standing::Violated(violations.clone()), worse.then_some(violations));
        }
        let errors: Vec<ValidationError<'_>> = self.validator.iter_errors(state).collect();
        let found: Vec<Found<'_>> = errors.iter().flat_map(|error| Found::of(error, state)).collect();
        let mut counts: HashMap<violation::Key, usize> = HashMap::new();
        for found in &found {
            *counts.entry(found.key.clone()).or_default() += 1;
        }
        let added = before.filter(|before| before.are_listed()).and_then(|before| {
            let is_new = |found: &&Found<'_>| counts.get(&found.key) > before.count(&found.key);
            let new: Vec<&Found<'_>> = found.iter().filter(is_new).collect();
            (!new.is_empty()).then(|| Violations::listed(&new, HashMap::new()))
        });
        let found: Vec<&Found<'_>> = found.iter().collect();
        (Standing::Violated(Violations::listed(&found, counts)), added)
    }

    /// Violations of a state that is too large to list them all.
    fn unlisted(&self, state: &Value) -> Violations {
        // The error of a branch holds copies of what it is about, so that even a single one may be large.
        if self.rules.has_branches() {
            return Violations::unlisted(None);
        }
        let first = self.validator.validate(state).err();
        let found = first.as_ref().map(|error| Found::of(error, state)).unwrap_or_default();
        Violations::unlisted(found.first())
    }
}

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
