//! Python's arithmetic: integers of any size, floats, and what `+`, `*` and `%` mean for texts and lists.

use num_bigint::{BigInt, Sign};

use super::super::bounds::Bound;
use super::super::error::Fault;
use super::comparison::undefined;
use super::format;
use super::machine::Machine;
use super::number::{INTEGER_BITS, Number, to_float};
use super::value::{Integer, Value};

type Outcome<'a> = Result<Value<'a>, Fault>;

/// `left + right`.
pub(super) fn add<'a>(machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    if let Some(result) = small(left, right, i64::checked_add) {
        return Ok(result);
    }
    match (left, right) {
        (Value::Text(left), Value::Text(right)) if left.markup || right.markup => {
            let (left, right) = (machine.escaped(left)?, machine.escaped(right)?);
            join_texts(machine, &left, &right).map(Value::markup)
        }
        (Value::Text(left), Value::Text(right)) => join_texts(machine, left, right).map(Value::text),
        (Value::List(left), Value::List(right)) => {
            let count = machine.item_count(left) + machine.item_count(right);
            machine.afford(count * size_of::<Value<'a>>())?;
            let mut items = machine.items(left);
            items.append(&mut machine.items(right));
            Ok(Value::list(items))
        }
        (Value::Tuple(left), Value::Tuple(right)) => {
            machine.afford((left.len() + right.len()) * size_of::<Value<'a>>())?;
            Ok(Value::tuple(left.iter().chain(right.iter()).cloned().collect()))
        }
        _ => arithmetic(machine, "+", left, right, |left, right| Ok(left + right), |left, right| Ok(left + right)),
    }
}

fn join_texts(machine: &mut Machine<'_, '_>, left: &str, right: &str) -> Result<String, Fault> {
    machine.afford(left.len() + right.len())?;
    Ok([left, right].concat())
}

/// `left - right`.
pub(super) fn subtract<'a>(machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    if let Some(result) = small(left, right, i64::checked_sub) {
        return Ok(result);
    }
    arithmetic(machine, "-", left, right, |left, right| Ok(left - right), |left, right| Ok(left - right))
}

/// `left * right`.
pub(super) fn multiply<'a>(machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    if let Some(result) = small(left, right, i64::checked_mul) {
        return Ok(result);
    }
    match (left, right) {
        (Value::Text(_) | Value::List(_) | Value::Tuple(_), Value::Integer(_) | Value::Bool(_)) => {
            repeat(machine, left, right)
        }
        (Value::Integer(_) | Value::Bool(_), Value::Text(_) | Value::List(_) | Value::Tuple(_)) => {
            repeat(machine, right, left)
        }
        _ => arithmetic(machine, "*", left, right, |left, right| Ok(left * right), |left, right| Ok(left * right)),
    }
}

/// A text, list or tuple so many times.
fn repeat<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, count: &Value<'a>) -> Outcome<'a> {
    let count = match Number::of(count) {
        Some(Number::Integer(Integer::Small(count))) => usize::try_from(count).unwrap_or(0),
        Some(Number::Integer(Integer::Big(count))) if count.sign() == Sign::Minus => 0,
        _ => usize::MAX,
    };
    let items = match value {
        Value::Text(text) => {
            machine.afford(text.len().saturating_mul(count))?;
            let repeated = if text.is_empty() { String::new() } else { text.repeat(count) };
            return Ok(if text.markup { Value::markup(repeated) } else { Value::text(repeated) });
        }
        Value::List(list) => {
            machine.burn(machine.item_count(list) / 4)?;
            machine.items(list)
        }
        Value::Tuple(items) => {
            machine.burn(items.len() / 4)?;
            items.to_vec()
        }
        _ => Vec::new(),
    };
    machine.afford(items.len().saturating_mul(count).saturating_mul(size_of::<Value<'a>>()))?;
    let total = items.len().saturating_mul(count);
    let repeated = items.iter().cycle().take(total).cloned().collect();
    Ok(if matches!(value, Value::List(_)) { Value::list(repeated) } else { Value::tuple(repeated) })
}

/// `left / right`: always a float.
pub(super) fn divide<'a>(_machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    let (Some(first), Some(second)) = (Number::of(left), Number::of(right)) else {
        return Err(not_defined("/", left, right));
    };
    let zero = match &second {
        Number::Integer(integer) => *integer == Integer::Small(0),
        Number::Float(float) => *float == 0.0,
    };
    if zero {
        return Err(division_by_zero());
    }
    if let (Number::Integer(first), Number::Integer(second)) = (&first, &second) {
        return quotient(&first.to_big(), &second.to_big()).map(Value::Float);
    }
    Ok(Value::Float(as_float(&first)? / as_float(&second)?))
}

