//! What runs a Jinja template: the rendering that pays for it, and everything that values, filters, tests and methods
//! need to work on each other.
//!
//! What values look like as text is in `representation`, how they compare in `comparison`, `+` and the like in
//! `operation`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::super::error::Fault;
use super::super::rendering::Rendering;
use super::super::tree::At;
use super::activation::Activation;
use super::arguments::Arguments;
use super::circular::Circular;
use super::comparison::undefined;
use super::prefix::Prefix;
use super::value::{Dictionary, Integer, Items, List, Map, Object, Value};
use super::{filter, method, test};

/// One rendering as filters, tests and methods see it.
pub(super) struct Machine<'a, 'r> {
    /// Fuel, bounds, seed, root.
    pub(super) rendering: &'r mut Rendering<'a>,
    /// What stands in front of the template.
    pub(super) prefix: &'a Prefix,
    /// Data that the template changed, by the address of the original.
    changed: HashMap<usize, Value<'a>>,
    /// Addresses of the containers that a walk through a value is inside of.
    pub(super) opened: Vec<usize>,
    /// The variables of the function that runs, and those of the template's top.
    pub(super) activation: Rc<Activation<'a>>,
    pub(super) top: Rc<Activation<'a>>,
    /// Where in which source it is.
    pub(super) template: Arc<str>,
    pub(super) at: At,
    /// What is written so far.
    pub(super) output: String,
    /// All that a template may have made to hold itself.
    pub(super) circular: Circular<'a>,
}

impl<'a, 'r> Machine<'a, 'r> {
    /// A machine for a template of that name, whose function has so many slots.
    pub(super) fn new(rendering: &'r mut Rendering<'a>, template: &Arc<str>, slots: usize, prefix: &'a Prefix) -> Self {
        let top = Activation::top(slots);
        Machine {
            rendering,
            prefix,
            changed: HashMap::new(),
            opened: Vec::new(),
            activation: Rc::clone(&top),
            top,
            template: Arc::clone(template),
            at: At { line: 1, column: 1 },
            output: String::new(),
            circular: Circular::default(),
        }
    }
}

