//! The deliveries of one endpoint that wait: whose turn is it, and when?
//!
//! Pure: no clock, no task, no request. Whoever drives it says what waits, asks what may leave, and tells what became of
//! it. Every operation takes logarithmic time in the number of deliveries, so that 10,000 of them are no burden.
//!
//! * No more than `concurrency` are under way at once, and no more than `requests` leave in any stretch of time that is
//!   as long as the period. What left is forgotten with the process: a restart may let a period's worth leave again.
//! * Namespaces are served in turn, within one its contexts in turn, within a context in the order of the events.
//! * While a first attempt is under way, nothing else of its context leaves: so they arrive in the order of the events.
//! * While the endpoint cannot be reached, one delivery at a time tries it, with pauses that grow up to a minute.
//! * A queue that is closed lets nothing leave.

mod due;
mod limits;
mod turns;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use due::Due;
pub use limits::{LimitError, Limits, MAX_CONCURRENCY, MAX_PERIOD, MAX_REQUESTS};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts at an endpoint that cannot be reached.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Where a delivery stands in line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Namespace of its context.
    pub namespace: Arc<str>,
    /// Name of its context.
    pub context: Arc<str>,
    /// The order of its event among those of the context, then the place of its handler.
    pub order: (u64, u32),
    /// When a retry is due. None for a first attempt: it leaves before those of later events.
    pub not_before: Option<Instant>,
}

/// What may happen now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave<Id> {
    /// This delivery is under way from now on: send it, and tell [`Queue::finished`] or [`Queue::cancel`].
    Now {
        /// Which one.
        id: Id,
        /// How long it was due and waited for a limit or for a closed queue: time that does not count against the
        /// delivery. Time in which the queue was open and the endpoint could not be reached does count, and is not in
        /// it.
        held: Duration,
    },
    /// Nothing before this time, unless something changes.
    At(Instant),
    /// Nothing before one that is under way has finished.
    Full,
    /// Nothing before the queue is opened.
    Closed,
    /// Nothing waits.
    Idle,
}

/// What stands against a delivery leaving now; the first of these that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// The queue is closed.
    Closed,
    /// The endpoint could not be reached, and another one tries it, or its time to be tried again has not come.
    Unreached,
    /// As many as allowed left in the last period.
    Rate,
    /// As many as allowed are under way.
    Full,
}

/// What an attempt says about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// There was an answer, whatever it said.
    Answered,
    /// It timed out or there was no connection.
    NotReached,
    /// Nothing: the attempt failed before it came to that.
    Unknown,
}

/// The waiting deliveries of one endpoint, and those under way.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use cicdcontext_delivery::limit::{Contact, Leave, Limits, Place, Queue};
///
/// let now = Instant::now();
/// let mut queue = Queue::new(Limits::default().concurrency(1)?);
/// let place = |namespace: &str, order| Place {
///     namespace: namespace.into(),
///     context: "stage".into(),
///     order: (order, 0),
///     not_before: None,
/// };
/// for (id, namespace, order) in [("a2", "shop", 2), ("a1", "shop", 1), ("b1", "bank", 7)] {
///     queue.wait(id, place(namespace, order), now);
/// }
/// assert_eq!(queue.leave(now), Leave::Now { id: "a1", held: Duration::ZERO });
/// assert_eq!(queue.leave(now), Leave::Full);
/// queue.finished(&"a1", Contact::Answered, now);
/// // The other namespace's turn, after it was held for a second.
/// let held = Duration::from_secs(1);
/// assert_eq!(queue.leave(now + held), Leave::Now { id: "b1", held });
/// # Ok::<(), cicdcontext_delivery::limit::LimitError>(())
/// ```
pub struct Queue<Id> {
    limits: Limits,
    open: bool,
    known: BTreeMap<Id, Standing>,
    due: Due<Id>,
    later: BTreeSet<(Instant, Id)>,
    under_way: usize,
    /// When those left that count for the rate.
    left: VecDeque<Instant>,
    unreached: Option<Unreached>,
    /// For how long the queue was open and the endpoint could not be reached before that.
    unreached_before: Duration,
    /// Who left before this and did not reach the endpoint says nothing about it.
    anew: Option<Instant>,
}

enum Standing {
    /// With the time since when it is due, and how long the endpoint had been out of reach by then.
    Due(Place, Instant, Duration),
    Later(Place, Instant),
    /// Since then.
    UnderWay(Place, Instant),
}

impl Place {
    /// Those of its context do not leave while it is under way.
    fn is_first(&self) -> bool {
        self.not_before.is_none()
    }
}

/// The endpoint cannot be reached.
struct Unreached {
    /// Since then, or since the queue was opened or closed the last time.
    since: Instant,
    failures: u32,
    /// When the last failure became known: who left before that knew nothing of it.
    last: Instant,
    until: Instant,
}

