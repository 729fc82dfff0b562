//! What `groupby` gives: a pair that has names too.

use std::cell::RefCell;

use super::super::super::error::Fault;
use super::super::container::release;
use super::super::machine::Machine;
use super::super::slice::indices;
use super::super::value::{Object, Value};

/// A key and the items that have it, as Python's named tuples are.
pub(super) struct Group<'a> {
    pair: RefCell<Value<'a>>,
}

impl<'a> Group<'a> {
    pub(super) fn new(grouper: Value<'a>, items: Vec<Value<'a>>) -> Self {
        Group { pair: RefCell::new(Value::tuple(vec![grouper, Value::list(items)])) }
    }

    fn pair(&self) -> Value<'a> {
        self.pair.borrow().clone()
    }
}

impl<'a> Object<'a> for Group<'a> {
    fn type_name(&self) -> &'static str {
        "_GroupTuple"
    }

    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        machine.representation(&self.pair())
    }

    fn as_tuple(&self) -> Option<Value<'a>> {
        Some(self.pair())
    }

    fn attribute(&self, machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        let index = match name {
            "grouper" => 0,
            "list" => 1,
            // `count` and `index`, as every tuple has them.
            name => {
                let method = machine.attribute(&self.pair(), name)?;
                return Ok(Some(method).filter(|method| !matches!(method, Value::Undefined(_))));
            }
        };
        self.item(machine, &Value::integer(index))
    }

    fn item(&self, machine: &mut Machine<'a, '_>, key: &Value<'a>) -> Result<Option<Value<'a>>, Fault> {
        let item = machine.item(&self.pair(), key)?;
        Ok(Some(item).filter(|item| !matches!(item, Value::Undefined(_))))
    }

    fn iterate(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Vec<Value<'a>>>, Fault> {
        machine.iterate(&self.pair()).map(Some)
    }

    fn slice(&self, bounds: [Option<i64>; 3]) -> Option<Value<'a>> {
        let step = bounds[2].filter(|step| *step != 0)?;
        let Value::Tuple(pair) = self.pair() else { return None };
        let chosen = indices(pair.len(), bounds[0], bounds[1], step).map(|index| pair[index].clone());
        Some(Value::tuple(chosen.collect()))
    }

    fn length(&self, machine: &Machine<'a, '_>) -> Option<usize> {
        machine.length(&self.pair()).ok()
    }

    fn equals(&self, machine: &mut Machine<'a, '_>, other: &Value<'a>) -> Result<bool, Fault> {
        let other = match other {
            Value::Object(object) => object.as_tuple(),
            Value::Tuple(_) => Some(other.clone()),
            _ => None,
        };
        other.map_or(Ok(false), |other| machine.equal(&self.pair(), &other))
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        pending.push(self.pair.replace(Value::None));
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        release(vec![self.pair.replace(Value::None)]);
    }
}