/// The float nearest to `left / right`.
fn quotient(left: &BigInt, right: &BigInt) -> Result<f64, Fault> {
    const EXACT_BITS: u64 = 53;
    // Enough bits of the quotient to round it once, the last of them saying whether there is a rest.
    const BITS: i64 = 70;
    if left.bits() <= EXACT_BITS && right.bits() <= EXACT_BITS {
        return Ok(to_float(&left.clone().into())? / to_float(&right.clone().into())?);
    }
    let bits = |integer: &BigInt| i64::try_from(integer.bits()).unwrap_or(i64::MAX);
    let shift = (BITS - (bits(left) - bits(right))).clamp(-65_536, 65_536);
    let (left, right) = if shift >= 0 { (left << shift, right.clone()) } else { (left.clone(), right << -shift) };
    let (mut quotient, rest) = (&left / &right, &left % &right);
    if rest.sign() != Sign::NoSign {
        quotient = if quotient.sign() == Sign::Minus { quotient - 1 } else { quotient + 1 };
    }
    let scale = f64::powi(2.0, i32::try_from(-(shift / 2)).unwrap_or_default());
    let rest_scale = f64::powi(2.0, i32::try_from(-(shift - shift / 2)).unwrap_or_default());
    let float = to_float(&quotient.into())? * scale * rest_scale;
    if float.is_finite() { Ok(float) } else { Err(Fault::problem("the result of `/` is too large for a float")) }
}

/// `left // right`.
pub(super) fn floor_divide<'a>(machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    arithmetic(
        machine,
        "//",
        left,
        right,
        |left, right| floor_parts(left, right).map(|(quotient, _)| quotient),
        |left, right| float_parts(left, right).map(|(quotient, _)| quotient),
    )
}

/// `left % right`; for a text the values that go into it.
pub(super) fn remainder<'a>(machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    if let Value::Text(text) = left {
        return format::percent(machine, text, right);
    }
    arithmetic(
        machine,
        "%",
        left,
        right,
        |left, right| floor_parts(left, right).map(|(_, rest)| rest),
        |left, right| float_parts(left, right).map(|(_, rest)| rest),
    )
}

/// Python rounds the quotient down, so that the rest has the sign of the divisor.
fn floor_parts(left: &BigInt, right: &BigInt) -> Result<(BigInt, BigInt), Fault> {
    if right.sign() == Sign::NoSign {
        return Err(division_by_zero());
    }
    let (mut quotient, mut rest) = (left / right, left % right);
    if rest.sign() != Sign::NoSign && rest.sign() != right.sign() {
        quotient -= 1;
        rest += right;
    }
    Ok((quotient, rest))
}

fn float_parts(left: f64, right: f64) -> Result<(f64, f64), Fault> {
    if right == 0.0 {
        return Err(division_by_zero());
    }
    let mut rest = left % right;
    let mut quotient = (left - rest) / right;
    if rest == 0.0 {
        rest = 0.0_f64.copysign(right);
    } else if (right < 0.0) != (rest < 0.0) {
        rest += right;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        quotient = 0.0_f64.copysign(left / right);
    } else {
        let floor = quotient.floor();
        quotient = if quotient - floor > 0.5 { floor + 1.0 } else { floor };
    }
    Ok((quotient, rest))
}

/// `left ** right`.
pub(super) fn power<'a>(machine: &mut Machine<'a, '_>, left: &Value<'a>, right: &Value<'a>) -> Outcome<'a> {
    let (Some(base), Some(exponent)) = (Number::of(left), Number::of(right)) else {
        return Err(not_defined("**", left, right));
    };
    if let (Number::Integer(base), Number::Integer(exponent)) = (&base, &exponent)
        && exponent.to_big().sign() != Sign::Minus
    {
        return integer_power(machine, &base.to_big(), exponent);
    }
    let (base, exponent) = (as_float(&base)?, as_float(&exponent)?);
    if base == 0.0 && exponent < 0.0 {
        return Err(Fault::problem("0 has no negative power"));
    }
    let result = base.powf(exponent);
    if result.is_nan() && !base.is_nan() && !exponent.is_nan() {
        return Err(Fault::problem("a negative number has no power that is not whole"));
    }
    if result.is_infinite() && base.is_finite() && exponent.is_finite() {
        return Err(Fault::problem("the result of `**` is too large for a float"));
    }
    Ok(Value::Float(result))
}

