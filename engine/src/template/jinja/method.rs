//! The methods of Python's texts, lists, maps and numbers.

use super::machine::Machine;
use super::value::Value;

/// The method `name` of `value`, to be called.
pub(super) fn find<'a>(_machine: &mut Machine<'a, '_>, _value: &Value<'a>, _name: &str) -> Option<Value<'a>> {
    None
}
