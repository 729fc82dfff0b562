//! Lists and objects.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::bounds::Bound;
use super::super::error::Fault;
use super::super::item::{Item, weigh};
use super::super::rendering::Rendering;
use super::super::scope::child;
use super::logic::equal;
use super::{Arguments, Outcome};

/// A part of argument `index`: borrowed if the argument is, else copied and paid for.
fn part<'a>(
    arguments: &Arguments<'a>,
    index: usize,
    rendering: &mut Rendering<'a>,
    choose: impl for<'v> Fn(&'v Value) -> Option<&'v Value>,
) -> Outcome<'a> {
    match arguments.item(index) {
        Item::Data(value) => Ok(choose(value).map_or(Item::Missing, Item::Data)),
        Item::Made(value) => match choose(&value) {
            Some(found) => {
                rendering.afford(weigh(found).bytes)?;
                Ok(Item::made(found.clone()))
            }
            None => Ok(Item::Missing),
        },
        Item::Missing => Ok(Item::Missing),
    }
}

pub(super) fn first<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    arguments.list(0)?;
    part(arguments, 0, rendering, |value| value.as_array().and_then(|items| items.first()))
}

pub(super) fn last<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    arguments.list(0)?;
    part(arguments, 0, rendering, |value| value.as_array().and_then(|items| items.last()))
}

pub(super) fn length<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(Item::made(match arguments.value(0) {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => arguments.text(0)?.chars().count(),
    }))
}

pub(super) fn lookup<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let key = arguments.text(1)?;
    match arguments.value(0) {
        Value::Null | Value::Array(_) | Value::Object(_) => part(arguments, 0, rendering, |value| child(value, &key)),
        _ => Err(arguments.unfit(0, "a list or an object")),
    }
}

pub(super) fn find<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let key = arguments.text(1)?;
    let mut found = None;
    for (index, item) in arguments.list(0)?.iter().enumerate() {
        rendering.burn(1)?;
        if let Some(value) = child(item, &key)
            && equal(value, arguments.value(2), rendering)?
        {
            found = Some(index);
            break;
        }
    }
    match found {
        Some(index) => part(arguments, 0, rendering, |value| value.get(index)),
        None => Ok(Item::Missing),
    }
}

/// `item` as a part of a new value.
fn enclose(item: &Item<'_>, size: &mut usize, rendering: &mut Rendering<'_>) -> Result<Value, Fault> {
    let weight = weigh(item.value());
    *size += weight.bytes;
    if *size > rendering.bounds.value_bytes {
        return Err(rendering.too_much(Bound::ValueSize, Some(*size)));
    }
    if weight.depth >= rendering.bounds.json_depth {
        return Err(rendering.too_much(Bound::JsonDepth, Some(weight.depth + 1)));
    }
    rendering.burn_bytes(weight.bytes)?;
    Ok(item.value().clone())
}

pub(super) fn array<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let mut size = 0;
    let mut items = Vec::with_capacity(arguments.values.len());
    for item in &arguments.values {
        items.push(enclose(item, &mut size, rendering)?);
    }
    Ok(Item::made(items))
}

pub(super) fn object<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let mut size = 0;
    let mut fields = BTreeMap::new();
    for (name, item) in &arguments.named {
        fields.insert((*name).to_owned(), enclose(item, &mut size, rendering)?);
    }
    Ok(Item::made(fields.into_iter().collect::<Map<_, _>>()))
}
