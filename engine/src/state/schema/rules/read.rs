//! Reads a schema, keyword by keyword, and follows its references.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    How, Number, Rule, Rules,
    pattern::Patterns,
    reference::{Target, join, look_up},
};
use crate::state::{
    limits,
    schema::error::{Problem, SchemaError, shown},
};

/// The version of JSON Schema that is understood.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Keywords of other versions, and of schemas of several documents.
const REFUSED: [(&str, &str); 7] = [
    ("$id", "name places with $anchor, and refer to them as #name"),
    ("$schema", "it belongs at the top"),
    ("$vocabulary", "it belongs into meta-schemas"),
    ("$recursiveRef", "write $dynamicRef"),
    ("$recursiveAnchor", "write $dynamicAnchor"),
    ("dependencies", "write dependentSchemas or dependentRequired"),
    ("additionalItems", "write prefixItems and items"),
];

pub(super) struct Reader<'a> {
    document: &'a Value,
    rules: Vec<Rule>,
    numbers: HashMap<String, Number>,
    waiting: Vec<(Number, &'a Value)>,
    anchors: HashMap<&'a str, String>,
    unresolved: Vec<(Number, String, &'a str)>,
    references: Vec<(Number, Number)>,
    patterns: Patterns,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Self {
            document,
            rules: Vec::new(),
            numbers: HashMap::new(),
            waiting: Vec::new(),
            anchors: HashMap::new(),
            unresolved: Vec::new(),
            references: Vec::new(),
            patterns: Patterns::default(),
        }
    }

    pub(super) fn read(mut self) -> Result<Rules, SchemaError> {
        self.number("#".to_owned(), self.document);
        let mut named = Vec::new();
        loop {
            while let Some((number, schema)) = self.waiting.pop() {
                self.read_one(number, schema)?;
            }
            if let Some((number, place, reference)) = self.unresolved.pop() {
                match Target::read(reference).map_err(|problem| problem.at(&place))? {
                    Target::Place(target) => self.refer(number, &place, reference, &target)?,
                    Target::Anchor(name) => named.push((number, place, reference, name)),
                }
            } else if let Some((number, place, reference, name)) = named.pop() {
                // By now all anchors are known that a place can lead to.
                let target = self.anchors.get(name.as_str()).cloned();
                let lost = || Problem::Lost { reference: shown(reference) }.at(&place);
                self.refer(number, &place, reference, &target.ok_or_else(lost)?)?;
            } else {
                break;
            }
        }
        Ok(Rules { all: self.rules, references: self.references, bytes: 0, patterns: self.patterns.count() })
    }

    fn refer(&mut self, number: Number, place: &str, reference: &str, target: &str) -> Result<(), SchemaError> {
        let schema = look_up(self.document, target);
        let schema = schema.ok_or_else(|| Problem::Lost { reference: shown(reference) }.at(place))?;
        let target = self.number(target.to_owned(), schema);
        self.references.push((number, target));
        if let Some(rule) = self.rules.get_mut(number) {
            rule.in_place.push((target, How::All));
        }
        Ok(())
    }

    /// The number of the subschema at a place, which is read later if it is new.
    fn number(&mut self, place: String, schema: &'a Value) -> Number {
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        let number = self.rules.len();
        self.rules.push(Rule { place: place.clone(), ..Rule::default() });
        self.numbers.insert(place, number);
        self.waiting.push((number, schema));
        number
    }

    fn read_one(&mut self, number: Number, schema: &'a Value) -> Result<(), SchemaError> {
        let Some(rule) = self.rules.get_mut(number) else { return Ok(()) };
        let mut rule = std::mem::take(rule);
        rule.steps = 1;
        match schema {
            Value::Bool(_) => {}
            Value::Object(keywords) => {
                Self::refuse(&rule.place, keywords)?;
                for (keyword, value) in keywords {
                    rule.steps += 1;
                    self.keyword(number, &mut rule, keyword, value, keywords)?;
                }
            }
            other => return Err(Problem::NoSchema { found: shown(other) }.at(&rule.place)),
        }
        if let Some(slot) = self.rules.get_mut(number) {
            *slot = rule;
        }
        Ok(())
    }

    fn refuse(place: &str, keywords: &Map<String, Value>) -> Result<(), SchemaError> {
        let top = place == "#";
        if let (true, Some(draft)) = (top, keywords.get("$schema"))
            && draft.as_str().map(|text| text.trim_end_matches('#')) != Some(DRAFT)
        {
            return Err(Problem::OtherDraft { found: shown(draft) }.at(place));
        }
        let refused = |(keyword, _): &&(&str, &str)| {
            keywords.contains_key(*keyword) && !(top && matches!(*keyword, "$id" | "$schema"))
        };
        match REFUSED.iter().find(refused) {
            Some((keyword, instead)) => Err(Problem::Keyword { keyword, instead }.at(place)),
            None => Ok(()),
        }
    }

    fn keyword(
        &mut self,
        number: Number,
        rule: &mut Rule,
        keyword: &'a str,
        value: &'a Value,
        siblings: &'a Map<String, Value>,
    ) -> Result<(), SchemaError> {
        let place = join(&rule.place, keyword);
        match (keyword, value) {
            ("$ref" | "$dynamicRef", Value::String(reference)) => self.unresolved.push((number, place, reference)),
            ("$anchor" | "$dynamicAnchor", Value::String(name)) => {
                let other = self.anchors.insert(name, rule.place.clone());
                if let Some(other) = other.filter(|other| *other != rule.place) {
                    return Err(Problem::SameAnchor { name: shown(name), other: shown(&other) }.at(&rule.place));
                }
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
                for (index, schema) in schemas.iter().enumerate() {
                    let inner = self.number(join(&place, &index.to_string()), schema);
                    match keyword {
                        "prefixItems" => rule.prefix.push(inner),
                        "allOf" => rule.in_place.push((inner, How::All)),
                        _ => rule.in_place.push((inner, How::Branch)),
                    }
                }
            }
            ("$defs" | "definitions" | "properties" | "dependentSchemas", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    let inner = self.number(join(&place, name), schema);
                    match keyword {
                        "properties" => drop(rule.properties.insert(name.clone(), inner)),
                        "dependentSchemas" => rule.dependent.push((name.clone(), inner)),
                        _ => {}
                    }
                }
            }
            ("patternProperties", Value::Object(schemas)) => {
                for (pattern, schema) in schemas {
                    let place = join(&place, pattern);
                    rule.steps_for_key_byte += self.patterns.steps(pattern).map_err(|problem| problem.at(&place))?;
                    rule.by_pattern.push(self.number(place, schema));
                }
            }
            ("pattern", Value::String(pattern)) => {
                rule.steps_for_text_byte += self.patterns.steps(pattern).map_err(|problem| problem.at(&place))?;
                rule.copied_bytes += bytes(value);
            }
            ("enum" | "const", _) => rule.compared_bytes += bytes(value),
            ("required" | "dependentRequired", _) => rule.steps += bytes(value) / 8,
            ("uniqueItems", Value::Bool(true)) => rule.unique = true,
            (_, Value::Bool(_) | Value::Object(_)) => self.subschema(rule, keyword, value, siblings, place),
            _ => {}
        }
        Ok(())
    }

    /// Keywords whose value is one subschema.
    fn subschema(
        &mut self,
        rule: &mut Rule,
        keyword: &str,
        value: &'a Value,
        siblings: &'a Map<String, Value>,
        place: String,
    ) {
        let known = matches!(
            keyword,
            "additionalProperties"
                | "propertyNames"
                | "unevaluatedProperties"
                | "unevaluatedItems"
                | "items"
                | "contains"
                | "contentSchema"
                | "not"
                | "if"
                | "then"
                | "else"
        );
        if !known {
            return;
        }
        let inner = self.number(place, value);
        match keyword {
            "additionalProperties" => rule.additional = Some(inner),
            "propertyNames" => rule.names = Some(inner),
            "unevaluatedProperties" => rule.unevaluated_members = Some(inner),
            "items" => rule.items = Some(inner),
            "contains" | "unevaluatedItems" => rule.any_item.push(inner),
            "not" => {
                rule.in_place.push((inner, How::Quietly));
                rule.copied_bytes += bytes(value);
            }
            "if" => rule.in_place.push((inner, How::Quietly)),
            "then" | "else" if siblings.contains_key("if") => rule.in_place.push((inner, How::All)),
            _ => {}
        }
        rule.asks_again |= keyword.starts_with("unevaluated");
    }
}

fn bytes(value: &Value) -> u64 {
    limits::size(value) as u64
}
