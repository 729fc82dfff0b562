//! Short names of long things: the head of a SHA-256 in lower-case base32, as object names and the ledger hold it.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

/// The first `length` characters of the base32 SHA-256 of `parts`, joined by NUL bytes; 52 characters are all of it.
///
/// No part may hold a NUL (names, UIDs and annotation ids cannot), then different parts never run into the same text.
///
/// ```
/// use cicdcontext_engine::state::fingerprint;
///
/// assert_eq!(fingerprint(&[b""], 16), "4oymiquy7qobjgx3");
/// ```
pub fn fingerprint(parts: &[&[u8]], length: usize) -> String {
    let mut hasher = Sha256::new();
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            hasher.update([0]);
        }
        hasher.update(part);
    }
    let mut text = BASE32_NOPAD.encode(&hasher.finalize());
    text.make_ascii_lowercase();
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_of_nothing_is_the_known_sha_256_of_nothing() {
        // e3b0c44298fc1c149afb... in hexadecimal
        assert_eq!(fingerprint(&[b""], 16), "4oymiquy7qobjgx3");
        assert_eq!(fingerprint(&[b""], 100).len(), 52);
    }

    #[test]
    fn parts_are_kept_apart() {
        assert_ne!(fingerprint(&[b"ab", b"c"], 8), fingerprint(&[b"a", b"bc"], 8));
    }
}
