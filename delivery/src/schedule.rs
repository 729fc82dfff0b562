//! When is the next attempt of a delivery, or why is there none any more?
//!
//! Pure: the clock and the dice are passed in, nothing here waits. Must not know why an attempt failed, beyond what the
//! receiver asked for.
//!
//! The wait before attempt n+1 is a random part of a ceiling that doubles with each attempt, up to a longest wait (full
//! jitter: receivers that come back see a spread, not a wave). `Retry-After` is a least wait, up to the same longest
//! one. No attempt is planned past the time that a delivery may take in all; the last one may be brought forward to it.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most attempts that a schedule allows.
pub const MAX_ATTEMPTS: u32 = 50;
/// The longest time in all that a schedule allows.
pub const MAX_ELAPSED: Duration = Duration::from_hours(7 * 24);
/// The longest wait between two attempts that a schedule allows.
pub const MAX_DELAY: Duration = Duration::from_hours(24);

/// How often, and how long, a delivery is tried.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use cicdcontext_delivery::{History, Next, Schedule};
///
/// let schedule = Schedule::default();
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let history = History::start(now).attempted();
/// // The dice say half of u64::MAX: half of the first ceiling of 5 s.
/// let next = schedule.next(&history, None, now, u64::MAX / 2);
/// assert_eq!(next, Next::At(now + Duration::from_millis(2_500)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    max_attempts: u32,
    max_elapsed: Duration,
    initial_delay: Duration,
    max_delay: Duration,
}

/// Why numbers are no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("set {field} to {given}: write {least} to {most}")]
pub struct ScheduleError {
    field: &'static str,
    given: String,
    least: String,
    most: String,
}

/// What has to be remembered between two attempts; small enough for a status.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use cicdcontext_delivery::History;
///
/// let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let history = History::start(start).attempted().held(Duration::from_secs(90));
/// let kept = serde_json::to_string(&history)?;
/// assert_eq!(kept, r#"{"attempts":1,"startMs":1700000000000,"heldMs":90000}"#);
/// assert_eq!(serde_json::from_str::<History>(&kept)?, history);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// Attempts that were made.
    attempts: u32,
    /// When the delivery could first have been sent, in milliseconds since 1970.
    start_ms: u64,
    /// Milliseconds since then that do not count: suspended, or queued for a limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    held_ms: u64,
}

/// What comes after a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another attempt at this time, which is not before the `now` of the question.
    At(SystemTime),
    /// No other attempt.
    GiveUp(GiveUp),
}

/// Why a delivery is given up. Displays as the part of a message that follows what the last attempt said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GiveUp {
    /// All attempts were made.
    #[error("given up after attempt {made} of {allowed}")]
    Attempts {
        /// Attempts that were made.
        made: u32,
        /// Attempts that are allowed.
        allowed: u32,
    },
    /// All the time is used.
    #[error("given up after {} s and {} ({} s are allowed)", elapsed.as_secs(), attempts(*made), allowed.as_secs())]
    Elapsed {
        /// Attempts that were made.
        made: u32,
        /// Time used, without what does not count.
        elapsed: Duration,
        /// Time allowed.
        allowed: Duration,
    },
    /// The receiver asks for a longer wait than there is time.
    #[error(
        "given up after {}: the receiver asks to wait {} s, and {} s of {} s are left",
        attempts(*made), asked.as_secs(), left.as_secs(), allowed.as_secs()
    )]
    RetryAfter {
        /// Attempts that were made.
        made: u32,
        /// What the receiver asked for, cut to the longest wait.
        asked: Duration,
        /// Time left.
        left: Duration,
        /// Time allowed.
        allowed: Duration,
    },
}

impl GiveUp {
    /// The reason as a CamelCase word of a closed set.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Attempts { .. } => "AttemptsExhausted",
            Self::Elapsed { .. } | Self::RetryAfter { .. } => "TimeExhausted",
        }
    }
}

impl Default for Schedule {
    /// 8 attempts in 24 hours, with waits of up to 5 s at first and up to 1 hour at last.
    fn default() -> Self {
        Self {
            max_attempts: 8,
            max_elapsed: Duration::from_hours(24),
            initial_delay: Duration::from_secs(5),
            max_delay: Duration::from_hours(1),
        }
    }
}

impl Schedule {
    /// At most this many attempts, 1 to 50.
    pub fn max_attempts(mut self, attempts: u32) -> Result<Self, ScheduleError> {
        if !(1..=MAX_ATTEMPTS).contains(&attempts) {
            let text = |value: u32| value.to_string();
            let (given, least, most) = (text(attempts), text(1), text(MAX_ATTEMPTS));
            return Err(ScheduleError { field: "maxAttempts", given, least, most });
        }
        self.max_attempts = attempts;
        Ok(self)
    }

