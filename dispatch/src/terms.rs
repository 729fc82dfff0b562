//! On which terms an endpoint is sent to: how much at once, how often again, and what holds for an unclear outcome.
//!
//! The API server sees to it that the numbers of a spec are within the limits of the delivery crate; what an older schema
//! let through counts as if it were not there.

use std::time::Duration;

use cicdcontext_crds::{
    AttemptHistory, CicdEndpointSpec,
    endpoint::{DEFAULT_TIMEOUT_SECONDS, DeliveryGuarantee},
};
use cicdcontext_delivery::{History, Schedule, limit::Limits};

/// How many requests may be under way at once, and how many may leave in which time.
pub fn limits(spec: &CicdEndpointSpec) -> Limits {
    let mut limits = Limits::default();
    let concurrency = spec.concurrency.and_then(|number| u32::try_from(number).ok());
    if let Some(concurrency) = concurrency {
        limits = limits.concurrency(concurrency).unwrap_or(limits);
    }
    if let Some(rate) = &spec.rate_limit {
        let requests = u32::try_from(rate.requests).unwrap_or_default();
        limits = limits.rate(requests, seconds(rate.per_seconds.unwrap_or(1).into())).unwrap_or(limits);
    }
    limits
}

/// When a failed attempt is repeated; that of a plain URL is the default.
pub fn schedule(spec: Option<&CicdEndpointSpec>) -> Schedule {
    let mut schedule = Schedule::default();
    let Some(retry) = spec.and_then(|spec| spec.retry.as_ref()) else { return schedule };
    if let Some(attempts) = retry.max_attempts.and_then(|number| u32::try_from(number).ok()) {
        schedule = schedule.max_attempts(attempts).unwrap_or(schedule);
    }
    if let Some(elapsed) = retry.max_elapsed_seconds {
        schedule = schedule.max_elapsed(seconds(elapsed)).unwrap_or(schedule);
    }
    if let Some(delay) = retry.initial_delay_seconds {
        schedule = schedule.initial_delay(seconds(delay.into())).unwrap_or(schedule);
    }
    if let Some(delay) = retry.max_delay_seconds {
        schedule = schedule.max_delay(seconds(delay.into())).unwrap_or(schedule);
    }
    schedule
}

/// Whether an attempt must be claimed before it is made.
pub fn at_most_once(spec: Option<&CicdEndpointSpec>) -> bool {
    spec.is_some_and(|spec| spec.delivery_guarantee == Some(DeliveryGuarantee::AtMostOnce))
}

/// How long an attempt may take in all.
pub fn timeout(spec: Option<&CicdEndpointSpec>) -> Duration {
    seconds(spec.and_then(|spec| spec.timeout_seconds).unwrap_or(DEFAULT_TIMEOUT_SECONDS).into())
}

/// How long after its timeout an attempt that was claimed may still be told of by whoever made it.
pub const CLAIM_GRACE: Duration = Duration::from_secs(5);

/// What a status remembers, for the schedule.
pub fn history(kept: AttemptHistory) -> History {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    let start = Duration::from_millis(unsigned(kept.start_ms));
    let begun = History::start(std::time::SystemTime::UNIX_EPOCH + start.min(LATEST));
    let attempts = (0..kept.attempts.clamp(0, MOST_ATTEMPTS)).fold(begun, |history, _| history.attempted());
    attempts.held(Duration::from_millis(unsigned(kept.held_ms.unwrap_or_default())))
}

/// What the schedule remembers, for a status.
pub fn kept(history: &History) -> AttemptHistory {
    let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let since = history.started().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    AttemptHistory {
        attempts: i32::try_from(history.attempts()).unwrap_or(i32::MAX),
        start_ms: milliseconds(since),
        held_ms: Some(milliseconds(history.held_up())).filter(|held| *held > 0),
    }
}

/// The end of the year 9999.
const LATEST: Duration = Duration::from_secs(253_402_300_799);
/// More attempts than any endpoint allows.
const MOST_ATTEMPTS: i32 = 1000;

fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_status_remembers_is_what_the_schedule_goes_on_with() {
        let remembered = AttemptHistory { attempts: 3, start_ms: 1_700_000_000_123, held_ms: Some(90_000) };
        assert_eq!(kept(&history(remembered)), remembered);
        let absurd = AttemptHistory { attempts: i32::MAX, start_ms: -5, held_ms: None };
        assert_eq!(kept(&history(absurd)), AttemptHistory { attempts: 1000, start_ms: 0, held_ms: None });
    }

    #[test]
    fn the_terms_are_those_of_the_spec() {
        let spec: CicdEndpointSpec = serde_json::from_value(json!({
            "url": "https://ci.example/", "concurrency": 3, "rateLimit": {"requests": 50}, "timeoutSeconds": 2,
            "retry": {"maxAttempts": 2, "maxElapsedSeconds": 60, "initialDelaySeconds": 1, "maxDelaySeconds": 9},
            "deliveryGuarantee": "AtMostOnce",
        }))
        .unwrap();
        let limited = Limits::default().concurrency(3).and_then(|limits| limits.rate(50, Duration::from_secs(1)));
        assert_eq!(limits(&spec), limited.unwrap());
        assert_eq!(schedule(Some(&spec)).ceiling(5), Duration::from_secs(9));
        assert_eq!(schedule(None), Schedule::default());
        assert!(at_most_once(Some(&spec)) && !at_most_once(None));
        assert_eq!((timeout(Some(&spec)), timeout(None)), (Duration::from_secs(2), Duration::from_secs(15)));
    }
}
