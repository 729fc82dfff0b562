//! The methods and parts of numbers.

use num_bigint::BigInt;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::number::Number;
use super::super::value::{Integer, Value};
use super::{Made, OfNumber, given};

const OF_INTEGERS: &[(&str, OfNumber)] = &[
    ("as_integer_ratio", as_integer_ratio),
    ("bit_count", bit_count),
    ("bit_length", bit_length),
    ("conjugate", conjugate),
];

const OF_FLOATS: &[(&str, OfNumber)] =
    &[("as_integer_ratio", as_integer_ratio), ("conjugate", conjugate), ("hex", hex), ("is_integer", is_integer)];

/// Stored bits of a float behind its leading one.
const MANTISSA_BITS: u32 = 52;

pub(super) fn table(number: &Number) -> &'static [(&'static str, OfNumber)] {
    match number {
        Number::Integer(_) => OF_INTEGERS,
        Number::Float(_) => OF_FLOATS,
    }
}

/// What Python has as attributes that are no methods.
pub(super) fn part<'a>(number: &Number, name: &str) -> Option<Value<'a>> {
    match (number, name) {
        (_, "real") | (Number::Integer(_), "numerator") => Some(value(number)),
        (Number::Integer(_), "imag") => Some(Value::integer(0)),
        (Number::Integer(_), "denominator") => Some(Value::integer(1)),
        (Number::Float(_), "imag") => Some(Value::Float(0.0)),
        _ => None,
    }
}

fn value<'a>(number: &Number) -> Value<'a> {
    match number {
        Number::Integer(integer) => Value::Integer(integer.clone()),
        Number::Float(float) => Value::Float(*float),
    }
}

fn conjugate<'a>(_: &mut Machine<'a, '_>, number: &Number, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("conjugate", arguments)?;
    Ok(value(number))
}

fn magnitude(number: &Number) -> BigInt {
    match number {
        Number::Integer(integer) => integer.to_big(),
        Number::Float(_) => BigInt::default(),
    }
}

fn bit_length<'a>(_: &mut Machine<'a, '_>, number: &Number, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("bit_length", arguments)?;
    Ok(Value::integer(magnitude(number).bits()))
}

fn bit_count<'a>(machine: &mut Machine<'a, '_>, number: &Number, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("bit_count", arguments)?;
    let magnitude = magnitude(number);
    machine.rendering.burn_bytes(usize::try_from(magnitude.bits()).unwrap_or(usize::MAX))?;
    Ok(Value::integer(magnitude.magnitude().count_ones()))
}

fn as_integer_ratio<'a>(_: &mut Machine<'a, '_>, number: &Number, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("as_integer_ratio", arguments)?;
    let float = match number {
        Number::Integer(_) => return Ok(Value::tuple(vec![value(number), Value::integer(1)])),
        Number::Float(float) => *float,
    };
    if !float.is_finite() {
        return Err(Fault::problem("`as_integer_ratio` needs a finite number"));
    }
    let (mut mantissa, mut exponent) = decompose(float);
    if mantissa == 0 {
        exponent = 0;
    } else {
        let even = mantissa.trailing_zeros();
        mantissa >>= even;
        exponent += i32::try_from(even).unwrap_or_default();
    }
    let (mut over, mut under) = (BigInt::from(mantissa), BigInt::from(1));
    if exponent > 0 {
        over <<= exponent.unsigned_abs();
    } else {
        under <<= exponent.unsigned_abs();
    }
    if float < 0.0 {
        over = -over;
    }
    Ok(Value::tuple(vec![Value::Integer(Integer::from(over)), Value::Integer(Integer::from(under))]))
}

/// Whole mantissa and power of two of a float's size.
fn decompose(float: f64) -> (u64, i32) {
    let bits = float.to_bits();
    let stored = bits & ((1 << MANTISSA_BITS) - 1);
    let exponent = i32::try_from((bits >> MANTISSA_BITS) & 0x7ff).unwrap_or_default();
    if exponent == 0 { (stored, -1074) } else { (stored | (1 << MANTISSA_BITS), exponent - 1075) }
}

fn is_integer<'a>(_: &mut Machine<'a, '_>, number: &Number, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("is_integer", arguments)?;
    let Number::Float(float) = number else {
        return Ok(Value::Bool(true));
    };
    Ok(Value::Bool(float.is_finite() && float.fract() == 0.0))
}

fn hex<'a>(_: &mut Machine<'a, '_>, number: &Number, arguments: Arguments<'a>) -> Made<'a> {
    given::nothing("hex", arguments)?;
    let Number::Float(float) = number else {
        return Ok(value(number));
    };
    if float.is_nan() {
        return Ok(Value::text("nan"));
    }
    let sign = if float.is_sign_negative() { "-" } else { "" };
    if float.is_infinite() {
        return Ok(Value::text(format!("{sign}inf")));
    }
    let (mantissa, exponent) = decompose(*float);
    if mantissa == 0 {
        return Ok(Value::text(format!("{sign}0x0.0p+0")));
    }
    let (lead, stored) = (mantissa >> MANTISSA_BITS, mantissa & ((1 << MANTISSA_BITS) - 1));
    Ok(Value::text(format!("{sign}0x{lead}.{stored:013x}p{:+}", exponent + 52)))
}
