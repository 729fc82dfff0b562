//! Values as JSON, with the separators and escapes of Python's `json.dumps`.

use super::super::super::error::Fault;
use super::super::growing::GrowingText;
use super::super::machine::Machine;
use super::super::sorting;
use super::super::value::Value;

/// The JSON of `value`: in one line, or with `indent` before each line per level.
pub(super) fn write<'a>(
    machine: &mut Machine<'a, '_>,
    filter: &str,
    value: &Value<'a>,
    indent: Option<&str>,
    sort_keys: bool,
) -> Result<String, Fault> {
    let mut writer = Writer { filter, indent, sort_keys, text: GrowingText::default() };
    writer.value(machine, value, 0)?;
    Ok(writer.text.finish())
}

struct Writer<'w> {
    filter: &'w str,
    indent: Option<&'w str>,
    sort_keys: bool,
    text: GrowingText,
}

impl Writer<'_> {
    fn value<'a>(&mut self, machine: &mut Machine<'a, '_>, value: &Value<'a>, level: usize) -> Result<(), Fault> {
        machine.burn(1)?;
        match value {
            Value::Text(text) => self.quote(machine, text),
            Value::List(list) => {
                machine.burn(machine.length(value)?)?;
                let items = machine.items(list);
                self.list(machine, value, &items, level)
            }
            Value::Tuple(items) => self.list(machine, value, items, level),
            Value::Map(map) => {
                machine.burn(machine.length(value)?)?;
                let mut entries = machine.entries(map);
                if self.sort_keys {
                    entries =
                        sorting::sort(machine, entries, |machine, left, right| machine.compare(&left.0, &right.0))?;
                }
                self.map(machine, value, &entries, level)
            }
            Value::Object(object) if object.as_tuple().is_some() => match object.as_tuple() {
                Some(tuple) => self.value(machine, &tuple, level),
                None => Ok(()),
            },
            scalar => match scalar_text(machine, scalar)? {
                Some(text) => self.text.push(machine, &text),
                None => Err(Fault::problem(format!(
                    "`{}` cannot write a {} as JSON; it takes texts, numbers, bools, none, lists and maps",
                    self.filter,
                    scalar.type_name()
                ))),
            },
        }
    }

    fn list<'a>(
        &mut self,
        machine: &mut Machine<'a, '_>,
        container: &Value<'a>,
        items: &[Value<'a>],
        level: usize,
    ) -> Result<(), Fault> {
        if items.is_empty() {
            return self.text.push(machine, "[]");
        }
        self.open(machine, container)?;
        self.text.push(machine, "[")?;
        for (index, item) in items.iter().enumerate() {
            self.separate(machine, index, level + 1)?;
            self.value(machine, item, level + 1)?;
        }
        self.new_line(machine, level)?;
        machine.close();
        self.text.push(machine, "]")
    }

    fn map<'a>(
        &mut self,
        machine: &mut Machine<'a, '_>,
        container: &Value<'a>,
        entries: &[(Value<'a>, Value<'a>)],
        level: usize,
    ) -> Result<(), Fault> {
        if entries.is_empty() {
            return self.text.push(machine, "{}");
        }
        self.open(machine, container)?;
        self.text.push(machine, "{")?;
        for (index, (key, value)) in entries.iter().enumerate() {
            self.separate(machine, index, level + 1)?;
            self.key(machine, key)?;
            self.text.push(machine, ": ")?;
            self.value(machine, value, level + 1)?;
        }
        self.new_line(machine, level)?;
        machine.close();
        self.text.push(machine, "}")
    }

    /// Goes into a list or map.
    fn open<'a>(&self, machine: &mut Machine<'a, '_>, container: &Value<'a>) -> Result<(), Fault> {
        if machine.open(container)? {
            return Ok(());
        }
        let found = container.type_name();
        Err(Fault::problem(format!("`{}` cannot write a {found} that holds itself as JSON", self.filter)))
    }

    fn key<'a>(&mut self, machine: &mut Machine<'a, '_>, key: &Value<'a>) -> Result<(), Fault> {
        if let Value::Text(text) = key {
            return self.quote(machine, text);
        }
        let Some(text) = scalar_text(machine, key)? else {
            return Err(Fault::problem(format!(
                "`{}` cannot write a map with a {} as key; keys must be texts, numbers, bools or none",
                self.filter,
                key.type_name()
            )));
        };
        self.quote(machine, &text)
    }

    fn separate(&mut self, machine: &mut Machine<'_, '_>, index: usize, level: usize) -> Result<(), Fault> {
        if index > 0 {
            self.text.push(machine, if self.indent.is_some() { "," } else { ", " })?;
        }
        self.new_line(machine, level)
    }

    fn new_line(&mut self, machine: &mut Machine<'_, '_>, level: usize) -> Result<(), Fault> {
        if let Some(indent) = self.indent {
            self.text.push(machine, "\n")?;
            for _ in 0..level {
                self.text.push(machine, indent)?;
            }
        }
        Ok(())
    }

    /// A text in quotes: everything but printable ASCII is escaped, above U+FFFF as two surrogates.
    fn quote(&mut self, machine: &mut Machine<'_, '_>, text: &str) -> Result<(), Fault> {
        let text_out = &mut self.text;
        text_out.push(machine, "\"")?;
        let mut start = 0;
        for (index, character) in text.char_indices() {
            if matches!(character, ' '..='~') && character != '"' && character != '\\' {
                continue;
            }
            text_out.push(machine, &text[start..index])?;
            start = index + character.len_utf8();
            let escape = match character {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\u{8}' => "\\b",
                '\u{c}' => "\\f",
                other => {
                    for unit in other.encode_utf16(&mut [0; 2]) {
                        text_out.push(machine, &format!("\\u{unit:04x}"))?;
                    }
                    continue;
                }
            };
            text_out.push(machine, escape)?;
        }
        text_out.push(machine, &text[start..])?;
        text_out.push(machine, "\"")
    }
}

/// What is written without quotes; None for anything else.
fn scalar_text<'a>(machine: &mut Machine<'a, '_>, value: &Value<'a>) -> Result<Option<String>, Fault> {
    Ok(Some(match value {
        Value::None => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Float(float) if float.is_nan() => "NaN".to_owned(),
        Value::Float(float) if float.is_infinite() => {
            if *float > 0.0 {
                "Infinity".to_owned()
            } else {
                "-Infinity".to_owned()
            }
        }
        Value::Integer(_) | Value::Float(_) => machine.representation(value)?,
        _ => return Ok(None),
    }))
}
