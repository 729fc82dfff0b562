//! What `encode` gives: bytes, which templates can print, measure, walk through and decode.

use std::rc::Rc;

use super::super::super::error::Fault;
use super::super::arguments::Arguments;
use super::super::format;
use super::super::machine::Machine;
use super::super::value::{Object, Text, Value};
use super::{Made, given};

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Ascii,
    Latin1,
}

impl Encoding {
    fn named(method: &str, name: Option<&Value<'_>>) -> Result<Encoding, Fault> {
        let Some(name) = name else {
            return Ok(Encoding::Utf8);
        };
        let name = given::text(method, name)?;
        match name.to_ascii_lowercase().replace(['-', '_', ' '], "").as_str() {
            "utf8" | "u8" => Ok(Encoding::Utf8),
            "ascii" | "usascii" | "646" => Ok(Encoding::Ascii),
            "latin1" | "iso88591" | "l1" => Ok(Encoding::Latin1),
            _ => Err(Fault::problem(format!("`{method}` knows utf-8, ascii and latin-1, but not `{}`", &**name))),
        }
    }

    /// The largest number of a character that it can write in one byte.
    fn limit(self) -> u32 {
        match self {
            Encoding::Utf8 | Encoding::Ascii => 0x7f,
            Encoding::Latin1 => 0xff,
        }
    }
}

/// What is done about characters and bytes that have no place in the encoding: Python's `errors`.
fn tolerance<'v>(method: &str, errors: Option<&'v Value<'_>>) -> Result<&'v str, Fault> {
    let Some(errors) = errors else {
        return Ok("strict");
    };
    let errors = given::text(method, errors)?;
    if ["strict", "ignore", "replace", "xmlcharrefreplace", "backslashreplace"].contains(&&**errors) {
        Ok(errors)
    } else {
        Err(Fault::problem(format!(
            "`{method}` does not know `{}` as `errors`; it knows strict, ignore and replace",
            &**errors
        )))
    }
}

pub(super) fn encode<'a>(machine: &mut Machine<'a, '_>, text: &Text<'a>, arguments: Arguments<'a>) -> Made<'a> {
    let [encoding, errors] = arguments.bind("encode", ["encoding", "errors"], 0)?;
    let encoding = Encoding::named("encode", encoding.as_ref())?;
    let tolerance = tolerance("encode", errors.as_ref())?;
    // The longest that one character becomes: `\\U0001f680`.
    machine.afford(text.len().saturating_mul(if tolerance.len() > 7 { 10 } else { 1 }))?;
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match (encoding, u8::try_from(u32::from(character))) {
            (Encoding::Utf8, _) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            (_, Ok(byte)) if u32::from(byte) <= encoding.limit() => bytes.push(byte),
            _ if tolerance == "ignore" => {}
            _ if tolerance == "replace" => bytes.push(b'?'),
            _ if tolerance == "xmlcharrefreplace" => {
                bytes.extend_from_slice(format!("&#{};", u32::from(character)).as_bytes());
            }
            _ if tolerance == "backslashreplace" => {
                bytes.extend_from_slice(format::escape(character).as_bytes());
            }
            _ => return Err(Fault::problem(format!("`encode` cannot write `{character}` in this encoding"))),
        }
    }
    Ok(Value::object(Bytes(bytes.into())))
}

struct Bytes(Rc<[u8]>);

impl<'a> Object<'a> for Bytes {
    fn type_name(&self) -> &'static str {
        "bytes"
    }

    fn text(&self, machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        machine.afford(3 + self.0.iter().map(|byte| if matches!(byte, b' '..=b'~') { 1 } else { 4 }).sum::<usize>())?;
        let quote = if self.0.contains(&b'\'') && !self.0.contains(&b'"') { '"' } else { '\'' };
        let mut text = format!("b{quote}");
        for byte in self.0.iter() {
            match byte {
                b'\n' => text.push_str("\\n"),
                b'\r' => text.push_str("\\r"),
                b'\t' => text.push_str("\\t"),
                b'\\' => text.push_str("\\\\"),
                byte if char::from(*byte) == quote => text.extend(['\\', quote]),
                b' '..=b'~' => text.push(char::from(*byte)),
                byte => text.push_str(&format::escape(char::from(*byte))),
            }
        }
        text.push(quote);
        Ok(text)
    }

    fn is_true(&self, _machine: &Machine<'a, '_>) -> bool {
        !self.0.is_empty()
    }

    fn attribute(&self, _machine: &mut Machine<'a, '_>, name: &str) -> Result<Option<Value<'a>>, Fault> {
        let name = match name {
            "decode" => "decode",
            "hex" => "hex",
            _ => return Ok(None),
        };
        Ok(Some(Value::object(Method { bytes: Rc::clone(&self.0), name })))
    }

    fn item(&self, _machine: &mut Machine<'a, '_>, key: &Value<'a>) -> Result<Option<Value<'a>>, Fault> {
        if !matches!(key, Value::Integer(_) | Value::Bool(_)) {
            return Ok(None);
        }
        let index = given::integer("bytes", key)?;
        let length = i64::try_from(self.0.len()).unwrap_or(i64::MAX);
        let index = if index < 0 { index.saturating_add(length) } else { index };
        Ok(usize::try_from(index).ok().and_then(|index| self.0.get(index)).map(|byte| Value::integer(*byte)))
    }

    fn iterate(&self, machine: &mut Machine<'a, '_>) -> Result<Option<Vec<Value<'a>>>, Fault> {
        machine.burn(self.0.len())?;
        Ok(Some(self.0.iter().map(|byte| Value::integer(*byte)).collect()))
    }

    fn length(&self, _machine: &Machine<'a, '_>) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Method {
    bytes: Rc<[u8]>,
    name: &'static str,
}

impl<'a> Object<'a> for Method {
    fn type_name(&self) -> &'static str {
        "builtin_function_or_method"
    }

    fn text(&self, _machine: &mut Machine<'a, '_>) -> Result<String, Fault> {
        Ok(format!("<built-in method {} of bytes object>", self.name))
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn call(&self, machine: &mut Machine<'a, '_>, arguments: Arguments<'a>) -> Result<Value<'a>, Fault> {
        if self.name == "hex" {
            given::nothing("hex", arguments)?;
            machine.afford(2 * self.bytes.len())?;
            return Ok(Value::text(data_encoding::HEXLOWER.encode(&self.bytes)));
        }
        let [encoding, errors] = arguments.bind("decode", ["encoding", "errors"], 0)?;
        let encoding = Encoding::named("decode", encoding.as_ref())?;
        let tolerance = tolerance("decode", errors.as_ref())?;
        machine.afford(3 * self.bytes.len())?;
        let refused = || Fault::problem("`decode` found bytes that are no text in this encoding");
        if let Encoding::Utf8 = encoding {
            let text = String::from_utf8_lossy(&self.bytes);
            return match (text.contains(char::REPLACEMENT_CHARACTER), tolerance) {
                (true, "strict") => std::str::from_utf8(&self.bytes).map(Value::text).map_err(|_| refused()),
                (true, "ignore") => Ok(Value::text(text.replace(char::REPLACEMENT_CHARACTER, ""))),
                _ => Ok(Value::text(text)),
            };
        }
        let mut text = String::with_capacity(self.bytes.len());
        for byte in self.bytes.iter() {
            match tolerance {
                _ if u32::from(*byte) <= encoding.limit() => text.push(char::from(*byte)),
                "ignore" => {}
                "replace" => text.push(char::REPLACEMENT_CHARACTER),
                _ => return Err(refused()),
            }
        }
        Ok(Value::text(text))
    }
}
