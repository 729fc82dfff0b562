//! Signatures of Standard Webhooks 1.0: HMAC-SHA256 over id, timestamp and body, one for each key.
//!
//! Knows keys and bytes. Must not know destinations, nor when a request is signed.

use data_encoding::{BASE64, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

use crate::request::RequestError;

/// The most keys that sign one request: the old one and the new one, and a little room.
pub const MAX_SIGNING_KEYS: usize = 4;
/// What the text of a key starts with.
pub const KEY_PREFIX: &str = "whsec_";
const SHORTEST_KEY: usize = 24;
const LONGEST_KEY: usize = 64;

/// One symmetric key, parsed.
#[derive(Clone)]
pub(crate) struct SigningKey {
    key: SecretSlice<u8>,
    /// The spellings in which the key might come back: as it was written, without its prefix, and as hexadecimal.
    spellings: Vec<SecretString>,
}

impl SigningKey {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes. `number` counts the endpoint's keys from 1, for the error.
    pub(crate) fn parse(number: usize, text: &SecretString) -> Result<Self, RequestError> {
        let wrong = |problem| RequestError::SigningKey { number, problem };
        let text = text.expose_secret();
        if text.trim() != text {
            return Err(wrong("has white space at its start or end"));
        }
        let encoded = text.strip_prefix(KEY_PREFIX).ok_or_else(|| wrong("does not start with whsec_"))?;
        let decoded = BASE64.decode(encoded.as_bytes());
        let key = decoded.map_err(|_| wrong("is not base64 (with padding) behind whsec_"))?;
        match key.len() {
            ..SHORTEST_KEY => Err(wrong("has fewer than 24 bytes")),
            SHORTEST_KEY..=LONGEST_KEY => {
                let hexadecimal = HEXLOWER.encode(&key);
                let spellings = [text.to_owned(), encoded.to_owned(), hexadecimal].map(SecretString::from).into();
                Ok(Self { key: key.into(), spellings })
            }
            _ => Err(wrong("has more than 64 bytes")),
        }
    }

    /// The secret values, for the [`crate::Redactor`].
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.spellings.iter().map(ExposeSecret::expose_secret)
    }
}

/// The value of `webhook-signature`: a `v1,` signature for each key, in the order of the keys. None without keys.
pub(crate) fn signatures(keys: &[SigningKey], id: &[u8], timestamp: &[u8], body: &[u8]) -> Option<HeaderValue> {
    let signature = |key: &SigningKey| {
        // HMAC takes keys of any length: this never gives none.
        let mut mac = Hmac::<Sha256>::new_from_slice(key.key.expose_secret()).ok()?;
        for part in [id, b".", timestamp, b".", body] {
            mac.update(part);
        }
        Some(format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes())))
    };
    let all: Vec<String> = keys.iter().filter_map(signature).collect();
    if all.is_empty() { None } else { HeaderValue::try_from(all.join(" ")).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Destination, Scope};

    /// The verifier accepts what is at most 5 minutes old.
    fn now() -> String {
        std::time::UNIX_EPOCH.elapsed().unwrap().as_secs().to_string()
    }

    /// Checks with the library that receivers use.
    fn verify(key: &str, signature: &HeaderValue, body: &[u8]) -> bool {
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", HeaderValue::from_static("msg-4f1a"));
        headers.insert("webhook-timestamp", now().parse().unwrap());
        headers.insert("webhook-signature", signature.clone());
        standardwebhooks::Webhook::new(key).unwrap().verify(body, &headers).is_ok()
    }

    fn signed(keys: &[&str], body: &[u8]) -> HeaderValue {
        let parse = |(index, key): (usize, &&str)| SigningKey::parse(index + 1, &(*key).into()).unwrap();
        let keys: Vec<_> = keys.iter().enumerate().map(parse).collect();
        signatures(&keys, b"msg-4f1a", now().as_bytes(), body).unwrap()
    }

    #[test]
    fn the_published_verifier_accepts_each_key_s_signature_and_no_other() {
        let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let new = format!("whsec_{}", BASE64.encode(&[0xfb; 64]));
        for body in [&b""[..], b"{\"event\":\"success\"}", "gr\u{fc}\u{df}e".as_bytes()] {
            let both = signed(&[old, &new], body);
            assert_eq!(both.to_str().unwrap().split(' ').filter(|part| part.starts_with("v1,")).count(), 2);
            assert!(verify(old, &both, body) && verify(&new, &both, body), "{both:?}");
            let one = signed(&[old], body);
            assert!(verify(old, &one, body) && !verify(&new, &one, body), "{one:?}");
            assert!(!verify(old, &one, b"another body"));
        }
        assert!(signatures(&[], b"msg-4f1a", b"1700000000", b"").is_none());
    }

    #[test]
    fn a_key_that_is_none_is_refused_with_its_number_and_nothing_of_it() {
        let destination = || Destination::new("https://ci.example".parse().unwrap(), Scope::public("cluster.local"));
        let encoded = |bytes: usize| format!("whsec_{}", BASE64.encode(&vec![7; bytes]));
        for (key, told) in [
            ("canary-key".to_owned(), "does not start with whsec_"),
            (format!("whsk_{}", BASE64.encode(&[7; 32])), "does not start with whsec_"),
            ("whsec_canary!".to_owned(), "is not base64 (with padding) behind whsec_"),
            (encoded(32).trim_end_matches('=').to_owned(), "is not base64 (with padding) behind whsec_"),
            (format!("{}\n", encoded(32)), "has white space at its start or end"),
            (encoded(23), "has fewer than 24 bytes"),
            ("whsec_".to_owned(), "has fewer than 24 bytes"),
            (encoded(65), "has more than 64 bytes"),
        ] {
            let first = destination().signing_key(&encoded(24).into()).unwrap();
            let error = first.signing_key(&key.into()).unwrap_err();
            let text = format!(
                "sign with key 2 of the endpoint: it {told}; write whsec_ and the base64 of 24 to 64 random bytes"
            );
            assert_eq!((error.to_string(), error.label()), (text, "SigningKey"));
        }
        let full = (0..MAX_SIGNING_KEYS)
            .try_fold(destination(), |destination, _| destination.signing_key(&encoded(64).into()))
            .unwrap();
        assert_eq!(
            full.signing_key(&encoded(24).into()).unwrap_err().to_string(),
            "sign with key 5 of the endpoint: 4 keys are the limit; remove the keys that no receiver uses any more"
        );
    }

    #[test]
    fn a_key_in_an_answer_is_taken_out_in_every_spelling() {
        let bytes = *b"canary-canary-canary-canary-0123";
        let key = format!("whsec_{}", BASE64.encode(&bytes));
        let destination = Destination::new("https://ci.example".parse().unwrap(), Scope::public("cluster.local"));
        let destination = destination.signing_key(&key.clone().into()).unwrap();
        for echo in [key.clone(), key[6..].to_owned(), HEXLOWER.encode(&bytes), BASE64.encode(key.as_bytes())] {
            assert_eq!(destination.redactor().text(&format!("<{echo}>")), "<***>");
        }
        assert!(!format!("{destination:?}").contains(&key[6..]));
    }
}