impl<Id: Ord + Clone> Queue<Id> {
    /// Nothing waits yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: true,
            known: BTreeMap::new(),
            due: Due::new(),
            later: BTreeSet::new(),
            under_way: 0,
            left: VecDeque::new(),
            unreached: None,
            unreached_before: Duration::ZERO,
            anew: None,
        }
    }

    /// Changes the limits. What is under way stays so.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        if limits.rate.is_none() {
            self.left.clear();
        }
    }

    /// Opens or closes the queue; a new one is open. Time in which it is closed counts as held, whatever else stood
    /// against leaving. What is under way stays so.
    pub fn set_open(&mut self, open: bool, now: Instant) {
        if self.open != open {
            self.unreached_before = self.unreached_in_all(now);
            self.open = open;
            if let Some(unreached) = &mut self.unreached {
                unreached.since = now;
            }
        }
    }

    /// Takes the endpoint for one that can be reached: it is another one now. Attempts that are under way and do not
    /// reach it were made at the one before, and change nothing.
    pub fn reach_anew(&mut self, now: Instant) {
        self.reached(now);
        self.anew = Some(now);
    }

    /// Whether a delivery that comes now would have to wait.
    pub fn starts_waiting(&self, now: Instant) -> bool {
        let overdue = self.later.first().is_some_and(|(time, _)| *time <= now);
        let rested = self.due.next().is_some_and(|time| time <= now);
        !self.due.is_empty() || overdue || rested || self.blocked_by(now).is_some()
    }

    /// What stands against a delivery leaving now, besides those that are due before it. None if nothing does.
    pub fn blocked_by(&self, now: Instant) -> Option<Blocked> {
        let full = self.full();
        if !self.open {
            Some(Blocked::Closed)
        } else if self.unreached.as_ref().is_some_and(|unreached| full || unreached.until > now) {
            Some(Blocked::Unreached)
        } else if self.rate_until().is_some_and(|time| time > now) {
            Some(Blocked::Rate)
        } else {
            full.then_some(Blocked::Full)
        }
    }

    /// Puts a delivery in line. False, and nothing changes, if it waits or is under way already.
    pub fn wait(&mut self, id: Id, place: Place, now: Instant) -> bool {
        if self.known.contains_key(&id) {
            return false;
        }
        match place.not_before.filter(|time| *time > now) {
            Some(time) => {
                self.later.insert((time, id.clone()));
                self.known.insert(id, Standing::Later(place, time));
            }
            None => self.line_up(id, place, now),
        }
        true
    }

    /// What may leave now. Call again until it gives none, after each change, and at the time that it names.
    pub fn leave(&mut self, now: Instant) -> Leave<Id> {
        while self.later.first().is_some_and(|(time, _)| *time <= now) {
            let Some((_, id)) = self.later.pop_first() else { break };
            if let Some(Standing::Later(place, _)) = self.known.remove(&id) {
                self.line_up(id, place, now);
            }
        }
        self.due.wake(now);
        if self.waiting() == 0 {
            return Leave::Idle;
        }
        if self.due.is_empty() {
            let later = self.later.first().map(|(time, _)| *time);
            return match later.into_iter().chain(self.due.next()).min() {
                Some(time) => Leave::At(time),
                None => Leave::Full,
            };
        }
        if let Some(blocked) = self.blocked(now) {
            return blocked;
        }
        let Some(id) = self.due.take() else { return Leave::Idle };
        let held = self.held(&id, now).unwrap_or_default();
        if let Some(Standing::Due(place, ..)) = self.known.remove(&id) {
            if place.is_first() {
                self.due.hold(&place);
            }
            self.known.insert(id.clone(), Standing::UnderWay(place, now));
        }
        self.under_way += 1;
        if let Some((_, per)) = self.limits.rate {
            while self.left.front().is_some_and(|left| *left + per <= now) {
                self.left.pop_front();
            }
            self.left.push_back(now);
        }
        Leave::Now { id, held }
    }

    /// A delivery is not under way any more. False if it was not. For another attempt, let it [`Queue::wait`] again.
    pub fn finished(&mut self, id: &Id, contact: Contact, now: Instant) -> bool {
        let Some((place, left)) = self.take_under_way(id) else { return false };
        self.over(&place);
        match (contact, &mut self.unreached) {
            (Contact::Unknown, _) => {}
            (Contact::Answered, _) => self.reached(now),
            (Contact::NotReached, _) if self.anew.is_some_and(|time| left < time) => {}
            (Contact::NotReached, Some(unreached)) => {
                // Those that left before the first failure was known all tell the same.
                unreached.failures += u32::from(left >= unreached.last);
                unreached.last = now;
                unreached.until = now + pause(unreached.failures);
            }
            (Contact::NotReached, unreached @ None) => {
                *unreached = Some(Unreached { since: now, failures: 1, last: now, until: now + pause(1) });
            }
        }
        true
    }

    /// Forgets a delivery, wherever it stands: it was cancelled, given up, or its attempt was abandoned. False if it is
    /// not known.
    pub fn cancel(&mut self, id: &Id) -> bool {
        match self.known.remove(id) {
            None => return false,
            Some(Standing::UnderWay(place, _)) => {
                self.under_way -= 1;
                self.over(&place);
            }
            Some(Standing::Later(_, time)) => {
                self.later.remove(&(time, id.clone()));
            }
            Some(Standing::Due(place, ..)) => self.due.remove(&place, id),
        }
        true
    }

    /// A delivery that is under way was not sent after all: it is forgotten, and does not count for the rate. False if it
    /// is not under way.
    pub fn not_sent(&mut self, id: &Id) -> bool {
        let Some((place, left)) = self.take_under_way(id) else { return false };
        self.uncount(left);
        self.over(&place);
        true
    }

    /// A delivery that is under way could not be sent yet: it waits again, where it stood, for at least this long. It does
    /// not count for the rate. If it is a first attempt, none of its context leaves before. False if it is not under way.
    pub fn put_back(&mut self, id: &Id, until: Instant, now: Instant) -> bool {
        let Some((place, left)) = self.take_under_way(id) else { return false };
        self.uncount(left);
        if place.is_first() {
            self.due.rest(&place, until);
            self.line_up(id.clone(), place, now);
        } else {
            self.later.insert((until, id.clone()));
            self.known.insert(id.clone(), Standing::Later(place, until));
        }
        true
    }

    /// How long a waiting delivery has been held up to now; see [`Leave::Now`]. None if it does not wait.
    pub fn held(&self, id: &Id, now: Instant) -> Option<Duration> {
        match self.known.get(id)? {
            Standing::Due(_, since, unreached) => {
                let waited = now.saturating_duration_since(*since);
                Some(waited.saturating_sub(self.unreached_in_all(now).saturating_sub(*unreached)))
            }
            Standing::Later(..) => Some(Duration::ZERO),
            Standing::UnderWay(..) => None,
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.known.len() - self.under_way
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Whether the last attempt could not reach the endpoint.
    pub fn backing_off(&self) -> bool {
        self.unreached.is_some()
    }

    /// Whether the queue could as well be made anew: nothing waits or is under way, nothing is known against the endpoint,
    /// and nothing that left counts for the rate any more.
    pub fn is_idle(&self, now: Instant) -> bool {
        let counts = |left: &Instant| self.limits.rate.is_some_and(|(_, per)| *left + per > now);
        self.known.is_empty() && self.unreached.is_none() && !self.left.back().is_some_and(counts)
    }

    fn line_up(&mut self, id: Id, place: Place, now: Instant) {
        self.due.insert(&place, id.clone());
        let unreached = self.unreached_in_all(now);
        self.known.insert(id, Standing::Due(place, now, unreached));
    }

    /// Takes one out that is under way, with the time when it left.
    fn take_under_way(&mut self, id: &Id) -> Option<(Place, Instant)> {
        match self.known.remove(id)? {
            Standing::UnderWay(place, left) => {
                self.under_way -= 1;
                Some((place, left))
            }
            other => {
                self.known.insert(id.clone(), other);
                None
            }
        }
    }

    /// The next one of its context may leave.
    fn over(&mut self, place: &Place) {
        if place.is_first() {
            self.due.free(place);
        }
    }

    /// One that left then does not count for the rate.
    fn uncount(&mut self, left: Instant) {
        if let Ok(index) = self.left.binary_search(&left) {
            self.left.remove(index);
        }
    }

    /// What another one that is due has to wait for.
    fn blocked(&self, now: Instant) -> Option<Leave<Id>> {
        if !self.open {
            return Some(Leave::Closed);
        }
        if self.full() {
            return Some(Leave::Full);
        }
        let pause = self.unreached.as_ref().map(|unreached| unreached.until);
        pause.max(self.rate_until()).filter(|time| *time > now).map(Leave::At)
    }

    fn full(&self) -> bool {
        let concurrency = if self.unreached.is_some() { 1 } else { self.limits.concurrency };
        self.under_way >= usize::try_from(concurrency).unwrap_or(usize::MAX)
    }

    fn rate_until(&self) -> Option<Instant> {
        let (requests, per) = self.limits.rate?;
        // The one that has to be a period old before another one may leave.
        let place = self.left.len().checked_sub(usize::try_from(requests).unwrap_or(usize::MAX))?;
        self.left.get(place).map(|left| *left + per)
    }

    fn reached(&mut self, now: Instant) {
        self.unreached_before = self.unreached_in_all(now);
        self.unreached = None;
    }

    /// For how long the queue was open and the endpoint could not be reached, up to now.
    fn unreached_in_all(&self, now: Instant) -> Duration {
        let current = self.unreached.as_ref().filter(|_| self.open);
        let current = current.map(|unreached| now.saturating_duration_since(unreached.since));
        self.unreached_before + current.unwrap_or_default()
    }
}

fn pause(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).and_then(|factor| FIRST_PAUSE.checked_mul(factor));
    doubled.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
}

impl<Id> fmt::Debug for Queue<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("limits", &self.limits)
            .field("open", &self.open)
            .field("known", &self.known.len())
            .field("under_way", &self.under_way)
            .field("backing_off", &self.unreached.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
