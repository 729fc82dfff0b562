//! Walks a compiled Jinja template and writes its text.
//!
//! Everything it does is paid for in fuel, before it is done. On a fault the walk stops where it is: `template` and
//! `at` of the machine then still say where that was.

use std::rc::Rc;

use super::super::bounds::Bound;
use super::super::error::Fault;
use super::activation::Activation;
use super::machine::Machine;
use super::macros::MacroObject;
use super::repeat::Loop;
use super::tree::{Block, CallBlock, FilterBlock, If, Load, Name, Node, Place, SetBlock, Start, Step, Target, With};
use super::value::Value;

/// How the nodes behind go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Machine<'a, '_> {
    /// Renders what is inside of a block, a macro or the whole template.
    pub(super) fn nodes(&mut self, nodes: &'a [Node]) -> Result<Flow, Fault> {
        self.rendering.enter()?;
        let mut flow = Flow::Next;
        for node in nodes {
            self.burn(1)?;
            flow = self.node(node)?;
            if flow != Flow::Next {
                break;
            }
        }
        self.rendering.leave();
        Ok(flow)
    }

    fn node(&mut self, node: &'a Node) -> Result<Flow, Fault> {
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Print { at, value, missing } => {
                self.at = *at;
                let value = self.expression(value)?;
                if let (Value::Undefined(_), Some(path)) = (&value, missing) {
                    self.rendering.note_missing(path);
                }
                self.write_value(&value)?;
            }
            Node::If(part) => return self.choose(part),
            Node::For(part) => return self.repeat(part),
            Node::Set { at, target, value } => {
                self.at = *at;
                let value = self.expression(value)?;
                self.assign(target, value)?;
            }
            Node::SetBlock(part) => return self.set_block(part),
            Node::With(part) => return self.with(part),
            Node::Filter(part) => return self.filter_block(part),
            Node::Macro { name, makes } => {
                let made = MacroObject::make(self, makes);
                self.set(name, made);
            }
            Node::Call(part) => self.call_block(part)?,
            Node::Block(part) => self.block(part)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    pub(super) fn write(&mut self, text: &str) -> Result<(), Fault> {
        self.rendering.burn_bytes(text.len())?;
        if self.output.len() + text.len() > self.rendering.bounds.output_bytes {
            return Err(self.rendering.too_much(Bound::OutputSize, None));
        }
        self.output.push_str(text);
        Ok(())
    }

    /// Writes Python's `str` of a value.
    fn write_value(&mut self, value: &Value<'a>) -> Result<(), Fault> {
        match value {
            Value::Text(text) => self.write(text),
            Value::Undefined(_) => Ok(()),
            other => {
                let text = self.to_text(other)?;
                self.write(&text)
            }
        }
    }

    /// Renders `nodes` into a text of their own.
    pub(super) fn aside(&mut self, nodes: &'a [Node]) -> Result<(String, Flow), Fault> {
        let output = std::mem::take(&mut self.output);
        let flow = self.nodes(nodes)?;
        Ok((std::mem::replace(&mut self.output, output), flow))
    }

    fn choose(&mut self, part: &'a If) -> Result<Flow, Fault> {
        for (test, nodes) in &part.branches {
            self.burn(1)?;
            let test = self.expression(test)?;
            if self.is_true(&test) {
                return self.nodes(nodes);
            }
        }
        self.nodes(&part.otherwise)
    }

    fn repeat(&mut self, part: &'a super::tree::For) -> Result<Flow, Fault> {
        self.at = part.at;
        let iterated = self.expression(&part.iterated)?;
        if part.recursive.is_some() {
            let around = Rc::clone(&self.activation);
            let text = Loop::run_recursive(self, part, iterated, &around, 0)?;
            self.write(&text)?;
            return Ok(Flow::Next);
        }
        Loop::run(self, part, iterated, None, 0)
    }

    fn set_block(&mut self, part: &'a SetBlock) -> Result<Flow, Fault> {
        self.enter_scope(&part.loads)?;
        let (text, flow) = self.aside(&part.body)?;
        if flow == Flow::Next {
            self.at = part.at;
            let value = self.steps(Value::text(text), &part.filters)?;
            self.assign(&part.target, value)?;
        }
        self.leave_scope(&part.loads);
        Ok(flow)
    }

    fn with(&mut self, part: &'a With) -> Result<Flow, Fault> {
        self.at = part.at;
        self.enter_scope(&part.loads)?;
        for (target, value) in &part.assignments {
            let value = self.expression(value)?;
            self.assign(target, value)?;
        }
        let flow = self.nodes(&part.body)?;
        self.leave_scope(&part.loads);
        Ok(flow)
    }

    fn filter_block(&mut self, part: &'a FilterBlock) -> Result<Flow, Fault> {
        self.enter_scope(&part.loads)?;
        let (text, flow) = self.aside(&part.body)?;
        if flow == Flow::Next {
            self.at = part.at;
            let value = self.steps(Value::text(text), &part.filters)?;
            self.write_text(&value, "filter")?;
        }
        self.leave_scope(&part.loads);
        Ok(flow)
    }

    fn call_block(&mut self, part: &'a CallBlock) -> Result<(), Fault> {
        let body = MacroObject::make(self, &part.makes);
        self.at = part.at;
        let called = self.expression(&part.callee)?;
        let mut arguments = self.arguments(&part.arguments)?;
        arguments.named.push(("caller".to_owned(), body));
        let value = self.call(&called, arguments)?;
        self.write_text(&value, "call")
    }

    /// Writes what a block gives, which is not turned into a text.
    fn write_text(&mut self, value: &Value<'a>, block: &str) -> Result<(), Fault> {
        match value {
            Value::Text(text) => self.write(text),
            other => {
                let found = other.type_name();
                Err(Fault::problem(format!("a `{block}` block must give a text, but gave a {found}")))
            }
        }
    }

    /// A block sees the root and what the template's top has set so far.
    fn block(&mut self, part: &'a Block) -> Result<(), Fault> {
        let activation = Activation::top(part.slots);
        self.circular.activation(&activation);
        for (name, start) in &part.tops {
            self.burn(1)?;
            let scoped = part.scoped.iter().find(|scoped| scoped.name == *name);
            let value = match start {
                super::tree::TopStart::Undefined => None,
                super::tree::TopStart::Resolve => match scoped.and_then(|scoped| self.variable(scoped)) {
                    Some(value) => Some(value),
                    None => match self.top.at_top(name) {
                        Some(value) => Some(value),
                        None => self.resolve(name),
                    },
                },
            };
            activation.set_at_top(name, value);
        }
        let around = std::mem::replace(&mut self.activation, activation);
        self.nodes(&part.body)?;
        self.activation = around;
        Ok(())
    }

    /// Filters, in their order.
    fn steps(&mut self, value: Value<'a>, steps: &'a [Step]) -> Result<Value<'a>, Fault> {
        steps.iter().try_fold(value, |value, step| self.step(value, step))
    }

    pub(super) fn enter_scope(&mut self, loads: &'a [Load]) -> Result<(), Fault> {
        self.burn(loads.len() / 4)?;
        for load in loads {
            let value = match &load.start {
                Start::Parameter => continue,
                Start::Outer(Place::Slot { up, slot }) => self.activation.slot(*up, *slot),
                Start::Outer(Place::Top) => self.top_variable(&load.name),
                Start::TopIfKnown => self.activation.at_top(&load.name),
            };
            self.activation.set_slot(0, load.slot, value);
        }
        Ok(())
    }

    pub(super) fn leave_scope(&mut self, loads: &'a [Load]) {
        for load in loads {
            self.activation.set_slot(0, load.slot, None);
        }
    }

    fn top_variable(&mut self, name: &str) -> Option<Value<'a>> {
        if self.activation.knows(name) { self.activation.at_top(name) } else { self.resolve(name) }
    }

    /// The value of a name; None if it has none.
    pub(super) fn variable(&mut self, name: &'a Name) -> Option<Value<'a>> {
        match &name.place {
            Place::Slot { up, slot } => self.activation.slot(*up, *slot),
            Place::Top => self.top_variable(&name.name),
        }
    }

    fn set(&mut self, name: &'a Name, value: Value<'a>) {
        match &name.place {
            Place::Slot { up, slot } => self.activation.set_slot(*up, *slot, Some(value)),
            Place::Top => self.activation.set_at_top(&name.name, Some(value)),
        }
    }

    /// Gives `value` to a name, to an attribute of a namespace, or its items to several of these.
    pub(super) fn assign(&mut self, target: &'a Target, value: Value<'a>) -> Result<(), Fault> {
        match target {
            Target::Name(name) => {
                self.set(name, value);
                Ok(())
            }
            Target::Attribute { of, name } => match self.variable(of) {
                Some(Value::Object(object)) => {
                    self.may_be_circular(&object);
                    object.set_attribute(name, value)
                }
                Some(other) => Err(Fault::problem(format!(
                    "cannot assign to an attribute of a {}; only `namespace()` has such",
                    other.type_name()
                ))),
                None => Err(super::comparison::undefined(&of.name)),
            },
            Target::Several(targets) => {
                let values = self.iterate(&value)?;
                if values.len() != targets.len() {
                    let (found, expected) = (values.len(), targets.len());
                    return Err(Fault::problem(format!(
                        "{found} values cannot be given to {expected} names; the counts must be the same"
                    )));
                }
                targets.iter().zip(values).try_for_each(|(target, value)| self.assign(target, value))
            }
        }
    }
}
