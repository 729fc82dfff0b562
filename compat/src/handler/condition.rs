//! `if`: whether a block, or an item of a generator, runs.

use cicdcontext_engine::template::truthy;
use serde_json::{Map, Value};

use super::failure::Failure;
use crate::{
    files::kind,
    notice::Notice,
    template::{Scope, is_falsy},
    write::strip,
};

/// The key of a condition.
pub(crate) const IF: &str = "if";

/// Whether the predecessor took white space around the text away before it looked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blank {
    /// It did: for set-values and generators.
    Stripped,
    /// It did not: a text of white space ran.
    AsIs,
}

/// Whether something runs: None if it does, else why not. `place` is that of the block.
pub(crate) fn skipped(
    configuration: &Map<String, Value>,
    place: &str,
    scope: &Scope,
    blank: Blank,
    notices: &mut Vec<Notice>,
) -> Result<Option<String>, Failure> {
    let template = match configuration.get(IF) {
        None | Some(Value::Bool(true)) => return Ok(None),
        Some(value) if is_falsy(value) => return Ok(Some("`if` is empty or false".to_owned())),
        Some(Value::String(template)) => template,
        Some(other) => {
            let found = kind(Some(other));
            return Err(Failure::plain(format!("`if` is {found}; write a template, true or false")));
        }
    };
    let text = scope.text(&format!("{place}.{IF}"), template).map_err(|error| {
        let before = "a template error in `if` is a failure; before, the handler was skipped silently";
        Failure::new(error.0, before, "template-error")
    })?;
    if truthy(&text) {
        return Ok(None);
    }
    let ran = match blank {
        Blank::Stripped => !strip(&text).is_empty(),
        Blank::AsIs => !text.is_empty(),
    };
    if ran {
        let text = format!("`if` gives {text:?}, which skips now; before, any text that was not empty let it run");
        notices.push(Notice { place: place.to_owned(), text, anchor: "if" });
    }
    Ok(Some(format!("`if` gives {text:?}")))
}
