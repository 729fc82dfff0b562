//! What a replica does about the Lease, decided from what it sees and its own clock alone. It knows no client.
//!
//! Whether another holder is gone is judged by how long the Lease has not changed while this process watched it, by a
//! clock that only goes forward. What the clocks of others say is never compared with ours.

use std::time::{Duration, Instant};

/// How long what may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    lease: Duration,
    deadline: Duration,
    retry: Duration,
}

/// Durations that do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// Nothing can happen in no time.
    #[error("use --leader-elect-retry-period={0:?}: it must be more than 0s")]
    NoRetryPeriod(Duration),
    /// There would be no second attempt.
    #[error(
        "use --leader-elect-renew-deadline={deadline:?}: it must be more than --leader-elect-retry-period={retry:?}, or one \
         failed renewal costs the lease"
    )]
    DeadlineTooShort {
        /// The renew deadline.
        deadline: Duration,
        /// The retry period.
        retry: Duration,
    },
    /// Another replica could begin while this one still works.
    #[error(
        "use --leader-elect-lease-duration={lease:?}: it must be more than --leader-elect-renew-deadline={deadline:?}, or two \
         replicas could work at once"
    )]
    LeaseTooShort {
        /// The lease duration.
        lease: Duration,
        /// The renew deadline.
        deadline: Duration,
    },
    /// A Lease says its duration as a 32-bit number of seconds.
    #[error("use --leader-elect-lease-duration={0:?}: it must be at most 24h")]
    LeaseTooLong(Duration),
}

/// Nobody waits longer for a holder that is gone.
const LONGEST_LEASE: Duration = Duration::from_hours(24);

impl Timing {
    /// `lease`: how long others wait for a holder that renews no more. `deadline`: how long a holder goes on without a
    /// renewal. `retry`: pause between two looks, or two renewals.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use cicdcontext_operator::leader::Timing;
    ///
    /// let seconds = Duration::from_secs;
    /// assert!(Timing::new(seconds(15), seconds(10), seconds(2)).is_ok());
    /// assert!(Timing::new(seconds(10), seconds(10), seconds(2)).is_err());
    /// ```
    pub fn new(lease: Duration, deadline: Duration, retry: Duration) -> Result<Self, TimingError> {
        if retry.is_zero() {
            return Err(TimingError::NoRetryPeriod(retry));
        }
        if deadline <= retry {
            return Err(TimingError::DeadlineTooShort { deadline, retry });
        }
        if lease <= deadline {
            return Err(TimingError::LeaseTooShort { lease, deadline });
        }
        if lease > LONGEST_LEASE {
            return Err(TimingError::LeaseTooLong(lease));
        }
        Ok(Self { lease, deadline, retry })
    }

    /// Pause between two looks, or two renewals.
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// How long one request may take: two of them fit into the deadline.
    pub fn attempt(&self) -> Duration {
        self.deadline / 2
    }

    /// The duration that stands in the Lease, in whole seconds.
    pub fn lease_seconds(&self) -> i32 {
        let whole = self.lease.as_secs() + u64::from(self.lease.subsec_nanos() > 0);
        i32::try_from(whole).unwrap_or(i32::MAX)
    }
}

/// What counts in a Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; blank: nobody.
    pub holder: String,
    /// How long it may go without a renewal.
    pub duration: Option<Duration>,
    /// How often it changed hands.
    pub transitions: u64,
    /// When it was renewed by the holder's clock: only whether this changes is looked at.
    pub renewed: Option<jiff::Timestamp>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Create the Lease with this many transitions.
    Create {
        /// Transitions.
        epoch: u64,
    },
    /// Become the holder, with this many transitions.
    Take {
        /// Transitions.
        epoch: u64,
    },
    /// Write that it is still held.
    Renew {
        /// Transitions, as before.
        epoch: u64,
    },
    /// Look again after this time.
    Wait(Duration),
    /// It was held and is not any more. There is no way back: the process ends.
    Stop(Lost),
}

/// Why a holder is none any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// Another one has it.
    #[error("the Lease is held by {0:?} now")]
    Taken(String),
    /// A look from elsewhere in the process found that another one has it.
    #[error("another replica holds the Lease now")]
    Revoked,
    /// It could not be renewed, and others may take it.
    #[error("the Lease could not be renewed within {0:?}")]
    Late(Duration),
}

#[derive(Clone, Copy, Debug)]
struct Term {
    epoch: u64,
    renewed: Instant,
}

/// One replica, as far as the Lease is concerned.
#[derive(Clone, Debug)]
pub struct Candidate {
    identity: String,
    timing: Timing,
    /// What was seen last, and when it was seen first.
    seen: Option<(Record, Instant)>,
    term: Option<Term>,
}

impl Candidate {
    /// A replica that holds nothing. No other process may have the same identity, neither now nor before.
    pub fn new(identity: String, timing: Timing) -> Self {
        Self { identity, timing, seen: None, term: None }
    }

