//! Scalars: what a bare text is for YAML 1.1, and which value a text with a tag has.

use num_bigint::BigInt;

use super::{binary, date, tag::Tag};

/// Python reads numbers of so many digits and no more.
const DIGITS: usize = 4300;

/// A scalar value of Python.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Integer(BigInt),
    Float(f64),
    Text(String),
    /// As Python prints it.
    Date(String),
    Bytes(Vec<u8>),
}

/// The tag of a bare scalar.
pub(super) fn implicit(text: &str) -> Tag {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Tag::Null,
        "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE" | "false" | "False" | "FALSE" | "on"
        | "On" | "ON" | "off" | "Off" | "OFF" => Tag::Bool,
        "<<" => Tag::Merge,
        "=" => Tag::Value,
        _ if is_float(text) => Tag::Float,
        _ if is_integer(text) => Tag::Integer,
        _ if date::is_date(text) => Tag::Date,
        _ => Tag::Text,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

/// Whether all of a text, and at least one character, is of a kind.
fn all(text: &str, kind: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(kind)
}

fn digit_or_line(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// Digits and underscores that begin with a digit.
fn is_digits(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit()) && all(text, digit_or_line)
}

/// `:30` or `:5`, the parts after the first of a sexagesimal number.
fn is_sixtieth(text: &str) -> bool {
    match text.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => (b'0'..=b'5').contains(ten) && unit.is_ascii_digit(),
        _ => false,
    }
}

fn is_integer(text: &str) -> bool {
    let text = unsigned(text);
    if let Some(digits) = text.strip_prefix("0b") {
        return all(digits, |byte| matches!(byte, b'0' | b'1' | b'_'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, |byte| byte.is_ascii_hexdigit() || byte == b'_');
    }
    if let Some(digits) = text.strip_prefix('0') {
        return digits.is_empty() || all(digits, |byte| (b'0'..=b'7').contains(&byte) || byte == b'_');
    }
    let mut parts = text.split(':');
    parts.next().is_some_and(is_digits) && parts.all(is_sixtieth)
}

fn is_float(text: &str) -> bool {
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let positive = unsigned(text);
    if matches!(positive, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, rest)) = positive.split_once('.') else { return false };
    let (fraction, exponent) = match rest.find(['e', 'E']) {
        Some(place) => (&rest[..place], Some(&rest[place + 1..])),
        None => (rest, None),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        exponent.strip_prefix(['-', '+']).is_some_and(|digits| all(digits, |byte| byte.is_ascii_digit()))
    });
    let fraction_fits = fraction.bytes().all(digit_or_line);
    if whole.is_empty() {
        return text.len() == positive.len() && is_digits(fraction) && exponent_fits;
    }
    let mut parts = whole.split(':');
    let first = parts.next().is_some_and(is_digits);
    let sexagesimal = whole.contains(':');
    first && fraction_fits && exponent_fits && parts.all(is_sixtieth) && !(sexagesimal && exponent.is_some())
}

/// The value of a text with a tag, or what is wrong with it.
pub(super) fn read(tag: &Tag, text: &str) -> Result<Scalar, String> {
    Ok(match tag {
        Tag::Null => Scalar::Null,
        Tag::Bool => match text.to_lowercase().as_str() {
            "yes" | "true" | "on" => Scalar::Bool(true),
            "no" | "false" | "off" => Scalar::Bool(false),
            _ => return Err(format!("{text:?} is no !!bool; write true or false")),
        },
        Tag::Integer => Scalar::Integer(integer(text)?),
        Tag::Float => Scalar::Float(
            float(text).ok_or_else(|| format!("{:?} is no !!float; write a number like 1.5 or 1.5e+3", cut(text)))?,
        ),
        Tag::Date => Scalar::Date(date::read(text)?),
        Tag::Bytes => Scalar::Bytes(binary::decode(text)?),
        _ => Scalar::Text(text.to_owned()),
    })
}

fn cut(text: &str) -> String {
    if text.len() > 60 { text.chars().take(60).collect::<String>() + " ..." } else { text.to_owned() }
}

