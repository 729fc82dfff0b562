//! `--get PATH`: what the document has there, as the predecessor printed it.

use serde_json::Value;

use crate::{
    document::{Document, STATE, VARIABLES},
    notice::Notice,
    path::{OldPath, OldPathError},
    template::{Scope, Settings, TemplateError, has_tags, is_falsy, python_json, python_text},
};

/// What is printed, and what people should know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Got {
    /// The text. If it is empty nothing is printed, not even the end of a line.
    pub text: String,
    /// What people should know.
    pub notices: Vec<Notice>,
}

/// Why there is nothing to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// The path is none.
    #[error(transparent)]
    Path(#[from] OldPathError),
    /// What stands there is a template that cannot be rendered.
    #[error("get {path}: {error}")]
    Template {
        /// The path.
        path: String,
        /// Why not.
        error: TemplateError,
    },
}

/// Looks a path up. One text is rendered once if it is configuration, and never if it stands below `state` or
/// `variables`: it may be what others sent. A list, and several values, are JSON; a map is as Python prints it; nothing,
/// 0, false and what is empty are the empty text, but for an empty list.
pub fn get(document: &Document, path: &str, settings: &Settings) -> Result<Got, GetError> {
    let failed = |error| GetError::Template { path: path.to_owned(), error };
    let read = OldPath::parse(path)?;
    let root = Value::Object(document.0.clone());
    let mut notices = Vec::new();
    let text = match read.find(&root).as_slice() {
        [] => String::new(),
        [Value::String(text)] if text.is_empty() => String::new(),
        [found @ Value::String(text)] => {
            let scope = Scope::new(document, settings).map_err(failed)?;
            if [STATE, VARIABLES].iter().any(|name| root.get(name).is_some_and(|data| is_within(found, data))) {
                if has_tags(text) {
                    let told = "the text is printed as it stands; before, it was rendered as a template first";
                    notices.push(Notice { place: path.to_owned(), text: told.to_owned(), anchor: "rendered-text" });
                }
                scope.data(text)
            } else {
                scope.text(path, text).map_err(failed)?
            }
        }
        [items @ Value::Array(_)] => python_json(items).map_err(failed)?,
        [value] if is_falsy(value) => String::new(),
        [value] => python_text(value).map_err(failed)?,
        several => {
            let several = several.iter().map(|value| (*value).clone()).collect();
            python_json(&Value::Array(several)).map_err(failed)?
        }
    };
    Ok(Got { text, notices })
}

/// Whether this very value, not one like it, stands in `data`: the path may have come to it by any way.
fn is_within(value: &Value, data: &Value) -> bool {
    std::ptr::eq(value, data)
        || match data {
            Value::Array(items) => items.iter().any(|item| is_within(value, item)),
            Value::Object(fields) => fields.values().any(|field| is_within(value, field)),
            _ => false,
        }
}

#[cfg(test)]
mod tests;
