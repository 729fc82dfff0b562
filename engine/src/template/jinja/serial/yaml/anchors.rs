//! Which lists and maps stand in a value more than once: YAML names the first (`&id001`) and refers to it (`*id001`).

use std::collections::HashMap;
use std::rc::Rc;

use super::super::super::super::error::Fault;
use super::super::super::machine::Machine;
use super::super::super::value::{List, Map, Value};

/// What holds items, by where it lives.
pub(super) type Identity = usize;

/// The numbers of what is repeated.
pub(super) struct Anchors {
    /// Everything seen; a number once it was seen again.
    seen: HashMap<Identity, Option<usize>>,
    count: usize,
}

impl Anchors {
    pub(super) fn of<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<Anchors, Fault> {
        let mut anchors = Anchors { seen: HashMap::new(), count: 0 };
        anchors.look(machine, value)?;
        Ok(anchors)
    }

    /// The number of the anchor, for what is repeated.
    pub(super) fn number(&self, identity: Identity) -> Option<usize> {
        self.seen.get(&identity).copied().flatten()
    }

    /// Numbers are given in the order in which the second uses come.
    fn look<'a>(&mut self, machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<(), Fault> {
        machine.burn(1)?;
        let Some(identity) = identity(value) else {
            return Ok(());
        };
        if let Some(number) = self.seen.get_mut(&identity) {
            if number.is_none() {
                self.count += 1;
                *number = Some(self.count);
            }
            return Ok(());
        }
        self.seen.insert(identity, None);
        machine.open(value)?;
        match value {
            Value::List(list) => {
                machine.burn(machine.length(value)?)?;
                for item in machine.items(list) {
                    self.look(machine, &item)?;
                }
            }
            Value::Tuple(items) => {
                for item in items.iter() {
                    self.look(machine, item)?;
                }
            }
            Value::Map(map) => {
                machine.burn(machine.length(value)?)?;
                for (key, value) in machine.entries(map) {
                    self.look(machine, &key)?;
                    self.look(machine, &value)?;
                }
            }
            _ => {}
        }
        machine.close();
        Ok(())
    }
}

/// Where a list, map or tuple lives; None for what PyYAML never refers to.
pub(super) fn identity(value: &Value<'_>) -> Option<Identity> {
    match value {
        Value::List(List::Data(items)) => Some(std::ptr::from_ref(*items).addr()),
        Value::List(List::Own(items)) => Some(Rc::as_ptr(items).addr()),
        Value::Map(Map::Data(fields)) => Some(std::ptr::from_ref(*fields).addr()),
        Value::Map(Map::Own(entries)) => Some(Rc::as_ptr(entries).addr()),
        Value::Tuple(items) if !items.is_empty() => Some(Rc::as_ptr(items).addr()),
        _ => None,
    }
}
