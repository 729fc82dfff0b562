//! What the process remembers between two turns of one object, and can do without after a restart.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cicdcontext_crds::{CicdEventStatus, Claim};
use tokio::{sync::Notify, time::timeout};

use crate::{cache::ObjectKey, event::performance::Halted};

/// Event annotations whose events exist and which are being taken away.
#[derive(Debug, Default)]
pub struct Leaving(Mutex<HashMap<ObjectKey, Vec<(String, String)>>>);

impl Leaving {
    /// Whether this annotation of the context, with this value, is being taken away.
    pub fn has(&self, context: &ObjectKey, key: &str, value: &str) -> bool {
        let all = self.lock();
        all.get(context).is_some_and(|leaving| leaving.iter().any(|(k, v)| k == key && v == value))
    }

    /// These are being taken away from now on.
    pub fn begin(&self, context: &ObjectKey, annotations: impl IntoIterator<Item = (String, String)>) {
        self.lock().entry(context.clone()).or_default().extend(annotations);
    }

    /// These are gone, or it did not work.
    pub fn end(&self, context: &ObjectKey, annotations: &[(String, String)]) {
        let mut all = self.lock();
        if let Some(leaving) = all.get_mut(context) {
            leaving.retain(|annotation| !annotations.contains(annotation));
            if leaving.is_empty() {
                all.remove(context);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Vec<(String, String)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Contexts of which the API server refuses to make events, as a quota does. What else happens to the context says nothing
/// of that, and makes the next attempt no more urgent.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<HashMap<ObjectKey, Refusal>>);

#[derive(Clone, Copy, Debug)]
struct Refusal {
    pause: Duration,
    until: Instant,
}

impl Refusals {
    /// First and longest pause after a refusal.
    const FIRST: Duration = Duration::from_millis(200);
    /// See [`Self::FIRST`].
    pub const LONGEST: Duration = Duration::from_secs(30);

    /// How long nothing is to be tried yet for this context.
    pub fn rest(&self, context: &ObjectKey, now: Instant) -> Option<Duration> {
        let until = self.lock().get(context)?.until;
        until.checked_duration_since(now).filter(|rest| !rest.is_zero())
    }

    /// It was refused, once more; gives the pause until the next attempt.
    pub fn refused(&self, context: &ObjectKey, now: Instant) -> Duration {
        let mut all = self.lock();
        let pause = all.get(context).map_or(Self::FIRST, |last| (last.pause * 2).min(Self::LONGEST));
        all.insert(context.clone(), Refusal { pause, until: now + pause });
        pause
    }

    /// It was not refused, or the context is gone.
    pub fn forget(&self, context: &ObjectKey) {
        self.lock().remove(context);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events whose status the API server refuses for good, by UID: those that were stored before a schema change and break
/// it. They are told of by a Kubernetes Event, and left alone.
#[derive(Debug, Default)]
pub struct Unreportable(Mutex<HashSet<String>>);

impl Unreportable {
    /// Whether the event's status was refused.
    pub fn has(&self, uid: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(uid)
    }

    /// The event's status was refused.
    pub fn note(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned());
    }

    /// The event is gone.
    pub fn forget(&self, uid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}

/// Events that somebody works on, by UID: of one event only one delivery is tried at a time, and its status has one writer.
#[derive(Debug, Default)]
pub struct Busy {
    events: Mutex<HashSet<String>>,
    claims: AtomicUsize,
    /// Somebody is done with an event.
    done: Notify,
}

/// The right to work on an event, until it is dropped.
#[derive(Debug)]
pub struct BusyWith<'a> {
    busy: &'a Busy,
    uid: String,
    claims: AtomicBool,
}

impl Busy {
    /// None while somebody else works on the event.
    pub fn enter(&self, uid: &str) -> Option<BusyWith<'_>> {
        self.lock().insert(uid.to_owned()).then(|| BusyWith {
            busy: self,
            uid: uid.to_owned(),
            claims: AtomicBool::new(false),
        })
    }

    /// The same, after others who are done with the event within this time.
    pub async fn enter_within(&self, uid: &str, patience: Duration) -> Option<BusyWith<'_>> {
        let entered = async {
            loop {
                let mut done = std::pin::pin!(self.done.notified());
                // From now on nobody is done without our knowing.
                done.as_mut().enable();
                if let Some(busy) = self.enter(uid) {
                    return busy;
                }
                done.await;
            }
        };
        timeout(patience, entered).await.ok()
    }

    /// Whether attempts are claimed whose outcome is not written down.
    pub fn has_claims(&self) -> bool {
        self.claims() > 0
    }

    /// How many events have such attempts.
    pub fn claims(&self) -> usize {
        self.claims.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BusyWith<'_> {
    /// An attempt is being claimed: whoever stops waits for it.
    pub fn claim(&self) {
        if !self.claims.swap(true, Ordering::Relaxed) {
            self.busy.claims.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How the attempt ended is written down, or it was not made. The same as dropping this, as far as claims go.
    pub fn settle(&self) {
        if self.claims.swap(false, Ordering::Relaxed) {
            self.busy.claims.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for BusyWith<'_> {
    fn drop(&mut self) {
        self.settle();
        self.busy.lock().remove(&self.uid);
        self.busy.done.notify_waiters();
    }
}

/// Attempts that this process has begun under a claim, by the event's UID: the last one of each event. A claim that is
/// not among them was made, and then nothing was sent.
#[derive(Debug, Default)]
pub struct Begun(Mutex<HashMap<String, (String, Claim)>>);

impl Begun {
    /// From now on the attempt of this handler may have reached its receiver.
    pub fn begin(&self, uid: &str, handler: &str, claim: &Claim) {
        self.lock().insert(uid.to_owned(), (handler.to_owned(), claim.clone()));
    }

    /// Whether the attempt under this claim was begun here.
    pub fn has(&self, uid: &str, handler: &str, claim: &Claim) -> bool {
        self.lock().get(uid).is_some_and(|(known, of)| known == handler && of == claim)
    }

    /// What came of it is written down, or the event is gone.
    pub fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (String, Claim)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs that an unreachable API server interrupted, by the event's UID.
#[derive(Debug, Default)]
pub struct Interrupted(Mutex<HashMap<String, Halted>>);

impl Interrupted {
    /// Whether there is one of this event.
    pub fn has(&self, uid: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(uid)
    }

    /// The run of an event, to go on with.
    pub fn take(&self, uid: &str) -> Option<Halted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(uid)
    }

    /// Keeps a run until the event's next turn.
    pub fn keep(&self, uid: &str, run: Halted) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned(), run);
    }

    /// The event needs it no more.
    pub fn remove(&self, uid: &str) {
        self.take(uid);
    }
}

/// Outcomes that the API server has not taken yet, by the event's UID. What was sent is not sent again just because
/// its status could not be written.
#[derive(Debug, Default)]
pub struct Unrecorded(Mutex<HashMap<String, CicdEventStatus>>);

impl Unrecorded {
    /// The outcome of an event that only has to be written down.
    pub fn get(&self, uid: &str) -> Option<CicdEventStatus> {
        self.lock().get(uid).cloned()
    }

    /// Keeps an outcome until it is written down.
    pub fn keep(&self, uid: &str, status: &CicdEventStatus) {
        self.lock().insert(uid.to_owned(), status.clone());
    }

    /// It is written down, or nobody is left to tell.
    pub fn remove(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, CicdEventStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_stops_waits_for_claims_until_they_are_settled_or_given_up() {
        let busy = Busy::default();
        let (one, other) = (busy.enter("1").unwrap(), busy.enter("2").unwrap());
        assert!(busy.enter("1").is_none() && !busy.has_claims());
        one.claim();
        one.claim();
        other.claim();
        one.settle();
        one.settle();
        assert!(busy.has_claims(), "the other one's");
        drop(other);
        assert!(!busy.has_claims() && busy.enter("2").is_some());
        one.claim();
        assert!(busy.has_claims(), "a second attempt of the same event");
    }

    #[test]
    fn a_claim_under_which_nothing_was_begun_is_told_from_the_others() {
        let claim = |attempt: i32| Claim {
            holder: "a".into(),
            attempt,
            deadline: cicdcontext_crds::Time(jiff::Timestamp::UNIX_EPOCH),
        };
        let begun = Begun::default();
        begun.begin("1", "tell", &claim(1));
        assert!(begun.has("1", "tell", &claim(1)));
        assert!(
            !begun.has("1", "tell", &claim(2))
                && !begun.has("1", "ask", &claim(1))
                && !begun.has("2", "tell", &claim(1))
        );
        begun.forget("1");
        assert!(!begun.has("1", "tell", &claim(1)));
    }

    #[test]
    fn attempts_that_are_refused_keep_growing_distances_until_one_is_not() {
        let (refusals, context) = (Refusals::default(), ObjectKey::new("a", "shop"));
        let mut now = Instant::now();
        assert_eq!(refusals.rest(&context, now), None);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let pause = refusals.refused(&context, now);
            assert_eq!(refusals.rest(&context, now), Some(pause));
            pauses.push(pause.as_millis());
            now += pause;
            assert_eq!(refusals.rest(&context, now), None, "its time has come");
        }
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        refusals.forget(&context);
        assert_eq!(refusals.refused(&context, now), Refusals::FIRST);
    }
}
