//! What follows on an attempt that failed, decided without I/O.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use cicdcontext_crds::{AttemptHistory, Time, endpoint::DEFAULT_MAX_ELAPSED_SECONDS};
use cicdcontext_delivery::{History, Next, Schedule, schedule::GiveUp};
use cicdcontext_engine::event::{Failure, Run, Wait};
use jiff::{SignedDuration, Timestamp};

use crate::terms;

/// What follows.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Another attempt.
    Again {
        /// When; none if that depends on others.
        until: Option<Time>,
        /// What is remembered until then.
        history: AttemptHistory,
    },
    /// None, and why; nothing to say if only one attempt was allowed.
    GiveUp(Option<String>),
}

impl Verdict {
    /// Tells the run whose current delivery failed like this: it waits, or is given up.
    pub fn tell(self, run: &mut Run, failure: Failure) {
        let Failure { reason, message, .. } = failure;
        match self {
            Self::Again { until, history } => run.wait(Wait { reason, message, until, history }),
            Self::GiveUp(None) => run.give_up(&reason, &message),
            Self::GiveUp(Some(why)) => run.give_up(&reason, &format!("{message}; {why}")),
        }
    }
}

/// What follows on the failed attempt that `history` counts last.
pub fn after(schedule: &Schedule, history: &History, retry_after: Option<Duration>, now: Timestamp) -> Verdict {
    // Seeded by the system, and another one for each instance.
    let random = RandomState::new().hash_one(());
    match schedule.next(history, retry_after, now.into(), random) {
        Next::At(time) => {
            // A time that the calendar does not have lies further ahead than any schedule allows.
            let until = Timestamp::try_from(time).unwrap_or(now);
            Verdict::Again { until: Some(Time(full_second(until))), history: terms::kept(history) }
        }
        Next::GiveUp(GiveUp::Attempts { allowed: 1, .. }) => Verdict::GiveUp(None),
        Next::GiveUp(why) => Verdict::GiveUp(Some(why.to_string())),
    }
}

/// Why a run is cancelled whose context is gone.
pub const CONTEXT_DELETED: &str = "the CicdContext was deleted while the event was handled";

/// How long a handler waits for an endpoint that does not exist.
pub const WAIT_FOR_ENDPOINT: SignedDuration = SignedDuration::from_secs(DEFAULT_MAX_ELAPSED_SECONDS);

/// What follows if the endpoint does not exist. Nothing is tried, so that nothing counts but the time.
pub fn without_endpoint(started: Timestamp, now: Timestamp) -> Verdict {
    if now.duration_since(started) >= WAIT_FOR_ENDPOINT {
        return Verdict::GiveUp(Some(format!("given up after {} s", WAIT_FOR_ENDPOINT.as_secs())));
    }
    Verdict::Again { until: None, history: AttemptHistory::default() }
}

/// The next full second: times in a status have no parts of one, and what was asked to wait must not come too soon.
pub fn full_second(time: Timestamp) -> Timestamp {
    let second = time.as_second();
    let rounded = Timestamp::from_second(second).unwrap_or(time);
    if rounded < time { Timestamp::from_second(second.saturating_add(1)).unwrap_or(time) } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_receiver_that_asks_to_wait_is_not_asked_before_a_full_second_later() {
        let now = at("2026-01-01T00:00:00.25Z");
        let history = History::start(now.into()).attempted();
        let schedule = Schedule::default().initial_delay(Duration::from_secs(1)).unwrap();
        let verdict = after(&schedule, &history, Some(Duration::from_secs(7)), now);
        let Verdict::Again { until: Some(until), history } = verdict else { panic!("{verdict:?}") };
        assert_eq!((until.0, history.attempts), (at("2026-01-01T00:00:08Z"), 1));
        assert_eq!(full_second(at("2026-01-01T00:00:08Z")), at("2026-01-01T00:00:08Z"));
    }

    #[test]
    fn the_last_attempt_is_told_of_unless_there_was_to_be_but_one() {
        let now = at("2026-01-01T00:00:00Z");
        let history = History::start(now.into()).attempted();
        let once = Schedule::default().max_attempts(1).unwrap();
        assert_eq!(after(&once, &history, None, now), Verdict::GiveUp(None));
        let twice = Schedule::default().max_attempts(2).unwrap();
        let told = "given up after attempt 2 of 2".to_owned();
        assert_eq!(after(&twice, &history.attempted(), None, now), Verdict::GiveUp(Some(told)));
    }

    #[test]
    fn a_missing_endpoint_is_waited_for_a_day() {
        let started = at("2026-01-01T00:00:00Z");
        let waits = Verdict::Again { until: None, history: AttemptHistory::default() };
        assert_eq!(without_endpoint(started, at("2026-01-01T23:59:59Z")), waits);
        let over = Verdict::GiveUp(Some("given up after 86400 s".to_owned()));
        assert_eq!(without_endpoint(started, at("2026-01-02T00:00:00Z")), over);
    }
}
