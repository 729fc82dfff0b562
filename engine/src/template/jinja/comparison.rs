//! Python's `==`, `<` and `in`.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::error::Fault;
use super::machine::Machine;
use super::number::Number;
use super::value::{List, Map, Value};

impl<'a> Machine<'a, '_> {
    /// Python's `==`. Pays for it.
    pub(super) fn equal(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Fault> {
        self.burn(1)?;
        if let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) {
            return Ok(left.compare(&right) == Some(Ordering::Equal));
        }
        match (left, right) {
            (Value::Undefined(_), Value::Undefined(_)) | (Value::None, Value::None) => Ok(true),
            (Value::Text(left), Value::Text(right)) => {
                self.rendering.burn_bytes(left.len().min(right.len()))?;
                Ok(**left == **right)
            }
            (Value::List(first), Value::List(second)) => {
                if same_list(first, second) {
                    return Ok(true);
                }
                let count = self.item_count(first);
                if count != self.item_count(second) {
                    return Ok(false);
                }
                self.burn(count / 4)?;
                let (first, second) = (self.items(first), self.items(second));
                self.equal_items(left, &first, &second)
            }
            (Value::Tuple(first), Value::Tuple(second)) => self.equal_items(left, first, second),
            (Value::Map(first), Value::Map(second)) => self.equal_maps(left, first, second),
            (Value::Object(first), Value::Object(second)) if Rc::ptr_eq(first, second) => Ok(true),
            (Value::Object(object), other) | (other, Value::Object(object)) => object.equals(self, other),
            _ => Ok(false),
        }
    }

    fn equal_items(&mut self, container: &Value<'a>, left: &[Value<'a>], right: &[Value<'a>]) -> Result<bool, Fault> {
        if left.len() != right.len() {
            return Ok(false);
        }
        self.open_to_compare(container)?;
        let mut equal = true;
        for (left, right) in left.iter().zip(right) {
            equal = self.equal(left, right)?;
            if !equal {
                break;
            }
        }
        self.close();
        Ok(equal)
    }

    fn equal_maps(&mut self, container: &Value<'a>, left: &Map<'a>, right: &Map<'a>) -> Result<bool, Fault> {
        if same_map(left, right) {
            return Ok(true);
        }
        if self.entry_count(left) != self.entry_count(right) {
            return Ok(false);
        }
        self.burn(self.entry_count(left) / 4)?;
        let entries = self.entries(left);
        self.open_to_compare(container)?;
        let mut equal = true;
        for (key, value) in entries {
            equal = match self.get(right, &key)? {
                Some(other) => self.equal(&value, &other)?,
                None => false,
            };
            if !equal {
                break;
            }
        }
        self.close();
        Ok(equal)
    }

    /// One that holds itself is compared until it is too deep, as in Python.
    fn open_to_compare(&mut self, container: &Value<'a>) -> Result<(), Fault> {
        if self.open(container)? {
            return Ok(());
        }
        Err(Fault::problem(format!("a {} that holds itself cannot be compared", container.type_name())))
    }

    /// Python's `<` and `>`; fails on kinds that have no order. Pays for it.
    pub(super) fn compare(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<Ordering, Fault> {
        self.burn(1)?;
        if let (Some(left), Some(right)) = (Number::of(left), Number::of(right)) {
            // `nan` is neither; `less` knows.
            return Ok(left.compare(&right).unwrap_or(Ordering::Equal));
        }
        match (left, right) {
            (Value::Text(left), Value::Text(right)) => {
                self.rendering.burn_bytes(left.len().min(right.len()))?;
                Ok(left.cmp(right))
            }
            (Value::List(first), Value::List(second)) => {
                self.burn((self.item_count(first) + self.item_count(second)) / 8)?;
                let (first, second) = (self.items(first), self.items(second));
                self.compare_items(left, &first, &second)
            }
            (Value::Tuple(first), Value::Tuple(second)) => self.compare_items(left, first, second),
            (Value::Undefined(name), _) | (_, Value::Undefined(name)) => Err(undefined(name)),
            _ if left.as_tuple().is_some() || right.as_tuple().is_some() => {
                let tuple = |value: &Value<'a>| value.as_tuple().unwrap_or_else(|| value.clone());
                self.compare(&tuple(left), &tuple(right))
            }
            _ => Err(Fault::problem(format!(
                "`<` and `>` are not defined between a {} and a {}",
                left.type_name(),
                right.type_name()
            ))),
        }
    }

    fn compare_items(
        &mut self,
        container: &Value<'a>,
        left: &[Value<'a>],
        right: &[Value<'a>],
    ) -> Result<Ordering, Fault> {
        self.open_to_compare(container)?;
        let mut order = left.len().cmp(&right.len());
        for (left, right) in left.iter().zip(right) {
            if !self.equal(left, right)? {
                order = self.compare(left, right)?;
                break;
            }
        }
        self.close();
        Ok(order)
    }

    /// Whether `left < right`, which is false where one of them is `nan`.
    pub(super) fn less(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Fault> {
        if is_nan(left) || is_nan(right) {
            self.compare(left, right)?;
            return Ok(false);
        }
        Ok(self.compare(left, right)? == Ordering::Less)
    }

    /// Whether `left <= right`, which is false where one of them is `nan`.
    pub(super) fn less_or_equal(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Fault> {
        if is_nan(left) || is_nan(right) {
            self.compare(left, right)?;
            return Ok(false);
        }
        Ok(self.compare(left, right)? != Ordering::Greater)
    }

    /// Python's `item in container`. Pays for it.
    pub(super) fn contains(&mut self, container: &Value<'a>, item: &Value<'a>) -> Result<bool, Fault> {
        self.burn(1)?;
        match container {
            Value::Text(text) => match item {
                Value::Text(part) => {
                    self.rendering.burn_bytes(text.len() + part.len())?;
                    Ok(text.contains(&**part))
                }
                other => Err(Fault::problem(format!(
                    "`in` a text asks for a text on its left, but found a {}",
                    other.type_name()
                ))),
            },
            Value::Map(map) => Ok(self.get(map, item)?.is_some()),
            Value::Object(object) => {
                if let Some(found) = object.contains(self, item)? {
                    return Ok(found);
                }
                let items = self.iterate(container)?;
                self.among(&items, item)
            }
            Value::Tuple(items) => self.among(items, item),
            _ => {
                let items = self.iterate(container)?;
                self.among(&items, item)
            }
        }
    }

    fn among(&mut self, items: &[Value<'a>], item: &Value<'a>) -> Result<bool, Fault> {
        for candidate in items {
            if is_same(candidate, item) || self.equal(candidate, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_nan(value: &Value<'_>) -> bool {
    matches!(value, Value::Float(float) if float.is_nan())
}

fn same_list<'a>(left: &List<'a>, right: &List<'a>) -> bool {
    match (left, right) {
        (List::Own(left), List::Own(right)) => Rc::ptr_eq(left, right),
        (List::Data(left), List::Data(right)) => std::ptr::eq(*left, *right),
        _ => false,
    }
}

fn same_map<'a>(left: &Map<'a>, right: &Map<'a>) -> bool {
    match (left, right) {
        (Map::Own(left), Map::Own(right)) => Rc::ptr_eq(left, right),
        (Map::Data(left), Map::Data(right)) => std::ptr::eq(*left, *right),
        _ => false,
    }
}

/// Python's `is`: the very same object. Numbers and texts are the same where they are equal and of one type.
pub(super) fn is_same<'a>(left: &Value<'a>, right: &Value<'a>) -> bool {
    match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Integer(left), Value::Integer(right)) => left == right,
        (Value::Float(left), Value::Float(right)) => left.to_bits() == right.to_bits(),
        (Value::Text(left), Value::Text(right)) => {
            std::ptr::eq(left.as_ptr(), right.as_ptr()) && left.len() == right.len()
        }
        (Value::List(left), Value::List(right)) => same_list(left, right),
        (Value::Map(left), Value::Map(right)) => same_map(left, right),
        (Value::Tuple(left), Value::Tuple(right)) => Rc::ptr_eq(left, right),
        (Value::Object(left), Value::Object(right)) => Rc::ptr_eq(left, right),
        _ => false,
    }
}

/// The fault of using what is not defined.
pub(super) fn undefined(name: &str) -> Fault {
    Fault::problem(format!("`{name}` is undefined"))
}
