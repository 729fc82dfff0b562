//! Values of flags.

use std::{ops::RangeInclusive, time::Duration};

/// Seconds that `ttlSecondsAfterLastActivity` may have.
const LIFETIMES: RangeInclusive<i64> = 60..=315_360_000;

/// Reads a time limit: `30s`, `2m`, `1h30m`, `500ms`, or seconds without a unit as kubectl does. 0 is no limit.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let wrong = || "write a duration such as 30s, 2m or 1m30s, or a number of seconds; 0 is no limit".to_owned();
    let limit = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let signed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        Duration::try_from(signed).map_err(|_| wrong())?
    };
    Ok(if limit.is_zero() { Duration::MAX } else { limit })
}

/// Reads how long a context lives without activity, in seconds: `7d`, `36h`, `1d12h`. A day has 24 hours.
pub(super) fn lifetime(text: &str) -> Result<i64, String> {
    let wrong = || "write a duration such as 7d, 36h or 1d12h, of 60 seconds to 3650 days".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let seconds = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?.as_secs();
    if LIFETIMES.contains(&seconds) { Ok(seconds) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(timeout("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(timeout("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(timeout("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(timeout("15"), Ok(Duration::from_secs(15)));
        assert_eq!(timeout("0"), Ok(Duration::MAX));
        assert_eq!(timeout("0s"), Ok(Duration::MAX));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "soon", "-1s", "-5", "5 parsecs"] {
            assert!(timeout(text).unwrap_err().starts_with("write a duration such as 30s"), "{text}");
        }
    }

    #[test]
    fn a_lifetime_may_be_given_in_days() {
        assert_eq!(lifetime("7d"), Ok(7 * 24 * 3600));
        assert_eq!(lifetime("36h"), Ok(36 * 3600));
        assert_eq!(lifetime("1d12h"), Ok(36 * 3600));
        assert_eq!(lifetime("1w"), Ok(7 * 24 * 3600));
        assert_eq!(lifetime("3650d"), Ok(315_360_000));
        for text in ["", "7", "59s", "0d", "-1d", "1y", "1mo", "3651d", "soon"] {
            assert!(lifetime(text).unwrap_err().starts_with("write a duration such as 7d"), "{text}");
        }
    }
}
