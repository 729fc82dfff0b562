//! Which keys are to be worked on: each by one worker at a time, namespaces in turn, later if asked for.
//!
//! It knows nothing of what the work is.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::cache::ObjectKey;

/// First and longest pause before work that failed is tried again.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);
/// Such a pause is not shortened, whatever is added; a longer one becomes this one. What was added may be what the work
/// needs; but where it comes all the time (a pipeline patches its context) it must not undo the pauses.
const LEAST_BACKOFF: Duration = Duration::from_secs(1);

/// What is to happen with a key when its work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing, until it is added again.
    Await,
    /// Work again after this time, unless it is added before.
    After(Duration),
    /// It failed: work again after a pause that doubles with each failure in a row.
    Retry,
}

impl Next {
    /// What follows from this and from another piece of work for the same key.
    #[must_use]
    pub fn sooner(self, other: Self) -> Self {
        match (self, other) {
            (Self::Retry, _) | (_, Self::Retry) => Self::Retry,
            (Self::After(one), Self::After(other)) => Self::After(one.min(other)),
            (Self::After(delay), Self::Await) | (Self::Await, Self::After(delay)) => Self::After(delay),
            (Self::Await, Self::Await) => Self::Await,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Working,
    /// Added again while it was being worked on.
    WorkingAndQueued,
}

#[derive(Debug, Default)]
struct Inner {
    states: HashMap<ObjectKey, State>,
    /// Keys that wait, by namespace, and the namespaces in the order of their turns.
    waiting: HashMap<String, VecDeque<ObjectKey>>,
    /// How many keys of each namespace are being worked on.
    working: HashMap<String, usize>,
    turns: VecDeque<String>,
    /// When a key is due again: in both directions.
    due: BTreeSet<(Instant, ObjectKey)>,
    due_of: HashMap<ObjectKey, Instant>,
    failures: HashMap<ObjectKey, Failures>,
}

/// Failures in a row.
#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

/// A queue of keys.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    inner: Arc<Mutex<Inner>>,
    wake: Arc<Notify>,
}

impl Queue {
    /// Wants `key` to be worked on soon. Adding a key that waits already changes nothing; adding one that is being
    /// worked on has it worked on once more; one whose work has just failed has its pause, though not a long one.
    pub fn add(&self, key: ObjectKey) {
        self.lock().add(key, Instant::now());
        self.wake.notify_one();
    }

    /// Wants `key` to be worked on after `delay`, or before if it is due before anyway.
    pub fn add_after(&self, key: ObjectKey, delay: Duration) {
        self.lock().add_at(key, Instant::now() + delay);
        self.wake.notify_one();
    }

    /// How many keys wait for a worker.
    pub fn len(&self) -> usize {
        self.lock().waiting.values().map(VecDeque::len).sum()
    }

