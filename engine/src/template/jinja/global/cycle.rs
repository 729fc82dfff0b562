//! `cycler` and `joiner`: objects that give something else each time they are asked.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::value::{Items, Object, Value};

/// The items, and which of them is next. Its methods share it.
struct Cycler<'a> {
    items: Rc<RefCell<Items<'a>>>,
    position: Rc<Cell<usize>>,
}

impl<'a> Cycler<'a> {
    fn current(&self) -> Option<Value<'a>> {
        self.items.borrow().get(self.position.get()).cloned()
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        if Rc::strong_count(&self.items) == 1 {
            pending.append(&mut self.items.borrow_mut());
        }
    }
}

pub(super) fn cycler<'a>(_machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    if let Some((name, _)) = arguments.named.first() {
        return Err(Fault::problem(format!("`cycler` takes no argument by name, but got `{name}`")));
    }
    if arguments.positional.is_empty() {
        return Err(Fault::problem("`cycler` needs at least one item"));
    }
    Ok(Value::object(Cycler {
        items: Rc::new(RefCell::new(arguments.positional.into())),
        position: Rc::new(Cell::new(0)),
    }))
}

impl<'a> Object<'a> for Cycler<'a> {
    fn type_name(&self) -> &'static str {
        "Cycler"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        Ok("<jinja2.utils.Cycler object>".to_owned())
    }

    fn attribute(&self, machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        Ok(match name {
            "current" => self.current(),
            "pos" => Some(Value::integer(self.position.get())),
            "items" => {
                machine.burn(self.items.borrow().len())?;
                Some(Value::tuple(self.items.borrow().to_vec()))
            }
            "next" | "reset" => {
                let cycler = Cycler { items: Rc::clone(&self.items), position: Rc::clone(&self.position) };
                Some(Value::object(Method { cycler, moves_on: name == "next" }))
            }
            _ => None,
        })
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        self.release(pending);
    }
}

/// `next` or `reset` of a cycler.
struct Method<'a> {
    cycler: Cycler<'a>,
    moves_on: bool,
}

impl<'a> Object<'a> for Method<'a> {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let name = if self.moves_on { "next" } else { "reset" };
        Ok(format!("<bound method Cycler.{name} of <jinja2.utils.Cycler object>>"))
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, _machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let [] = arguments.bind(if self.moves_on { "next" } else { "reset" }, [], 0)?;
        let position = &self.cycler.position;
        if !self.moves_on {
            position.set(0);
            return Ok(Value::None);
        }
        let current = self.cycler.current();
        position.set((position.get() + 1) % self.cycler.items.borrow().len().max(1));
        Ok(current.unwrap_or(Value::None))
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        self.cycler.release(pending);
    }
}

/// Nothing at first, then always the separator.
struct Joiner<'a> {
    /// The separator alone, in a list for the sake of being dropped.
    separator: RefCell<Items<'a>>,
    used: Cell<bool>,
}

pub(super) fn joiner<'a>(_machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
    let [separator] = arguments.bind("joiner", ["sep"], 0)?;
    let separator = vec![separator.unwrap_or_else(|| Value::text(", "))];
    Ok(Value::object(Joiner { separator: RefCell::new(separator.into()), used: Cell::new(false) }))
}

impl<'a> Object<'a> for Joiner<'a> {
    fn type_name(&self) -> &'static str {
        "Joiner"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        Ok("<jinja2.utils.Joiner object>".to_owned())
    }

    fn attribute(&self, _machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        Ok(match name {
            "sep" => self.separator.borrow().first().cloned(),
            "used" => Some(Value::Bool(self.used.get())),
            _ => None,
        })
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, _machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let [] = arguments.bind("joiner()", [], 0)?;
        if !self.used.replace(true) {
            return Ok(Value::text(""));
        }
        Ok(self.separator.borrow().first().cloned().unwrap_or(Value::None))
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        pending.append(&mut self.separator.borrow_mut());
    }
}
