//! Values as YAML in block style, as PyYAML's `dump` lays it out.

mod anchors;
mod emitter;
mod quoting;
mod writer;

use super::super::super::error::Fault;
use super::super::machine::Machine;
use super::super::value::Value;

/// One document with `value`; levels are `indent` columns apart.
pub(super) fn write<'a>(
    machine: &mut Machine<'a, '_>,
    value: &Value<'a>,
    sort_keys: bool,
    indent: usize,
) -> Result<String, Fault> {
    let anchors = anchors::Anchors::of(machine, value)?;
    emitter::document(machine, value, anchors, sort_keys, indent)
}
