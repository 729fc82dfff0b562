//! Python's `%` on texts and `str.format`.

use super::super::error::Fault;
use super::machine::Machine;
use super::value::{Text, Value};

/// `text % argument`.
pub(super) fn percent<'a>(
    _machine: &mut Machine<'a, '_>,
    _text: &Text<'a>,
    _argument: &Value<'a>,
) -> Result<Value<'a>, Fault> {
    Err(Fault::problem("not yet"))
}
