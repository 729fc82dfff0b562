//! The rules of a schema as far as its bounds need them: which subschema looks at which values, and how much work each
//! is. It decides nothing about values.
//!
//! Reading follows every reference, so that whatever the library will reach was looked at here before.

mod pattern;
mod read;
mod reference;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    APPLICATIONS, CHAIN, NESTED_DEFINITIONS, NESTED_REFERENCES,
    error::{Problem, SchemaError},
};
use read::Reader;

/// Number of a subschema.
pub(super) type Number = usize;

/// All subschemas that can be reached; the first is the schema itself.
#[derive(Debug, Default)]
pub(super) struct Rules {
    pub(super) all: Vec<Rule>,
    /// Which subschema refers to which.
    references: Vec<(Number, Number)>,
    bytes: usize,
    patterns: usize,
}

/// One subschema.
#[derive(Debug, Default)]
pub(super) struct Rule {
    /// Where it stands, as a JSON pointer.
    pub(super) place: String,
    /// Steps for any value: one for the schema, one for each keyword, required names and the like.
    pub(super) steps: u64,
    /// Bytes of `enum` and `const`, which a value may be compared with.
    pub(super) compared_bytes: u64,
    /// Bytes of the schema that each error about it holds a copy of.
    pub(super) copied_bytes: u64,
    /// Steps for each byte of a text: `pattern`.
    pub(super) steps_for_text_byte: u64,
    /// Steps for each byte of a key: the keys of `patternProperties`.
    pub(super) steps_for_key_byte: u64,
    /// Whether lists are searched for equal items.
    pub(super) unique: bool,
    /// Subschemas that look at the same value, and how.
    pub(super) in_place: Vec<(Number, How)>,
    /// Subschemas that look at the same value if it has a key.
    pub(super) dependent: Vec<(String, Number)>,
    /// Subschemas of members by name.
    pub(super) properties: HashMap<String, Number>,
    /// Subschemas of members by pattern: each may look at any member.
    pub(super) by_pattern: Vec<Number>,
    /// The subschema of all other members.
    pub(super) additional: Option<Number>,
    /// The subschema of keys.
    pub(super) names: Option<Number>,
    /// Subschemas of the first items.
    pub(super) prefix: Vec<Number>,
    /// The subschema of the other items.
    pub(super) items: Option<Number>,
    /// Subschemas that may look at any member.
    pub(super) unevaluated_members: Option<Number>,
    /// Subschemas that may look at any item: `contains`, and what is left over.
    pub(super) any_item: Vec<Number>,
    /// Whether it has to find out what its subschemas looked at, which takes asking them again.
    pub(super) asks_again: bool,
}

/// How a subschema of the same value is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Its errors are errors of the whole.
    All,
    /// Only whether the value satisfies it.
    Quietly,
    /// First whether the value satisfies it, then for its errors, which are copied into one.
    Branch,
}

impl Rules {
    /// Reads a schema, all that it refers to included.
    pub(super) fn read(document: &Value) -> Result<Self, SchemaError> {
        let mut rules = Reader::new(document).read()?;
        rules.bytes = super::limits::size(document);
        rules.check_nesting()?;
        rules.check_chains()?;
        Ok(rules)
    }

    /// Refuses references that the library would need too much stack for: it compiles a few definitions inside each
    /// other where they refer to each other, and each on as many levels as its references stand deep.
    fn check_nesting(&self) -> Result<(), SchemaError> {
        let place = |number: Number| self.all.get(number).map_or("", |rule| rule.place.as_str());
        let levels = |place: &str| place.matches('/').count();
        let mut depths: HashMap<&str, usize> = HashMap::from([("#", 0)]);
        depths.extend(self.references.iter().map(|(_, target)| (place(*target), 0)));
        for (source, _) in &self.references {
            let source = place(*source);
            let parents = source.match_indices('/').filter_map(|(at, _)| source.get(..at));
            for definition in parents.chain([source]) {
                if let Some(depth) = depths.get_mut(definition) {
                    *depth = (*depth).max(1 + levels(source) - levels(definition));
                }
            }
        }
        let mut depths: Vec<usize> = depths.into_values().collect();
        depths.sort_unstable_by(|one, other| other.cmp(one));
        let actual = depths.iter().take(NESTED_DEFINITIONS).sum();
        if actual > NESTED_REFERENCES { Err(Problem::NestedReferences { actual }.at("#")) } else { Ok(()) }
    }

    /// Whether an error may hold copies of other errors, or of values.
    pub(super) fn has_branches(&self) -> bool {
        self.all.iter().any(|rule| rule.in_place.iter().any(|(_, how)| *how == How::Branch))
    }

