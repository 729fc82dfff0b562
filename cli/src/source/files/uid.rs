//! UIDs of contexts and events that no API server gives one.

use rustls::crypto::ring;

use crate::source::Problem;

/// A random UID, in the form that the API server's have (RFC 9562, version 4).
pub(super) fn random_uid() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    let generator = ring::default_provider().secure_random;
    generator.fill(&mut bytes).map_err(|_| Problem::Files("the system gives no random numbers".to_owned()))?;
    let number = u128::from_be_bytes(bytes);
    let number = number & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{number:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_of_version_4_and_no_two_are_alike() {
        let (one, two) = (random_uid().unwrap(), random_uid().unwrap());
        assert_ne!(one, two);
        for uid in [one, two] {
            let lengths: Vec<_> = uid.split('-').map(str::len).collect();
            assert_eq!(lengths, [8, 4, 4, 4, 12], "{uid}");
            assert_eq!(&uid[14..15], "4", "{uid}");
            assert!("89ab".contains(&uid[19..20]), "{uid}");
        }
    }
}
