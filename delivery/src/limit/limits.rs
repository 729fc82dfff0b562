//! What an endpoint takes: so many requests at once, so many in a period. Knows nothing of what waits.

use std::time::Duration;

use thiserror::Error;

/// The most requests under way at once that an endpoint may be given.
pub const MAX_CONCURRENCY: u32 = 256;
/// The most requests of a period.
pub const MAX_REQUESTS: u32 = 100_000;
/// The longest period.
pub const MAX_PERIOD: Duration = Duration::from_hours(24);

/// What an endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub(super) concurrency: u32,
    pub(super) rate: Option<(u32, Duration)>,
}

/// Why numbers are no limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LimitError {
    /// Nothing, or too much, at once.
    #[error("set concurrency to {0}: write 1 to {MAX_CONCURRENCY}")]
    Concurrency(u32),
    /// Nothing, or too much, in a period.
    #[error("set rateLimit.requests to {0}: write 1 to {MAX_REQUESTS}")]
    Requests(u32),
    /// No period, or too long a one.
    #[error("set rateLimit.perSeconds to {}: write 1 to {}", .0.as_secs_f64(), MAX_PERIOD.as_secs())]
    Period(Duration),
}

impl Default for Limits {
    /// 16 at once, at any rate.
    fn default() -> Self {
        Self { concurrency: 16, rate: None }
    }
}

impl Limits {
    /// At most this many under way at once, 1 to 256.
    pub fn concurrency(self, concurrency: u32) -> Result<Self, LimitError> {
        match concurrency {
            1..=MAX_CONCURRENCY => Ok(Self { concurrency, ..self }),
            _ => Err(LimitError::Concurrency(concurrency)),
        }
    }

    /// At most `requests` (1 to 100,000) in any `per` (1 s to a day).
    pub fn rate(self, requests: u32, per: Duration) -> Result<Self, LimitError> {
        if !(1..=MAX_REQUESTS).contains(&requests) {
            return Err(LimitError::Requests(requests));
        }
        if !(Duration::from_secs(1)..=MAX_PERIOD).contains(&per) {
            return Err(LimitError::Period(per));
        }
        Ok(Self { rate: Some((requests, per)), ..self })
    }
}
