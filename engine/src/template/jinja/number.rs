//! Numbers as Python has them: their text forms and what floats and integers have in common.

use std::cmp::Ordering;

use num_bigint::ToBigInt;

use super::super::error::Fault;
use super::value::{Integer, Value};

/// Python turns no integer of more digits into text, and none into an integer.
pub(super) const INTEGER_DIGITS: u64 = 4300;

/// Bits of the largest integer that a template can make: more than a text of it may have digits, so that only sizes that
/// Python itself would choke on differ.
pub(super) const INTEGER_BITS: u64 = 1 << 16;

/// A number by its kind; bools count as integers, as in Python.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Integer(Integer),
    Float(f64),
}

impl Number {
    /// The value as a number, if it is one.
    pub(super) fn of(value: &Value<'_>) -> Option<Number> {
        match value {
            Value::Bool(bool) => Some(Number::Integer(Integer::Small(i64::from(*bool)))),
            Value::Integer(integer) => Some(Number::Integer(integer.clone())),
            Value::Float(float) => Some(Number::Float(*float)),
            _ => None,
        }
    }

    /// Python's order of numbers, exact between integers of any size and floats; None with `nan`.
    pub(super) fn compare(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Integer(Integer::Small(left)), Number::Integer(Integer::Small(right))) => Some(left.cmp(right)),
            (Number::Integer(left), Number::Integer(right)) => Some(left.to_big().cmp(&right.to_big())),
            (Number::Float(left), Number::Float(right)) => left.partial_cmp(right),
            (Number::Integer(left), Number::Float(right)) => compare_mixed(left, *right),
            (Number::Float(left), Number::Integer(right)) => compare_mixed(right, *left).map(Ordering::reverse),
        }
    }
}

fn compare_mixed(integer: &Integer, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    let Some(floor) = float.floor().to_bigint() else {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    };
    let order = integer.to_big().cmp(&floor);
    Some(if order == Ordering::Equal && float.fract() != 0.0 { Ordering::Less } else { order })
}

/// The integer that a float is equal to, if it is one.
pub(super) fn integral(float: f64) -> Option<Integer> {
    (float.is_finite() && float.fract() == 0.0).then(|| float.to_bigint().unwrap_or_default().into())
}

/// The float nearest to an integer; fails as Python does where it is too large for one.
pub(super) fn to_float(integer: &Integer) -> Result<f64, Fault> {
    use num_bigint::BigInt as Big;
    match integer {
        #[allow(clippy::cast_precision_loss)]
        Integer::Small(integer) => Ok(*integer as f64),
        Integer::Big(integer) => {
            // The library's own conversion cuts off; the text form is rounded to the nearest.
            let bits = Big::bits(integer);
            let float = if bits > 1025 { f64::INFINITY } else { integer.to_string().parse().unwrap_or(f64::INFINITY) };
            if float.is_finite() { Ok(float) } else { Err(Fault::problem("the integer is too large for a float")) }
        }
    }
}

/// Python's text of an integer.
pub(super) fn integer_text(integer: &Integer) -> Result<String, Fault> {
    match integer {
        Integer::Small(integer) => Ok(integer.to_string()),
        Integer::Big(integer) => {
            // 4300 digits are 14,285 bits at most.
            let too_long = || {
                let problem = format!("an integer of more than {INTEGER_DIGITS} digits has no text");
                Err(Fault::problem(problem))
            };
            if integer.bits() > 14_285 {
                return too_long();
            }
            let text = integer.to_string();
            if text.trim_start_matches('-').len() as u64 > INTEGER_DIGITS { too_long() } else { Ok(text) }
        }
    }
}

/// Python's `repr` of a float: the shortest text that gives the same float again.
pub fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let shortest = format!("{float:e}");
    let digits = shortest.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count() - 1;
    // Where two texts are equally short and equally near, Rust takes the upper one and Python the even one.
    let even = format!("{float:.digits$e}");
    let is_even = even.parse() == Ok(float);
    let scientific = if is_even { even } else { shortest };
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        let behind_point = usize::try_from(i64::try_from(digits).unwrap_or(0) - i64::from(exponent)).unwrap_or(0);
        let plain = if is_even { format!("{float:.behind_point$}") } else { format!("{float}") };
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;

    use super::*;

    #[test]
    fn floats_have_the_texts_that_python_gives_them() {
        let cases = [
            (1e20, "1e+20"),
            (0.1, "0.1"),
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (564_990_165_772_705.0 / 8.0, "70623770721588.12"),
            (564_990_165_772_707.0 / 8.0, "70623770721588.38"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ];
        for (float, text) in cases {
            assert_eq!(float_text(float), text);
        }
    }

    #[test]
    fn an_integer_is_compared_exactly_with_a_float() {
        let big = Number::Integer(BigInt::from((1_i64 << 53) + 1).into());
        #[allow(clippy::cast_precision_loss)]
        let float = Number::Float((1_i64 << 53) as f64);
        assert_eq!(big.compare(&float), Some(Ordering::Greater));
        assert_eq!(float.compare(&big), Some(Ordering::Less));
        assert_eq!(Number::Float(1.5).compare(&Number::Integer(Integer::Small(1))), Some(Ordering::Greater));
        assert_eq!(Number::Float(-1.5).compare(&Number::Integer(Integer::Small(-1))), Some(Ordering::Less));
        assert_eq!(Number::Float(f64::NAN).compare(&Number::Integer(Integer::Small(-1))), None);
    }

    #[test]
    fn an_integer_of_more_than_4300_digits_has_no_text() {
        let digits = |count: u32| Integer::from(BigInt::from(10).pow(count) - 1);
        assert_eq!(integer_text(&digits(4300)).unwrap().len(), 4300);
        assert!(integer_text(&digits(4301)).is_err());
    }
}
