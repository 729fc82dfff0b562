//! A value during a rendering: borrowed from the data where it can be, shared where a helper made it.
//!
//! Knows nothing of templates.

use std::borrow::Cow;
use std::io;
use std::rc::Rc;

use serde_json::Value;

/// What an expression gives.
#[derive(Debug, Clone, Default)]
pub(super) enum Item<'a> {
    /// Of the data or of the template's own literals.
    Data(&'a Value),
    /// Made by a helper or a variable.
    Made(Rc<Value>),
    /// There is no such value.
    #[default]
    Missing,
}

/// Memory that each value takes beside its text, for estimates.
const VALUE_BYTES: usize = 32;

impl Item<'_> {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Item::Made(Rc::new(Value::String(text.into())))
    }

    pub(super) fn made(value: impl Into<Value>) -> Self {
        Item::Made(Rc::new(value.into()))
    }

    pub(super) fn value(&self) -> &Value {
        match self {
            Item::Data(value) => value,
            Item::Made(value) => value,
            Item::Missing => &Value::Null,
        }
    }

    /// Handlebars' own idea of true: not missing, null, false, 0, blank text, empty list or empty object.
    pub(super) fn truthy(&self, include_zero: bool) -> bool {
        match self.value() {
            Value::Null => false,
            Value::Bool(bool) => *bool,
            Value::Number(number) => include_zero || number.as_f64().is_some_and(|number| number != 0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
        }
    }

    /// Missing, null and blank text: what `default` replaces.
    pub(super) fn is_blank(&self) -> bool {
        match self.value() {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            _ => false,
        }
    }
}

/// The kind of a value, as error texts call it.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The text of a scalar; None for lists and objects.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => Some(Cow::Borrowed("")),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// How much memory a value takes, and how deep it nests; both are estimates from above.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) bytes: usize,
    pub(super) depth: usize,
}

pub(super) fn weigh(value: &Value) -> Weight {
    let (bytes, depth) = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => (0, 0),
        Value::String(text) => (text.len(), 0),
        Value::Array(items) => {
            items.iter().map(weigh).fold((0, 1), |(bytes, depth), item| (bytes + item.bytes, depth.max(item.depth + 1)))
        }
        Value::Object(fields) => fields.iter().fold((0, 1), |(bytes, depth), (name, field)| {
            let field = weigh(field);
            (bytes + name.len() + VALUE_BYTES + field.bytes, depth.max(field.depth + 1))
        }),
    };
    Weight { bytes: bytes + VALUE_BYTES, depth }
}

/// A buffer that refuses to grow over its limit.
#[derive(Debug)]
pub(super) struct Limited {
    pub(super) bytes: Vec<u8>,
    limit: usize,
}

impl Limited {
    pub(super) fn new(limit: usize) -> Self {
        Limited { bytes: Vec::new(), limit }
    }

    fn add(&mut self, bytes: &[u8]) -> bool {
        let fits = self.bytes.len() + bytes.len() <= self.limit;
        if fits {
            self.bytes.extend_from_slice(bytes);
        }
        fits
    }
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.add(bytes) { Ok(bytes.len()) } else { Err(io::ErrorKind::FileTooLarge.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Write for Limited {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.add(text.as_bytes()) { Ok(()) } else { Err(std::fmt::Error) }
    }
}

/// `value` as JSON, compact or over several lines; None when it would be longer than `limit` bytes.
pub(super) fn to_json(value: &Value, pretty: bool, limit: usize) -> Option<String> {
    let mut buffer = Limited::new(limit);
    let written = if pretty {
        serde_json::to_writer_pretty(&mut buffer, value)
    } else {
        serde_json::to_writer(&mut buffer, value)
    };
    written.ok().and_then(|()| String::from_utf8(buffer.bytes).ok())
}
