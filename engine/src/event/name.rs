//! The name of the CicdEvent that an annotation becomes. The same annotation always becomes the same name, so that
//! creating the event removes duplicates by itself.

use super::annotation::Front;
use crate::state::fingerprint::fingerprint;

/// Characters of the context's name in an event's name.
const CONTEXT: usize = 180;
/// Characters of the annotation's id in an event's name.
const ID: usize = 40;
/// Characters of the hash at its end: 50 bits.
const HASH: usize = 10;

/// Names the event that the annotation `<front>.cicdcontext.io/<id>` of a context becomes:
/// `<context>-<id>-<hash>`, always a valid name of at most 232 characters.
///
/// The hash is over the context's UID, the front door and the very id, hence ids that look alike once they are
/// lower-cased and cut still give different names.
///
/// ```
/// use cicdcontext_engine::event::{annotation::Front, name::event_name};
///
/// let name = event_name("shop-1.4", "uid", Front::Event, "Run_1");
/// assert_eq!(name, "shop-1.4-run-1-jqsjkxu3e7");
/// ```
pub fn event_name(context_name: &str, context_uid: &str, front: Front, id: &str) -> String {
    let hash = fingerprint(&[context_uid.as_bytes(), front.word().as_bytes(), id.as_bytes()], HASH);
    let context =
        if is_subdomain(context_name) { cut(context_name, CONTEXT).to_owned() } else { plain(context_name, CONTEXT) };
    [context, plain(id, ID), hash].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// Lower-cases a text and puts '-' for whatever is neither a letter nor a digit.
fn plain(text: &str, most: usize) -> String {
    let plain: String = text
        .chars()
        .map(|character| character.to_ascii_lowercase())
        .map(|character| if character.is_ascii_lowercase() || character.is_ascii_digit() { character } else { '-' })
        .collect();
    cut(&plain, most).to_owned()
}

/// Cuts an ASCII text and takes '.' and '-' off its ends.
fn cut(text: &str, most: usize) -> &str {
    text.get(..most).unwrap_or(text).trim_matches(['.', '-'])
}

/// Whether a text is an RFC 1123 subdomain, as names of objects are.
fn is_subdomain(text: &str) -> bool {
    let is_letter_or_digit = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 253
        && text.split('.').all(|label| {
            let bytes = label.as_bytes();
            bytes.first().is_some_and(is_letter_or_digit)
                && bytes.last().is_some_and(is_letter_or_digit)
                && bytes.iter().all(|byte| is_letter_or_digit(byte) || *byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(context: &str, id: &str) -> String {
        event_name(context, "uid", Front::Event, id)
    }

    #[test]
    fn the_name_is_context_id_and_hash() {
        // The hash is base32 of the SHA-256 of "uid\0event\0Run_1", computed with another program.
        assert_eq!(named("shop", "Run_1"), "shop-run-1-jqsjkxu3e7");
    }

    #[test]
    fn cuts_are_trimmed_of_dots_and_dashes() {
        let context = format!("{}.{}", "a".repeat(179), "b".repeat(20));
        let id = format!("-{}..{}", "c".repeat(38), "d".repeat(10));
        let name = named(&context, &id);
        assert!(name.starts_with(&format!("{}-{}-", "a".repeat(179), "c".repeat(38))), "{name}");
        assert_eq!(name.len(), 179 + 1 + 38 + 1 + 10);
    }

    #[test]
    fn an_id_of_punctuation_only_leaves_context_and_hash() {
        let name = named("shop", "_.-");
        assert!(name.starts_with("shop-") && name.len() == 15, "{name}");
    }

    #[test]
    fn ids_that_differ_in_case_or_punctuation_only_have_different_names() {
        let names: std::collections::BTreeSet<_> =
            ["a.b", "a-b", "a_b", "A.b", "A-B"].map(|id| named("shop", id)).into();
        assert_eq!(names.len(), 5, "{names:?}");
        assert!(names.iter().all(|name| name.starts_with("shop-a-b-")), "{names:?}");
    }

    #[test]
    fn the_two_front_doors_and_two_contexts_of_a_name_are_kept_apart() {
        let one = event_name("shop", "uid", Front::Event, "a");
        assert_ne!(one, event_name("shop", "uid", Front::Generate, "a"));
        assert_ne!(one, event_name("shop", "uid2", Front::Event, "a"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

        #[test]
        fn every_name_is_a_valid_subdomain(
            context in prop_oneof![any::<String>(), "[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?"],
            id in prop_oneof![any::<String>(), "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"],
        ) {
            let name = named(&context, &id);
            prop_assert!(is_subdomain(&name), "{}", name);
            prop_assert!(name.len() <= 232);
        }
    }
}
