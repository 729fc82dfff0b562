//! Takes secret values out of what a receiver sent back.
//!
//! Receivers echo: error pages print the request, test servers return its headers. Before an answer is captured,
//! evaluated, stored or logged, each secret of the attempt becomes `***` in it. A receiver that *wants* to leak can
//! encode as it likes; it had the secret anyway.

use std::ops::Range;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};

/// Shorter values are left alone: they would match by chance all over an answer.
const SHORTEST_SECRET: usize = 6;
/// One byte of a secret becomes at most this many in an answer (`\u0041`).
const LONGEST_SPELLING: usize = 6;
const MASK: &[u8] = b"***";

/// Replaces secret values of 6 bytes or more by `***`: plain, in base64 (standard and URL alphabet, with and without
/// padding, also in the middle of a longer encoded text), percent-encoded and escaped as JSON.
///
/// ```
/// use cicdcontext_delivery::Redactor;
///
/// let redactor = Redactor::new(["s3cret/token"]);
/// assert_eq!(redactor.text("got s3cret/token and s3cret%2Ftoken"), "got *** and ***");
/// ```
#[derive(Clone, Default)]
pub struct Redactor {
    patterns: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} patterns)", self.patterns.len())
    }
}

impl Redactor {
    /// A redactor of these values; shorter ones than 6 bytes are ignored.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let long = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST_SECRET);
        let mut patterns: Vec<_> = long.flat_map(|secret| spellings(secret.as_bytes())).collect();
        patterns.sort();
        patterns.dedup();
        Self { patterns }
    }

    /// `input` without the secret values.
    pub fn text(&self, input: &str) -> String {
        String::from_utf8_lossy(&self.bytes(input.as_bytes(), input.len())).into_owned()
    }

    /// The first `limit` bytes of `input` without the secret values. What lies behind the limit only serves to
    /// recognise a value that begins before it; see [`Redactor::look_ahead`].
    pub fn bytes(&self, input: &[u8], limit: usize) -> Vec<u8> {
        let mut output = Vec::with_capacity(input.len().min(limit));
        let mut done = 0;
        for found in self.find(input).into_iter().take_while(|found| found.start < limit) {
            if found.start >= done {
                output.extend_from_slice(&input[done..found.start]);
                output.extend_from_slice(MASK);
            }
            done = done.max(found.end);
        }
        let end = input.len().min(limit);
        output.extend_from_slice(input.get(done..end).unwrap_or_default());
        output
    }

    /// How many bytes behind a limit are needed to recognise every value that begins before it.
    pub fn look_ahead(&self) -> usize {
        LONGEST_SPELLING * self.patterns.iter().map(Vec::len).max().unwrap_or(0)
    }

    fn find(&self, input: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        if self.patterns.is_empty() {
            return found;
        }
        self.find_in(input, |at| at, &mut found);
        for (mark, decode) in [(b'%', percent as Decode), (b'\\', json as Decode)] {
            if input.contains(&mark) {
                let (decoded, places) = decoded(input, mark, decode);
                self.find_in(&decoded, |at| places[at], &mut found);
            }
        }
        found.sort_by_key(|range| (range.start, range.end));
        found
    }

    fn find_in(&self, view: &[u8], place: impl Fn(usize) -> usize, found: &mut Vec<Range<usize>>) {
        let mut first = [false; 256];
        self.patterns.iter().for_each(|pattern| first[usize::from(pattern[0])] = true);
        for at in (0..view.len()).filter(|at| first[usize::from(view[*at])]) {
            let longest = self.patterns.iter().filter(|pattern| view[at..].starts_with(pattern)).map(Vec::len).max();
            found.extend(longest.map(|length| place(at)..place(at + length)));
        }
    }
}

/// The secret itself and its base64 forms. Percent and JSON escapes are undone in the answer instead.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![secret.to_vec(), BASE64.encode(secret).into_bytes(), BASE64URL.encode(secret).into_bytes()];
    all.extend([BASE64_NOPAD.encode(secret).into_bytes(), BASE64URL_NOPAD.encode(secret).into_bytes()]);
    // In the middle of a longer text (`user:password`) the first and last characters mix with its neighbours.
    for before in 0..3 {
        let shifted = [&[0; 2][..before], secret].concat();
        let (start, end) = ((before * 8).div_ceil(6), shifted.len() * 8 / 6);
        all.extend(
            [BASE64_NOPAD, BASE64URL_NOPAD].map(|base64| base64.encode(&shifted).as_bytes()[start..end].to_vec()),
        );
    }
    all
}

