//! The variables of one running function: the template itself, a macro, a recursive loop, the filter of a loop.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::value::Value;

/// One call of a function. What it makes may outlive it: a macro keeps the activation that it was made in.
pub(super) struct Activation<'a> {
    /// None: not set yet.
    slots: RefCell<Vec<Option<Value<'a>>>>,
    /// Of a template and a block only: the names at its top.
    tops: RefCell<HashMap<&'a str, Option<Value<'a>>>>,
    outer: Option<Rc<Activation<'a>>>,
}

impl<'a> Activation<'a> {
    /// That of a template or a block.
    pub(super) fn top(slots: usize) -> Rc<Self> {
        let slots = RefCell::new(vec![None; slots]);
        Rc::new(Activation { slots, tops: RefCell::default(), outer: None })
    }

    /// That of a function which was made in `outer`.
    pub(super) fn within(outer: &Rc<Activation<'a>>, slots: usize) -> Rc<Self> {
        let slots = RefCell::new(vec![None; slots]);
        Rc::new(Activation { slots, tops: RefCell::default(), outer: Some(Rc::clone(outer)) })
    }

    fn further_out(&self, up: usize) -> &Self {
        let mut activation = self;
        for _ in 0..up {
            let Some(outer) = &activation.outer else { break };
            activation = outer;
        }
        activation
    }

    pub(super) fn slot(&self, up: usize, slot: usize) -> Option<Value<'a>> {
        self.further_out(up).slots.borrow().get(slot).cloned().flatten()
    }

    pub(super) fn set_slot(&self, up: usize, slot: usize, value: Option<Value<'a>>) {
        let before = match self.further_out(up).slots.borrow_mut().get_mut(slot) {
            Some(place) => std::mem::replace(place, value),
            None => None,
        };
        super::container::release(before.into_iter().collect());
    }

    fn outermost(&self) -> &Self {
        self.further_out(usize::MAX)
    }

    /// Whether the top knows `name`, with a value or without.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.outermost().tops.borrow().contains_key(name)
    }

    /// The value that `name` has at the top.
    pub(super) fn at_top(&self, name: &str) -> Option<Value<'a>> {
        self.outermost().tops.borrow().get(name).cloned().flatten()
    }

    pub(super) fn set_at_top(&self, name: &'a str, value: Option<Value<'a>>) {
        let before = self.outermost().tops.borrow_mut().insert(name, value);
        super::container::release(before.into_iter().flatten().collect());
    }

    /// Gives up all values.
    pub(super) fn release(&self, pending: &mut Vec<Value<'a>>) {
        if let Ok(mut slots) = self.slots.try_borrow_mut() {
            pending.extend(slots.iter_mut().filter_map(Option::take));
        }
        if let Ok(mut tops) = self.tops.try_borrow_mut() {
            pending.extend(tops.drain().filter_map(|(_, value)| value));
        }
    }
}

impl Drop for Activation<'_> {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.release(&mut pending);
        super::container::release(pending);
    }
}
