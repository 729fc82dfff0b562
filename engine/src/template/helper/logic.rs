//! Comparing and choosing.

// All helpers have the one signature that the table asks for, those that cannot fail too.
#![allow(clippy::unnecessary_wraps)]

use std::cmp::Ordering;

use serde_json::Value;

use super::super::error::Fault;
use super::super::item::{Item, kind, weigh};
use super::super::rendering::Rendering;
use super::{Arguments, Outcome};

/// Stands in the table for block helpers: the evaluator runs those itself.
pub(super) fn block<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Err(arguments.fails("is a block and gives no value"))
}

pub(super) fn eq<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    equal(arguments.value(0), arguments.value(1), rendering).map(Item::made)
}

pub(super) fn ne<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    equal(arguments.value(0), arguments.value(1), rendering).map(|equal| Item::made(!equal))
}

/// JSON equality, and numbers by what they are worth.
pub(super) fn equal(left: &Value, right: &Value, rendering: &mut Rendering<'_>) -> Result<bool, Fault> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => Ok(left == right || left.as_f64() == right.as_f64()),
        (Value::Array(_), Value::Array(_)) | (Value::Object(_), Value::Object(_)) => {
            rendering.burn_bytes(weigh(left).bytes)?;
            Ok(left == right)
        }
        (Value::String(text), Value::String(_)) => {
            rendering.burn_bytes(text.len())?;
            Ok(left == right)
        }
        _ => Ok(left == right),
    }
}

/// None: one of the two is missing, so that neither is more.
fn compare(arguments: &Arguments<'_>) -> Result<Option<Ordering>, Fault> {
    let (left, right) = (arguments.value(0), arguments.value(1));
    for (index, value) in [left, right].into_iter().enumerate() {
        if !matches!(value, Value::Null | Value::Number(_) | Value::String(_)) {
            return Err(arguments.unfit(index, "a number or a text"));
        }
    }
    let number = |value: &Value| match value {
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
        value => value.as_f64(),
    };
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Ok(None),
        (Value::String(left), Value::String(right)) => Ok(Some(left.cmp(right))),
        (Value::Number(a), Value::Number(b)) if a.is_i64() && b.is_i64() => Ok(a.as_i64().partial_cmp(&b.as_i64())),
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => Ok(left.partial_cmp(&right)),
            _ => Err(arguments.fails(&format!("cannot compare {} with {}", kind(left), kind(right)))),
        },
    }
}

pub(super) fn gt<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    compare(arguments).map(|order| Item::made(order.is_some_and(Ordering::is_gt)))
}

pub(super) fn gte<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    compare(arguments).map(|order| Item::made(order.is_some_and(Ordering::is_ge)))
}

pub(super) fn lt<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    compare(arguments).map(|order| Item::made(order.is_some_and(Ordering::is_lt)))
}

pub(super) fn lte<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    compare(arguments).map(|order| Item::made(order.is_some_and(Ordering::is_le)))
}

pub(super) fn and<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(Item::made(arguments.values.iter().all(|item| item.truthy(false))))
}

pub(super) fn or<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(Item::made(arguments.values.iter().any(|item| item.truthy(false))))
}

pub(super) fn not<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(Item::made(!arguments.item(0).truthy(false)))
}

pub(super) fn coalesce<'a>(arguments: &Arguments<'a>, _: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(arguments.values.iter().find(|item| !item.is_blank()).cloned().unwrap_or_default())
}