/// Reads one escape at the start of the input: how long it is, and what it stands for.
type Decode = fn(&[u8]) -> Option<(usize, Vec<u8>)>;

/// The input with its escapes undone, and for each of its bytes (and the end) the place in the input.
fn decoded(input: &[u8], mark: u8, decode: Decode) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut places, mut at) = (Vec::with_capacity(input.len()), Vec::with_capacity(input.len() + 1), 0);
    while at < input.len() {
        let escape = if input[at] == mark { decode(&input[at..]) } else { None };
        let (length, meaning) = escape.unwrap_or_else(|| (1, vec![input[at]]));
        places.extend(std::iter::repeat_n(at, meaning.len()));
        bytes.extend(meaning);
        at += length;
    }
    places.push(at);
    (bytes, places)
}

fn percent(input: &[u8]) -> Option<(usize, Vec<u8>)> {
    Some((3, vec![u8::try_from(hexadecimal(input.get(1..3)?)?).ok()?]))
}

fn json(input: &[u8]) -> Option<(usize, Vec<u8>)> {
    let simple = |byte| Some((2, vec![byte]));
    match input.get(1)? {
        escaped @ (b'"' | b'\\' | b'/') => simple(*escaped),
        b't' => simple(b'\t'),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b'u' => {
            let unit = hexadecimal(input.get(2..6)?)?;
            let low = || input.get(6..8).filter(|mark| mark == b"\\u").and_then(|_| hexadecimal(input.get(8..12)?));
            let (length, units) = match (0xd800..0xdc00).contains(&unit).then(low).flatten() {
                Some(low) => (12, vec![unit, low]),
                None => (6, vec![unit]),
            };
            Some((length, String::from_utf16_lossy(&units).into_bytes()))
        }
        _ => None,
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u16> {
    let legal = digits.iter().all(u8::is_ascii_hexdigit);
    u16::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| legal)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "s3cr\"t/ü+Canary?";

    #[test]
    fn a_secret_is_found_in_every_spelling_a_receiver_echoes() {
        let redactor = Redactor::new([SECRET]);
        let percent_all = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
        let json_ascii = SECRET.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat();
        let mut echoes = vec![
            SECRET.to_owned(),
            "s3cr%22t%2F%C3%BC%2BCanary%3F".to_owned(),
            percent_all,
            serde_json::to_string(SECRET).unwrap(),
            "s3cr\\\"t\\/\\u00fc+Canary?".to_owned(),
            json_ascii,
        ];
        for before in ["", "u", "us", "usr", "user:"] {
            for base64 in [&BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD] {
                echoes.push(base64.encode(format!("{before}{SECRET}").as_bytes()));
                echoes.push(base64.encode(format!("{before}{SECRET}:x").as_bytes()));
            }
        }
        for echo in echoes {
            let cleaned = redactor.text(&format!("before {echo} after"));
            assert!(cleaned.starts_with("before ") && cleaned.ends_with(" after"), "{cleaned}");
            assert!(cleaned.contains("***") && cleaned.len() < 40, "{echo} became {cleaned}");
        }
    }

    #[test]
    fn several_overlapping_and_adjacent_secrets_leave_nothing_behind() {
        let redactor = Redactor::new(["abcdef", "cdefgh", "abcdefghijkl", "short"]);
        assert_eq!(redactor.text("xabcdefghx abcdefabcdef abcdefghijkl short"), "x***x ****** *** short");
    }

    #[test]
    fn a_secret_across_the_limit_leaves_no_beginning_behind() {
        let redactor = Redactor::new(["0123456789"]);
        let input = b"0123456789 0123456789 tail";
        assert_eq!(redactor.bytes(input, 15), b"*** ***");
        assert_eq!(redactor.bytes(input, 11), b"*** ");
        assert_eq!(redactor.bytes(input, 24), b"*** *** ta");
        assert!(redactor.look_ahead() >= 60);
    }

    #[test]
    fn nothing_changes_without_secrets_also_not_broken_escapes() {
        for text in ["100% \\u12 \\ %zz %", "plain", ""] {
            assert_eq!(Redactor::default().text(text), text);
            assert_eq!(Redactor::new(["no-such-secret", "", "tiny"]).text(text), text);
        }
    }
}
