//! The API server's clock, read off its answers. Ages compare its timestamps, so they have to compare them with its own
//! time: a machine whose clock is wrong must neither delete too early nor keep things for ever.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use http::{HeaderMap, header::DATE};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimeParser};

/// A difference that is none: the header tells whole seconds, and an answer is under way for a while.
const SAME: SignedDuration = SignedDuration::from_secs(2);

/// How far the API server's clock is ahead of ours, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// The time by the API server's clock; by ours before it has answered for the first time.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(SignedDuration::from_secs(self.0.load(Ordering::Relaxed))).unwrap_or(now)
    }

    /// Sets the clock by the headers of an answer that has just come.
    pub fn observe(&self, headers: &HeaderMap) {
        self.observe_at(headers, Timestamp::now());
    }

    fn observe_at(&self, headers: &HeaderMap, now: Timestamp) {
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(there) = date.and_then(|date| PARSER.parse_timestamp(date).ok()) else { return };
        let ahead = there.duration_since(now);
        let seconds = if ahead.abs() <= SAME { 0 } else { ahead.as_secs() };
        self.0.store(seconds, Ordering::Relaxed);
    }
}

const PARSER: DateTimeParser = DateTimeParser::new();

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(date: &str, now: &str) -> i64 {
        let clock = Clock::default();
        let headers = HeaderMap::from_iter([(DATE, date.parse().unwrap())]);
        clock.observe_at(&headers, now.parse().unwrap());
        clock.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_clock_that_is_ten_minutes_off_is_set_by_the_servers() {
        assert_eq!(ahead("Thu, 01 Jan 2026 12:10:00 GMT", "2026-01-01T12:00:00Z"), 600);
        assert_eq!(ahead("Thu, 01 Jan 2026 11:50:00 GMT", "2026-01-01T12:00:00Z"), -600);
    }

    #[test]
    fn the_time_that_an_answer_takes_is_no_difference() {
        assert_eq!(ahead("Thu, 01 Jan 2026 12:00:00 GMT", "2026-01-01T12:00:01.9Z"), 0);
    }

    #[test]
    fn an_answer_without_a_date_that_can_be_read_says_nothing() {
        assert_eq!(ahead("soon", "2026-01-01T12:00:00Z"), 0);
        let clock = Clock::default();
        clock.observe(&HeaderMap::new());
        let ours = Timestamp::now();
        assert!(clock.now().duration_since(ours).abs() < SAME);
    }
}
