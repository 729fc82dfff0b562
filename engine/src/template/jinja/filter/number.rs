//! Filters for numbers, and the numbers that texts hold as Python reads them.

use std::borrow::Cow;
use std::cmp::Ordering;

use num_bigint::BigInt;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::machine::Machine;
use super::super::number::{INTEGER_BITS, INTEGER_DIGITS, integral};
use super::super::operation;
use super::super::value::{Integer, Value};
use super::character::{decimal, is_space};
use super::lookup::Path;
use super::{Outcome, cut, flag, given, unfit, whole};

pub(super) fn abs<'a>(_machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [] = arguments.bind("abs", [], 0)?;
    match value {
        Value::Bool(bool) => Ok(Value::integer(i64::from(bool))),
        Value::Integer(integer) => Ok(Value::integer(BigInt::from(integer.to_big().magnitude().clone()))),
        Value::Float(float) => Ok(Value::Float(float.abs())),
        value => Err(unfit("abs", "value", &value, "a number")),
    }
}

/// What Python's `float` makes of a value.
enum Float {
    Is(f64),
    /// An integer beyond the range of floats, or a value that is no number and cannot be asked (Undefined).
    Fails(Fault),
    None,
}

fn to_float(machine: &mut Machine<'_, '_>, filter: &str, value: &Value<'_>) -> Result<Float, Fault> {
    Ok(match value {
        Value::Bool(bool) => Float::Is(f64::from(u8::from(*bool))),
        Value::Float(float) => Float::Is(*float),
        Value::Integer(integer) => match big_to_float(&integer.to_big()) {
            Some(float) => Float::Is(float),
            None => Float::Fails(Fault::problem(format!("filter `{filter}`: the integer is too large for a float"))),
        },
        Value::Text(text) => {
            machine.burn(text.len() / 16)?;
            parse_float(text).map_or(Float::None, Float::Is)
        }
        Value::Undefined(name) => Float::Fails(Fault::problem(format!(
            "filter `{filter}`: `{name}` is undefined; put `|default(0)` before it"
        ))),
        _ => Float::None,
    })
}

/// The nearest float; None for what is beyond the largest.
fn big_to_float(integer: &BigInt) -> Option<f64> {
    // 310 digits are more than any float has.
    if integer.bits() > 1030 {
        return None;
    }
    integer.to_string().parse().ok().filter(|float: &f64| float.is_finite())
}

