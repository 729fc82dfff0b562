//! The `%` operator of texts.

use super::super::super::error::Fault;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::number::{self, Number};
use super::super::value::{Integer, Text, Value};
use super::digits::{self, Notation};

/// `text % argument`.
pub(super) fn expand<'a>(
    machine: &mut Machine<'a, '_>,
    text: &Text<'a>,
    argument: &Value<'a>,
) -> Result<String, Fault> {
    let mut arguments = Given::new(argument);
    let mut made = GrowingText::default();
    let mut rest: &str = text;
    while let Some(at) = rest.find('%') {
        machine.burn(1)?;
        made.push(machine, &rest[..at])?;
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            made.push(machine, "%")?;
            rest = after;
            continue;
        }
        let mut reader = Reader { text: rest };
        let place = reader.place(machine, &mut arguments, text.markup)?;
        rest = reader.text;
        let value = arguments.next()?;
        let field = field(machine, &place, &value, text.markup)?;
        place.pad(machine, &mut made, &field)?;
    }
    made.push(machine, rest)?;
    if arguments.is_left_over() {
        return Err(problem("has fewer places than it was given values"));
    }
    Ok(made.finish())
}

fn problem(what: &str) -> Fault {
    Fault::problem(format!("the format text left of `%` {what}"))
}

/// The values on the right of `%`.
struct Given<'a> {
    values: std::vec::IntoIter<Value<'a>>,
    /// What `%(name)s` looks in; such an argument needs not be used.
    mapping: Option<Value<'a>>,
    whole: Value<'a>,
}

impl<'a> Given<'a> {
    fn new(argument: &Value<'a>) -> Self {
        let argument = &argument.as_tuple().unwrap_or_else(|| argument.clone());
        let mapping = match argument {
            Value::Map(_) | Value::List(_) | Value::Undefined(_) => Some(argument.clone()),
            Value::Object(object) if object.type_name() == "range" => Some(argument.clone()),
            _ => None,
        };
        let tuple = if let Value::Object(object) = argument { object.as_tuple() } else { None };
        let values = match tuple.as_ref().unwrap_or(argument) {
            Value::Tuple(items) => items.to_vec(),
            single => vec![single.clone()],
        };
        Given { values: values.into_iter(), mapping, whole: argument.clone() }
    }

    fn next(&mut self) -> Result<Value<'a>, Fault> {
        self.values.next().ok_or_else(|| problem("has more places than it was given values"))
    }

    fn is_left_over(&self) -> bool {
        self.values.len() > 0 && self.mapping.is_none()
    }

    /// Makes the value under a key the only one for the place at hand.
    fn choose(&mut self, machine: &mut Machine<'a, '_>, key: &str) -> Result<(), Fault> {
        let Some(Value::Map(map)) = &self.mapping else {
            let found = self.whole.type_name();
            return Err(problem(&format!("names `{key}`, so that `%` needs a map, but got a {found}")));
        };
        let Some(value) = machine.get(map, &Value::text(key))? else {
            return Err(problem(&format!("names `{key}`, which the map on the right does not have")));
        };
        self.values = vec![value].into_iter();
        Ok(())
    }
}

/// What stands between `%` and its letter, and the letter.
// One bool for each of the five flags.
#[allow(clippy::struct_excessive_bools)]
#[derive(Default)]
struct Place {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

struct Reader<'t> {
    text: &'t str,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<char, Fault> {
        let mut characters = self.text.chars();
        let next = characters.next().ok_or_else(|| problem("ends within a place; a `%` alone is written `%%`"))?;
        self.text = characters.as_str();
        Ok(next)
    }

    /// What stands between `%` and the letter, and the letter.
    fn place<'a>(
        &mut self,
        machine: &mut Machine<'a, '_>,
        arguments: &mut Given<'a>,
        markup: bool,
    ) -> Result<Place, Fault> {
        let mut place = Place::default();
        let mut next = self.next()?;
        if next == '(' {
            let key = self.key()?;
            arguments.choose(machine, key)?;
            next = self.next()?;
        }
        loop {
            match next {
                '-' => place.left = true,
                '+' => place.plus = true,
                ' ' => place.space = true,
                '#' => place.alternate = true,
                '0' => place.zero = true,
                _ => break,
            }
            next = self.next()?;
        }
        if next == '*' {
            let width = star(&arguments.next()?, markup)?;
            place.left |= width < 0;
            place.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
            next = self.next()?;
        } else {
            (place.width, next) = self.number(next)?;
        }
        if next == '.' {
            next = self.next()?;
            let precision;
            if next == '*' {
                precision = usize::try_from(star(&arguments.next()?, markup)?).unwrap_or(0);
                next = self.next()?;
            } else {
                (precision, next) = self.number(next)?;
            }
            place.precision = Some(precision);
        }
        if matches!(next, 'h' | 'l' | 'L') {
            next = self.next()?;
        }
        place.conversion = next;
        Ok(place)
    }

    /// The key in brackets, which may hold brackets.
    fn key(&mut self) -> Result<&str, Fault> {
        let mut open = 1_usize;
        for (index, character) in self.text.char_indices() {
            match character {
                '(' => open += 1,
                ')' => open -= 1,
                _ => {}
            }
            if open == 0 {
                let (key, rest) = self.text.split_at(index);
                self.text = &rest[1..];
                return Ok(key);
            }
        }
        Err(problem("has a `%(` without its `)`"))
    }

    fn number(&mut self, mut next: char) -> Result<(usize, char), Fault> {
        let mut number = 0_usize;
        while let Some(digit) = next.to_digit(10) {
            number = number.saturating_mul(10).saturating_add(digit as usize);
            next = self.next()?;
        }
        Ok((number, next))
    }
}

