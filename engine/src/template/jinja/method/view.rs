//! What `items`, `keys` and `values` of a map give: they show the map as it is whenever they are looked at.

use std::cell::RefCell;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::{Map, Object, Value};
use super::{Made, OfObject, given};

/// The methods of items and keys.
pub(super) const TABLE: &[(&str, OfObject)] = &[("isdisjoint", isdisjoint)];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Items,
    Keys,
    Values,
}

pub(super) struct View<'a> {
    /// A map; None after it was released.
    map: RefCell<Value<'a>>,
    part: Part,
}

impl<'a> View<'a> {
    pub(super) fn new(map: Map<'a>, part: Part) -> Self {
        View { map: RefCell::new(Value::Map(map)), part }
    }

    fn map(&self) -> Option<Map<'a>> {
        match &*self.map.borrow() {
            Value::Map(map) => Some(map.clone()),
            _ => None,
        }
    }

    fn all(&self, machine: &mut Machine<'a, '_>) -> Result<Vec<Value<'a>>, Fault> {
        let Some(map) = self.map() else {
            return Ok(Vec::new());
        };
        machine.burn(machine.entry_count(&map))?;
        let entries = machine.entries(&map).into_iter();
        Ok(match self.part {
            Part::Items => entries.map(|(key, value)| Value::tuple(vec![key, value])).collect(),
            Part::Keys => entries.map(|(key, _)| key).collect(),
            Part::Values => entries.map(|(_, value)| value).collect(),
        })
    }
}

fn isdisjoint<'a>(machine: &mut Machine<'a, '_>, view: &Value<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let others = given::only("isdisjoint", arguments, "other")?;
    for other in machine.iterate(&others)? {
        if machine.contains(view, &other)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

impl<'a> Object<'a> for View<'a> {
    fn type_name(&self) -> &'static str {
        match self.part {
            Part::Items => "dict_items",
            Part::Keys => "dict_keys",
            Part::Values => "dict_values",
        }
    }

    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let items = Value::list(self.all(machine)?);
        let items = machine.representation(&items)?;
        machine.afford(items.len())?;
        Ok(format!("{}({items})", self.type_name()))
    }

    fn is_true(&self, machine: &Machine<'a, '_>) -> bool {
        self.length(machine) != Some(0)
    }

    fn iterate(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Vec<Value<'a>>>, Fault> {
        self.all(machine).map(Some)
    }

    fn length(&self, machine: &Machine<'a, '_>) -> Option<usize> {
        Some(self.map().map_or(0, |map| machine.entry_count(&map)))
    }

    fn contains(&self, machine: &mut Machine<'a, '_>, item: &Value<'a>) -> Result<Option<bool>, Fault> {
        let Some(map) = self.map() else {
            return Ok(Some(false));
        };
        match (self.part, item) {
            (Part::Keys, key) => Ok(Some(machine.get(&map, key)?.is_some())),
            (Part::Items, Value::Tuple(pair)) if pair.len() == 2 => match machine.get(&map, &pair[0])? {
                Some(value) => machine.equal(&value, &pair[1]).map(Some),
                None => Ok(Some(false)),
            },
            (Part::Items, _) => Ok(Some(false)),
            (Part::Values, _) => Ok(None),
        }
    }

    /// Keys and items are compared like sets.
    fn equals(&self, machine: &mut Machine<'a, '_>, other: &Value<'a>) -> Result<bool, Fault> {
        let Value::Object(other) = other else {
            return Ok(false);
        };
        let is_set = matches!(other.type_name(), "dict_items" | "dict_keys") && self.part != Part::Values;
        if !is_set || other.length(machine) != self.length(machine) {
            return Ok(false);
        }
        for item in other.iterate(machine)?.unwrap_or_default() {
            if self.contains(machine, &item)? != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        if let Ok(mut map) = self.map.try_borrow_mut() {
            pending.push(std::mem::replace(&mut map, Value::None));
        }
    }
}
