//! What a template may have made to hold itself: a list that was given itself, a macro that is kept by its own variables.
//!
//! Nothing else frees such a ring. All that can be changed after it was made is known here, and is emptied when the
//! rendering is over.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use super::activation::Activation;
use super::container::release;
use super::value::{Dictionary, Items, Object, Value};

/// By address.
#[derive(Default)]
pub(super) struct Circular<'a>(HashMap<usize, Known<'a>>);

enum Known<'a> {
    List(Weak<RefCell<Items<'a>>>),
    Map(Weak<RefCell<Dictionary<'a>>>),
    Object(Weak<dyn Object<'a> + 'a>),
    Activation(Weak<Activation<'a>>),
}

impl<'a> Circular<'a> {
    pub(super) fn list(&mut self, list: &Rc<RefCell<Items<'a>>>) {
        self.0.entry(Rc::as_ptr(list).addr()).or_insert_with(|| Known::List(Rc::downgrade(list)));
    }

    pub(super) fn map(&mut self, map: &Rc<RefCell<Dictionary<'a>>>) {
        self.0.entry(Rc::as_ptr(map).addr()).or_insert_with(|| Known::Map(Rc::downgrade(map)));
    }

    pub(super) fn object(&mut self, object: &Rc<dyn Object<'a> + 'a>) {
        let address = Rc::as_ptr(object).cast::<()>().addr();
        self.0.entry(address).or_insert_with(|| Known::Object(Rc::downgrade(object)));
    }

    /// Variables that a macro keeps.
    pub(super) fn activation(&mut self, activation: &Rc<Activation<'a>>) {
        self.0.entry(Rc::as_ptr(activation).addr()).or_insert_with(|| Known::Activation(Rc::downgrade(activation)));
    }
}

impl<'a> Known<'a> {
    fn empty(&self, pending: &mut Vec<Value<'a>>) {
        match self {
            Known::List(list) => {
                if let Some(list) = list.upgrade()
                    && let Ok(mut items) = list.try_borrow_mut()
                {
                    pending.append(&mut items);
                }
            }
            Known::Map(map) => {
                if let Some(map) = map.upgrade()
                    && let Ok(mut entries) = map.try_borrow_mut()
                {
                    pending.extend(entries.drain(..).flat_map(|(_, (key, value))| [key, value]));
                }
            }
            Known::Object(object) => {
                if let Some(object) = object.upgrade() {
                    object.release(pending);
                }
            }
            Known::Activation(activation) => {
                if let Some(activation) = activation.upgrade() {
                    activation.release(pending);
                }
            }
        }
    }
}

impl Drop for Circular<'_> {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        for known in self.0.values() {
            known.empty(&mut pending);
        }
        release(pending);
    }
}