    /// The name under which it holds the Lease.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// How long what may take.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Who held the Lease when it was seen last; `None`: it was never seen, or nobody did.
    pub fn holder(&self) -> Option<String> {
        self.seen.as_ref().map(|(lease, _)| lease.holder.clone()).filter(|holder| !holder.is_empty())
    }

    /// When the right to act ends, unless it is renewed before. `None`: it holds nothing.
    pub fn deadline(&self) -> Option<Instant> {
        self.term.map(|term| term.renewed + self.timing.deadline)
    }

    /// Looks at the Lease as it is `now`; `None`: there is none.
    pub fn observe(&mut self, lease: Option<&Record>, now: Instant) -> Action {
        if let Some(lost) = self.late(now) {
            return Action::Stop(lost);
        }
        let Some(lease) = lease else {
            // Deleted under its holder's hands: the number stays, for it may stand in ledgers already.
            return Action::Create { epoch: self.term.map_or(FIRST_EPOCH, |term| term.epoch) };
        };
        let since = match &self.seen {
            Some((known, since)) if known == lease => *since,
            _ => {
                self.seen = Some((lease.clone(), now));
                now
            }
        };
        if lease.holder == self.identity {
            // Without a term it is a write of ours whose answer was lost.
            return Action::Renew { epoch: self.term.map_or(lease.transitions, |term| term.epoch) };
        }
        if self.term.is_some() {
            return Action::Stop(Lost::Taken(lease.holder.clone()));
        }
        // Its holder relies on what stands there, and not on the flags of others.
        let lasts = lease.duration.unwrap_or(self.timing.lease).min(LONGEST_LEASE);
        let rest = lasts.saturating_sub(now.saturating_duration_since(since));
        if lease.holder.is_empty() || rest.is_zero() {
            return Action::Take { epoch: lease.transitions.saturating_add(1) };
        }
        Action::Wait(rest.min(self.timing.retry))
    }

    /// The Lease now says that this replica holds it; the request was begun at `begun`. Others see the change later than
    /// that, so that the time that they wait ends later than the one that is counted here.
    pub fn wrote(&mut self, lease: Record, epoch: u64, begun: Instant) {
        self.seen = Some((lease, begun));
        self.term = Some(Term { epoch, renewed: begun });
    }

    /// A request failed: what now?
    pub fn failed(&self, now: Instant) -> Action {
        match (self.late(now), self.deadline()) {
            (Some(lost), _) => Action::Stop(lost),
            (None, Some(deadline)) => Action::Wait(self.timing.retry.min(deadline.saturating_duration_since(now))),
            (None, None) => Action::Wait(self.timing.retry),
        }
    }

    fn late(&self, now: Instant) -> Option<Lost> {
        self.deadline().filter(|deadline| *deadline <= now).map(|_| Lost::Late(self.timing.deadline))
    }
}

