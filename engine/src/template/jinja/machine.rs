//! What runs a Jinja template: the rendering that pays for it, and everything that values, filters, tests and methods
//! need to work on each other.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

use super::super::error::Fault;
use super::super::rendering::Rendering;
use super::arguments::Arguments;
use super::value::{Dictionary, List, Map, Value};

/// One rendering as filters, tests and methods see it.
pub(super) struct Machine<'a, 'r> {
    /// Fuel, bounds, seed, root.
    pub(super) rendering: &'r mut Rendering<'a>,
    /// Data that the template changed, by the address of the original.
    changed: HashMap<usize, Value<'a>>,
}

// Stubs: the core replaces the bodies, the signatures stay.
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
        Vec::new()
    }
    /// All entries of a map, in order.
    pub(super) fn entries(&self, map: &Map<'a>) -> Vec<(Value<'a>, Value<'a>)> {
        Vec::new()
    }
    /// The value under a key; None if there is none. Fails on keys that cannot be hashed.
    pub(super) fn get(&self, map: &Map<'a>, key: &Value<'a>) -> Result<Option<Value<'a>>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// A list to change it; data is copied at its first change.
    pub(super) fn own_list(&mut self, list: &List<'a>) -> Result<Rc<RefCell<Vec<Value<'a>>>>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// A map to change it; data is copied at its first change.
    pub(super) fn own_map(&mut self, map: &Map<'a>) -> Result<Rc<RefCell<Dictionary<'a>>>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Python's `iter`: items of lists and tuples, keys of maps, characters of texts, what objects give; nothing for
    /// Undefined. Fails on what cannot be iterated over. Pays one step per item.
    pub(super) fn iterate(&mut self, value: &Value<'a>) -> Result<Vec<Value<'a>>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Python's `len`; Undefined has 0.
    pub(super) fn length(&self, value: &Value<'a>) -> Result<usize, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Python's `bool`.
    pub(super) fn is_true(&self, value: &Value<'a>) -> bool {
        true
    }
    /// Python's `==`.
    pub(super) fn equal(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<bool, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Python's `<` and `>`; fails on kinds that have no order.
    pub(super) fn compare(&mut self, left: &Value<'a>, right: &Value<'a>) -> Result<Ordering, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Python's `item in container`.
    pub(super) fn contains(&mut self, container: &Value<'a>, item: &Value<'a>) -> Result<bool, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Python's `str`: what `{{ x }}` prints. Pays for it.
    pub(super) fn to_text(&mut self, value: &Value<'a>) -> Result<String, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Python's `repr`. Pays for it.
    pub(super) fn representation(&mut self, value: &Value<'a>) -> Result<String, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// `value.name` as jinja2 does it: the attribute or method first, then the key; else Undefined.
    pub(super) fn attribute(&mut self, value: &Value<'a>, name: &str) -> Result<Value<'a>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// `value[key]` as jinja2 does it: the key first, then the attribute; else Undefined.
    pub(super) fn item(&mut self, value: &Value<'a>, key: &Value<'a>) -> Result<Value<'a>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    pub(super) fn call(&mut self, callee: &Value<'a>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Calls the filter of that name.
    pub(super) fn filter(
        &mut self,
        name: &str,
        value: Value<'a>,
        arguments: Arguments<'a>,
    ) -> Result<Value<'a>, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    /// Asks the test of that name.
    pub(super) fn test(&mut self, name: &str, value: &Value<'a>, arguments: Arguments<'a>) -> Result<bool, Fault> {
        let _ = ();
        Err(Fault::problem("not yet"))
    }
    // `left + right` and so on are in `operation.rs`: `add`, `subtract`, `multiply`, `divide`, `floor_divide`,
    // `remainder`, `power`, `negate`, each (machine, left, right) -> Result<Value>.
}
