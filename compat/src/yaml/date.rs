//! Dates and times of YAML 1.1, and the texts that Python prints for them.

use jiff::civil::{Date, Time};

/// The parts of a date, as they are written.
struct Parts<'t> {
    year: &'t str,
    month: &'t str,
    day: &'t str,
    time: Option<TimeParts<'t>>,
}

struct TimeParts<'t> {
    hour: &'t str,
    minute: &'t str,
    second: &'t str,
    fraction: &'t str,
    zone: Option<Zone<'t>>,
}

enum Zone<'t> {
    Utc,
    Offset { negative: bool, hour: &'t str, minute: &'t str },
}

/// Whether a bare text is a date or a time.
pub(super) fn is_date(text: &str) -> bool {
    parts(text).is_some_and(|parts| parts.time.is_some() || parts.month.len() == 2 && parts.day.len() == 2)
}

/// Python's `str` of the date or time object that `text` is for PyYAML, or what is wrong with it.
pub(super) fn read(text: &str) -> Result<String, String> {
    let parts = parts(text).ok_or_else(|| {
        format!("{text:?} is no date or time; write it like 2001-12-14 or 2001-12-14 21:59:43 +01:00")
    })?;
    let impossible = || format!("there is no date or time {text}; put it in quotes if it is a text");
    let number = |digits: &str| digits.parse::<i8>().map_err(|_| impossible());
    let year = parts.year.parse::<i16>().map_err(|_| impossible())?;
    let date = Date::new(year, number(parts.month)?, number(parts.day)?).map_err(|_| impossible())?;
    if year == 0 {
        return Err(impossible());
    }
    let Some(time) = parts.time else { return Ok(date.to_string()) };
    let (hour, minute, second) = (number(time.hour)?, number(time.minute)?, number(time.second)?);
    Time::new(hour, minute, second, 0).map_err(|_| impossible())?;
    let mut read = format!("{date} {hour:02}:{minute:02}:{second:02}");
    if !time.fraction.is_empty() {
        let micros: String = time.fraction.chars().chain("000000".chars()).take(6).collect();
        if micros != "000000" {
            read.push('.');
            read.push_str(&micros);
        }
    }
    match time.zone {
        None => {}
        Some(Zone::Utc) => read.push_str("+00:00"),
        Some(Zone::Offset { negative, hour, minute }) => {
            let minutes =
                i16::from(number(hour)?) * 60 + i16::from(number(if minute.is_empty() { "0" } else { minute })?);
            if minutes >= 24 * 60 {
                return Err(impossible());
            }
            let sign = if negative && minutes > 0 { '-' } else { '+' };
            read = format!("{read}{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        }
    }
    Ok(read)
}

/// Takes so many digits from the front.
fn digits<'t>(rest: &mut &'t str, least: usize, most: usize) -> Option<&'t str> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if count < least {
        return None;
    }
    let (taken, left) = rest.split_at(count);
    *rest = left;
    Some(taken)
}

fn sign(rest: &mut &str, sign: char) -> Option<()> {
    *rest = rest.strip_prefix(sign)?;
    Some(())
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let mut rest = text;
    let year = digits(&mut rest, 4, 4)?;
    sign(&mut rest, '-')?;
    let month = digits(&mut rest, 1, 2)?;
    sign(&mut rest, '-')?;
    let day = digits(&mut rest, 1, 2)?;
    if rest.is_empty() {
        return Some(Parts { year, month, day, time: None });
    }
    rest = match rest.strip_prefix(['T', 't']) {
        Some(left) => left,
        None => rest.strip_prefix([' ', '\t'])?.trim_start_matches([' ', '\t']),
    };
    let hour = digits(&mut rest, 1, 2)?;
    sign(&mut rest, ':')?;
    let minute = digits(&mut rest, 2, 2)?;
    sign(&mut rest, ':')?;
    let second = digits(&mut rest, 2, 2)?;
    let fraction = match rest.strip_prefix('.') {
        Some(left) => {
            rest = left;
            digits(&mut rest, 0, usize::MAX)?
        }
        None => "",
    };
    let zone = if rest.is_empty() { None } else { Some(zone(rest.trim_start_matches([' ', '\t']))?) };
    Some(Parts { year, month, day, time: Some(TimeParts { hour, minute, second, fraction, zone }) })
}

fn zone(text: &str) -> Option<Zone<'_>> {
    if text == "Z" {
        return Some(Zone::Utc);
    }
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+'])?;
    let hour = digits(&mut rest, 1, 2)?;
    let minute = if rest.is_empty() {
        ""
    } else {
        sign(&mut rest, ':')?;
        digits(&mut rest, 2, 2)?
    };
    rest.is_empty().then_some(Zone::Offset { negative, hour, minute })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_become_the_texts_that_python_prints() {
        let cases = [
            ("2021-01-02", "2021-01-02"),
            ("2021-1-2 3:04:05", "2021-01-02 03:04:05"),
            ("2021-01-01t01:02:03.12345678-5:30", "2021-01-01 01:02:03.123456-05:30"),
            ("2021-01-01 1:02:03 Z", "2021-01-01 01:02:03+00:00"),
            ("2021-01-01 1:02:03.000 +0", "2021-01-01 01:02:03+00:00"),
        ];
        for (written, read_as) in cases {
            assert!(is_date(written), "{written}");
            assert_eq!(read(written).unwrap(), read_as);
        }
        for no_date in ["2021-1-2", "2021-01", "12021-01-01", "2021-01-01 1:2:03", "2021-01-01T01:02:03 GMT"] {
            assert!(!is_date(no_date), "{no_date}");
        }
    }

    #[test]
    fn a_date_that_does_not_exist_is_an_error() {
        for text in ["2021-02-30", "0000-01-01", "2021-01-01 24:00:00", "2021-01-01 00:00:60", "2021-01-01 1:02:03 +24"]
        {
            assert!(is_date(text));
            assert_eq!(
                read(text).unwrap_err(),
                format!("there is no date or time {text}; put it in quotes if it is a text")
            );
        }
    }
}
