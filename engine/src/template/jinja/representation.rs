//! Python's `str` and `repr` of every value.

use std::rc::Rc;

use super::super::bounds::Bound;
use super::super::error::Fault;
use super::machine::Machine;
use super::number::{float_text, integer_text};
use super::value::{List, Map, Value};

impl<'a> Machine<'a, '_> {
    /// Python's `str`: what `{{ x }}` prints. Pays for it.
    // What it does to the machine is to pay.
    #[allow(clippy::wrong_self_convention)]
    pub(super) fn to_text(&mut self, value: &Value<'a>) -> Result<String, Fault> {
        match value {
            Value::Undefined(_) => Ok(String::new()),
            Value::Text(text) => {
                self.afford(text.len())?;
                Ok((**text).to_owned())
            }
            _ => self.representation(value),
        }
    }

    /// Python's `repr`. Pays for it.
    pub(super) fn representation(&mut self, value: &Value<'a>) -> Result<String, Fault> {
        let mut text = String::new();
        self.represent(value, &mut text)?;
        Ok(text)
    }

    /// Appends Python's `repr` of `value` to `text`.
    fn represent(&mut self, value: &Value<'a>, text: &mut String) -> Result<(), Fault> {
        self.burn(1)?;
        let start = text.len();
        match value {
            Value::Undefined(_) => text.push_str("Undefined"),
            Value::None => text.push_str("None"),
            Value::Bool(bool) => text.push_str(if *bool { "True" } else { "False" }),
            Value::Integer(integer) => text.push_str(&integer_text(integer)?),
            Value::Float(float) => text.push_str(&float_text(*float)),
            Value::Text(characters) => {
                self.afford(characters.len())?;
                if characters.markup {
                    text.push_str("Markup(");
                }
                quote(characters, text);
                if characters.markup {
                    text.push(')');
                }
            }
            Value::Object(object) => text.push_str(&object.text(self)?),
            Value::List(list) => self.represent_items(value, &self.items(list), ["[", "]"], text)?,
            Value::Tuple(tuple) => {
                let end = if tuple.len() == 1 { ",)" } else { ")" };
                self.represent_items(value, tuple, ["(", end], text)?;
            }
            Value::Map(map) => self.represent_entries(value, map, text)?,
        }
        self.rendering.burn_bytes(text.len() - start)?;
        let allowed = self.rendering.bounds.value_bytes;
        if text.len() > allowed { Err(self.rendering.too_much(Bound::ValueSize, Some(text.len()))) } else { Ok(()) }
    }

    fn represent_items(
        &mut self,
        container: &Value<'a>,
        items: &[Value<'a>],
        brackets: [&str; 2],
        text: &mut String,
    ) -> Result<(), Fault> {
        let [open, close] = brackets;
        text.push_str(open);
        if self.open(container)? {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                self.represent(item, text)?;
            }
            self.close();
        } else {
            text.push_str("...");
        }
        text.push_str(close);
        Ok(())
    }

    fn represent_entries(&mut self, container: &Value<'a>, map: &Map<'a>, text: &mut String) -> Result<(), Fault> {
        text.push('{');
        if self.open(container)? {
            for (index, (key, value)) in self.entries(map).iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                self.represent(key, text)?;
                text.push_str(": ");
                self.represent(value, text)?;
            }
            self.close();
        } else {
            text.push_str("...");
        }
        text.push('}');
        Ok(())
    }

    /// Goes into a container, one level down, for work that visits all that is in it. False when the work is inside of
    /// that very container already: it holds itself. Else [`Machine::close`] must follow.
    pub(super) fn open(&mut self, container: &Value<'a>) -> Result<bool, Fault> {
        let address = address(container);
        if address != 0 && self.opened.contains(&address) {
            return Ok(false);
        }
        if self.opened.len() == self.rendering.bounds.value_nesting {
            return Err(self.rendering.too_much(Bound::ValueNesting, None));
        }
        self.opened.push(address);
        Ok(true)
    }

    /// Leaves the container that was opened last.
    pub(super) fn close(&mut self) {
        self.opened.pop();
    }
}

/// Where a container lives; 0 for what is none.
fn address(container: &Value<'_>) -> usize {
    match container {
        Value::List(List::Own(list)) => Rc::as_ptr(list).addr(),
        Value::List(List::Data(list)) => std::ptr::from_ref(*list).addr(),
        Value::Map(Map::Own(map)) => Rc::as_ptr(map).addr(),
        Value::Map(Map::Data(map)) => std::ptr::from_ref(*map).addr(),
        Value::Tuple(tuple) => Rc::as_ptr(tuple).addr(),
        _ => 0,
    }
}

/// Appends `characters` in quotes, with Python's choice of them and its escapes.
pub fn quote(characters: &str, text: &mut String) {
    use std::fmt::Write as _;
    let quote = if characters.contains('\'') && !characters.contains('"') { '"' } else { '\'' };
    text.push(quote);
    for character in characters.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\\' => text.push_str("\\\\"),
            _ if character == quote => text.extend(['\\', quote]),
            _ if is_printable(character) => text.push(character),
            _ => {
                let code = u32::from(character);
                // Writing to a string cannot fail.
                let _ = match code {
                    0..=0xff => write!(text, "\\x{code:02x}"),
                    0x100..=0xffff => write!(text, "\\u{code:04x}"),
                    _ => write!(text, "\\U{code:08x}"),
                };
            }
        }
    }
    text.push(quote);
}

/// Python's `str.isprintable` of one character: the standard library escapes the same categories.
pub(super) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    // Behind another character, combining marks are not escaped.
    let mut pair = [0; 5];
    pair[0] = b'a';
    let length = 1 + character.encode_utf8(&mut pair[1..]).len();
    std::str::from_utf8(&pair[..length]).is_ok_and(|pair| pair.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_python_does_it() {
        let cases = [
            ("it's", r#""it's""#),
            ("a\"b", r#"'a"b'"#),
            ("'\"", r#"'\'"'"#),
            ("é\n\t\r\\", r"'é\n\t\r\\'"),
            ("\u{0}\u{7f}\u{a0}\u{ad}", r"'\x00\x7f\xa0\xad'"),
            ("\u{2028}\u{feff}", r"'\u2028\ufeff'"),
            ("e\u{301}😀", "'e\u{301}😀'"),
            ("\u{e0001}", r"'\U000e0001'"),
        ];
        for (characters, expected) in cases {
            let mut text = String::new();
            quote(characters, &mut text);
            assert_eq!(text, expected);
        }
    }
}
