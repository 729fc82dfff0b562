//! What may stand behind the colon in `{:...}`, and how it forms texts and numbers.

use super::super::super::error::Fault;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::number::{self, Number};
use super::super::value::{Integer, Value};
use super::digits::{self, Notation};

#[derive(Default)]
struct Specification {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    no_negative_zero: bool,
    alternate: bool,
    zeros: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

/// `value` in the form that `text` asks for: Python's `format(value, text)`.
pub(super) fn apply<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>, text: &str) -> Result<String, Fault> {
    if text.is_empty() {
        return machine.to_text(value);
    }
    let refused =
        |problem: &str| Fault::problem(format!("`{text}` is no format of a {}: {problem}", value.type_name()));
    let specification = Specification::read(text).map_err(|problem| refused(&problem))?;
    match (value, Number::of(value)) {
        (Value::Text(characters), _) => {
            specification.check_text().map_err(refused)?;
            machine.rendering.burn_bytes(characters.len())?;
            let cut = specification.precision.and_then(|precision| characters.char_indices().nth(precision));
            let body = cut.map_or(&**characters, |(end, _)| &characters[..end]);
            specification.pad(machine, '<', &Parts { rest: body.to_owned(), ..Parts::default() })
        }
        (_, Some(number)) => {
            let parts = specification.number(machine, &number, refused)?;
            specification.pad(machine, '>', &parts)
        }
        _ => Err(refused("only texts and numbers have formats")),
    }
}

/// A number taken apart, to put padding and separators between.
#[derive(Default)]
struct Parts {
    sign: &'static str,
    prefix: &'static str,
    /// Digits before the point.
    digits: String,
    rest: String,
}

impl Specification {
    fn read(text: &str) -> Result<Specification, String> {
        let mut specification = Specification::default();
        let is_align = |character: char| matches!(character, '<' | '>' | '=' | '^');
        let mut rest = text;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (fill, Some(align)) if is_align(align) => {
                specification.fill = fill;
                specification.align = Some(align);
                rest = characters.as_str();
            }
            (Some(align), _) if is_align(align) => {
                specification.align = Some(align);
                rest = &text[1..];
            }
            _ => {}
        }
        if let Some(sign) = rest.chars().next().filter(|sign| matches!(sign, '+' | '-' | ' ')) {
            specification.sign = Some(sign);
            rest = &rest[1..];
        }
        let mut take = |mark: char| {
            let after = rest.strip_prefix(mark);
            rest = after.unwrap_or(rest);
            after.is_some()
        };
        specification.no_negative_zero = take('z');
        specification.alternate = take('#');
        specification.zeros = specification.fill.is_none() && take('0');
        if let Some(width) = number(&mut rest)? {
            specification.width = width;
        }
        for separator in [',', '_'] {
            if let Some(after) = rest.strip_prefix(separator) {
                if specification.grouping.is_some() {
                    return Err("`,` and `_` cannot stand together".to_owned());
                }
                specification.grouping = Some(separator);
                rest = after;
            }
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            let precision = number(&mut rest)?.ok_or("digits are missing after the point")?;
            specification.precision = Some(precision);
        }
        let mut characters = rest.chars();
        specification.kind = characters.next();
        if !characters.as_str().is_empty() {
            return Err("after the type, nothing may follow".to_owned());
        }
        match (specification.grouping, specification.kind) {
            (None, _)
            | (Some(_), None | Some('d' | 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'))
            | (Some('_'), Some('b' | 'o' | 'x' | 'X')) => Ok(specification),
            (Some(separator), Some(kind)) => Err(format!("`{separator}` cannot stand with the type `{kind}`")),
        }
    }

    fn check_text(&self) -> Result<(), &'static str> {
        if !matches!(self.kind, None | Some('s')) {
            Err("the only type of texts is `s`")
        } else if self.sign.is_some() || self.no_negative_zero {
            Err("texts have no sign")
        } else if self.alternate {
            Err("texts have no other form, `#`")
        } else if self.grouping.is_some() {
            Err("texts have no separators")
        } else if self.align == Some('=') {
            Err("texts cannot be padded behind a sign, `=`")
        } else {
            Ok(())
        }
    }

    fn number(
        &self,
        machine: &mut Machine<'_, '_>,
        number: &Number,
        refused: impl Fn(&str) -> Fault,
    ) -> Result<Parts, Fault> {
        match (number, self.kind) {
            (Number::Integer(integer), None | Some('b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n')) => {
                if self.precision.is_some() || self.no_negative_zero {
                    return Err(refused("integers have no precision and no negative zero"));
                }
                if self.kind == Some('c') { self.character(integer, refused) } else { self.integer(machine, integer) }
            }
            (Number::Integer(integer), Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) => {
                self.float(machine, number::to_float(integer)?)
            }
            (Number::Float(float), None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%')) => {
                self.float(machine, *float)
            }
            (_, kind) => Err(refused(&format!("the type `{}` does not fit", kind.unwrap_or_default()))),
        }
    }

    fn character(&self, integer: &Integer, refused: impl Fn(&str) -> Fault) -> Result<Parts, Fault> {
        if self.sign.is_some() || self.alternate {
            return Err(refused("characters have no sign and no other form"));
        }
        let code = if let Integer::Small(code) = integer { u32::try_from(*code).ok() } else { None };
        let character = code.and_then(char::from_u32).ok_or_else(|| refused("it is the number of no character"))?;
        Ok(Parts { rest: character.to_string(), ..Parts::default() })
    }

