//! `{% for %}` and its `loop`.
//!
//! Items are taken one by one, and the filter of a loop asks for each when its turn comes, as in Python: what the body
//! changes is seen by the iterations that follow.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use super::super::error::Fault;
use super::activation::Activation;
use super::arguments::Arguments;
use super::evaluate::Flow;
use super::machine::Machine;
use super::tree::For;
use super::value::{List, Map, Object, Value};

/// One run over a list of items: what the template knows as `loop`.
pub(super) struct Loop<'a>(Rc<State<'a>>);

struct State<'a> {
    part: &'a For,
    /// Where the loop stands; its filter and its calls of itself run there.
    around: RefCell<Option<Rc<Activation<'a>>>>,
    template: Arc<str>,
    depth: usize,
    iterated: RefCell<Value<'a>>,
    source: RefCell<Source<'a>>,
    /// Taken from the source already.
    ahead: RefCell<VecDeque<Value<'a>>>,
    /// How many iterations have begun.
    index: Cell<usize>,
    length: Cell<Option<usize>>,
    before: RefCell<Option<Value<'a>>>,
    current: RefCell<Option<Value<'a>>>,
    last_changed: RefCell<Option<Vec<Value<'a>>>>,
}

enum Source<'a> {
    /// A list, which may grow while the loop runs.
    List(List<'a>, usize),
    Items(std::vec::IntoIter<Value<'a>>),
    /// The keys of a map, which must not grow or shrink meanwhile.
    Keys(Map<'a>, usize, std::vec::IntoIter<Value<'a>>),
    /// What makes its items when they are asked for.
    Iterator(Rc<dyn Object<'a> + 'a>),
}

impl<'a> State<'a> {
    /// The next item of the source that the filter lets through.
    fn take(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Value<'a>>, Fault> {
        loop {
            machine.burn(1)?;
            let taken = match &mut *self.source.borrow_mut() {
                Source::List(list, next) => {
                    let item = machine.item_at(list, *next);
                    *next += 1;
                    Ok(item)
                }
                Source::Items(items) => Ok(items.next()),
                Source::Keys(map, count, keys) => {
                    if machine.entry_count(map) != *count {
                        return Err(Fault::problem("the map changed its size while a loop ran over it"));
                    }
                    Ok(keys.next())
                }
                Source::Iterator(iterator) => Err(Rc::clone(iterator)),
            };
            let item = match taken {
                Ok(item) => item,
                Err(iterator) => iterator.next(machine)?,
            };
            let Some(item) = item else { return Ok(None) };
            if self.lets_through(machine, &item)? {
                return Ok(Some(item));
            }
        }
    }

    fn lets_through(&self, machine: &mut Machine<'a, '_>, item: &Value<'a>) -> Result<bool, Fault> {
        let (Some(filter), Some(around)) = (&self.part.filter, self.around.borrow().clone()) else {
            return Ok(true);
        };
        let activation = Activation::within(&around, filter.slots);
        let before = std::mem::replace(&mut machine.activation, activation);
        machine.enter_scope(&filter.loads)?;
        machine.assign(&filter.target, item.clone())?;
        let test = machine.expression(&filter.test)?;
        machine.activation = before;
        Ok(machine.is_true(&test))
    }

    /// Begins the next iteration.
    fn next(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Value<'a>>, Fault> {
        let ahead = self.ahead.borrow_mut().pop_front();
        let item = match ahead {
            Some(item) => item,
            None => match self.take(machine)? {
                Some(item) => item,
                None => return Ok(None),
            },
        };
        self.index.set(self.index.get() + 1);
        let before = self.current.replace(Some(item.clone()));
        self.before.replace(before);
        Ok(Some(item))
    }

    fn peek(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Value<'a>>, Fault> {
        if let Some(item) = self.ahead.borrow().front() {
            return Ok(Some(item.clone()));
        }
        let item = self.take(machine)?;
        self.ahead.borrow_mut().extend(item.clone());
        Ok(item)
    }

    /// How many items there are: what the iterated value tells, else all are taken to be counted.
    fn length(&self, machine: &mut Machine<'a, '_>) -> Result<usize, Fault> {
        if let Some(length) = self.length.get() {
            return Ok(length);
        }
        let iterated = self.iterated.borrow().clone();
        let known = if self.part.filter.is_none() { machine.length(&iterated).ok() } else { None };
        let length = if let Some(length) = known {
            length
        } else {
            while let Some(item) = self.take(machine)? {
                self.ahead.borrow_mut().push_back(item);
            }
            self.index.get() + self.ahead.borrow().len()
        };
        self.length.set(Some(length));
        Ok(length)
    }
}

impl<'a> Loop<'a> {
    /// Runs a loop over `iterated` in the function that is running.
    pub(super) fn run(
        machine: &mut Machine<'a, '_>,
        part: &'a For,
        iterated: Value<'a>,
        around: Option<&Rc<Activation<'a>>>,
        depth: usize,
    ) -> Result<Flow, Fault> {
        let source = match &iterated {
            Value::List(list) => Source::List(list.clone(), 0),
            Value::Object(object) if object.is_iterator() => Source::Iterator(Rc::clone(object)),
            Value::Map(map) => {
                let keys = machine.iterate(&iterated)?;
                Source::Keys(map.clone(), keys.len(), keys.into_iter())
            }
            other => Source::Items(machine.iterate(other)?.into_iter()),
        };
        let around = Rc::clone(around.unwrap_or(&machine.activation));
        let state = Rc::new(State {
            part,
            around: RefCell::new(Some(around)),
            template: Arc::clone(&machine.template),
            depth,
            iterated: RefCell::new(iterated),
            source: RefCell::new(source),
            ahead: RefCell::default(),
            index: Cell::new(0),
            length: Cell::new(None),
            before: RefCell::default(),
            current: RefCell::default(),
            last_changed: RefCell::default(),
        });
        let object: Rc<dyn Object<'a> + 'a> = Rc::new(Loop(Rc::clone(&state)));
        if part.object.is_some() {
            machine.may_be_circular(&object);
        }
        let mut whole = false;
        while let Some(item) = state.next(machine)? {
            machine.at = part.at;
            if let Some(slot) = part.object {
                machine.activation.set_slot(0, slot, Some(Value::Object(Rc::clone(&object))));
            }
            machine.assign(&part.target, item)?;
            machine.enter_scope(&part.loads)?;
            match machine.nodes(&part.body)? {
                Flow::Break => break,
                Flow::Continue => {}
                // An iteration that `continue` cut short does not count as one for `else`.
                Flow::Next => whole = true,
            }
        }
        machine.leave_scope(&part.loads);
        if whole {
            return Ok(Flow::Next);
        }
        machine.enter_scope(&part.otherwise_loads)?;
        let flow = machine.nodes(&part.otherwise)?;
        machine.leave_scope(&part.otherwise_loads);
        Ok(flow)
    }

    /// Runs a recursive loop, which is a function made in `around`, and gives its text.
    pub(super) fn run_recursive(
        machine: &mut Machine<'a, '_>,
        part: &'a For,
        iterated: Value<'a>,
        around: &Rc<Activation<'a>>,
        depth: usize,
    ) -> Result<String, Fault> {
        let slots = part.recursive.unwrap_or_default();
        machine.burn(slots)?;
        let activation = Activation::within(around, slots);
        let before = std::mem::replace(&mut machine.activation, activation);
        let output = std::mem::take(&mut machine.output);
        Loop::run(machine, part, iterated, Some(around), depth)?;
        machine.activation = before;
        Ok(std::mem::replace(&mut machine.output, output))
    }
}

impl<'a> Object<'a> for Loop<'a> {
    fn type_name(&self) -> &'static str {
        "LoopContext"
    }

    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let length = self.0.length(machine)?;
        Ok(format!("<LoopContext {}/{length}>", self.0.index.get()))
    }

    fn attribute(&self, machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        let state = &self.0;
        let index = state.index.get();
        Ok(Some(match name {
            "index" => Value::integer(index),
            "index0" => Value::integer(index.saturating_sub(1)),
            "revindex" => Value::integer(state.length(machine)?.saturating_sub(index) + 1),
            "revindex0" => Value::integer(state.length(machine)?.saturating_sub(index)),
            "first" => Value::Bool(index == 1),
            "last" => Value::Bool(state.peek(machine)?.is_none()),
            "length" => Value::integer(state.length(machine)?),
            "depth" => Value::integer(state.depth + 1),
            "depth0" => Value::integer(state.depth),
            "previtem" => {
                let before = if index == 1 { None } else { state.before.borrow().clone() };
                before.unwrap_or_else(|| Value::undefined("loop.previtem"))
            }
            "nextitem" => state.peek(machine)?.unwrap_or_else(|| Value::undefined("loop.nextitem")),
            "cycle" => Value::object(Method { state: Rc::clone(state), changed: false }),
            "changed" => Value::object(Method { state: Rc::clone(state), changed: true }),
            _ => return Ok(None),
        }))
    }

    fn is_callable(&self) -> bool {
        true
    }

    /// Renders the body over other items.
    fn call(&self, machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let state = &self.0;
        let around = state.around.borrow().clone();
        let (Some(_), Some(around)) = (state.part.recursive, around) else {
            return Err(Fault::problem("`loop(...)` is for loops that are marked `recursive`"));
        };
        let [iterated] = arguments.bind("loop", ["iterable"], 1)?;
        let template = std::mem::replace(&mut machine.template, Arc::clone(&state.template));
        let iterated = iterated.unwrap_or(Value::None);
        let text = Loop::run_recursive(machine, state.part, iterated, &around, state.depth + 1)?;
        machine.template = template;
        Ok(Value::text(text))
    }

    fn length(&self, machine: &Machine<'a, '_>) -> Option<usize> {
        self.0.length.get().or_else(|| machine.length(&self.0.iterated.borrow()).ok())
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        let state = &self.0;
        pending.append(&mut state.last_changed.take().unwrap_or_default());
        pending.extend([state.before.take(), state.current.take()].into_iter().flatten());
        pending.extend(state.ahead.take());
        pending.push(state.iterated.replace(Value::None));
        match state.source.replace(Source::Items(Vec::new().into_iter())) {
            Source::Items(items) => pending.extend(items),
            Source::Keys(map, _, keys) => {
                pending.push(Value::Map(map));
                pending.extend(keys);
            }
            Source::Iterator(iterator) => pending.push(Value::Object(iterator)),
            Source::List(list, _) => pending.push(Value::List(list)),
        }
        if let Some(around) = state.around.take()
            && Rc::strong_count(&around) == 1
        {
            around.release(pending);
        }
    }
}

/// `loop.cycle` and `loop.changed`.
struct Method<'a> {
    state: Rc<State<'a>>,
    changed: bool,
}

impl<'a> Object<'a> for Method<'a> {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        Ok(format!("<bound method LoopContext.{}>", if self.changed { "changed" } else { "cycle" }))
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let values = arguments.positional;
        if !self.changed {
            let index = self.state.index.get().saturating_sub(1);
            let chosen = index.checked_rem(values.len()).and_then(|index| values.get(index).cloned());
            return chosen.ok_or_else(|| Fault::problem("`loop.cycle` needs values to choose from"));
        }
        let before = self.state.last_changed.borrow().clone();
        let same = match before {
            Some(before) if before.len() == values.len() => {
                let mut same = true;
                for (before, value) in before.iter().zip(&values) {
                    same = same && machine.equal(before, value)?;
                }
                same
            }
            _ => false,
        };
        if !same {
            self.state.last_changed.replace(Some(values));
        }
        Ok(Value::Bool(!same))
    }
}
