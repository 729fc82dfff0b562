//! How long the numbers and texts of a tag are, by jinja2's rules.

/// The length of digits that may be parted by single `_`; 0 if there are none.
fn digits(bytes: &[u8], is_digit: fn(&u8) -> bool) -> usize {
    let mut length = 0;
    loop {
        match (bytes.get(length), bytes.get(length + 1)) {
            (Some(digit), _) if is_digit(digit) => length += 1,
            (Some(b'_'), Some(digit)) if length > 0 && is_digit(digit) => length += 2,
            _ => return length,
        }
    }
}

/// The length of the float that the bytes start with.
pub(super) fn float(bytes: &[u8]) -> Option<usize> {
    let whole = digits(bytes, u8::is_ascii_digit);
    if whole == 0 {
        return None;
    }
    let mut length = whole;
    if bytes.get(length) == Some(&b'.') {
        let fraction = digits(&bytes[length + 1..], u8::is_ascii_digit);
        length += if fraction > 0 { 1 + fraction } else { 0 };
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(&bytes[length + 1 + sign..], u8::is_ascii_digit);
        length += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    (length > whole).then_some(length)
}

/// The length of the integer that the bytes start with.
pub(super) fn integer(bytes: &[u8]) -> Option<usize> {
    let is_digit: Option<fn(&u8) -> bool> = match bytes.get(..2) {
        Some(b"0b" | b"0B") => Some(|byte| matches!(byte, b'0' | b'1')),
        Some(b"0o" | b"0O") => Some(|byte| matches!(byte, b'0'..=b'7')),
        Some(b"0x" | b"0X") => Some(u8::is_ascii_hexdigit),
        _ => None,
    };
    if let Some(is_digit) = is_digit {
        let underscore = usize::from(bytes.get(2) == Some(&b'_'));
        let length = digits(&bytes[2 + underscore..], is_digit);
        if length > 0 {
            return Some(2 + underscore + length);
        }
    }
    let length = match bytes.first() {
        Some(b'0') => digits(bytes, |byte| *byte == b'0'),
        Some(b'1'..=b'9') => digits(bytes, u8::is_ascii_digit),
        _ => 0,
    };
    (length > 0).then_some(length)
}

/// The length of the text in quotes that the bytes start with; None if it never ends.
pub(super) fn text_length(bytes: &[u8]) -> Option<usize> {
    let quote = bytes[0];
    let mut index = 1;
    loop {
        match bytes.get(index)? {
            b'\\' => index += 2,
            byte if *byte == quote => return Some(index + 1),
            _ => index += 1,
        }
    }
}