    fn integer(&self, machine: &mut Machine<'_, '_>, integer: &Integer) -> Result<Parts, Fault> {
        let (base, prefix) = match self.kind {
            Some('b') => (2, "0b"),
            Some('o') => (8, "0o"),
            Some('x') => (16, "0x"),
            Some('X') => (16, "0X"),
            _ => (10, ""),
        };
        let mut digits = digits::integer(machine, integer, base)?;
        if self.kind == Some('X') {
            digits.make_ascii_uppercase();
        }
        let prefix = if self.alternate { prefix } else { "" };
        Ok(Parts { sign: self.sign_of(digits::is_negative(integer)), prefix, digits, rest: String::new() })
    }

    fn float(&self, machine: &mut Machine<'_, '_>, float: f64) -> Result<Parts, Fault> {
        let percent = self.kind == Some('%');
        let float = if percent { float * 100.0 } else { float };
        let size = float.abs();
        let notation = match self.kind {
            Some('e' | 'E') => Notation::Scientific,
            Some('f' | 'F' | '%') => Notation::Fixed,
            None => Notation::Limited,
            _ => Notation::General,
        };
        let mut text = match (notation, self.precision) {
            (Notation::Limited, None) => {
                let text = number::float_text(size);
                if self.alternate { with_point(text) } else { text }
            }
            (notation, precision) => digits::float(machine, size, notation, precision.unwrap_or(6), self.alternate)?,
        };
        let mantissa = text.split('e').next().unwrap_or_default();
        let zero = size.is_finite() && !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
        let negative = float.is_sign_negative() && !float.is_nan() && !(self.no_negative_zero && zero);
        if percent {
            text.push('%');
        }
        if self.kind.is_some_and(|kind| kind.is_ascii_uppercase()) {
            text.make_ascii_uppercase();
        }
        let whole = text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = text.split_off(whole);
        Ok(Parts { sign: self.sign_of(negative), prefix: "", digits: text, rest })
    }

    fn sign_of(&self, negative: bool) -> &'static str {
        match self.sign {
            _ if negative => "-",
            Some('+') => "+",
            Some(' ') => " ",
            _ => "",
        }
    }

    fn pad(&self, machine: &mut Machine<'_, '_>, default_align: char, parts: &Parts) -> Result<String, Fault> {
        let fill = self.fill.unwrap_or(if self.zeros { '0' } else { ' ' });
        let default_align = if self.zeros && default_align == '>' { '=' } else { default_align };
        let align = self.align.unwrap_or(default_align);
        let others = parts.sign.len() + parts.prefix.len() + parts.rest.chars().count();
        let least = if fill == '0' && align == '=' { self.width.saturating_sub(others) } else { 0 };
        machine.afford(least)?;
        let size = if matches!(self.kind, Some('b' | 'o' | 'x' | 'X')) { 4 } else { 3 };
        let digits = group(machine, &parts.digits, self.grouping, size, least)?;
        let padding = self.width.saturating_sub(others + digits.len());
        let (before, inside, after) = match align {
            '<' => (0, 0, padding),
            '^' => (padding / 2, 0, padding - padding / 2),
            '=' => (0, padding, 0),
            _ => (padding, 0, 0),
        };
        let mut text = GrowingText::default();
        text.repeat(machine, fill, before)?;
        text.push(machine, parts.sign)?;
        text.push(machine, parts.prefix)?;
        text.repeat(machine, fill, inside)?;
        text.push(machine, &digits)?;
        text.push(machine, &parts.rest)?;
        text.repeat(machine, fill, after)?;
        Ok(text.finish())
    }
}

/// Digits, filled up with zeros to `least` characters, in groups of `size` from the right. A separator never comes first,
/// so that the text may be one character longer.
fn group(
    machine: &mut Machine<'_, '_>,
    digits: &str,
    separator: Option<char>,
    size: usize,
    least: usize,
) -> Result<String, Fault> {
    if digits.is_empty() {
        return Ok(String::new());
    }
    machine.afford(2 * digits.len().max(least))?;
    let Some(separator) = separator else {
        return Ok("0".repeat(least.saturating_sub(digits.len())) + digits);
    };
    let mut reversed = String::new();
    let mut source = digits.chars().rev();
    let mut left = digits.len();
    loop {
        let group = size.min(left.max(least.saturating_sub(reversed.len())).max(1));
        for _ in 0..group {
            reversed.push(source.next().unwrap_or('0'));
        }
        left = left.saturating_sub(group);
        if left == 0 && reversed.len() >= least {
            return Ok(reversed.chars().rev().collect());
        }
        reversed.push(separator);
    }
}

/// With a point, as the alternate form wants it.
fn with_point(text: String) -> String {
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.e{exponent}"),
        _ => text,
    }
}

/// The digits at the start.
fn number(rest: &mut &str) -> Result<Option<usize>, String> {
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(number) if i64::try_from(number).is_ok() => Ok(Some(number)),
        _ => Err(format!("`{digits}` is too large")),
    }
}
