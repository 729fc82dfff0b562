//! The filters: `{{ value|name(arguments) }}`, those of jinja2 and those that the predecessor added.
//!
//! [`TABLE`] is the one list of them; the documentation is written from it and a test renders each of its examples.
//! A filter gets the value and what the call gives, and pays for what it makes before it makes it.

// All filters have one signature, whether they keep the value or only look at it.
#![allow(clippy::needless_pass_by_value)]

mod character;
mod encoding;
pub(super) mod entity;
mod group;
mod link;
mod lookup;
mod markup;
mod number;
mod order;
mod pretty;
mod selection;
mod sequence;
mod table;
mod text;
mod wrap;

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::value::{Integer, Str, Text, Value};

pub(super) use self::sequence::draw;
pub(super) use self::table::TABLE;

/// What a filter does.
pub(super) type Run = for<'a, 'r, 'm> fn(&'m mut Machine<'a, 'r>, Value<'a>, Arguments<'a>) -> Outcome<'a>;

type Outcome<'a> = Result<Value<'a>, Fault>;

/// One filter, with its documentation.
pub(super) struct FilterEntry {
    /// The name it is called by.
    pub(super) name: &'static str,
    /// Its arguments, as the documentation shows them.
    pub(super) parameters: &'static str,
    /// What it gives, in one line.
    pub(super) description: &'static str,
    /// A template that uses it, and what that renders to.
    pub(super) example: (&'static str, &'static str),
    run: Run,
}

/// The filter called `name`.
pub(super) fn find(name: &str) -> Option<Run> {
    TABLE.iter().find(|filter| filter.name == name).map(|filter| filter.run)
}

/// The value as a text, a safe one as it is (jinja2's `soft_str`).
fn text<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<Text<'a>, Fault> {
    match value {
        Value::Text(text) => Ok(text.clone()),
        value => Ok(Text { text: Str::Shared(machine.to_text(value)?.into()), markup: false }),
    }
}

/// A value that has to be a text.
fn only_text<'a>(filter: &str, value: Value<'a>) -> Result<Text<'a>, Fault> {
    match value {
        Value::Text(text) => Ok(text),
        value => Err(unfit(filter, "value", &value, "a text; `|string` makes one")),
    }
}

/// An argument that has to be a whole number; what is beyond the range is cut to it.
fn whole(filter: &str, argument: &str, value: &Value<'_>) -> Result<i64, Fault> {
    match value {
        Value::Bool(bool) => Ok(i64::from(*bool)),
        Value::Integer(integer) => Ok(cut(integer)),
        value => Err(unfit(filter, argument, value, "a whole number")),
    }
}

fn cut(integer: &Integer) -> i64 {
    match integer {
        Integer::Small(integer) => *integer,
        Integer::Big(integer) if integer.sign() == num_bigint::Sign::Minus => i64::MIN,
        Integer::Big(_) => i64::MAX,
    }
}

/// A number of items, characters or bytes; a negative one is none.
fn count(number: i64) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}

/// Whether an optional argument is true.
fn flag<'a>(machine: &Machine<'a, '_>, value: Option<&Value<'a>>, otherwise: bool) -> bool {
    value.map_or(otherwise, |value| machine.is_true(value))
}

/// An argument that is there and not `none`.
fn given(value: Option<Value<'_>>) -> Option<Value<'_>> {
    value.filter(|value| !matches!(value, Value::None))
}

fn unfit(filter: &str, argument: &str, found: &Value<'_>, right: &str) -> Fault {
    Fault::problem(format!("filter `{filter}`: its {argument} is of type {}, but must be {right}", found.type_name()))
}

/// Calls a method of a text, such as `upper`.
fn method<'a>(machine: &mut Machine<'a, '_>, text: Text<'a>, name: &str, arguments: Vec<Value<'a>>) -> Outcome<'a> {
    let method = machine.attribute(&Value::Text(text), name)?;
    machine.call(&method, Arguments::positional(arguments))
}

/// A text that a filter made.
fn made<'a>(text: String, markup: bool) -> Value<'a> {
    if markup { Value::markup(text) } else { Value::text(text) }
}

/// The names of all, for hints.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|filter| filter.name)
}
