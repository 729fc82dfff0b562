//! The methods of Python's texts, lists, tuples, maps and numbers.
//!
//! Names that begin with `_` are not known here, so that no template reaches Python's inner workings, which we do not
//! have. What `x.upper` without a call prints lacks the address that Python would print.

mod bytes;
mod case;
mod classify;
mod cut;
mod given;
mod list;
mod map;
mod number;
mod pad;
mod replace;
mod search;
#[cfg(test)]
mod tests;
mod text;
mod view;

use std::cell::RefCell;

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::number::Number;
use super::value::{List, Map, Object, Text, Value};

type Made<'a> = Result<Value<'a>, Fault>;

type OfText = for<'a, 'r> fn(&mut Machine<'a, 'r>, &Text<'a>, Arguments<'a>) -> Made<'a>;
type OfList = for<'a, 'r> fn(&mut Machine<'a, 'r>, &List<'a>, Arguments<'a>) -> Made<'a>;
type OfTuple = for<'a, 'r> fn(&mut Machine<'a, 'r>, &[Value<'a>], Arguments<'a>) -> Made<'a>;
type OfMap = for<'a, 'r> fn(&mut Machine<'a, 'r>, &Map<'a>, Arguments<'a>) -> Made<'a>;
type OfObject = for<'a, 'r> fn(&mut Machine<'a, 'r>, &Value<'a>, Arguments<'a>) -> Made<'a>;
type OfNumber = for<'a, 'r> fn(&mut Machine<'a, 'r>, &Number, Arguments<'a>) -> Made<'a>;

#[derive(Clone, Copy)]
enum Body {
    Text(OfText),
    List(OfList),
    Tuple(OfTuple),
    Map(OfMap),
    Number(OfNumber),
    Object(OfObject),
}

/// The method `name` of `value`, to be called, save those that objects have themselves; of numbers also the parts that are no methods, such as `real`.
pub(super) fn find<'a>(_machine: &mut Machine<'a, '_>, value: &Value<'a>, name: &str) -> Option<Value<'a>> {
    let (name, body) = match value {
        Value::Text(text) => text::row(text, name),
        Value::List(_) => row(list::TABLE, name).map(|(name, body)| (name, Body::List(body))),
        Value::Tuple(_) => row(list::OF_TUPLES, name).map(|(name, body)| (name, Body::Tuple(body))),
        Value::Map(_) => row(map::TABLE, name).map(|(name, body)| (name, Body::Map(body))),
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {
            let number = Number::of(value)?;
            if let Some(part) = number::part(&number, name) {
                return Some(part);
            }
            row(number::table(&number), name).map(|(name, body)| (name, Body::Number(body)))
        }
        Value::Object(object) => match object.type_name() {
            "range" => row(list::OF_RANGES, name),
            "dict_items" | "dict_keys" => row(view::TABLE, name),
            _ => None,
        }
        .map(|(name, body)| (name, Body::Object(body))),
        Value::Undefined(_) | Value::None => None,
    }?;
    Some(Value::object(Method { receiver: RefCell::new(value.clone()), name, body }))
}

fn row<T: Copy>(table: &[(&'static str, T)], name: &str) -> Option<(&'static str, T)> {
    table.iter().find(|(known, _)| *known == name).copied()
}

/// A method with what it belongs to.
struct Method<'a> {
    receiver: RefCell<Value<'a>>,
    name: &'static str,
    body: Body,
}

impl<'a> Object<'a> for Method<'a> {
    fn type_name(&self) -> &'static str {
        "builtin_function_or_method"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        let receiver = self.receiver.borrow().type_name();
        Ok(format!("<built-in method {} of {receiver} object>", self.name))
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        let receiver = self.receiver.borrow().clone();
        // A text that is looked for is read even where the text to look in is short.
        for given in arguments.positional.iter().chain(arguments.named.iter().map(|(_, value)| value)) {
            if let Value::Text(text) = given {
                machine.rendering.burn_bytes(text.len())?;
            }
        }
        match (self.body, &receiver) {
            (Body::Text(body), Value::Text(text)) => {
                machine.rendering.burn_bytes(text.len())?;
                body(machine, text, arguments)
            }
            (Body::List(body), Value::List(list)) => body(machine, list, arguments),
            (Body::Tuple(body), Value::Tuple(items)) => body(machine, &items[..], arguments),
            (Body::Map(body), Value::Map(map)) => body(machine, map, arguments),
            (Body::Object(body), object) => body(machine, object, arguments),
            (Body::Number(body), number) => match Number::of(number) {
                Some(number) => body(machine, &number, arguments),
                None => Err(self.lost(number)),
            },
            (_, other) => Err(self.lost(other)),
        }
    }

    fn equals(&self, _machine: &mut Machine<'a, '_>, _other: &Value<'a>) -> Result<bool, Fault> {
        Ok(false)
    }

    fn release(&self, pending: &mut Vec<Value<'a>>) {
        if let Ok(mut receiver) = self.receiver.try_borrow_mut() {
            pending.push(std::mem::replace(&mut receiver, Value::None));
        }
    }
}

impl Method<'_> {
    /// Only after `release`, when no template runs any more.
    fn lost(&self, receiver: &Value<'_>) -> Fault {
        Fault::problem(format!("`{}` is no method of a {}", self.name, receiver.type_name()))
    }
}