/// Digits with single `_` between them, without these; None for others.
fn joined(text: &str) -> Option<String> {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        if at == 0 || !digit(bytes.get(at - 1)) || !digit(bytes.get(at + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// A number's text without white space around it and with the digits of all scripts as ours.
fn plain(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(is_space);
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    text.chars().map(|character| decimal(character).unwrap_or(character)).collect()
}

/// The float in a text as Python's `float` reads it.
fn parse_float(text: &str) -> Option<f64> {
    let text = &*plain(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity", "nan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return text.to_ascii_lowercase().parse().ok();
    }
    let bytes = unsigned.as_bytes();
    let shaped =
        bytes.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
    // A `_` stands between digits only, and `e` is a letter of the other bases alone.
    let between = |pair: &[u8]| !(pair.contains(&b'_') && pair.iter().any(|byte| matches!(byte, b'e' | b'E')));
    if !shaped || !bytes.windows(2).all(between) {
        return None;
    }
    joined(text)?.parse().ok()
}

/// The integer in a text as Python's `int` reads it in a base.
fn parse_integer(text: &str, base: i64) -> Option<BigInt> {
    let text = &*plain(text);
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let prefixed = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    let (digits, base) = match base {
        0 | 2 | 8 | 16 if prefixed != 0 && (base == 0 || base == prefixed) => {
            (unsigned[2..].strip_prefix('_').unwrap_or(&unsigned[2..]), prefixed)
        }
        // Without a base, only zeros may start with one.
        0 if unsigned.starts_with('0') && !unsigned.bytes().all(|byte| matches!(byte, b'0' | b'_')) => return None,
        0 => (unsigned, 10),
        2..=36 => (unsigned, base),
        _ => return None,
    };
    let digits = joined(digits)?;
    let radix = u32::try_from(base).ok()?;
    if digits.is_empty()
        || !digits.chars().all(|digit| digit.is_digit(radix))
        || (digits.len() as u64 > INTEGER_DIGITS && !radix.is_power_of_two())
    {
        return None;
    }
    let integer = BigInt::parse_bytes(digits.as_bytes(), radix)?;
    Some(if negative { -integer } else { integer })
}

pub(super) fn int<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [default, base] = arguments.bind("int", ["default", "base"], 0)?;
    let otherwise = default.unwrap_or_else(|| Value::integer(0));
    match &value {
        Value::Integer(_) => return Ok(value),
        Value::Float(float) if float.is_infinite() => {
            return Err(Fault::problem("filter `int`: an infinite number has no integer"));
        }
        Value::Text(text) => {
            machine.burn(text.len() / 8)?;
            let base = base.map_or(Some(10), |base| whole("int", "base", &base).ok());
            if let Some(integer) = base.and_then(|base| parse_integer(text, base)) {
                if integer.bits() > INTEGER_BITS {
                    let problem =
                        format!("an integer of {} bits is too large, allowed are {INTEGER_BITS}", integer.bits());
                    return Err(Fault::problem(format!("filter `int`: {problem}")));
                }
                return Ok(Value::integer(integer));
            }
        }
        _ => {}
    }
    match to_float(machine, "int", &value)? {
        Float::Is(float) => Ok(integral(float.trunc()).map_or(otherwise, Value::Integer)),
        Float::Fails(fault) => Err(fault),
        Float::None => Ok(otherwise),
    }
}

pub(super) fn float<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [default] = arguments.bind("float", ["default"], 0)?;
    match to_float(machine, "float", &value)? {
        Float::Is(float) => Ok(Value::Float(float)),
        Float::Fails(fault) => Err(fault),
        Float::None => Ok(default.unwrap_or(Value::Float(0.0))),
    }
}

pub(super) fn round<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [precision, method] = arguments.bind("round", ["precision", "method"], 0)?;
    let precision = precision.unwrap_or_else(|| Value::integer(0));
    let up = match method {
        None => None,
        Some(Value::Text(method)) if &*method == "common" => None,
        Some(Value::Text(method)) if &*method == "ceil" => Some(true),
        Some(Value::Text(method)) if &*method == "floor" => Some(false),
        Some(method) => {
            let found = machine.representation(&method)?;
            return Err(Fault::problem(format!(
                "filter `round`: its method is {found}, but must be 'common', 'ceil' or 'floor'"
            )));
        }
    };
    let Some(up) = up else {
        return round_common(value, given(Some(precision)));
    };
    let factor = operation::power(machine, &Value::integer(10), &precision)?;
    let scaled = operation::multiply(machine, &value, &factor)?;
    let scaled = match scaled {
        Value::Bool(bool) => Value::integer(i64::from(bool)),
        Value::Float(float) => {
            let whole = if up { float.ceil() } else { float.floor() };
            Value::Integer(
                integral(whole).ok_or_else(|| Fault::problem(format!("filter `round`: {float} cannot be rounded")))?,
            )
        }
        Value::Integer(_) => scaled,
        other => return Err(unfit("round", "value", &other, "a number")),
    };
    operation::divide(machine, &scaled, &factor)
}

/// Python's `round`: to even where both are as near.
fn round_common<'a>(value: Value<'a>, precision: Option<Value<'a>>) -> Outcome<'a> {
    let digits = precision.map(|precision| whole("round", "precision", &precision)).transpose()?;
    match value {
        Value::Bool(bool) => Ok(round_integer(&Integer::Small(i64::from(bool)), digits.unwrap_or(0))),
        Value::Integer(integer) => Ok(round_integer(&integer, digits.unwrap_or(0))),
        Value::Float(float) => match digits {
            Some(digits) => round_float(float, digits).map(Value::Float),
            None => round_float(float, 0)
                .ok()
                .and_then(integral)
                .map(Value::Integer)
                .ok_or_else(|| Fault::problem(format!("filter `round`: {float} has no integer"))),
        },
        value => Err(unfit("round", "value", &value, "a number; `|float` makes one")),
    }
}

fn round_integer<'a>(integer: &Integer, digits: i64) -> Value<'a> {
    let big = integer.to_big();
    let places = usize::try_from(-digits.min(0)).unwrap_or(usize::MAX);
    // Beyond its own digits all is 0: an integer of n bits has fewer than n decimal ones.
    if places == 0 {
        return Value::integer(big);
    }
    let Some(places) = u32::try_from(places).ok().filter(|places| u64::from(*places) <= big.bits()) else {
        return Value::integer(0);
    };
    let unit = BigInt::from(10).pow(places);
    let half: BigInt = &unit / 2;
    let mut quotient = &big / &unit;
    let rest = &big % &unit;
    let odd = quotient.bit(0);
    let distance = BigInt::from(rest.magnitude().clone());
    if distance > half || (distance == half && odd) {
        quotient += if rest.sign() == num_bigint::Sign::Minus { -1 } else { 1 };
    }
    Value::integer(quotient * unit)
}

