//! When deliveries to each endpoint last succeeded and failed, from the moment of a delivery until the status says so.
//!
//! However many deliveries there are, a status takes one write in a minute from them, and one more when a row of
//! successes ends. It knows no request and writes nothing.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cicdcontext_crds::{CicdEndpointStatus, Time};
use jiff::Timestamp;

use crate::{cache::ObjectKey, shared::trickle::Trickle};

/// What is known of all endpoints that were delivered to since this process began.
#[derive(Debug, Default)]
pub struct Activities {
    known: Mutex<HashMap<ObjectKey, Known>>,
    pace: Trickle,
}

/// What deliveries to one endpoint came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    success: Option<Timestamp>,
    failure: Option<(Timestamp, String)>,
    /// Whether the latest one failed.
    failed: bool,
}

#[derive(Debug, Default)]
struct Known {
    uid: String,
    activity: Activity,
    /// Whether the latest delivery that the status tells of failed, if that is known.
    told_failed: Option<bool>,
    asked: Asked,
}

/// For when the status was asked to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    #[default]
    Not,
    InTime,
    AtOnce,
}

impl Activities {
    /// Notes how a delivery to the endpoint with this UID ended: `Err` has the reason of a failure. Tells whether the
    /// endpoint is to be reconciled for that, which it is not if it has been asked for.
    pub fn note(&self, key: &ObjectKey, uid: &str, outcome: Result<(), &str>, now: Timestamp) -> bool {
        let mut all = self.lock();
        let known = all.entry(key.clone()).or_default();
        if known.uid != uid {
            *known = Known { uid: uid.to_owned(), ..Known::default() };
        }
        known.activity.failed = outcome.is_err();
        match outcome {
            Ok(()) => known.activity.success = Some(now),
            Err(reason) => known.activity.failure = Some((now, reason.to_owned())),
        }
        let flips = outcome.is_err() && known.told_failed == Some(false);
        let wanted = if flips { Asked::AtOnce } else { Asked::InTime };
        let asks = wanted > known.asked;
        known.asked = known.asked.max(wanted);
        asks
    }

    /// What is known of the endpoint with this UID. Whatever is noted from now on asks anew.
    pub fn take(&self, key: &ObjectKey, uid: &str) -> Activity {
        let mut all = self.lock();
        let Some(known) = all.get_mut(key).filter(|known| known.uid == uid) else { return Activity::default() };
        known.asked = Asked::Not;
        known.activity.clone()
    }

    /// How long the status has to wait among those of so many endpoints; none if it may be written now. While it waits
    /// nobody needs to ask for it.
    pub fn wait(&self, key: &ObjectKey, endpoints: usize) -> Option<Duration> {
        let wait = self.pace.rest(key).or_else(|| self.pace.wait(key, endpoints))?;
        if let Some(known) = self.lock().get_mut(key) {
            known.asked = known.asked.max(Asked::InTime);
        }
        Some(wait)
    }

    /// The status says `activity` now; `written`: it had to be written for that.
    pub fn told(&self, key: &ObjectKey, activity: &Activity, written: bool) {
        if let Some(known) = self.lock().get_mut(key) {
            known.told_failed = Some(activity.failed);
        }
        if written {
            self.pace.wrote(key);
        } else {
            self.pace.nothing_to_write(key);
        }
    }

    /// Forgets an endpoint that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
        self.pace.forget(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Activity {
    /// Puts it into a status. What this process does not know stays as it is.
    pub fn apply(&self, status: &mut CicdEndpointStatus) {
        if let Some(time) = self.success {
            status.last_success_time = Some(Time(time));
        }
        if let Some((time, reason)) = &self.failure {
            status.last_failure_time = Some(Time(*time));
            status.last_failure_reason = Some(reason.clone());
        }
    }

    /// Whether this ends a row of successes, going by what the status says.
    pub fn ends_successes(&self, status: &CicdEndpointStatus) -> bool {
        let told = status.last_success_time.as_ref();
        let succeeded =
            told.is_some_and(|success| status.last_failure_time.as_ref().is_none_or(|failure| failure.0 < success.0));
        self.failed && succeeded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ObjectKey {
        ObjectKey::new("shop", "chat")
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_thousand_deliveries_ask_for_one_write_and_a_failure_after_successes_for_one_at_once() {
        let activities = Activities::default();
        let asked = (0..1000).filter(|second| activities.note(&key(), "u", Ok(()), at(*second))).count();
        assert_eq!(asked, 1);
        let taken = activities.take(&key(), "u");
        assert_eq!(activities.wait(&key(), 1), None, "the first one may be written now");
        activities.told(&key(), &taken, true);
        assert!(activities.note(&key(), "u", Ok(()), at(1001)), "there is something new");
        activities.take(&key(), "u");
        assert!(activities.wait(&key(), 1).unwrap() > Duration::from_secs(50));
        assert!(!activities.note(&key(), "u", Ok(()), at(1002)), "it waits for its time");
        assert!(activities.note(&key(), "u", Err("ServerError"), at(1003)), "the row of successes ends");
        assert!(!activities.note(&key(), "u", Err("ServerError"), at(1004)));
        let taken = activities.take(&key(), "u");
        activities.told(&key(), &taken, true);
        activities.note(&key(), "u", Err("Timeout"), at(1005));
        activities.take(&key(), "u");
        activities.wait(&key(), 1);
        assert!(!activities.note(&key(), "u", Err("Timeout"), at(1006)), "a row of failures has no hurry");
    }

    #[test]
    fn a_status_keeps_what_this_process_does_not_know() {
        let mut status = CicdEndpointStatus { last_success_time: Some(Time(at(5))), ..CicdEndpointStatus::default() };
        let activities = Activities::default();
        activities.note(&key(), "u", Err("Timeout"), at(9));
        let activity = activities.take(&key(), "u");
        assert!(activity.ends_successes(&status));
        activity.apply(&mut status);
        assert_eq!((&status.last_success_time, &status.last_failure_time), (&Some(Time(at(5))), &Some(Time(at(9)))));
        assert_eq!(status.last_failure_reason.as_deref(), Some("Timeout"));
        assert!(!activity.ends_successes(&status), "that is told now");
    }

    #[test]
    fn an_endpoint_of_the_same_name_inherits_nothing() {
        let activities = Activities::default();
        activities.note(&key(), "old", Ok(()), at(1));
        assert_eq!(activities.take(&key(), "new"), Activity::default());
        activities.note(&key(), "new", Err("Timeout"), at(2));
        assert_eq!(activities.take(&key(), "new").success, None);
        activities.forget(&key());
        assert!(activities.lock().is_empty());
    }
}
