//! The tests of Jinja templates: what stands behind `is`.

use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::value::Value;

pub(super) type Test<'a> = fn(&mut Machine<'a, '_>, &Value<'a>, Arguments<'a>) -> Result<bool, Fault>;

/// The test of that name.
pub(super) fn find<'a>(_name: &str) -> Option<Test<'a>> {
    None
}

/// The names of all, for hints.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    std::iter::empty()
}
