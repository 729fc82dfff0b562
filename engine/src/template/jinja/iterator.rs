//! Iterators: what gives one item after the other and is used up by it. Generators make an item when it is asked for.
//!
//! Knows no filter: those say how an item is made.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::error::Fault;
use super::arguments::Arguments;
use super::container::release;
use super::machine::Machine;
use super::value::{Object, Value};

/// Generators over generators over ...: as many as the stack bears when an item is pulled through all of them.
const MOST_NESTED: usize = 64;

/// A walk over any value that Python can iterate over, begun at the first item that is asked for.
pub(super) enum Cursor<'a> {
    Waiting(Value<'a>),
    Items(std::vec::IntoIter<Value<'a>>),
    Iterator(Rc<dyn Object<'a> + 'a>),
}

impl<'a> Cursor<'a> {
    pub(super) fn next(&mut self, machine: &mut Machine<'a, '_>) -> Result<Option<Value<'a>>, Fault> {
        if let Cursor::Waiting(value) = self {
            *self = match value {
                Value::Object(object) if object.is_iterator() => Cursor::Iterator(Rc::clone(object)),
                value => Cursor::Items(machine.iterate(value)?.into_iter()),
            };
        }
        match self {
            Cursor::Items(items) => Ok(items.next()),
            Cursor::Iterator(object) => object.next(machine),
            Cursor::Waiting(_) => Ok(None),
        }
    }
}

/// The values that a generator works on. It must hold none elsewhere, so that they can be dropped one by one.
pub(super) struct Held<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) arguments: Arguments<'a>,
    pub(super) values: Vec<Value<'a>>,
}

impl<'a> Held<'a> {
    pub(super) fn new(source: &Value<'a>, arguments: Arguments<'a>, values: Vec<Value<'a>>) -> Self {
        Held { cursor: Cursor::Waiting(source.clone()), arguments, values }
    }

    fn release(self, pending: &mut Vec<Value<'a>>) {
        match self.cursor {
            Cursor::Waiting(value) => pending.push(value),
            Cursor::Items(items) => pending.extend(items),
            Cursor::Iterator(object) => pending.push(Value::Object(object)),
        }
        pending.extend(self.arguments.positional);
        pending.extend(self.arguments.named.into_iter().map(|(_, value)| value));
        pending.extend(self.values);
    }
}

/// How a generator makes its next item.
type Produce<'a> = dyn FnMut(&mut Machine<'a, '_>, &mut Held<'a>) -> Result<Option<Value<'a>>, Fault> + 'a;

enum State<'a> {
    Resting(Held<'a>, Box<Produce<'a>>),
    Working,
    Ended,
}

/// What `map`, `select`, `batch` and their like give.
pub(super) struct Generator<'a> {
    state: RefCell<State<'a>>,
    nesting: usize,
}

impl<'a> Generator<'a> {
    /// A generator that reads what it holds.
    pub(super) fn over(
        held: Held<'a>,
        produce: impl FnMut(&mut Machine<'a, '_>, &mut Held<'a>) -> Result<Option<Value<'a>>, Fault> + 'a,
    ) -> Result<Value<'a>, Fault> {
        let nesting = match &held.cursor {
            Cursor::Waiting(Value::Object(object)) => object.nesting() + 1,
            _ => 1,
        };
        if nesting > MOST_NESTED {
            return Err(Fault::problem(format!(
                "more than {MOST_NESTED} filters work on each other's results; end one with `|list`"
            )));
        }
        Ok(Value::object(Generator { state: RefCell::new(State::Resting(held, Box::new(produce))), nesting }))
    }
}

impl Drop for Generator<'_> {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.release(&mut pending);
        release(pending);
    }
}

impl<'a> Object<'a> for Generator<'a> {
    fn type_name(&self) -> &'static str {
        "generator"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        Ok("<generator object>".to_owned())
    }

    fn is_iterator(&self) -> bool {
        true
    }

    fn nesting(&self) -> usize {
        self.nesting
    }

    fn next(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Value<'a>>, Fault> {
        machine.burn(1)?;
        match self.state.replace(State::Working) {
            State::Resting(mut held, mut produce) => {
                machine.rendering.enter()?;
                let next = produce(machine, &mut held)?;
                machine.rendering.leave();
                self.state.replace(if next.is_some() { State::Resting(held, produce) } else { State::Ended });
                Ok(next)
            }
            State::Working => Err(Fault::problem("a generator asks itself for an item; make a list of it first")),
            State::Ended => {
                self.state.replace(State::Ended);
                Ok(None)
            }
        }
    }

    fn iterate(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Vec<Value<'a>>>, Fault> {
        let mut items = Vec::new();
        while let Some(item) = self.next(machine)? {
            items.push(item);
        }
        Ok(Some(items))
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        if let State::Resting(held, _) = self.state.replace(State::Ended) {
            held.release(pending);
        }
    }
}

/// An iterator over items that are there already, such as those of a list from its end.
pub(super) struct Remaining<'a> {
    type_name: &'static str,
    items: RefCell<std::vec::IntoIter<Value<'a>>>,
}

impl<'a> Remaining<'a> {
    /// An iterator that Python calls `type_name`.
    pub(super) fn of(type_name: &'static str, items: Vec<Value<'a>>) -> Value<'a> {
        Value::object(Remaining { type_name, items: RefCell::new(items.into_iter()) })
    }
}

impl<'a> Object<'a> for Remaining<'a> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        Ok(format!("<{} object>", self.type_name))
    }

    fn is_iterator(&self) -> bool {
        true
    }

    fn next(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Value<'a>>, Fault> {
        machine.burn(1)?;
        Ok(self.items.borrow_mut().next())
    }

    fn iterate(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Vec<Value<'a>>>, Fault> {
        let items: Vec<_> = self.items.borrow_mut().by_ref().collect();
        machine.burn(items.len())?;
        Ok(Some(items))
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        pending.extend(self.items.borrow_mut().by_ref());
    }
}

impl Drop for Remaining<'_> {
    fn drop(&mut self) {
        release(self.items.get_mut().collect());
    }
}
