//! What a schema wants of a value, as the end of a sentence about that value.

use std::fmt::{self, Write as _};

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// Characters of a value, of a pattern or of a list of values in a sentence.
const SHOWN_CHARACTERS: usize = 60;

/// The first characters of a text.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The beginning of a value.
pub(super) fn shown(value: &Value) -> String {
    if let Value::String(text) = value {
        // A long text is not written out only to be cut.
        return cut(&Value::from(cut(text, SHOWN_CHARACTERS)).to_string(), 2 * SHOWN_CHARACTERS);
    }
    let mut beginning = Beginning(String::new());
    // It ends with an error where the room does, which is what it is for.
    let whole = write!(beginning, "{value}").is_ok();
    let text = cut(&beginning.0, SHOWN_CHARACTERS);
    if whole || text.ends_with("...") { text } else { format!("{text}...") }
}

/// Takes some text and then no more.
struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(&cut(text, SHOWN_CHARACTERS));
        if self.0.len() > 4 * SHOWN_CHARACTERS { Err(fmt::Error) } else { Ok(()) }
    }
}

/// What a schema wants of a value; `None` if the error is about something else than a value.
pub(super) fn demand(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::Type { kind: TypeKind::Single(kind) } => format!("and must be of type {kind}"),
        Kind::Type { kind: TypeKind::Multiple(kinds) } => {
            let kinds: Vec<String> = kinds.iter().map(|kind| kind.to_string()).collect();
            format!("and must be of type {}", kinds.join(" or "))
        }
        Kind::Constant { expected_value } => format!("and must be {}", shown(expected_value)),
        Kind::Enum { options } => format!("and must be one of {}", shown(options)),
        Kind::Minimum { limit } => format!("and must be at least {limit}"),
        Kind::Maximum { limit } => format!("and must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("and must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("and must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("and must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => format!("and must have at least {}", counted(*limit, "character")),
        Kind::MaxLength { limit } => format!("and must have at most {}", counted(*limit, "character")),
        Kind::MinItems { limit } => format!("and must have at least {}", counted(*limit, "item")),
        Kind::MaxItems { limit } => format!("and must have at most {}", counted(*limit, "item")),
        Kind::MinProperties { limit } => format!("and must have at least {}", counted(*limit, "key")),
        Kind::MaxProperties { limit } => format!("and must have at most {}", counted(*limit, "key")),
        Kind::Pattern { pattern } => format!("and must match the pattern {}", cut(pattern, SHOWN_CHARACTERS)),
        Kind::Contains => "and has too few or too many items of the kind that contains asks for".to_owned(),
        Kind::UniqueItems => "and holds an item twice".to_owned(),
        Kind::AnyOf { .. } => "and satisfies no branch of anyOf".to_owned(),
        Kind::OneOfNotValid { .. } => "and satisfies no branch of oneOf".to_owned(),
        Kind::OneOfMultipleValid { .. } => "and satisfies more than one branch of oneOf".to_owned(),
        Kind::Not { .. } => "and is what not excludes".to_owned(),
        Kind::FalseSchema => "and must not be there".to_owned(),
        _ => return None,
    })
}

fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
