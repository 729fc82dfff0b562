//! Texts that `safe` and `escape` marked as HTML, which keep themselves so.

use super::super::error::Fault;
use super::machine::Machine;
use super::value::{Text, Value};

/// The characters of `text` with those escaped that HTML gives a meaning.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

impl<'a> Machine<'a, '_> {
    /// The text as a marked one: escaped unless it is marked already. Pays for it.
    pub(super) fn escaped(&mut self, text: &Text<'a>) -> Result<Text<'a>, Fault> {
        if text.markup {
            return Ok(text.clone());
        }
        self.afford(text.len() + 4 * text.matches(['&', '<', '>', '"', '\'']).count())?;
        match Value::markup(escape(text)) {
            Value::Text(text) => Ok(text),
            _ => Ok(text.clone()),
        }
    }
}
