//! What lists, tuples and maps hold.
//!
//! A template can nest values without limit, such as `{% set x = [x] %}` in a loop, and dropping such a tower level by
//! level would need a stack of its height. So each container gives up what it holds one by one when it is dropped.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use indexmap::IndexMap;

use super::value::{Key, List, Map, Value};

/// The items of a list that a template made.
#[derive(Default, Clone)]
pub(super) struct Items<'a>(Vec<Value<'a>>);

/// The items of a tuple.
#[derive(Default, Clone)]
pub(super) struct Tuple<'a>(Vec<Value<'a>>);

/// A map in the order of its making. Each entry keeps its key as it was given.
#[derive(Default, Clone)]
pub(super) struct Dictionary<'a>(IndexMap<Key, (Value<'a>, Value<'a>)>);

/// Drops values without recursion.
pub(super) fn release(mut pending: Vec<Value<'_>>) {
    while let Some(mut value) = pending.pop() {
        match &mut value {
            Value::List(List::Own(list)) if Rc::strong_count(list) == 1 => {
                if let Ok(mut items) = list.try_borrow_mut() {
                    pending.append(&mut items);
                }
            }
            Value::Map(Map::Own(map)) if Rc::strong_count(map) == 1 => {
                if let Ok(mut entries) = map.try_borrow_mut() {
                    pending.extend(entries.drain(..).flat_map(|(_, (key, value))| [key, value]));
                }
            }
            Value::Tuple(tuple) => {
                if let Some(tuple) = Rc::get_mut(tuple) {
                    pending.append(&mut tuple.0);
                }
            }
            Value::Object(object) if Rc::strong_count(object) == 1 => object.release(&mut pending),
            _ => {}
        }
    }
}

impl Drop for Items<'_> {
    fn drop(&mut self) {
        release(std::mem::take(&mut self.0));
    }
}

impl Drop for Tuple<'_> {
    fn drop(&mut self) {
        release(std::mem::take(&mut self.0));
    }
}

impl Drop for Dictionary<'_> {
    fn drop(&mut self) {
        release(self.0.drain(..).flat_map(|(_, (key, value))| [key, value]).collect());
    }
}

impl<'a> Deref for Items<'a> {
    type Target = Vec<Value<'a>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Items<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'a> Deref for Tuple<'a> {
    type Target = [Value<'a>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a> Deref for Dictionary<'a> {
    type Target = IndexMap<Key, (Value<'a>, Value<'a>)>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Dictionary<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'a> From<Vec<Value<'a>>> for Items<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        Items(items)
    }
}

impl<'a> From<Vec<Value<'a>>> for Tuple<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        Tuple(items)
    }
}

impl<'a> Dictionary<'a> {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Sets the entry of `key`; one that is there already keeps its place and its key as first given.
    pub(super) fn set(&mut self, hashed: Key, key: Value<'a>, value: Value<'a>) {
        match self.0.get_mut(&hashed) {
            Some(entry) => entry.1 = value,
            None => {
                self.0.insert(hashed, (key, value));
            }
        }
    }
}
