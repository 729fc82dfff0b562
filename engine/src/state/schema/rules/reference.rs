//! References within one document.

use serde_json::Value;

use crate::state::schema::error::{Problem, shown};

/// Where a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A JSON pointer, `#` included, in its normal form.
    Place(String),
    /// An anchor.
    Anchor(String),
}

impl Target {
    /// Understands a reference; it must not leave the document.
    pub(super) fn read(reference: &str) -> Result<Self, Problem> {
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(Problem::Foreign { reference: shown(reference) });
        };
        let lost = || Problem::Lost { reference: shown(reference) };
        let fragment = decoded(fragment).ok_or_else(lost)?;
        if fragment.is_empty() || fragment.starts_with('/') {
            return Ok(Self::Place(format!("#{fragment}")));
        }
        Ok(Self::Anchor(fragment))
    }
}

/// What stands at a place.
pub(super) fn look_up<'a>(document: &'a Value, place: &str) -> Option<&'a Value> {
    document.pointer(place.strip_prefix('#')?)
}

/// A pointer that leads on from a place.
pub(super) fn join(place: &str, token: &str) -> String {
    format!("{place}/{}", token.replace('~', "~0").replace('/', "~1"))
}

/// A text whose %xx are read.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_may_be_percent_encoded_and_an_anchor_is_a_plain_name() {
        assert_eq!(Target::read("#"), Ok(Target::Place("#".to_owned())));
        assert_eq!(Target::read("#/a%20b/~1c"), Ok(Target::Place("#/a b/~1c".to_owned())));
        assert_eq!(Target::read("#part"), Ok(Target::Anchor("part".to_owned())));
        for foreign in ["", "other.json", "https://a.example/s#/a", "/a", "%23/a"] {
            assert!(matches!(Target::read(foreign), Err(Problem::Foreign { .. })), "{foreign}");
        }
        for lost in ["#/%", "#/%f", "#/%zz", "#/%ff"] {
            assert!(matches!(Target::read(lost), Err(Problem::Lost { .. })), "{lost}");
        }
    }
}
