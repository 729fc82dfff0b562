//! Base64 as Python's `base64.decodebytes` reads it: what is no letter of it is passed over.

/// The bytes of `text`, or what is wrong with it.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, &'static str> {
    if !text.is_ascii() {
        return Err("!!binary holds a character that is not ASCII; write base64");
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut letters, mut padding, mut left) = (0_u8, 0_u8, 0_u8);
    for byte in text.bytes() {
        if byte == b'=' {
            padding += 1;
            if letters >= 2 && letters + padding >= 4 {
                return Ok(bytes);
            }
            continue;
        }
        let Some(value) = value(byte) else { continue };
        padding = 0;
        match letters {
            0 => left = value,
            1 => {
                bytes.push(left << 2 | value >> 4);
                left = value & 0x0f;
            }
            2 => {
                bytes.push(left << 4 | value >> 2);
                left = value & 0x03;
            }
            _ => bytes.push(left << 6 | value),
        }
        letters = (letters + 1) % 4;
    }
    if letters == 0 { Ok(bytes) } else { Err("!!binary ends in the middle of a group of four letters; pad it with =") }
}

fn value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_with_breaks_and_padding() {
        assert_eq!(decode("aGk=").unwrap(), b"hi");
        assert_eq!(decode("aGkg\n  aG8h").unwrap(), b"hi ho!");
        assert_eq!(decode("aGk").unwrap_err(), "!!binary ends in the middle of a group of four letters; pad it with =");
        assert_eq!(decode("\u{e9}").unwrap_err(), "!!binary holds a character that is not ASCII; write base64");
    }
}