/// The number of the first term. 0 stands for work without election.
const FIRST_EPOCH: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn candidate() -> Candidate {
        Candidate::new("me".to_owned(), Timing::new(seconds(15), seconds(10), seconds(2)).unwrap())
    }

    fn held(holder: &str, transitions: u64, renewed: i64) -> Record {
        let renewed = Some(jiff::Timestamp::from_second(renewed).unwrap());
        Record { holder: holder.to_owned(), duration: Some(seconds(15)), transitions, renewed }
    }

    #[test]
    fn the_first_replica_creates_the_lease_with_epoch_1_since_0_is_work_without_election() {
        assert_eq!(candidate().observe(None, Instant::now()), Action::Create { epoch: 1 });
    }

    #[test]
    fn a_holder_is_gone_when_its_lease_has_not_changed_for_its_duration_while_we_watched() {
        let (mut me, start) = (candidate(), Instant::now());
        // Its renewTime is decades old: clocks of others are not compared with ours.
        assert_eq!(me.observe(Some(&held("other", 3, 0)), start), Action::Wait(seconds(2)));
        assert_eq!(me.observe(Some(&held("other", 3, 0)), start + seconds(14)), Action::Wait(seconds(1)));
        assert_eq!(me.observe(Some(&held("other", 3, 1)), start + seconds(14)), Action::Wait(seconds(2)), "renewed");
        assert_eq!(me.observe(Some(&held("other", 3, 1)), start + seconds(28)), Action::Wait(seconds(1)));
        assert_eq!(me.observe(Some(&held("other", 3, 1)), start + seconds(29)), Action::Take { epoch: 4 });
    }

    #[test]
    fn the_duration_in_the_lease_counts_and_not_our_own() {
        let (mut me, start) = (candidate(), Instant::now());
        let long = Record { duration: Some(seconds(60)), ..held("other", 1, 0) };
        me.observe(Some(&long), start);
        assert_eq!(me.observe(Some(&long), start + seconds(59)), Action::Wait(seconds(1)));
        assert_eq!(me.observe(Some(&long), start + seconds(60)), Action::Take { epoch: 2 });
        let unsaid = Record { duration: None, ..held("another", 2, 0) };
        me.observe(Some(&unsaid), start);
        assert_eq!(me.observe(Some(&unsaid), start + seconds(15)), Action::Take { epoch: 3 });
    }

    #[test]
    fn a_lease_that_was_released_is_taken_at_once_and_its_count_goes_on() {
        assert_eq!(candidate().observe(Some(&held("", 7, 0)), Instant::now()), Action::Take { epoch: 8 });
    }

    #[test]
    fn a_holder_renews_with_the_same_epoch_whatever_somebody_wrote_into_the_count() {
        let (mut me, start) = (candidate(), Instant::now());
        me.wrote(held("me", 4, 0), 4, start);
        assert_eq!(me.deadline(), Some(start + seconds(10)));
        assert_eq!(me.observe(Some(&held("me", 9, 0)), start + seconds(2)), Action::Renew { epoch: 4 });
        me.wrote(held("me", 4, 1), 4, start + seconds(2));
        assert_eq!(me.deadline(), Some(start + seconds(12)));
    }

    #[test]
    fn a_holder_that_sees_another_one_stops() {
        let (mut me, start) = (candidate(), Instant::now());
        me.wrote(held("me", 4, 0), 4, start);
        let stop = me.observe(Some(&held("other", 5, 0)), start + seconds(1));
        assert_eq!(stop, Action::Stop(Lost::Taken("other".to_owned())));
        let Action::Stop(lost) = stop else { unreachable!() };
        assert_eq!(lost.to_string(), "the Lease is held by \"other\" now");
        // Also where nobody holds it: whoever emptied it meant something by it.
        assert_eq!(me.observe(Some(&held("", 5, 0)), start), Action::Stop(Lost::Taken(String::new())));
    }

    #[test]
    fn a_holder_that_comes_late_stops_even_if_the_lease_still_names_it() {
        let (mut me, start) = (candidate(), Instant::now());
        me.wrote(held("me", 4, 0), 4, start);
        assert_eq!(me.failed(start + seconds(5)), Action::Wait(seconds(2)));
        assert_eq!(me.failed(start + seconds(9)), Action::Wait(seconds(1)));
        let late = Action::Stop(Lost::Late(seconds(10)));
        assert_eq!(me.failed(start + seconds(10)), late);
        assert_eq!(me.observe(Some(&held("me", 4, 0)), start + seconds(10)), late);
        assert_eq!(Lost::Late(seconds(10)).to_string(), "the Lease could not be renewed within 10s");
    }

    #[test]
    fn a_holder_whose_lease_was_deleted_creates_it_anew_and_keeps_its_epoch() {
        let (mut me, start) = (candidate(), Instant::now());
        me.wrote(held("me", 4, 0), 4, start);
        assert_eq!(me.observe(None, start + seconds(1)), Action::Create { epoch: 4 });
    }

    #[test]
    fn a_write_of_ours_whose_answer_was_lost_is_found_and_renewed() {
        let mut me = candidate();
        assert_eq!(me.observe(Some(&held("me", 6, 0)), Instant::now()), Action::Renew { epoch: 6 });
    }

    #[test]
    fn two_replicas_never_act_at_once_whenever_each_of_them_looks_and_writes() {
        // One holds; the other looks as early as the API server can have the write. Requests take up to their limit.
        let timing = candidate().timing();
        for step in 0..200_u64 {
            let (mut holder, mut other, start) = (candidate(), candidate(), Instant::now());
            let committed = start + Duration::from_millis(step * 25).min(timing.attempt());
            holder.wrote(held("me", 1, 0), 1, start);
            let lease = held("holder", 1, 0);
            other.observe(Some(&lease), committed);
            let mut now = committed;
            while let Action::Wait(pause) = other.observe(Some(&lease), now) {
                now += pause;
            }
            let ends = holder.deadline().unwrap();
            assert!(now > ends, "the other acts {:?} before the holder's time ends", ends - now);
        }
    }

    #[test]
    fn durations_that_do_not_go_together_are_refused_with_what_would_be_right() {
        let refused = |lease, deadline, retry| {
            Timing::new(seconds(lease), seconds(deadline), seconds(retry)).unwrap_err().to_string()
        };
        assert_eq!(refused(15, 10, 0), "use --leader-elect-retry-period=0ns: it must be more than 0s");
        assert_eq!(
            refused(15, 2, 2),
            "use --leader-elect-renew-deadline=2s: it must be more than --leader-elect-retry-period=2s, or one failed \
             renewal costs the lease"
        );
        assert_eq!(
            refused(10, 10, 2),
            "use --leader-elect-lease-duration=10s: it must be more than --leader-elect-renew-deadline=10s, or two \
             replicas could work at once"
        );
        assert_eq!(refused(90_000, 10, 2), "use --leader-elect-lease-duration=90000s: it must be at most 24h");
        let timing = Timing::new(Duration::from_millis(2500), seconds(2), seconds(1)).unwrap();
        assert_eq!(timing.lease_seconds(), 3, "others wait no less than was asked for");
    }
}