fn round_float(float: f64, digits: i64) -> Result<f64, Fault> {
    // Beyond these no float has digits.
    if !float.is_finite() || float == 0.0 || digits > 323 {
        return Ok(float);
    }
    if digits < -308 {
        return Ok(0.0 * float);
    }
    let text = if let Ok(digits) = usize::try_from(digits) {
        format!("{float:.digits$}")
    } else {
        let exponent = format!("{float:e}").rsplit_once('e').and_then(|(_, exponent)| exponent.parse::<i64>().ok());
        let exponent = exponent.unwrap_or_default();
        match usize::try_from(exponent + digits) {
            Ok(places) => format!("{float:.places$e}"),
            Err(_) if exponent + digits == -1 => {
                let unit = format!("1e{}", -digits);
                let half = format!("5e{}", -digits - 1).parse().unwrap_or(f64::MAX);
                let sign = if float < 0.0 { "-" } else { "" };
                if float.abs() > half { format!("{sign}{unit}") } else { format!("{sign}0") }
            }
            Err(_) => return Ok(0.0 * float),
        }
    };
    let rounded: f64 = text.parse().unwrap_or(f64::INFINITY);
    if rounded.is_finite() {
        Ok(rounded)
    } else {
        Err(Fault::problem(format!("filter `round`: {float:e} rounded to {digits} digits is too large for a float")))
    }
}

pub(super) fn sum<'a>(machine: &mut Machine<'a, '_>, value: Value<'a>, arguments: Arguments<'a>) -> Outcome<'a> {
    let [attribute, start] = arguments.bind("sum", ["attribute", "start"], 0)?;
    let path = Path::of(machine, "sum", given(attribute))?;
    let mut sum = start.unwrap_or_else(|| Value::integer(0));
    if matches!(sum, Value::Text(_)) {
        return Err(Fault::problem("filter `sum`: texts cannot be summed up; use `join`"));
    }
    for item in machine.iterate(&value)? {
        let item = path.get(machine, item, None)?;
        sum = operation::add(machine, &sum, &item)?;
    }
    Ok(sum)
}

/// Prefixes with the size that is too large for each; whether the size as a float is still below the exact one.
const DECIMAL: [(&str, f64, bool); 8] = [
    ("kB", 1e6, false),
    ("MB", 1e9, false),
    ("GB", 1e12, false),
    ("TB", 1e15, false),
    ("PB", 1e18, false),
    ("EB", 1e21, false),
    ("ZB", 1e24, true),
    ("YB", 1e27, false),
];
const BINARY: [(&str, i32); 8] =
    [("KiB", 20), ("MiB", 30), ("GiB", 40), ("TiB", 50), ("PiB", 60), ("EiB", 70), ("ZiB", 80), ("YiB", 90)];

pub(super) fn filesizeformat<'a>(
    machine: &mut Machine<'a, '_>,
    value: Value<'a>,
    arguments: Arguments<'a>,
) -> Outcome<'a> {
    let [binary] = arguments.bind("filesizeformat", ["binary"], 0)?;
    let bytes = match to_float(machine, "filesizeformat", &value)? {
        Float::Is(bytes) => bytes,
        Float::Fails(fault) => return Err(fault),
        Float::None => return Err(unfit("filesizeformat", "value", &value, "a number of bytes")),
    };
    let binary = flag(machine, binary.as_ref(), false);
    let base = if binary { 1024.0 } else { 1000.0 };
    if bytes.total_cmp(&1.0) == Ordering::Equal {
        return Ok(Value::text("1 Byte"));
    }
    if bytes < base {
        let whole = integral(bytes.trunc());
        let whole = whole.ok_or_else(|| Fault::problem("filter `filesizeformat`: infinite is no size"))?;
        return Ok(Value::text(format!("{} Bytes", whole.to_big())));
    }
    let prefixes: [(&str, f64, bool); 8] =
        if binary { BINARY.map(|(prefix, bits)| (prefix, 2_f64.powi(bits), false)) } else { DECIMAL };
    let fitting = prefixes.iter().find(|(_, unit, below)| bytes < *unit || (*below && bytes <= *unit));
    let (prefix, unit, _) = fitting.unwrap_or(&prefixes[7]);
    let size = base * bytes / unit;
    let size = if size.is_finite() { format!("{size:.1}") } else { format!("{size}").to_lowercase() };
    Ok(Value::text(format!("{size} {prefix}")))
}

/// The value as an index, for filters that count with it; floats that are whole count too where Python compares.
pub(super) fn comparable_count(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Bool(bool) => Some(i64::from(*bool)),
        Value::Integer(integer) => Some(cut(integer)),
        Value::Float(float) => integral(*float).map(|integer| cut(&integer)),
        _ => None,
    }
}