    /// Whether no key waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Works with up to `concurrency` workers until `stop`; then lets those under way finish.
    pub async fn run<W, F>(&self, concurrency: usize, stop: CancellationToken, work: W)
    where
        W: Fn(ObjectKey) -> F,
        F: Future<Output = Next> + Send + 'static,
    {
        let mut workers: JoinSet<(ObjectKey, Next)> = JoinSet::new();
        loop {
            while workers.len() < concurrency && !stop.is_cancelled() {
                let Some(key) = self.lock().take(Instant::now(), concurrency) else { break };
                let task = work(key.clone());
                workers.spawn(async move { (key, task.await) });
            }
            if stop.is_cancelled() && workers.is_empty() {
                return;
            }
            let due = self.lock().due.first().map(|(due, _)| *due);
            tokio::select! {
                Some(done) = workers.join_next(), if !workers.is_empty() => match done {
                    Ok((key, next)) => self.lock().done(key, next, Instant::now()),
                    // The key of a worker that panicked stays marked as being worked on; the process is not sound.
                    Err(error) => tracing::error!(%error, "a worker ended before its time"),
                },
                () = self.wake.notified() => {}
                // What is due while all workers are busy is taken when one of them is done.
                () = sleep_until(due.unwrap_or_else(Instant::now)),
                    if due.is_some() && workers.len() < concurrency && !stop.is_cancelled() => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn add(&mut self, key: ObjectKey, now: Instant) {
        let failed = self.failures.get(&key).filter(|_| self.due_of.contains_key(&key));
        let pause_ends = failed.map(|failures| failures.last + LEAST_BACKOFF).filter(|end| *end > now);
        match self.states.get_mut(&key) {
            Some(State::Queued | State::WorkingAndQueued) => {}
            Some(state @ State::Working) => *state = State::WorkingAndQueued,
            None if let Some(end) = pause_ends => self.add_at(key, end),
            None => {
                self.states.insert(key.clone(), State::Queued);
                self.enqueue(key);
            }
        }
    }

    fn enqueue(&mut self, key: ObjectKey) {
        let queue = self.waiting.entry(key.namespace.clone()).or_default();
        if queue.is_empty() {
            self.turns.push_back(key.namespace.clone());
        }
        queue.push_back(key);
    }

    fn add_at(&mut self, key: ObjectKey, due: Instant) {
        if let Some(known) = self.due_of.get(&key) {
            if *known <= due {
                return;
            }
            self.due.remove(&(*known, key.clone()));
        }
        self.due_of.insert(key.clone(), due);
        self.due.insert((due, key));
    }

    /// The next key whose turn it is. While more than half of the `limit` workers are busy, a namespace that keeps a
    /// quarter of them busy has to wait: some worker is left for the others, however long its work takes.
    fn take(&mut self, now: Instant, limit: usize) -> Option<ObjectKey> {
        while self.due.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, key)) = self.due.pop_first() else { break };
            self.due_of.remove(&key);
            self.add(key, now);
        }
        let crowded = self.working.values().sum::<usize>() >= limit.div_ceil(2);
        let free = |namespace: &String| {
            !crowded || self.working.get(namespace).copied().unwrap_or_default() < limit.div_ceil(4)
        };
        let position = self.turns.iter().position(free)?;
        let namespace = self.turns.remove(position)?;
        let queue = self.waiting.get_mut(&namespace)?;
        let key = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting.remove(&namespace);
        } else {
            self.turns.push_back(namespace);
        }
        self.states.insert(key.clone(), State::Working);
        *self.working.entry(key.namespace.clone()).or_default() += 1;
        Some(key)
    }

    fn done(&mut self, key: ObjectKey, next: Next, now: Instant) {
        if next != Next::Retry {
            self.failures.remove(&key);
        }
        if let Some(working) = self.working.get_mut(&key.namespace) {
            *working -= 1;
            if *working == 0 {
                self.working.remove(&key.namespace);
            }
        }
        match next {
            Next::Await => {}
            Next::After(delay) => self.add_at(key.clone(), now + delay),
            Next::Retry => {
                let failures = self.failures.entry(key.clone()).or_insert(Failures { count: 0, last: now });
                let pause = FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(failures.count.min(16)));
                *failures = Failures { count: failures.count.saturating_add(1), last: now };
                self.add_at(key.clone(), now + pause.min(LONGEST_BACKOFF));
            }
        }
        let added_meanwhile = self.states.remove(&key) == Some(State::WorkingAndQueued);
        if added_meanwhile {
            self.add(key, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(namespace: &str, name: &str) -> ObjectKey {
        ObjectKey::new(namespace, name)
    }

    #[test]
    fn a_key_is_never_worked_on_twice_at_once_and_nothing_added_meanwhile_is_lost() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        inner.add(key("a", "x"), now);
        inner.add(key("a", "x"), now);
        assert_eq!(inner.take(now, 64), Some(key("a", "x")));
        inner.add(key("a", "x"), now);
        assert_eq!(inner.take(now, 64), None, "it is being worked on");
        inner.done(key("a", "x"), Next::Await, now);
        assert_eq!(inner.take(now, 64), Some(key("a", "x")), "it was added meanwhile");
        inner.done(key("a", "x"), Next::Await, now);
        assert_eq!(inner.take(now, 64), None);
        assert!(inner.states.is_empty());
    }

    #[test]
    fn namespaces_take_turns() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        for name in ["1", "2", "3"] {
            inner.add(key("loud", name), now);
        }
        inner.add(key("quiet", "1"), now);
        let order: Vec<_> = std::iter::from_fn(|| inner.take(now, 64)).map(|key| key.to_string()).collect();
        assert_eq!(order, ["loud/1", "quiet/1", "loud/2", "loud/3"]);
    }