    /// About the bytes that the compiled schema takes.
    pub(super) fn memory(&self) -> usize {
        // Each pattern as its program, and the automaton that grows with what it is asked.
        self.all.len() * RULE_BYTES + self.bytes * 8 + self.patterns * 3 * super::PATTERN_PROGRAM_BYTES
    }

    /// Refuses rules that are applied to one value without end or too often.
    fn check_chains(&self) -> Result<(), SchemaError> {
        let mut weighed = vec![None; self.all.len()];
        let mut asked_again = 0_u64;
        for number in 0..self.all.len() {
            let weight = self.weigh(number, &mut weighed, &mut Vec::new())?.applications;
            let Some(rule) = self.all.get(number) else { continue };
            if weight > APPLICATIONS {
                return Err(Problem::Applications { actual: weight }.at(&rule.place));
            }
            if rule.asks_again {
                asked_again = asked_again.saturating_add(weight);
            }
        }
        if asked_again > APPLICATIONS {
            return Err(Problem::Unevaluated { actual: asked_again }.at("#"));
        }
        Ok(())
    }

    /// What looks at one value through this subschema, itself included.
    fn weigh(
        &self,
        number: Number,
        weighed: &mut Vec<Option<Weight>>,
        chain: &mut Vec<Number>,
    ) -> Result<Weight, SchemaError> {
        let Some(rule) = self.all.get(number) else { return Ok(Weight::default()) };
        if let Some(begin) = chain.iter().position(|seen| *seen == number) {
            return Err(self.endless(chain.get(begin..).unwrap_or_default(), number));
        }
        let known = weighed.get(number).copied().flatten();
        if chain.len() + known.map_or(1, |known| known.depth) > CHAIN {
            // A circle would be the better thing to be told about.
            self.find_circle(number)?;
            return Err(Problem::Chain.at(&rule.place));
        }
        if let Some(known) = known {
            return Ok(known);
        }
        chain.push(number);
        let mut weight = Weight { applications: 1, depth: 1 };
        for inner in rule.at_same_value() {
            let inner = self.weigh(inner, weighed, chain)?;
            weight.applications = weight.applications.saturating_add(inner.applications);
            weight.depth = weight.depth.max(inner.depth + 1);
        }
        chain.pop();
        if let Some(slot) = weighed.get_mut(number) {
            *slot = Some(weight);
        }
        Ok(weight)
    }

    /// Follows the longest way on from a subschema without recursion, until it closes a circle or all is seen.
    fn find_circle(&self, start: Number) -> Result<(), SchemaError> {
        let mut way: Vec<(Number, Vec<Number>)> = Vec::new();
        let mut seen = HashSet::new();
        let mut next = Some(start);
        loop {
            if let Some(number) = next.take() {
                let on_way = way.iter().position(|(other, _)| *other == number);
                if let Some(begin) = on_way {
                    let circle: Vec<Number> =
                        way.get(begin..).unwrap_or_default().iter().map(|(number, _)| *number).collect();
                    return Err(self.endless(&circle, number));
                }
                if seen.insert(number) {
                    let inner = self.all.get(number).map(|rule| rule.at_same_value().collect()).unwrap_or_default();
                    way.push((number, inner));
                }
            }
            match way.last_mut() {
                None => return Ok(()),
                Some((_, waiting)) => match waiting.pop() {
                    Some(number) => next = Some(number),
                    None => {
                        way.pop();
                    }
                },
            }
        }
    }

    fn endless(&self, circle: &[Number], back_at: Number) -> SchemaError {
        let place = |number: Number| self.all.get(number).map_or("#", |rule| rule.place.as_str());
        let mut places: Vec<&str> = circle.iter().take(MAX_SHOWN_CHAIN).map(|number| place(*number)).collect();
        if circle.len() > MAX_SHOWN_CHAIN {
            places.push("...");
        }
        places.push(place(back_at));
        let chain = super::sentence::cut(&places.join(" -> "), MAX_SHOWN_CHAIN_CHARACTERS);
        Problem::Endless { chain }.at(place(back_at))
    }
}

/// What looks at one value through a subschema.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    applications: u64,
    /// Subschemas inside each other.
    depth: usize,
}

/// Memory of one subschema: the rule, its validators and their locations. Measured, see `attacks`.
const RULE_BYTES: usize = 3 * 1024;

/// Places of a circle in a message, and characters of them all.
const MAX_SHOWN_CHAIN: usize = 6;
const MAX_SHOWN_CHAIN_CHARACTERS: usize = 400;

impl Rule {
    /// Subschemas that look at the same value.
    fn at_same_value(&self) -> impl Iterator<Item = Number> {
        let dependent = self.dependent.iter().map(|(_, number)| *number);
        self.in_place.iter().map(|(number, _)| *number).chain(dependent)
    }
}
