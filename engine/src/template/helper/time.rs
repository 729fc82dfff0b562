//! Time and chance, both given to the rendering from outside: the same seed gives the same text again.

// All helpers have the one signature that the table asks for, those that cannot fail too.
#![allow(clippy::unnecessary_wraps)]

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use jiff::Timestamp;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::error::Fault;
use super::super::item::Item;
use super::super::rendering::Rendering;
use super::{Arguments, Outcome, shorten};

pub(super) fn now<'a>(_: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    Ok(Item::text(rendering.seed.now.to_string()))
}

/// Bytes of a format given to `formatTime`.
const FORMAT_BYTES: usize = 256;

pub(super) fn format_time<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let Some(time) = time(arguments)? else {
        return Ok(Item::Missing);
    };
    let format = arguments.some_text(1)?;
    if format.len() > FORMAT_BYTES {
        return Err(arguments.wrong(1, &format!("has {} bytes, allowed are {FORMAT_BYTES}", format.len())));
    }
    // A width as in `%200Y` makes one directive longer than it is written, at most to 256 characters.
    rendering.afford(format.len() * 128)?;
    match strtime::format(&*format, BrokenDownTime::from(&time.to_zoned(TimeZone::UTC))) {
        Ok(text) => Ok(Item::text(text)),
        Err(error) => Err(arguments.wrong(1, &format!("is no time format (\"{}\"): {error}", shorten(&format)))),
    }
}

fn time(arguments: &Arguments<'_>) -> Result<Option<Timestamp>, Fault> {
    let time = match arguments.value(0) {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok()),
        _ => return Err(arguments.unfit(0, "a time")),
    };
    if time.is_none() {
        let found = arguments.text(0)?;
        let problem = format!("is no time (\"{}\"); give RFC 3339 text or seconds since 1970", shorten(&found));
        return Err(arguments.wrong(0, &problem));
    }
    Ok(time)
}

/// 32 bytes that follow from the seed, the template and how often it drew before.
fn draw(rendering: &mut Rendering<'_>, purpose: &str) -> Result<[u8; 32], Fault> {
    rendering.burn(8)?;
    let (template, count) = rendering.draw();
    let mut hash = Sha256::new();
    for part in [purpose, &rendering.seed.text, template] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(count.to_le_bytes());
    Ok(hash.finalize().into())
}

/// Characters that `random` gives unless told otherwise, and at most.
const RANDOM_LENGTH: u64 = 8;
const RANDOM_MOST: u64 = 256;

pub(super) fn random<'a>(arguments: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let length = arguments.whole(0)?.unwrap_or(RANDOM_LENGTH);
    if length == 0 || length > RANDOM_MOST {
        return Err(arguments.wrong(0, &format!("must be between 1 and {RANDOM_MOST}, got {length}")));
    }
    let length = usize::try_from(length).unwrap_or_default();
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&BASE32_NOPAD.encode(&draw(rendering, "random")?).to_ascii_lowercase());
    }
    text.truncate(length);
    Ok(Item::text(text))
}

pub(super) fn uuid<'a>(_: &Arguments<'a>, rendering: &mut Rendering<'a>) -> Outcome<'a> {
    let mut bytes = draw(rendering, "uuid")?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = HEXLOWER.encode(&bytes[..16]);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Ok(Item::text(parts.join("-")))
}
