//! Stub.
use super::super::error::Fault;
use super::arguments::Arguments;
use super::machine::Machine;
use super::value::Value;
pub(super) fn json_dumps<'a>(_m: &mut Machine<'a, '_>, _v: Value<'a>, _a: Arguments<'a>) -> Result<Value<'a>, Fault> { Err(Fault::problem("not yet")) }
pub(super) fn tojson<'a>(_m: &mut Machine<'a, '_>, _v: Value<'a>, _a: Arguments<'a>) -> Result<Value<'a>, Fault> { Err(Fault::problem("not yet")) }
pub(super) fn from_json<'a>(_m: &mut Machine<'a, '_>, _v: Value<'a>, _a: Arguments<'a>) -> Result<Value<'a>, Fault> { Err(Fault::problem("not yet")) }
pub(super) fn to_nice_yaml<'a>(_m: &mut Machine<'a, '_>, _v: Value<'a>, _a: Arguments<'a>) -> Result<Value<'a>, Fault> { Err(Fault::problem("not yet")) }