fn integer_power<'a>(machine: &mut Machine<'a, '_>, base: &BigInt, exponent: &Integer) -> Outcome<'a> {
    // Powers of -1, 0 and 1 do not grow.
    if base.bits() <= 1 {
        let odd = exponent.to_big().bit(0);
        let zero = *exponent == Integer::Small(0);
        let result = if zero || (base.sign() == Sign::Minus && !odd) { BigInt::from(1) } else { base.clone() };
        return Ok(Value::integer(result));
    }
    let bits = match exponent {
        Integer::Small(exponent) => base.bits().saturating_mul(u64::try_from(*exponent).unwrap_or(u64::MAX)),
        Integer::Big(_) => u64::MAX,
    };
    if bits > INTEGER_BITS {
        return Err(too_large(bits));
    }
    machine.burn(usize::try_from(bits / 32).unwrap_or(usize::MAX))?;
    let exponent = u32::try_from(&exponent.to_big()).unwrap_or(u32::MAX);
    Ok(Value::integer(base.pow(exponent)))
}

fn too_large(bits: u64) -> Fault {
    Fault::TooMuch { bound: Bound::ValueSize, actual: Some(bits.div_ceil(8)), allowed: INTEGER_BITS / 8 }
}

/// `-value`.
pub(super) fn negate<'a>(_machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Outcome<'a> {
    match Number::of(value) {
        Some(Number::Integer(integer)) => Ok(Value::integer(-integer.to_big())),
        Some(Number::Float(float)) => Ok(Value::Float(-float)),
        None => match value {
            Value::Undefined(name) => Err(undefined(name)),
            other => Err(Fault::problem(format!("`-` is not defined for a {}", other.type_name()))),
        },
    }
}

/// What `operate` gives for two integers of ordinary size, if that is of ordinary size too.
fn small<'a>(left: &Value<'a>, right: &Value<'a>, operate: fn(i64, i64) -> Option<i64>) -> Option<Value<'a>> {
    match (left, right) {
        (Value::Integer(Integer::Small(left)), Value::Integer(Integer::Small(right))) => {
            operate(*left, *right).map(|result| Value::Integer(Integer::Small(result)))
        }
        _ => None,
    }
}

fn arithmetic<'a>(
    machine: &mut Machine<'a, '_>,
    sign: &str,
    left: &Value<'a>,
    right: &Value<'a>,
    integers: impl Fn(&BigInt, &BigInt) -> Result<BigInt, Fault>,
    floats: impl Fn(f64, f64) -> Result<f64, Fault>,
) -> Outcome<'a> {
    match (Number::of(left), Number::of(right)) {
        (Some(Number::Integer(left)), Some(Number::Integer(right))) => {
            let (left, right) = (left.to_big(), right.to_big());
            let bits = left.bits() + right.bits();
            if bits > INTEGER_BITS {
                return Err(too_large(bits));
            }
            machine.burn(usize::try_from(bits / 256).unwrap_or(usize::MAX))?;
            integers(&left, &right).map(Value::integer)
        }
        (Some(left), Some(right)) => floats(as_float(&left)?, as_float(&right)?).map(Value::Float),
        _ => Err(not_defined(sign, left, right)),
    }
}

fn as_float(number: &Number) -> Result<f64, Fault> {
    match number {
        Number::Integer(integer) => to_float(integer),
        Number::Float(float) => Ok(*float),
    }
}

fn division_by_zero() -> Fault {
    Fault::problem("division by zero")
}

fn not_defined(sign: &str, left: &Value<'_>, right: &Value<'_>) -> Fault {
    match (left, right) {
        (Value::Undefined(name), _) | (_, Value::Undefined(name)) => undefined(name),
        _ => Fault::problem(format!(
            "`{sign}` is not defined between a {} and a {}; write `~` to join texts, and `|int` or `|float` to calculate",
            left.type_name(),
            right.type_name()
        )),
    }
}
