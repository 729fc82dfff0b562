//! Names of files and objects for runs, of which the ID may be any text.

use cicdcontext_engine::state::fingerprint;

/// Characters of the ID that a person recognises it by.
const SHOWN: usize = 40;
/// Characters of the hash that tells IDs apart: 80 bits.
const HASH: usize = 16;

/// The name of a run: what can be shown of its ID, and a hash of the whole. At most 57 characters, as for a DNS label.
pub(super) fn name(id: &str) -> String {
    let mut shown = String::with_capacity(SHOWN);
    for character in id.chars().map(|character| character.to_ascii_lowercase()) {
        if shown.len() >= SHOWN {
            break;
        }
        if character.is_ascii_alphanumeric() {
            shown.push(character);
        } else if !shown.is_empty() && !shown.ends_with('-') {
            shown.push('-');
        }
    }
    let shown = shown.trim_end_matches('-');
    let shown = if shown.is_empty() { "run" } else { shown };
    format!("{shown}-{}", fingerprint(&[id.as_bytes()], HASH))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_recognised_in_its_name() {
        assert!(name("ferry-7").starts_with("ferry-7-"), "{}", name("ferry-7"));
        assert!(name("Team A/Build #12").starts_with("team-a-build-12-"), "{}", name("Team A/Build #12"));
        assert!(name("Ünï").starts_with("n-"), "{}", name("Ünï"));
        assert!(name("").starts_with("run-") && name("///").starts_with("run-"));
    }

    #[test]
    fn ids_that_look_alike_have_different_names() {
        let ids = ["a b", "a-b", "A-b", "a/b", "a--b", "a-b-", "-a-b", "a.b", "", "-", " "];
        let long: Vec<String> = ["x", "y", "z"].iter().map(|end| format!("{}{end}", "long".repeat(30))).collect();
        let names: HashSet<String> = ids.into_iter().chain(long.iter().map(String::as_str)).map(name).collect();
        assert_eq!(names.len(), ids.len() + long.len());
    }

    proptest! {
        #[test]
        fn a_name_is_a_dns_label(id in any::<String>()) {
            let name = name(&id);
            prop_assert!(name.len() <= 57);
            prop_assert!(name.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit()));
            prop_assert!(!name.starts_with('-') && !name.ends_with('-'));
        }
    }
}
