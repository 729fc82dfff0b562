//! The digits of numbers, without sign and padding, as C's `printf` and Python round and write them.
//!
//! Rust writes the exact decimal value of a float and rounds half to even, which is what C does.

use num_bigint::{BigInt, Sign};

use super::super::super::error::Fault;
use super::super::machine::Machine;
use super::super::number;
use super::super::value::Integer;

/// No float has more digits than this behind its point, or in all; beyond them are zeros.
const MOST_DIGITS: usize = 1100;

/// How a float is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// `%f`
    Fixed,
    /// `%e`
    Scientific,
    /// `%g`
    General,
    /// As Python's `repr`, but with a limit of digits: always a point or an exponent.
    Limited,
}

/// The text of a float that is not negative. `alternate` keeps a point and zeros at the end. Pays for it.
pub(super) fn float(
    machine: &mut Machine<'_, '_>,
    float: f64,
    notation: Notation,
    precision: usize,
    alternate: bool,
) -> Result<String, Fault> {
    if float.is_nan() {
        return Ok("nan".to_owned());
    }
    if float.is_infinite() {
        return Ok("inf".to_owned());
    }
    machine.burn(8)?;
    machine.afford(precision.saturating_add(330))?;
    Ok(match notation {
        Notation::Fixed => fixed(float, precision, alternate),
        Notation::Scientific => scientific(float, precision, alternate),
        Notation::General => general(float, precision.max(1), precision.max(1), alternate),
        Notation::Limited => {
            let precision = precision.max(1);
            let text = general(float, precision, precision - 1, alternate);
            if text.contains(['.', 'e']) { text } else { text + ".0" }
        }
    })
}

fn fixed(float: f64, precision: usize, alternate: bool) -> String {
    let exact = precision.min(MOST_DIGITS);
    let mut text = format!("{float:.exact$}");
    text.extend(std::iter::repeat_n('0', precision - exact));
    if alternate && precision == 0 {
        text.push('.');
    }
    text
}

fn scientific(float: f64, precision: usize, alternate: bool) -> String {
    let (mut mantissa, exponent) = parts(float, precision);
    if alternate && precision == 0 {
        mantissa.push('.');
    }
    mantissa + &exponent_text(exponent)
}

/// With an exponent when the number is below 0.0001 or has more than `largest` digits before its point.
fn general(float: f64, precision: usize, largest: usize, alternate: bool) -> String {
    let (mantissa, exponent) = parts(float, precision - 1);
    let magnitude = usize::try_from(exponent);
    let plain = match magnitude {
        Ok(magnitude) => magnitude < largest,
        Err(_) => exponent >= -4,
    };
    if !plain {
        let mut mantissa = if alternate { mantissa } else { without_zeros(mantissa) };
        if alternate && precision == 1 {
            mantissa.push('.');
        }
        return mantissa + &exponent_text(exponent);
    }
    let behind_point = match magnitude {
        Ok(magnitude) => precision.saturating_sub(1 + magnitude),
        Err(_) => precision - 1 + usize::try_from(exponent.unsigned_abs()).unwrap_or(0),
    };
    let text = fixed(float, behind_point, alternate);
    if alternate { text } else { without_zeros(text) }
}

/// Mantissa with `precision` digits behind the point, and exponent.
fn parts(float: f64, precision: usize) -> (String, i32) {
    let exact = precision.min(MOST_DIGITS);
    let text = format!("{float:.exact$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mut mantissa = mantissa.to_owned();
    mantissa.extend(std::iter::repeat_n('0', precision - exact));
    (mantissa, exponent.parse().unwrap_or_default())
}

fn exponent_text(exponent: i32) -> String {
    format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

fn without_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The digits of an integer without its sign, in base 2, 8, 10 or 16 (small letters). Pays for them.
pub(super) fn integer(machine: &mut Machine<'_, '_>, integer: &Integer, base: u32) -> Result<String, Fault> {
    let small = match integer {
        Integer::Small(small) => small.unsigned_abs(),
        Integer::Big(big) => {
            machine.afford(usize::try_from(big.bits()).unwrap_or(usize::MAX))?;
            return if base == 10 {
                let text = number::integer_text(integer)?;
                machine.burn(text.len() * text.len() / 1024)?;
                Ok(text.trim_start_matches('-').to_owned())
            } else {
                Ok(big.magnitude().to_str_radix(base))
            };
        }
    };
    Ok(match base {
        2 => format!("{small:b}"),
        8 => format!("{small:o}"),
        16 => format!("{small:x}"),
        _ => small.to_string(),
    })
}

pub(super) fn is_negative(integer: &Integer) -> bool {
    match integer {
        Integer::Small(integer) => *integer < 0,
        Integer::Big(integer) => BigInt::sign(integer) == Sign::Minus,
    }
}