fn star(value: &Value<'_>, markup: bool) -> Result<i64, Fault> {
    match value {
        Value::Integer(Integer::Small(number)) if !markup => Ok(*number),
        Value::Bool(bool) if !markup => Ok(i64::from(*bool)),
        other => Err(problem(&format!("has a `*`, which needs a small integer, but got a {}", other.type_name()))),
    }
}

/// What is put into a place: a number's sign and prefix stand before zeros that fill it up.
struct Field {
    sign: &'static str,
    prefix: &'static str,
    body: String,
    numeric: bool,
}

impl Field {
    fn text(body: String) -> Self {
        Field { sign: "", prefix: "", body, numeric: false }
    }
}

fn field<'a>(machine: &mut Machine<'a, '_>, place: &Place, value: &Value<'a>, markup: bool) -> Result<Field, Fault> {
    let refused = |needed: &str| {
        let (conversion, found) = (place.conversion, value.type_name());
        Err(problem(&format!("has `%{conversion}`, which needs {needed}, but got a {found}")))
    };
    Ok(match place.conversion {
        's' | 'r' | 'a' => {
            let text = match place.conversion {
                's' if markup => super::escaped(machine, value)?,
                's' => machine.to_text(value)?,
                'r' if markup => {
                    let text = machine.representation(value)?;
                    super::escaped_text(machine, text)?
                }
                'r' => machine.representation(value)?,
                _ => {
                    let text = super::ascii(machine, value)?;
                    if markup { super::escaped_text(machine, text)? } else { text }
                }
            };
            Field::text(match place.precision {
                Some(precision) => text.chars().take(precision).collect(),
                None => text,
            })
        }
        'c' => match value {
            Value::Text(text) if !markup && text.chars().count() == 1 => Field::text(text.to_string()),
            _ => match Number::of(value) {
                Some(Number::Integer(Integer::Small(code))) if !markup => {
                    let Some(character) = u32::try_from(code).ok().and_then(char::from_u32) else {
                        return refused("the number of a character");
                    };
                    Field::text(character.to_string())
                }
                _ => return refused("a character or its number"),
            },
        },
        'd' | 'i' | 'u' => match Number::of(value) {
            Some(Number::Integer(integer)) => whole(machine, place, &integer, 10)?,
            Some(Number::Float(float)) => match number::integral(float.trunc()) {
                Some(integer) => whole(machine, place, &integer, 10)?,
                None => return refused("a finite number"),
            },
            None => return refused("a number"),
        },
        'x' | 'X' | 'o' => match Number::of(value) {
            Some(Number::Integer(integer)) if !markup => {
                whole(machine, place, &integer, if place.conversion == 'o' { 8 } else { 16 })?
            }
            _ => return refused("an integer"),
        },
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let float = match Number::of(value) {
                Some(Number::Integer(integer)) => number::to_float(&integer)?,
                Some(Number::Float(float)) => float,
                None => return refused("a number"),
            };
            let notation = match place.conversion {
                'e' | 'E' => Notation::Scientific,
                'f' | 'F' => Notation::Fixed,
                _ => Notation::General,
            };
            let negative = float.is_sign_negative() && !float.is_nan();
            let precision = place.precision.unwrap_or(6);
            let mut body = digits::float(machine, float.abs(), notation, precision, place.alternate)?;
            if place.conversion.is_ascii_uppercase() {
                body.make_ascii_uppercase();
            }
            Field { sign: place.sign(negative), prefix: "", body, numeric: true }
        }
        other => return Err(problem(&format!("has the unknown place `%{other}`"))),
    })
}

/// An integer; a precision is the least number of its digits.
fn whole(machine: &mut Machine<'_, '_>, place: &Place, integer: &Integer, base: u32) -> Result<Field, Fault> {
    let mut body = digits::integer(machine, integer, base)?;
    let missing = place.precision.unwrap_or(0).saturating_sub(body.len());
    if missing > 0 {
        machine.afford(body.len().saturating_add(missing))?;
        body.insert_str(0, &"0".repeat(missing));
    }
    let upper = place.conversion == 'X';
    if upper {
        body.make_ascii_uppercase();
    }
    let prefix = match base {
        8 if place.alternate => "0o",
        16 if place.alternate && upper => "0X",
        16 if place.alternate => "0x",
        _ => "",
    };
    Ok(Field { sign: place.sign(digits::is_negative(integer)), prefix, body, numeric: true })
}

impl Place {
    fn sign(&self, negative: bool) -> &'static str {
        if negative {
            "-"
        } else if self.plus {
            "+"
        } else if self.space {
            " "
        } else {
            ""
        }
    }

    fn pad(&self, machine: &mut Machine<'_, '_>, made: &mut GrowingText, field: &Field) -> Result<(), Fault> {
        let length = field.sign.len() + field.prefix.len() + field.body.chars().count();
        let padding = self.width.saturating_sub(length);
        let zeros = self.zero && field.numeric && !self.left;
        if !zeros && !self.left {
            made.repeat(machine, ' ', padding)?;
        }
        made.push(machine, field.sign)?;
        made.push(machine, field.prefix)?;
        if zeros {
            made.repeat(machine, '0', padding)?;
        }
        made.push(machine, &field.body)?;
        if self.left { made.repeat(machine, ' ', padding) } else { Ok(()) }
    }
}
