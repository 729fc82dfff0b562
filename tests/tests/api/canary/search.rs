//! Looks for values in a text, however they are spelled: plain, in base64 of either alphabet and at any alignment, and
//! with any of their bytes in percent form.

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};

/// Where which of the values is found, in words.
pub(super) fn hits(place: &str, text: &str, values: &[(&'static str, String)]) -> Vec<String> {
    let views = [("", text.as_bytes().to_vec()), (" behind percent signs", without_percent(text.as_bytes()))];
    let mut hits = Vec::new();
    for (name, value) in values {
        for (form, needle) in spellings(value.as_bytes()) {
            let found = views.iter().find_map(|(view, bytes)| Some((view, bytes, find(bytes, &needle)?)));
            if let Some((view, bytes, at)) = found {
                let around = bytes.get(at.saturating_sub(80)..bytes.len().min(at + needle.len() + 20));
                let around = String::from_utf8_lossy(around.unwrap_or_default()).into_owned();
                hits.push(format!("{place} shows {name} in {form}{view}: {around}"));
            }
        }
    }
    hits
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// The value itself, and what is left of it in base64 whatever stands before and behind it.
fn spellings(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    assert!(value.len() >= 16, "a short value is found by chance");
    let mut all = vec![("plain", value.to_vec())];
    for before in 0..3 {
        let shifted = [&[0; 2][..before], value].concat();
        // The characters that hold bits of the value only.
        let (start, end) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        let cut = |encoded: String| encoded.as_bytes()[start..end].to_vec();
        all.push(("base64", cut(BASE64_NOPAD.encode(&shifted))));
        all.push(("base64url", cut(BASE64URL_NOPAD.encode(&shifted))));
    }
    all
}

/// The text with each `%xx` as the byte that it stands for.
fn without_percent(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::with_capacity(text.len()), 0);
    while at < text.len() {
        let digits =
            text.get(at + 1..at + 3).filter(|_| text[at] == b'%').and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.filter(|two| two.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = byte.and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(text[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    bytes
}

#[test]
fn a_value_is_found_in_each_spelling_and_nothing_in_a_text_without_it() {
    let value = "s3cr+t/V4lue=&~?x";
    let values = [("the token", value.to_owned())];
    let all = |upper: bool| -> String {
        let hex = |byte: u8| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") };
        value.bytes().map(hex).collect()
    };
    let mut texts = vec![value.to_owned(), all(true), all(false), "s3cr%2Bt%2fV4lue=%26~%3Fx".to_owned()];
    for before in ["", "u", "us", "usr"] {
        for encode in [BASE64_NOPAD, BASE64URL_NOPAD] {
            texts.push(encode.encode(format!("{before}{value}:x").as_bytes()));
            texts.push(encode.encode(format!("{before}{value}").as_bytes()));
        }
    }
    let without = "100% of s3cr+t/V4lue=&~?, %zz, c3Vycm91bmRpbmdz";
    assert_eq!(hits("a place", without, &values), Vec::<String>::new());
    for text in texts {
        assert!(!hits("a place", &format!("100% {text} tail"), &values).is_empty(), "{text}");
    }
    let told = hits("a place", "before s3cr+t/V4lue=&~?x", &values);
    assert_eq!(told[0], "a place shows the token in plain: before s3cr+t/V4lue=&~?x");
}
