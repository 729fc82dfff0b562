//! The filters of Jinja templates.

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::value::Value;

pub(super) type Filter<'a> = fn(&mut Machine<'a, '_>, Value<'a>, Arguments<'a>) -> Result<Value<'a>, Fault>;

/// The filter of that name.
pub(super) fn find<'a>(_name: &str) -> Option<Filter<'a>> {
    None
}

/// The names of all, for hints.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    std::iter::empty()
}
