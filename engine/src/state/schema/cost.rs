//! How much work one check is, found out before it begins by walking the rules and the state together.
//!
//! The walk makes no decision: it counts as if every branch had to be tried and every condition held, so that it never
//! counts less than the library does. It stops where the limit is passed, and so takes no longer than a check may.

use serde_json::Value;

use super::{
    CHECK_DEPTH, LISTED_STEPS, STEPS, TooCostly,
    rules::{How, Number, Rule, Rules},
};
use crate::state::limits;

/// Bytes of texts and lists that are looked at in one step.
const STEP_BYTES: u64 = 64;
/// Bytes that are compared in one step: options of `enum` and `const`.
const COMPARED_BYTES: u64 = 32;
/// Pairs of an item and a byte of its list, in one step: `uniqueItems` may come to compare each item with each other.
const UNIQUE_PAIRS: u64 = 256;

/// What a check takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Steps to find out whether the state satisfies the schema.
    pub(super) steps: u64,
    /// Steps to list all violations; each may take memory.
    pub(super) listing: u64,
}

/// On the way to a value.
#[derive(Clone, Copy)]
struct Way {
    depth: usize,
    /// Bytes of the path.
    bytes: u64,
    /// How often the value is looked at to decide.
    times: u64,
    /// How often it is looked at to list errors.
    listed_times: u64,
    /// How often each subschema on the way at the same value is asked again: `unevaluated...` above wants to know what
    /// it looked at, and asks it and then each one inside it.
    again: u64,
    /// Whether errors copy the value.
    in_branch: bool,
}

/// What a subschema looks at.
#[derive(Clone, Copy)]
enum Looked<'a> {
    Value(&'a Value),
    Key(&'a str),
}

struct Walk<'a> {
    rules: &'a Rules,
    cost: Cost,
}

impl Cost {
    /// The cost of checking `state`, unless it is too much.
    pub(super) fn of(rules: &Rules, state: &Value) -> Result<Self, TooCostly> {
        let mut walk = Walk { rules, cost: Self::default() };
        let way = Way { depth: 0, bytes: 0, times: 1, listed_times: 1, again: 0, in_branch: false };
        walk.apply(0, Looked::Value(state), way)?;
        Ok(walk.cost)
    }
}

impl Walk<'_> {
    fn apply(&mut self, number: Number, looked: Looked<'_>, way: Way) -> Result<(), TooCostly> {
        let Some(rule) = self.rules.all.get(number) else { return Ok(()) };
        if way.depth >= CHECK_DEPTH {
            return Err(TooCostly::Depth { place: super::sentence::cut(&rule.place, 256), allowed: CHECK_DEPTH });
        }
        self.burn(rule, looked, way)?;
        let again = if rule.asks_again { way.times.saturating_add(way.again) } else { way.again };
        let way = Way { depth: way.depth + 1, again: 0, ..way };
        let in_place = Way {
            times: way.times.saturating_add(again),
            listed_times: way.listed_times.saturating_add(again),
            again,
            ..way
        };
        // What `contains` and `unevaluated...` found is asked for as well.
        let searched = Way { again: 0, ..in_place };
        for (inner, how) in &rule.in_place {
            let way = match how {
                How::All => in_place,
                How::Quietly => Way { listed_times: in_place.times, ..in_place },
                How::Branch => Way {
                    listed_times: in_place.listed_times.saturating_add(in_place.times),
                    in_branch: true,
                    ..in_place
                },
            };
            self.apply(*inner, looked, way)?;
        }
        match looked {
            Looked::Value(Value::Object(map)) => {
                for (key, inner) in &rule.dependent {
                    if map.contains_key(key) {
                        self.apply(*inner, looked, in_place)?;
                    }
                }
                for (key, value) in map {
                    self.member(rule, key, value, way, searched)?;
                }
            }
            Looked::Value(Value::Array(list)) => {
                for (index, value) in list.iter().enumerate() {
                    let bytes = way.bytes + 8;
                    if let Some(inner) = rule.prefix.get(index).copied().or(rule.items) {
                        self.apply(inner, Looked::Value(value), Way { bytes, ..way })?;
                    }
                    for inner in &rule.any_item {
                        self.apply(*inner, Looked::Value(value), Way { bytes, ..searched })?;
                    }
                }
            }
            Looked::Value(_) | Looked::Key(_) => {}
        }
        Ok(())
    }

    fn member(&mut self, rule: &Rule, key: &str, value: &Value, way: Way, searched: Way) -> Result<(), TooCostly> {
        let way = Way { bytes: way.bytes + key.len() as u64, ..way };
        let own = rule.properties.get(key).copied();
        let additional = rule.additional.filter(|_| own.is_none());
        for inner in own.into_iter().chain(additional).chain(rule.by_pattern.iter().copied()) {
            self.apply(inner, Looked::Value(value), way)?;
        }
        if let Some(inner) = rule.unevaluated_members {
            self.apply(inner, Looked::Value(value), Way { bytes: way.bytes, ..searched })?;
        }
        match rule.names {
            Some(names) => self.apply(names, Looked::Key(key), Way { in_branch: true, ..way }),
            None => Ok(()),
        }
    }

    /// The work of one subschema at one value, its inner ones not counted.
    fn burn(&mut self, rule: &Rule, looked: Looked<'_>, way: Way) -> Result<(), TooCostly> {
        let mut steps = rule.steps + rule.compared_bytes / COMPARED_BYTES;
        match looked {
            Looked::Key(text) => steps += of_text(rule, text),
            Looked::Value(Value::String(text)) => steps += of_text(rule, text),
            Looked::Value(Value::Object(map)) => {
                steps += map.len() as u64;
                if rule.steps_for_key_byte > 0 {
                    let bytes: u64 = map.keys().map(|key| key.len() as u64 + 1).sum();
                    steps = steps.saturating_add(bytes.saturating_mul(rule.steps_for_key_byte));
                }
            }
            Looked::Value(Value::Array(list)) => {
                steps += list.len() as u64;
                if rule.unique {
                    let plain = list.iter().all(|item| !item.is_object() && !item.is_array());
                    let bytes = limits::size(list) as u64;
                    let compared = if plain { bytes } else { bytes.saturating_mul(list.len() as u64) };
                    steps += compared / UNIQUE_PAIRS;
                }
            }
            Looked::Value(_) => {}
        }
        let mut listing = steps + (way.bytes + rule.copied_bytes) / STEP_BYTES * rule.steps;
        // Once a list is out of the question, measuring what it would copy would only take time.
        if let (true, Looked::Value(value)) = (way.in_branch && self.cost.listing <= LISTED_STEPS, looked) {
            listing = listing.saturating_add((limits::size(value) as u64 / STEP_BYTES).saturating_mul(rule.steps));
        }
        self.cost.steps = self.cost.steps.saturating_add(steps.saturating_mul(way.times));
        self.cost.listing = self.cost.listing.saturating_add(listing.saturating_mul(way.listed_times));
        if self.cost.steps > STEPS {
            return Err(TooCostly::Steps { allowed: STEPS });
        }
        Ok(())
    }
}

fn of_text(rule: &Rule, text: &str) -> u64 {
    let bytes = text.len() as u64;
    bytes / STEP_BYTES + bytes.saturating_mul(rule.steps_for_text_byte)
}
