//! JSON texts as values, by the rules of Python's `json.loads`: `NaN` and `Infinity` are numbers, integers have any size,
//! the last of two equal keys counts.

use std::rc::Rc;

use num_bigint::BigInt;

use super::super::super::bounds::Bound;
use super::super::super::error::Fault;
use super::super::machine::Machine;
use super::super::number::INTEGER_DIGITS;
use super::super::value::Value;

/// The value that `text` stands for. Fails with the place in the text where it is no JSON.
pub(super) fn read<'a>(machine: &mut Machine<'a, '_>, text: &str) -> Result<Value<'a>, Fault> {
    machine.afford(text.len())?;
    let mut reader = Reader { text, at: 0 };
    reader.skip_blanks();
    let value = reader.value(machine, 0)?;
    reader.skip_blanks();
    if reader.at < text.len() { Err(reader.bad("there is more after the value")) } else { Ok(value) }
}

struct Reader<'t> {
    text: &'t str,
    /// The byte that comes next; always at the start of a character.
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn bad(&self, problem: &str) -> Fault {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Fault::problem(format!("`from_json` needs a text of JSON: {problem}, at its line {line}, column {column}"))
    }

    fn value<'a>(&mut self, machine: &mut Machine<'a, '_>, depth: usize) -> Result<Value<'a>, Fault> {
        machine.burn(1)?;
        match self.peek() {
            Some(b'"') => self.string().map(Value::text),
            Some(b'[') => self.list(machine, depth + 1),
            Some(b'{') => self.map(machine, depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(machine),
            Some(_) if self.take("null") => Ok(Value::None),
            Some(_) if self.take("true") => Ok(Value::Bool(true)),
            Some(_) if self.take("false") => Ok(Value::Bool(false)),
            Some(_) if self.take("NaN") => Ok(Value::Float(f64::NAN)),
            Some(_) if self.take("Infinity") => Ok(Value::Float(f64::INFINITY)),
            Some(_) => Err(self.bad("a value is expected")),
            None => Err(self.bad("a value is expected, but the text ends")),
        }
    }

    fn list<'a>(&mut self, machine: &mut Machine<'a, '_>, depth: usize) -> Result<Value<'a>, Fault> {
        nest(machine, depth)?;
        self.at += 1;
        let mut items = Vec::new();
        self.skip_blanks();
        if self.take("]") {
            return Ok(Value::list(items));
        }
        loop {
            self.skip_blanks();
            items.push(self.value(machine, depth)?);
            self.skip_blanks();
            if self.take("]") {
                return Ok(Value::list(items));
            }
            if !self.take(",") {
                return Err(self.bad("`,` or `]` is expected"));
            }
        }
    }

    fn map<'a>(&mut self, machine: &mut Machine<'a, '_>, depth: usize) -> Result<Value<'a>, Fault> {
        nest(machine, depth)?;
        self.at += 1;
        let mut entries = Vec::new();
        self.skip_blanks();
        if self.take("}") {
            return Value::map(entries);
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return Err(self.bad("a key in double quotes is expected"));
            }
            let key = Value::text(self.string()?);
            self.skip_blanks();
            if !self.take(":") {
                return Err(self.bad("`:` is expected"));
            }
            self.skip_blanks();
            let value = self.value(machine, depth)?;
            entries.push((key, value));
            self.skip_blanks();
            if self.take("}") {
                return Value::map(entries);
            }
            if !self.take(",") {
                return Err(self.bad("`,` or `}` is expected"));
            }
        }
    }

    fn number<'a>(&mut self, machine: &mut Machine<'a, '_>) -> Result<Value<'a>, Fault> {
        if self.take("-Infinity") {
            return Ok(Value::Float(f64::NEG_INFINITY));
        }
        let bytes = self.rest().as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let sign = usize::from(bytes[0] == b'-');
        let whole = if bytes.get(sign) == Some(&b'0') { 1 } else { digits(sign) };
        if whole == 0 {
            return Err(self.bad("a value is expected"));
        }
        let mut end = sign + whole;
        if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            match digits(end + 1 + signed) {
                0 => {}
                exponent => end += 1 + signed + exponent,
            }
        }
        let number = &self.rest()[..end];
        if end > sign + whole {
            self.at += end;
            // Cannot fail: what was taken is a number for Rust as well, one too large is infinite for both.
            return Ok(Value::Float(number.parse().unwrap_or(f64::NAN)));
        }
        if whole as u64 > INTEGER_DIGITS {
            return Err(self.bad(&format!("an integer has {whole} digits, at most {INTEGER_DIGITS} are read")));
        }
        machine.burn(whole * whole / 1024)?;
        self.at += end;
        Ok(Value::integer(number.parse::<BigInt>().unwrap_or_default()))
    }

    fn string(&mut self) -> Result<Rc<str>, Fault> {
        self.at += 1;
        let mut made = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|character: char| matches!(character, '"' | '\\' | '\0'..'\u{20}'));
            let plain = plain.unwrap_or(rest.len());
            made.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(made.into());
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    made.push(character);
                }
                Some(_) => return Err(self.bad("a control character must be escaped in a string")),
                None => return Err(self.bad("a string is not closed")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let character = match self.text.as_bytes().get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.bad("the escape is unknown")),
        };
        self.at += 2;
        Ok(character)
    }

    /// `\uXXXX`, or two of them that make one character.
    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.unit(self.at).ok_or_else(|| self.bad("`\\u` needs four hexadecimal digits"))?;
        if let Some(character) = char::from_u32(first) {
            self.at += 6;
            return Ok(character);
        }
        let second = self.unit(self.at + 6).filter(|second| (0xDC00..0xE000).contains(second));
        match second {
            Some(second) if first < 0xDC00 => {
                self.at += 12;
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            _ => Err(self.bad("half of a surrogate pair is no character")),
        }
    }

    fn unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        hexadecimal.then(|| u32::from_str_radix(digits, 16).ok())?
    }
}

fn nest(machine: &Machine<'_, '_>, depth: usize) -> Result<(), Fault> {
    let allowed = machine.rendering.bounds.json_depth;
    if depth > allowed { Err(machine.rendering.too_much(Bound::JsonDepth, None)) } else { Ok(()) }
}
