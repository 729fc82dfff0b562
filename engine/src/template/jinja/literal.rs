//! What the literals of a template mean, by Python's rules.

use num_bigint::BigInt;

use super::number::INTEGER_DIGITS;
use super::value::{Integer, Value};

/// A value that is written out in a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    None,
    Bool(bool),
    Integer(i64),
    Big(BigInt),
    Float(f64),
    Text(Box<str>),
}

impl Literal {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Literal::None => Value::None,
            Literal::Bool(bool) => Value::Bool(*bool),
            Literal::Integer(integer) => Value::Integer(Integer::Small(*integer)),
            Literal::Big(integer) => Value::Integer(integer.clone().into()),
            Literal::Float(float) => Value::Float(*float),
            Literal::Text(text) => Value::borrowed(text),
        }
    }
}

/// The integer that `text` writes out.
pub(super) fn integer(text: &str) -> Result<Literal, String> {
    let digits = text.replace('_', "");
    let (digits, radix) = match digits.get(..2) {
        Some("0b" | "0B") => (&digits[2..], 2),
        Some("0o" | "0O") => (&digits[2..], 8),
        Some("0x" | "0X") => (&digits[2..], 16),
        _ => (&*digits, 10),
    };
    if digits.len() as u64 > INTEGER_DIGITS {
        return Err(format!("the integer has {} digits, allowed are {INTEGER_DIGITS}", digits.len()));
    }
    if let Ok(integer) = i64::from_str_radix(digits, radix) {
        return Ok(Literal::Integer(integer));
    }
    match BigInt::parse_bytes(digits.as_bytes(), radix) {
        Some(integer) => Ok(Literal::Big(integer)),
        None => Err(format!("`{text}` is no integer")),
    }
}

/// The float that `text` writes out.
pub(super) fn float(text: &str) -> Result<Literal, String> {
    text.replace('_', "").parse().map(Literal::Float).map_err(|_| format!("`{text}` is no float"))
}

/// The characters of a text in quotes.
pub(super) fn text(quoted: &str) -> Result<String, String> {
    let inside = &quoted[1..quoted.len() - 1];
    if !inside.contains('\\') {
        return Ok(inside.to_owned());
    }
    let mut text = String::with_capacity(inside.len());
    let mut rest = inside.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        let Some(escaped) = rest.next() else { break };
        match escaped {
            '\n' => {}
            '\\' | '\'' | '"' => text.push(escaped),
            'a' => text.push('\x07'),
            'b' => text.push('\x08'),
            'f' => text.push('\x0c'),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            'v' => text.push('\x0b'),
            '0'..='7' => {
                let mut code = escaped.to_digit(8).unwrap_or_default();
                let mut more = rest.clone();
                for _ in 0..2 {
                    let Some(digit) = more.next().and_then(|digit| digit.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    rest = more.clone();
                }
                text.extend(char::from_u32(code));
            }
            'x' => text.push(hexadecimal(&mut rest, 2, 'x')?),
            'u' => text.push(hexadecimal(&mut rest, 4, 'u')?),
            'U' => text.push(hexadecimal(&mut rest, 8, 'U')?),
            'N' => return Err(r"write the character itself instead of `\N{...}`".to_owned()),
            // Python turns what is not ASCII into an escape first, so that this backslash escapes that one's.
            other if !other.is_ascii() => text.push_str(&escape(other)),
            other => text.extend(['\\', other]),
        }
    }
    Ok(text)
}

fn escape(character: char) -> String {
    let code = u32::from(character);
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

fn hexadecimal(rest: &mut std::str::Chars<'_>, count: usize, sign: char) -> Result<char, String> {
    let digits = rest.as_str().get(..count).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let Some(digits) = digits else {
        return Err(format!("`\\{sign}` is followed by {count} hexadecimal digits"));
    };
    *rest = rest.as_str()[count..].chars();
    let code = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
    char::from_u32(code).ok_or_else(|| format!("`\\{sign}{digits}` is no character by itself"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_mean_what_python_makes_of_them() {
        let cases = [
            (r"'a\nb'", "a\nb"),
            (r"'\d\.'", r"\d\."),
            (r"'\x41\101\0é\u00e9\U0001f600'", "AA\0éé😀"),
            (r#""it\'s \"so\"""#, "it's \"so\""),
            (r"'\é'", r"\xe9"),
            ("'a\\\nb'", "ab"),
        ];
        for (quoted, expected) in cases {
            assert_eq!(text(quoted).unwrap(), expected, "{quoted}");
        }
        assert_eq!(text(r"'\x4'").unwrap_err(), r"`\x` is followed by 2 hexadecimal digits");
        assert_eq!(text(r"'\ud83d'").unwrap_err(), r"`\ud83d` is no character by itself");
    }

    #[test]
    fn integers_of_any_size_can_be_written() {
        assert_eq!(integer("1_000").unwrap(), Literal::Integer(1000));
        assert_eq!(integer("0xff").unwrap(), Literal::Integer(255));
        assert!(matches!(integer("123456789012345678901234567890123456789012345").unwrap(), Literal::Big(_)));
        assert!(integer(&"9".repeat(4301)).is_err());
    }
}