fn integer(written: &str) -> Result<BigInt, String> {
    let wrong =
        || format!("{:?} is no !!int; write a number like 12, 0x1f or 0b101, or put it in quotes", cut(written));
    let text = written.replace('_', "");
    if text.len() > DIGITS {
        return Err(format!("a number of {} characters is longer than Python reads; put it in quotes", text.len()));
    }
    let negative = text.starts_with('-');
    let digits = unsigned(&text);
    let value = if digits == "0" {
        BigInt::ZERO
    } else if let Some(digits) = digits.strip_prefix("0b") {
        python_integer(digits, 2).ok_or_else(wrong)?
    } else if let Some(digits) = digits.strip_prefix("0x") {
        python_integer(digits, 16).ok_or_else(wrong)?
    } else if digits.starts_with('0') {
        python_integer(digits, 8).ok_or_else(wrong)?
    } else {
        let mut value = BigInt::ZERO;
        for part in digits.split(':') {
            value = value * 60 + python_integer(part, 10).ok_or_else(wrong)?;
        }
        value
    };
    Ok(if negative { -value } else { value })
}

/// What Python's `int(text, base)` reads.
fn python_integer(text: &str, base: u32) -> Option<BigInt> {
    let text = text.trim();
    let negative = text.starts_with('-');
    let digits = unsigned(text);
    let prefix = match base {
        2 => digits.strip_prefix("0b").or_else(|| digits.strip_prefix("0B")),
        8 => digits.strip_prefix("0o").or_else(|| digits.strip_prefix("0O")),
        16 => digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")),
        _ => None,
    };
    let digits = prefix.unwrap_or(digits);
    if !all(digits, |byte| char::from(byte).is_digit(base)) {
        return None;
    }
    let value = BigInt::parse_bytes(digits.as_bytes(), base)?;
    Some(if negative { -value } else { value })
}

fn float(text: &str) -> Option<f64> {
    let text = text.replace('_', "").to_lowercase();
    let negative = text.starts_with('-');
    let digits = unsigned(&text);
    let value = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => return Some(f64::NAN),
        _ => {
            // From the last part to the first, since that is how the predecessor adds up and rounds.
            let mut parts = digits.rsplit(':').map(|part| part.trim().parse::<f64>().ok());
            if digits.contains(':') {
                parts.try_fold((0.0, 1.0), |(sum, base), part| Some((sum + part? * base, base * 60.0)))?.0
            } else {
                parts.next()??
            }
        }
    };
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_text_is_what_yaml_1_1_makes_of_it() {
        let cases: [(&[&str], Tag); 7] = [
            (&["", "~", "null", "Null", "NULL"], Tag::Null),
            (&["yes", "Off", "TRUE", "on"], Tag::Bool),
            (&["0", "-0", "+12", "1_000", "0123", "0_7", "0x_f", "0b1_0", "12:30", "-1:2:3", "0_"], Tag::Integer),
            (&["1.", "1.5e+3", "1_0.5_0", ".5", "-.inf", ".NAN", "1:30.5", "0.", ".5e-1"], Tag::Float),
            (&["2021-01-02", "2021-1-2 3:04:05"], Tag::Date),
            (&["<<"], Tag::Merge),
            (
                &["y", "n", "08", "0o17", "1e5", "1.5e3", "+.5", "-.5", "-.nan", "1:60", "._5", "1:30.5e+1", "_1", "a"],
                Tag::Text,
            ),
        ];
        for (texts, tag) in cases {
            for text in texts {
                assert_eq!(implicit(text), tag, "{text:?}");
            }
        }
    }

    #[test]
    fn numbers_of_all_notations_are_read() {
        let number = |text| match read(&implicit(text), text).unwrap() {
            Scalar::Integer(number) => number.to_string(),
            Scalar::Float(number) => number.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(number("0123"), "83");
        assert_eq!(number("-12:30"), "-750");
        assert_eq!(number("0x_f"), "15");
        assert_eq!(number("1:30.5"), "90.5");
        assert_eq!(number("123456789012345678901234567890"), "123456789012345678901234567890");
        assert_eq!(number("-.inf"), "-inf");
    }

    #[test]
    fn a_tag_that_the_text_does_not_fit_is_an_error() {
        assert_eq!(read(&Tag::Bool, "maybe").unwrap_err(), "\"maybe\" is no !!bool; write true or false");
        assert_eq!(
            read(&Tag::Integer, "0b_").unwrap_err(),
            "\"0b_\" is no !!int; write a number like 12, 0x1f or 0b101, or put it in quotes"
        );
        assert_eq!(read(&Tag::Float, "").unwrap_err(), "\"\" is no !!float; write a number like 1.5 or 1.5e+3");
        assert!(read(&Tag::Integer, &"9".repeat(5000)).unwrap_err().starts_with("a number of 5000 characters"));
        assert_eq!(read(&Tag::Float, "1e5"), Ok(Scalar::Float(100_000.0)));
        assert_eq!(read(&Tag::Integer, "0o17"), Ok(Scalar::Integer(15.into())));
    }
}
