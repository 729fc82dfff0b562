//! Values of flags.

use std::time::Duration;

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
}