impl<'a> Machine<'a, '_> {
    /// Pays for `steps` of work, before it is done.
    pub(super) fn burn(&mut self, steps: usize) -> Result<(), Fault> {
        self.rendering.burn(steps as u64)
    }

    /// Pays for a text or value of `bytes` that is about to be made; fails when it would be over the allowed size.
    pub(super) fn afford(&mut self, bytes: usize) -> Result<(), Fault> {
        self.rendering.afford(bytes)
    }

    /// All items of a list.
    pub(super) fn items(&self, list: &List<'a>) -> Vec<Value<'a>> {
        match list {
            List::Own(items) => items.borrow().to_vec(),
            List::Data(items) => match self.changed.get(&std::ptr::from_ref(*items).addr()) {
                Some(Value::List(List::Own(items))) => items.borrow().to_vec(),
                _ => items.iter().map(Value::from_json).collect(),
            },
        }
    }

    /// The item at `index`, without a look at the others.
    pub(super) fn item_at(&self, list: &List<'a>, index: usize) -> Option<Value<'a>> {
        match list {
            List::Own(items) => items.borrow().get(index).cloned(),
            List::Data(items) => match self.changed.get(&std::ptr::from_ref(*items).addr()) {
                Some(Value::List(List::Own(items))) => items.borrow().get(index).cloned(),
                _ => items.get(index).map(Value::from_json),
            },
        }
    }

    /// All entries of a map, in order.
    pub(super) fn entries(&self, map: &Map<'a>) -> Vec<(Value<'a>, Value<'a>)> {
        let own = |entries: &RefCell<Dictionary<'a>>| entries.borrow().values().cloned().collect();
        match map {
            Map::Own(entries) => own(entries),
            Map::Data(fields) => match self.changed.get(&std::ptr::from_ref(*fields).addr()) {
                Some(Value::Map(Map::Own(entries))) => own(entries),
                _ => fields.iter().map(|(name, field)| (Value::borrowed(name), Value::from_json(field))).collect(),
            },
        }
    }

    /// How many entries a map has.
    pub(super) fn entry_count(&self, map: &Map<'a>) -> usize {
        match map {
            Map::Own(entries) => entries.borrow().len(),
            Map::Data(fields) => match self.changed.get(&std::ptr::from_ref(*fields).addr()) {
                Some(Value::Map(Map::Own(entries))) => entries.borrow().len(),
                _ => fields.len(),
            },
        }
    }

    /// How many items a list has.
    pub(super) fn item_count(&self, list: &List<'a>) -> usize {
        match list {
            List::Own(items) => items.borrow().len(),
            List::Data(items) => match self.changed.get(&std::ptr::from_ref(*items).addr()) {
                Some(Value::List(List::Own(items))) => items.borrow().len(),
                _ => items.len(),
            },
        }
    }

    /// The value under a key; None if there is none. Fails on keys that cannot be hashed.
    pub(super) fn get(&self, map: &Map<'a>, key: &Value<'a>) -> Result<Option<Value<'a>>, Fault> {
        let own = |entries: &RefCell<Dictionary<'a>>| {
            let found = entries.borrow().get(&key.key()?).map(|(_, value)| value.clone());
            Ok(found)
        };
        match map {
            Map::Own(entries) => own(entries),
            Map::Data(fields) => match (self.changed.get(&std::ptr::from_ref(*fields).addr()), key) {
                (Some(Value::Map(Map::Own(entries))), _) => own(entries),
                (_, Value::Text(name)) => Ok(fields.get(&**name).map(Value::from_json)),
                _ => key.key().map(|_| None),
            },
        }
    }

    /// A list to change it; data is copied at its first change.
    pub(super) fn own_list(&mut self, list: &List<'a>) -> Result<Rc<RefCell<Items<'a>>>, Fault> {
        let list = match list {
            List::Own(items) => Rc::clone(items),
            List::Data(items) => {
                let address = std::ptr::from_ref(*items).addr();
                if let Some(Value::List(List::Own(items))) = self.changed.get(&address) {
                    return Ok(Rc::clone(items));
                }
                self.afford(items.len() * size_of::<Value<'a>>())?;
                let own: Vec<_> = items.iter().map(Value::from_json).collect();
                let own = Rc::new(RefCell::new(Items::from(own)));
                self.changed.insert(address, Value::List(List::Own(Rc::clone(&own))));
                own
            }
        };
        self.circular.list(&list);
        Ok(list)
    }

    /// A map to change it; data is copied at its first change.
    pub(super) fn own_map(&mut self, map: &Map<'a>) -> Result<Rc<RefCell<Dictionary<'a>>>, Fault> {
        let map = match map {
            Map::Own(entries) => Rc::clone(entries),
            Map::Data(fields) => {
                let address = std::ptr::from_ref(*fields).addr();
                if let Some(Value::Map(Map::Own(entries))) = self.changed.get(&address) {
                    return Ok(Rc::clone(entries));
                }
                let names: usize = fields.keys().map(String::len).sum();
                self.afford(names + fields.len() * 3 * size_of::<Value<'a>>())?;
                let mut own = Dictionary::new();
                for (name, field) in *fields {
                    let name = Value::borrowed(name);
                    own.set(name.key()?, name, Value::from_json(field));
                }
                let own = Rc::new(RefCell::new(own));
                self.changed.insert(address, Value::Map(Map::Own(Rc::clone(&own))));
                own
            }
        };
        self.circular.map(&map);
        Ok(map)
    }

    /// Sees to it that `object`, to which values can be given later, is freed even if it comes to hold itself.
    pub(super) fn may_be_circular(&mut self, object: &Rc<dyn Object<'a> + 'a>) {
        self.circular.object(object);
    }

    /// Python's `iter`: items of lists and tuples, keys of maps, characters of texts, what objects give; nothing for
    /// Undefined. Fails on what cannot be iterated over. Pays one step per item.
    pub(super) fn iterate(&mut self, value: &Value<'a>) -> Result<Vec<Value<'a>>, Fault> {
        match value {
            Value::Undefined(_) => Ok(Vec::new()),
            Value::List(list) => {
                self.burn(self.item_count(list))?;
                Ok(self.items(list))
            }
            Value::Tuple(items) => {
                self.burn(items.len())?;
                Ok(items.to_vec())
            }
            Value::Map(map) => {
                self.burn(self.entry_count(map))?;
                Ok(self.entries(map).into_iter().map(|(key, _)| key).collect())
            }
            Value::Text(text) => {
                self.burn(text.chars().count())?;
                let mut buffer = [0; 4];
                Ok(text.chars().map(|character| Value::text(&*character.encode_utf8(&mut buffer))).collect())
            }
            Value::Object(object) => match object.iterate(self)? {
                Some(items) => {
                    self.burn(items.len())?;
                    Ok(items)
                }
                None => Err(Fault::problem(format!("a {} cannot be iterated over", object.type_name()))),
            },
            Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {
                Err(Fault::problem(format!("a {} cannot be iterated over", value.type_name())))
            }
        }
    }

    /// Python's `len`; Undefined has 0.
    pub(super) fn length(&self, value: &Value<'a>) -> Result<usize, Fault> {
        let length = match value {
            Value::Undefined(_) => Some(0),
            Value::Text(text) => Some(text.chars().count()),
            Value::List(list) => Some(self.item_count(list)),
            Value::Tuple(items) => Some(items.len()),
            Value::Map(map) => Some(self.entry_count(map)),
            Value::Object(object) => object.length(self),
            Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => None,
        };
        length.ok_or_else(|| Fault::problem(format!("a {} has no length", value.type_name())))
    }

    /// Python's `bool`.
    pub(super) fn is_true(&self, value: &Value<'a>) -> bool {
        match value {
            Value::Undefined(_) | Value::None => false,
            Value::Bool(bool) => *bool,
            Value::Integer(integer) => *integer != Integer::Small(0),
            Value::Float(float) => *float != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::List(list) => self.item_count(list) > 0,
            Value::Tuple(items) => !items.is_empty(),
            Value::Map(map) => self.entry_count(map) > 0,
            Value::Object(object) => object.is_true(self),
        }
    }

    /// `value.name` as jinja2 does it: the attribute or method first, then the key; else Undefined.
    pub(super) fn attribute(&mut self, value: &Value<'a>, name: &str) -> Result<Value<'a>, Fault> {
        if let Some(found) = self.own_attribute(value, name)? {
            return Ok(found);
        }
        let key = Value::text(name);
        let found = match value {
            Value::Map(map) => self.get(map, &key)?,
            Value::Object(object) => object.item(self, &key)?,
            _ => None,
        };
        Ok(found.unwrap_or_else(|| Value::undefined(name)))
    }

    fn own_attribute(&mut self, value: &Value<'a>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        match value {
            Value::Undefined(missing) => Err(undefined(missing)),
            Value::Object(object) => match object.attribute(self, name)? {
                Some(found) => Ok(Some(found)),
                None => Ok(method::find(self, value, name)),
            },
            _ => Ok(method::find(self, value, name)),
        }
    }

    /// `value[key]` as jinja2 does it: the key first, then the attribute; else Undefined.
    pub(super) fn item(&mut self, value: &Value<'a>, key: &Value<'a>) -> Result<Value<'a>, Fault> {
        let found = match value {
            Value::Undefined(name) => return Err(undefined(name)),
            Value::List(list) => index(key, self.item_count(list)).and_then(|index| self.item_at(list, index)),
            Value::Tuple(items) => index(key, items.len()).and_then(|index| items.get(index).cloned()),
            Value::Text(text) => {
                self.rendering.burn_bytes(text.len())?;
                let found = index(key, text.chars().count()).and_then(|index| text.chars().nth(index));
                found.map(|character| Value::text(character.to_string()))
            }
            // Python's TypeError for keys that cannot be hashed is swallowed.
            Value::Map(map) => self.get(map, key).unwrap_or_default(),
            Value::Object(object) => object.item(self, key)?,
            Value::None | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => None,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        if let Value::Text(name) = key {
            let name = name.shared();
            return Ok(self.own_attribute(value, &name)?.unwrap_or(Value::Undefined(name)));
        }
        let name = self.representation(key)?;
        Ok(Value::undefined(&name))
    }

    pub(super) fn call(&mut self, callee: &Value<'a>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        match callee {
            Value::Object(object) => {
                let object = Rc::clone(object);
                self.burn(1)?;
                self.rendering.enter()?;
                let result = object.call(self, arguments)?;
                self.rendering.leave();
                Ok(result)
            }
            Value::Undefined(name) => Err(undefined(name)),
            other => Err(Fault::problem(format!("a {} cannot be called", other.type_name()))),
        }
    }

    /// Calls the filter of that name.
    pub(super) fn filter(
        &mut self,
        name: &str,
        value: Value<'a>,
        arguments: Arguments<'a>,
    ) -> Result<Value<'a>, Fault> {
        let Some(filter) = filter::find(name) else {
            return Err(Fault::problem(format!("there is no filter `{name}`")));
        };
        self.burn(1)?;
        self.rendering.enter()?;
        let result = filter(self, value, arguments)?;
        self.rendering.leave();
        Ok(result)
    }

    /// Asks the test of that name.
    pub(super) fn test(&mut self, name: &str, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
        let Some(test) = test::find(name) else {
            return Err(Fault::problem(format!("there is no test `{name}`")));
        };
        self.burn(1)?;
        self.rendering.enter()?;
        let result = test(self, value, arguments)?;
        self.rendering.leave();
        Ok(result)
    }
}

/// The index that `key` means in a sequence of `length`; None when it is none or out of range.
fn index(key: &Value<'_>, length: usize) -> Option<usize> {
    let index = match key {
        Value::Integer(Integer::Small(index)) => *index,
        Value::Bool(bool) => i64::from(*bool),
        _ => return None,
    };
    let index = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < length)
}