    /// At most this long in all, 1 s to 7 days.
    pub fn max_elapsed(mut self, elapsed: Duration) -> Result<Self, ScheduleError> {
        self.max_elapsed = within("maxElapsedSeconds", elapsed, MAX_ELAPSED)?;
        Ok(self)
    }

    /// The ceiling of the first wait, 1 s to 1 hour.
    pub fn initial_delay(mut self, delay: Duration) -> Result<Self, ScheduleError> {
        self.initial_delay = within("initialDelaySeconds", delay, Duration::from_hours(1))?;
        Ok(self)
    }

    /// The longest wait between two attempts, also if the receiver asks for more, 1 s to 24 hours.
    pub fn max_delay(mut self, delay: Duration) -> Result<Self, ScheduleError> {
        self.max_delay = within("maxDelaySeconds", delay, MAX_DELAY)?;
        Ok(self)
    }

    /// The longest that the wait after `attempts` attempts may be by itself.
    pub fn ceiling(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1));
        let grown = doubled.and_then(|factor| self.initial_delay.checked_mul(factor));
        grown.unwrap_or(self.max_delay).min(self.max_delay)
    }

    /// The time after which no attempt of this delivery starts, if nothing more holds it up.
    pub fn deadline(&self, history: &History) -> SystemTime {
        history.started() + Duration::from_millis(history.held_ms).saturating_add(self.max_elapsed)
    }

    /// What comes after the failed attempt that `history` counts last. `retry_after` is what the receiver asked for,
    /// `random` is equally distributed over all numbers.
    pub fn next(&self, history: &History, retry_after: Option<Duration>, now: SystemTime, random: u64) -> Next {
        let made = history.attempts;
        if made >= self.max_attempts {
            return Next::GiveUp(GiveUp::Attempts { made, allowed: self.max_attempts });
        }
        let (elapsed, allowed) = (history.elapsed(now), self.max_elapsed);
        let Some(left) = allowed.checked_sub(elapsed).filter(|left| !left.is_zero()) else {
            return Next::GiveUp(GiveUp::Elapsed { made, elapsed, allowed });
        };
        let asked = retry_after.unwrap_or_default().min(self.max_delay);
        if asked > left {
            return Next::GiveUp(GiveUp::RetryAfter { made, asked, left, allowed });
        }
        let wait = part_of(self.ceiling(made), random).max(asked).min(left);
        Next::At(now + wait)
    }
}

impl History {
    /// A delivery that could be sent from now on, and was not yet.
    pub fn start(now: SystemTime) -> Self {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { attempts: 0, start_ms: milliseconds(since), held_ms: 0 }
    }

    /// The same after another attempt.
    #[must_use]
    pub fn attempted(self) -> Self {
        Self { attempts: self.attempts.saturating_add(1), ..self }
    }

    /// The same after it was held up by what does not count: suspended, or queued for a limit.
    #[must_use]
    pub fn held(self, by: Duration) -> Self {
        Self { held_ms: self.held_ms.saturating_add(milliseconds(by)), ..self }
    }

    /// Attempts that were made.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The time that counts: since the start, without what held it up. Zero if the clock went back.
    pub fn elapsed(&self, now: SystemTime) -> Duration {
        let since = now.duration_since(self.started()).unwrap_or_default();
        since.saturating_sub(Duration::from_millis(self.held_ms))
    }

    /// The time that does not count.
    pub fn held_up(&self) -> Duration {
        Duration::from_millis(self.held_ms)
    }

    /// When the delivery could first have been sent.
    pub fn started(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.start_ms.min(LATEST_MS))
    }
}

/// The end of the year 9999: what lies behind came from a status that somebody wrote by hand.
const LATEST_MS: u64 = 253_402_300_799_999;

fn within(field: &'static str, given: Duration, most: Duration) -> Result<Duration, ScheduleError> {
    if (Duration::from_secs(1)..=most).contains(&given) {
        return Ok(given);
    }
    let text = |time: Duration| time.as_secs_f64().to_string();
    Err(ScheduleError { field, given: text(given), least: "1".to_owned(), most: text(most) })
}

/// `random / 2^64` of `whole`, in milliseconds, with both ends possible.
fn part_of(whole: Duration, random: u64) -> Duration {
    let part = ((u128::from(milliseconds(whole)) + 1) * u128::from(random)) >> 64;
    Duration::from_millis(u64::try_from(part).unwrap_or(u64::MAX))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(LATEST_MS).min(LATEST_MS)
}

fn attempts(made: u32) -> String {
    if made == 1 { "1 attempt".to_owned() } else { format!("{made} attempts") }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests;
