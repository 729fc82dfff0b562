//! Whether a text may stand in YAML without quotes, and which quotes it needs otherwise.
//!
//! Knows nothing of the document around it. Two questions: would the plain text be read as punctuation, or as something
//! that is no text, such as `yes`, `0o17`, `1:30` or `2021-01-01` (the types of YAML 1.1)?

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
}

/// The style for a text.
pub(super) fn style(text: &str) -> Style {
    let escapes = text.bytes().any(|byte| !matches!(byte, b' '..=b'~' | b'\n'));
    if escapes || text.contains(" \n") || text.contains("\n ") {
        Style::Double
    } else if reads_as_plain(text) && is_no_other_type(text) {
        Style::Plain
    } else {
        Style::Single
    }
}

/// Whether no punctuation of YAML's block style is in the text; printable ASCII and line ends are given.
fn reads_as_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return true;
    };
    let ends_word = |index: usize| matches!(bytes.get(index), None | Some(b' '));
    let marks_at_start = b"#,[]{}&*!|>'\"%@`".contains(first)
        || (b"?:-".contains(first) && ends_word(1))
        || text.starts_with("---")
        || text.starts_with("...");
    let outer_blank = *first == b' ' || *last == b' ';
    let marks_inside = (1..bytes.len()).any(|index| match bytes[index] {
        b':' => ends_word(index + 1),
        b'#' => bytes[index - 1] == b' ',
        b'\n' => true,
        _ => false,
    });
    !(marks_at_start || outer_blank || marks_inside || *first == b'\n')
}

/// Whether YAML 1.1 takes the plain text for a text.
fn is_no_other_type(text: &str) -> bool {
    let word = matches!(
        text,
        "" | "~"
            | "null"
            | "Null"
            | "NULL"
            | "<<"
            | "="
            | "!"
            | "&"
            | "*"
            | "yes"
            | "Yes"
            | "YES"
            | "no"
            | "No"
            | "NO"
            | "true"
            | "True"
            | "TRUE"
            | "false"
            | "False"
            | "FALSE"
            | "on"
            | "On"
            | "ON"
            | "off"
            | "Off"
            | "OFF"
    );
    let bytes = text.as_bytes();
    !(word || is_integer(bytes) || is_float(bytes) || is_timestamp(bytes))
}

fn is_integer(text: &[u8]) -> bool {
    let text = unsigned(text);
    match text {
        [b'0', b'b', digits @ ..] if all(digits, |byte| matches!(byte, b'0' | b'1' | b'_')) => true,
        [b'0', b'x', digits @ ..] if all(digits, |byte| byte.is_ascii_hexdigit() || byte == b'_') => true,
        [b'0'] => true,
        [b'0', digits @ ..] => all(digits, |byte| matches!(byte, b'0'..=b'7' | b'_')),
        [b'1'..=b'9', rest @ ..] => {
            let rest = skip(rest, is_digit_or_underscore);
            rest.is_empty() || skip_sixtieths(rest).is_some_and(<[u8]>::is_empty)
        }
        _ => false,
    }
}

fn is_float(text: &[u8]) -> bool {
    if matches!(text, b".nan" | b".NaN" | b".NAN") {
        return true;
    }
    let number = unsigned(text);
    if matches!(number, b".inf" | b".Inf" | b".INF") {
        return true;
    }
    if let [b'.', b'0'..=b'9', rest @ ..] = text {
        return is_exponent(skip(rest, is_digit_or_underscore));
    }
    let [b'0'..=b'9', rest @ ..] = number else {
        return false;
    };
    let rest = skip(rest, is_digit_or_underscore);
    if let [b'.', rest @ ..] = rest {
        return is_exponent(skip(rest, is_digit_or_underscore));
    }
    match skip_sixtieths(rest) {
        Some([b'.', rest @ ..]) => skip(rest, is_digit_or_underscore).is_empty(),
        _ => false,
    }
}

/// Nothing, or an exponent; its sign is not optional.
fn is_exponent(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b'e' | b'E', b'-' | b'+', digits @ ..] => all(digits, |byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// A date, or a date and a time.
fn is_timestamp(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if let [_, _, _, _, b'-', _, _, b'-', _, _] = text
        && digits(text) == 4
        && digits(&text[5..]) == 2
        && digits(&text[8..]) == 2
    {
        return true;
    }
    let Some(rest) = skip_digits(text, 4, 4).and_then(|rest| skip_dashed(rest, b'-')) else { return false };
    let Some(rest) = skip_dashed(rest, b'-') else { return false };
    let rest = match rest {
        [b'T' | b't', rest @ ..] => rest,
        [b' ' | b'\t', ..] => skip(rest, is_blank),
        _ => return false,
    };
    let Some(rest) = skip_digits(rest, 1, 2).and_then(skip_two_after_colon).and_then(skip_two_after_colon) else {
        return false;
    };
    let rest = match rest {
        [b'.', rest @ ..] => skip(rest, |byte| byte.is_ascii_digit()),
        rest => rest,
    };
    match skip(rest, is_blank) {
        [] => rest.is_empty(),
        [b'Z'] => true,
        [b'+' | b'-', zone @ ..] => skip_digits(zone, 1, 2)
            .is_some_and(|rest| rest.is_empty() || skip_two_after_colon(rest).is_some_and(<[u8]>::is_empty)),
        _ => false,
    }
}

/// `-` and one or two digits.
fn skip_dashed(text: &[u8], dash: u8) -> Option<&[u8]> {
    text.strip_prefix(&[dash]).and_then(|rest| skip_digits(rest, 1, 2))
}

fn skip_two_after_colon(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b":").and_then(|rest| skip_digits(rest, 2, 2))
}

/// What follows `least` to `most` digits.
fn skip_digits(text: &[u8], least: usize, most: usize) -> Option<&[u8]> {
    let count = text.iter().take(most).take_while(|byte| byte.is_ascii_digit()).count();
    (count >= least).then(|| &text[count..])
}

/// What follows one or more of `:0` to `:59`.
fn skip_sixtieths(text: &[u8]) -> Option<&[u8]> {
    let mut rest = sixtieth(text)?;
    while let Some(next) = sixtieth(rest) {
        rest = next;
    }
    Some(rest)
}

fn sixtieth(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b':', b'0'..=b'5', b'0'..=b'9', rest @ ..] | [b':', b'0'..=b'9', rest @ ..] => Some(rest),
        _ => None,
    }
}

fn unsigned(text: &[u8]) -> &[u8] {
    match text {
        [b'+' | b'-', rest @ ..] => rest,
        text => text,
    }
}

fn skip(text: &[u8], belongs: fn(u8) -> bool) -> &[u8] {
    let count = text.iter().take_while(|byte| belongs(**byte)).count();
    &text[count..]
}

/// At least one byte, and all of them such.
fn all(text: &[u8], belongs: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.iter().all(|byte| belongs(*byte))
}

fn is_digit_or_underscore(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
