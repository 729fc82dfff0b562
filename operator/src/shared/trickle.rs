//! When what only counts may be written into the status of a context: at most once in a minute for each, and for all
//! contexts together at a pace at which each gets its turn within a minute. So a change that touches all of them, such
//! as one of a base, makes no storm of writes; nor does a restart.
//!
//! It knows nothing of what is written.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::cache::ObjectKey;

/// How often what only counts is written for one context, and within what time for all.
const PERIOD: Duration = Duration::from_mins(1);
/// However few contexts there are, two writes of what only counts are so far apart.
const LONGEST_INTERVAL: Duration = Duration::from_millis(100);

/// The pace of writes.
#[derive(Debug, Default)]
pub struct Trickle(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    contexts: HashMap<ObjectKey, Remembered>,
    /// When the next write of what only counts may be made.
    next: Option<Instant>,
}

#[derive(Debug, Default)]
struct Remembered {
    written: Option<Instant>,
    /// When this context's turn to write is.
    turn: Option<Instant>,
    /// Tells one configuration of the context's own from another.
    own: Option<u64>,
}

impl Trickle {
    /// Forgets a context that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().contexts.remove(key);
    }

    /// The status was written just now.
    pub fn wrote(&self, key: &ObjectKey) {
        self.lock().wrote(key, Instant::now());
    }

    /// The status says all that there is to say: a turn that it had is not needed.
    pub fn nothing_to_write(&self, key: &ObjectKey) {
        if let Some(remembered) = self.lock().contexts.get_mut(key) {
            remembered.turn = None;
        }
    }

    /// How long the context has to wait since its status was written; none if that is over, or not known.
    pub fn rest(&self, key: &ObjectKey) -> Option<Duration> {
        self.lock().rest(key, Instant::now())
    }

    /// How long the context has to wait for its turn among so many contexts; none if it has come.
    pub fn wait(&self, key: &ObjectKey, contexts: usize) -> Option<Duration> {
        self.lock().wait(key, contexts, Instant::now())
    }

    /// Whether the context's own part of its configuration is another than what was seen last, by `fingerprint`.
    pub fn is_edited(&self, key: &ObjectKey, fingerprint: u64) -> bool {
        let inner = self.lock();
        inner.contexts.get(key).and_then(|remembered| remembered.own).is_some_and(|own| own != fingerprint)
    }

    /// This part of the configuration has been seen, and all that follows from it is written or on its way.
    pub fn saw(&self, key: &ObjectKey, fingerprint: u64) {
        self.lock().contexts.entry(key.clone()).or_default().own = Some(fingerprint);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wrote(&mut self, key: &ObjectKey, now: Instant) {
        let remembered = self.contexts.entry(key.clone()).or_default();
        remembered.written = Some(now);
        remembered.turn = None;
    }

    fn rest(&self, key: &ObjectKey, now: Instant) -> Option<Duration> {
        let due = self.contexts.get(key)?.written? + PERIOD;
        due.checked_duration_since(now).filter(|rest| !rest.is_zero())
    }

    fn wait(&mut self, key: &ObjectKey, contexts: usize, now: Instant) -> Option<Duration> {
        let remembered = self.contexts.entry(key.clone()).or_default();
        let turn = remembered.turn.unwrap_or_else(|| {
            let turn = self.next.map_or(now, |next| next.max(now));
            let contexts = u32::try_from(contexts).unwrap_or(u32::MAX).max(1);
            self.next = Some(turn + (PERIOD / contexts).min(LONGEST_INTERVAL));
            turn
        });
        // A turn that has come stays until the write is made, also if that has to be tried again.
        remembered.turn = Some(turn);
        turn.checked_duration_since(now).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> ObjectKey {
        ObjectKey::new("a", format!("shop-{number}"))
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_thousand_contexts_get_their_turns_evenly_within_a_minute() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        let waits: Vec<_> = (0..1_000).map(|number| inner.wait(&key(number), 1_000, now).unwrap_or_default()).collect();
        for second in 0..60_u32 {
            let turns = waits.iter().filter(|wait| (second * SECOND..(second + 1) * SECOND).contains(wait)).count();
            assert!((16..=17).contains(&turns), "{turns} in second {second}");
        }
        assert_eq!(inner.wait(&key(999), 1_000, now), Some(waits[999]), "asking again changes nothing");
    }

    #[test]
    fn a_lone_change_is_written_at_once_and_the_next_one_of_the_context_a_minute_later() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        assert_eq!((inner.rest(&key(1), now), inner.wait(&key(1), 3, now)), (None, None));
        inner.wrote(&key(1), now);
        assert_eq!(inner.rest(&key(1), now + 20 * SECOND), Some(40 * SECOND));
        assert_eq!(inner.rest(&key(1), now + PERIOD), None);
        assert_eq!(inner.wait(&key(1), 3, now + PERIOD), None);
        assert_eq!(inner.wait(&key(2), 3, now + PERIOD), Some(LONGEST_INTERVAL));
    }

    #[test]
    fn a_turn_that_has_come_stays_until_it_is_used_or_not_needed() {
        let trickle = Trickle::default();
        assert_eq!(trickle.wait(&key(1), 1), None);
        assert_eq!(trickle.wait(&key(1), 1), None, "the write failed and is tried again");
        trickle.nothing_to_write(&key(1));
        assert!(trickle.wait(&key(1), 1).is_some(), "this is another turn");
        trickle.forget(&key(1));
        assert!(trickle.lock().contexts.is_empty());
    }

    #[test]
    fn an_edit_is_told_from_the_first_sight() {
        let trickle = Trickle::default();
        assert!(!trickle.is_edited(&key(1), 5), "after a restart nothing is known");
        trickle.saw(&key(1), 5);
        assert!(!trickle.is_edited(&key(1), 5));
        assert!(trickle.is_edited(&key(1), 6));
    }
}