    #[test]
    fn a_namespace_whose_work_takes_long_leaves_workers_to_the_others() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        for name in 0..20 {
            inner.add(key("slow", &name.to_string()), now);
        }
        for _ in 0..4 {
            assert_eq!(inner.take(now, 8).unwrap().namespace, "slow", "alone it may have half of the workers");
        }
        assert_eq!(inner.take(now, 8), None, "the other half is kept free");
        inner.add(key("quick", "1"), now);
        assert_eq!(inner.take(now, 8), Some(key("quick", "1")));
        inner.done(key("slow", "0"), Next::Await, now);
        inner.done(key("slow", "1"), Next::Await, now);
        assert_eq!(inner.take(now, 8).unwrap().namespace, "slow");
    }

    #[test]
    fn the_earlier_of_two_due_times_counts() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        inner.add_at(key("a", "x"), now + Duration::from_secs(5));
        inner.add_at(key("a", "x"), now + Duration::from_secs(2));
        inner.add_at(key("a", "x"), now + Duration::from_secs(9));
        assert_eq!(inner.take(now + Duration::from_secs(1), 64), None);
        assert_eq!(inner.take(now + Duration::from_secs(2), 64), Some(key("a", "x")));
        assert!(inner.due.is_empty() && inner.due_of.is_empty());
    }

    #[test]
    fn what_is_added_shortens_the_pause_after_a_failure_but_does_not_undo_it() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        inner.add(key("a", "x"), now);
        inner.take(now, 64);
        inner.add(key("a", "x"), now);
        inner.done(key("a", "x"), Next::Retry, now);
        inner.add(key("a", "x"), now);
        assert_eq!(inner.take(now, 64), None, "neither what came meanwhile nor what comes now undoes the pause");
        let mut now = now + FIRST_BACKOFF;
        assert_eq!(inner.take(now, 64), Some(key("a", "x")));
        for _ in 0..5 {
            inner.done(key("a", "x"), Next::Retry, now);
            now = inner.due_of[&key("a", "x")];
            inner.take(now, 64);
        }
        inner.done(key("a", "x"), Next::Retry, now);
        assert_eq!(inner.due_of[&key("a", "x")], now + 64 * FIRST_BACKOFF);
        inner.add(key("a", "x"), now);
        assert_eq!(inner.due_of[&key("a", "x")], now + LEAST_BACKOFF);
        now += LEAST_BACKOFF;
        assert_eq!(inner.take(now, 64), Some(key("a", "x")));
        inner.done(key("a", "x"), Next::Await, now);
        inner.add(key("a", "x"), now);
        assert_eq!(inner.take(now, 64), Some(key("a", "x")), "a success ends it");
    }

    #[test]
    fn failures_in_a_row_double_the_pause_and_a_success_ends_the_row() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        for pause in [200, 400, 800] {
            inner.add(key("a", "x"), now);
            inner.take(now, 64);
            inner.done(key("a", "x"), Next::Retry, now);
            assert_eq!(inner.due_of[&key("a", "x")], now + Duration::from_millis(pause));
            inner.due.clear();
            inner.due_of.clear();
        }
        inner.add(key("a", "x"), now);
        inner.take(now, 64);
        inner.done(key("a", "x"), Next::Await, now);
        assert!(inner.failures.is_empty());
    }
}
