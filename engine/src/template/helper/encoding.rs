//! JSON, YAML, base64, hashes and percent-encoding.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::bounds::Bound;
use super::super::item::{Item, Limited, to_json, weigh};
use super::super::rendering::Rendering;
use super::{Arguments, Outcome, shorten};

pub(super) fn json<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let pretty = arguments.named("pretty").truthy(false);
    match to_json(arguments.value(0), pretty, rendering.bounds.value_bytes) {
        Some(text) => {
            rendering.burn_bytes(text.len() * 4)?;
            Ok(Item::text(text))
        }
        None => Err(rendering.too_much(Bound::ValueSize, None)),
    }
}

/// Memory that the parsed value takes for each byte of JSON, at most.
const JSON_GROWTH: usize = 16;

pub(super) fn from_json<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    if text.trim().is_empty() {
        return Ok(Item::Missing);
    }
    let depth = nesting(&text);
    if depth > rendering.bounds.json_depth {
        return Err(rendering.too_much(Bound::JsonDepth, Some(depth)));
    }
    rendering.afford(text.len())?;
    rendering.burn_bytes(text.len() * JSON_GROWTH)?;
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => Ok(Item::made(value)),
        Err(error) => Err(arguments.wrong(0, &format!("is no JSON (\"{}\"): {error}", shorten(&text)))),
    }
}

/// How deep lists and objects nest in a JSON text, without recursion.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

pub(super) fn to_yaml<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let value = arguments.value(0);
    if value.is_null() {
        return Ok(Item::Missing);
    }
    rendering.burn_bytes(weigh(value).bytes)?;
    let mut buffer = Limited::new(rendering.bounds.value_bytes);
    if serde_saphyr::to_fmt_writer(&mut buffer, value).is_err() {
        return Err(rendering.too_much(Bound::ValueSize, None));
    }
    rendering.burn_bytes(buffer.bytes.len() * 4)?;
    Ok(Item::text(String::from_utf8_lossy(&buffer.bytes).trim_end_matches('\n')))
}

pub(super) fn base64<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    rendering.afford(BASE64.encode_len(text.len()))?;
    Ok(Item::text(BASE64.encode(text.as_bytes())))
}

pub(super) fn base64_decode<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    rendering.afford(text.len())?;
    let compact: String = text.split_ascii_whitespace().collect();
    let bytes = BASE64
        .decode(compact.as_bytes())
        .map_err(|error| arguments.wrong(0, &format!("is no base64 (\"{}\"): {error}", shorten(&text))))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Item::text(text)),
        Err(_) => Err(arguments.wrong(0, "decodes to bytes that are no UTF-8 text")),
    }
}

/// Hashing a byte costs more than copying it.
const HASH_COST: usize = 8;

pub(super) fn sha256<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    rendering.burn_bytes(text.len() * HASH_COST)?;
    Ok(Item::text(HEXLOWER.encode(&Sha256::digest(text.as_bytes()))))
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn percent(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(DIGITS[usize::from(byte >> 4)]));
            encoded.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    encoded
}

pub(super) fn urlencode<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    rendering.afford(text.len() * 3)?;
    Ok(Item::text(percent(&text)))
}

pub(super) fn segment<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let text = arguments.text(0)?;
    if matches!(&*text, "." | "..") {
        return Err(arguments.wrong(0, &format!("is \"{text}\", which would change the path; give it a name")));
    }
    rendering.afford(text.len() * 3)?;
    Ok(Item::text(percent(&text)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::testing::{render_with, rendering_error};

    #[test]
    fn bad_json_is_an_error_that_shows_its_beginning() {
        let error = rendering_error("x {{fromJson state}}", &json!({"state": "{\"a\": tru"}));
        assert_eq!(
            error.to_string(),
            "render `test` at line 1, column 3: helper `fromJson`: argument 1 is no JSON (\"{\"a\": tru\"): \
             EOF while parsing a value at line 1 column 9"
        );
    }

    #[test]
    fn json_of_64_levels_is_read_and_of_65_is_refused() {
        let nested = |levels: usize| json!({"text": "[".repeat(levels) + &"]".repeat(levels)});
        assert_eq!(render_with("{{length (fromJson text)}}", &nested(64)), "1");
        assert_eq!(
            rendering_error("{{fromJson text}}", &nested(65)).to_string(),
            "render `test` at line 1, column 1: nesting of lists and objects over the limit: 65, allowed are 64 levels"
        );
        let quoted = json!({"text": Value::from("[".repeat(100)).to_string()});
        assert_eq!(render_with("{{length (fromJson text)}}", &quoted), "100", "brackets in a text do not count");
    }

    #[test]
    fn a_dot_segment_is_refused_because_it_would_change_the_path() {
        assert_eq!(
            rendering_error("{{segment '..'}}", &json!({})).to_string(),
            "render `test` at line 1, column 1: helper `segment`: argument 1 is \"..\", which would change the path; give it a name"
        );
        assert_eq!(render_with("{{segment '../ä'}}", &json!({})), "..%2F%C3%A4");
    }

    #[test]
    fn base64_that_holds_no_text_is_refused() {
        assert!(rendering_error("{{base64Decode '/w=='}}", &json!({})).to_string().ends_with("no UTF-8 text"));
        assert!(rendering_error("{{base64Decode 'a'}}", &json!({})).to_string().contains("is no base64 (\"a\")"));
    }
}
