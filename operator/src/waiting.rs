//! Deliveries that wait: whose turn is it?
//!
//! Each endpoint, and each origin that plain URLs of a namespace name, has a line of its own; deliveries leave it one by
//! one as its limits and its gate allow, namespaces and contexts in turn, and [`Waiting::run`] gives them to whoever
//! sends them. One task waits for all of them: 10,000 deliveries in 1,000 lines cost no more tasks or timers than one.
//!
//! It knows no Kubernetes client, no status and no HTTP: what waits is told by those who know it, and what a delivery
//! consists of stays with them. All of it is gone with the process and comes back from the statuses of the events.
//!
//! What somebody has in his hands (a [`Turn`], a [`Slot`], a [`Released`]) stays his until he drops it: neither
//! [`Waiting::set_event`] nor [`Waiting::forget_event`] nor [`Waiting::cancel`] takes it from him.

mod book;
mod lines;
mod register;
mod slot;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cicdcontext_delivery::limit::Limits;
use tokio::{sync::Notify, task::coop::consume_budget, time::sleep_until};
use tokio_util::sync::CancellationToken;

use crate::cache::ObjectKey;
use book::{Book, Departure, Start, Step};
pub use slot::{Released, Slot, Turn};

/// Where deliveries queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Line {
    /// At an endpoint.
    Endpoint(ObjectKey),
    /// At the origin of a webhook with a plain `url`, separately for each namespace.
    Origin {
        /// Namespace of the contexts.
        namespace: Arc<str>,
        /// Scheme, host and port.
        origin: Arc<str>,
    },
    /// Nowhere: nothing is sent, it is only to be judged what came of an attempt.
    Judgement {
        /// Namespace of the contexts.
        namespace: Arc<str>,
    },
}

/// One delivery: a handler of an event. The UID and the handler tell it from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryId {
    /// Namespace of the event and its context.
    pub namespace: Arc<str>,
    /// Name of the event.
    pub event: Arc<str>,
    /// UID of the event.
    pub uid: Arc<str>,
    /// Name of the handler.
    pub handler: Arc<str>,
}

/// Whether a line lets deliveries go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// As these limits allow.
    Open(Limits),
    /// Not now; with these limits when it is opened.
    Suspended(Limits),
    /// The endpoint does not exist (yet).
    Missing,
}

/// A delivery that waits, as the status of its event tells.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which one.
    pub id: DeliveryId,
    /// Where it queues.
    pub line: Line,
    /// Name of its context.
    pub context: Arc<str>,
    /// The order of its event among those of the context, then the place of its handler.
    pub order: (u64, u32),
    /// When a retry is due. None for a first attempt: it leaves before those of later events.
    pub not_before: Option<Instant>,
    /// How long it was held before, by what does not count against it.
    pub held_before: Duration,
}

/// What becomes of a first attempt.
#[derive(Debug)]
#[must_use = "what is dropped does not wait any more"]
pub enum First {
    /// It is under way from now on.
    Now(Slot),
    /// It stands in line, only because as many as allowed are under way or are about to be: it may be awaited for a
    /// short time.
    Soon(Turn),
    /// It is not in line. Store it, and call [`Waiting::wait`] with it.
    Waits(Why),
}

/// Why a delivery waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The endpoint is suspended.
    Suspended,
    /// The endpoint does not exist.
    Missing,
    /// The last attempt did not reach the endpoint.
    Unreachable,
    /// As many as allowed left in the last period.
    RateLimited,
    /// As many as allowed are under way.
    Crowded,
    /// Those of earlier events leave first.
    Behind,
}

/// The deliveries that wait. Clones are the same.
///
/// ```
/// use std::{sync::Arc, time::Duration};
///
/// use cicdcontext_delivery::limit::{Contact, Limits};
/// use cicdcontext_operator::{cache::ObjectKey, waiting::{DeliveryId, Entry, First, Gate, Line, Waiting, Why}};
///
/// let waiting = Waiting::default();
/// let line = Line::Endpoint(ObjectKey::new("shop", "chat"));
/// let entry = Entry {
///     id: DeliveryId { namespace: "shop".into(), event: "built".into(), uid: "1".into(), handler: "tell".into() },
///     line: line.clone(),
///     context: "stage".into(),
///     order: (1, 0),
///     not_before: None,
///     held_before: Duration::ZERO,
/// };
/// assert!(matches!(waiting.first(entry.clone()), First::Waits(Why::Missing)));
/// waiting.set_gate(&line, Gate::Open(Limits::default()));
/// let First::Now(slot) = waiting.first(entry) else { panic!("nobody else is there") };
/// slot.finished(Contact::Answered);
/// assert_eq!(waiting.len(), 0);
/// ```
#[derive(Clone)]
pub struct Waiting(Arc<Shared>);

struct Shared {
    book: Mutex<Book>,
    /// Something is due earlier than before.
    wake: Notify,
    clock: Box<dyn Fn() -> Instant + Send + Sync>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self::with_clock(Instant::now)
    }
}

impl Waiting {
    /// Goes by this clock, which must never go back. [`Waiting::run`] and [`Turn::within`] sleep by that of the machine.
    pub fn with_clock(clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { book: Mutex::default(), wake: Notify::new(), clock: Box::new(clock) }))
    }

    /// Sets the gate of a line. One that nobody set is open with the usual limits for an origin, and missing for an
    /// endpoint. Those who await a [`Turn`] at a gate that is closed are sent away; time at a closed gate is held.
    pub fn set_gate(&self, line: &Line, gate: Gate) {
        self.change(|book, now| book.set_gate(line, gate, now));
    }

    /// The endpoint's spec has changed: it is tried again at once, whatever attempts at the one before showed or will show.
    pub fn forget_backing_off(&self, line: &Line) {
        self.change(|book, now| book.forget_backing_off(line, now));
    }

    /// A first attempt, by a caller that can go at once. `not_before` of the entry is ignored. One that waits or is under
    /// way already is told to wait as [`Why::Crowded`], which changes nothing about it.
    pub fn first(&self, entry: Entry) -> First {
        match self.change(|book, now| book.first(entry, now)) {
            Start::Now { line, ticket, held } => First::Now(Slot::new(self, line, ticket, held)),
            Start::Soon { ticket, coming } => First::Soon(Turn::new(self, ticket, coming)),
            Start::Waits(why) => First::Waits(why),
        }
    }

    /// Puts a delivery in line. False, and nothing changes, if it waits, is released or is under way already.
    pub fn wait(&self, entry: Entry) -> bool {
        self.change(|book, now| book.wait(entry, now))
    }

    /// All that wait of the event with this UID. What is new comes into line; deliveries of the event that are not named
    /// are forgotten, unless somebody has them in his hands. What waits already stays as it is, also if it is named with
    /// another time or line. Idempotent, and cheap if nothing changes.
    ///
    /// The entries have to be as new as what was told before: those of an older status bring back what is over.
    pub fn set_event(&self, uid: &str, entries: Vec<Entry>) {
        self.change(|book, now| book.set_event(uid, entries, now));
    }

    /// The event with this UID was deleted: its deliveries are forgotten, parked ones too. Nothing remains of those that
    /// somebody has in his hands when he is done with them.
    pub fn forget_event(&self, uid: &str) {
        self.change(|book, now| book.forget_event(uid, now));
    }

    /// Forgets a delivery that waits or is parked. False if it does neither, or somebody has it in his hands.
    pub fn cancel(&self, id: &DeliveryId) -> bool {
        self.change(|book, now| book.cancel(id, now))
    }

    /// The worker found the context suspended: the delivery leaves its line, which it does not count for, and comes back
    /// with [`Waiting::unpark`]; the time between counts as held.
    ///
    /// Look afterwards whether the context is suspended still, and unpark it if not: it may have been let go on between
    /// the look before and this call.
    pub fn park(&self, context: &ObjectKey, released: Released) {
        let Released { mut slot, .. } = released;
        let held = slot.held();
        slot.end(|book, line, ticket, now| book.park(line, ticket, held, context, now));
    }

    /// The worker could not try it now: the delivery stands in line again, where it stood, for at least this long. If it
    /// is a first attempt, those of its context behind it wait for it.
    pub fn put_back(&self, released: Released, delay: Duration) {
        let Released { mut slot, held, .. } = released;
        slot.end(|book, line, ticket, now| book.put_back(line, ticket, held, now + delay, now));
    }

    /// The context is let go on: those of its deliveries that are parked come back into line, due at once.
    pub fn unpark(&self, context: &ObjectKey) {
        self.change(|book, now| book.unpark(context, now));
    }

    /// Whether deliveries of this context are parked.
    pub fn has_parked(&self, context: &ObjectKey) -> bool {
        self.lock().register.has_parked(context)
    }

    /// Gives what may go to `release`, at its time, until `stop`. To be run once at a time. `release` is called on this
    /// task and should be quick; it may call anything here.
    pub async fn run(&self, stop: CancellationToken, release: impl Fn(Released)) {
        while !stop.is_cancelled() {
            let to_do = self.step();
            match to_do {
                Step::Go(departure) => {
                    self.let_go(departure, &release);
                    consume_budget().await;
                }
                Step::Again => consume_budget().await,
                Step::Until(due) => tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.0.wake.notified() => {}
                    () = until(due) => {}
                },
            }
        }
    }

    /// How many wait, parked ones too. Those under way do not count.
    pub fn len(&self) -> usize {
        self.lock().register.waiting()
    }

    /// Why a delivery that came into this line now would not leave at once.
    pub fn why(&self, line: &Line) -> Option<Why> {
        self.change(|book, now| book.lines.why(line, now))
    }

    /// How long a delivery has been held up, by now, by what does not count against it. None if it does not wait here.
    pub fn held(&self, id: &DeliveryId) -> Option<Duration> {
        self.change(|book, now| book.held(id, now))
    }

    /// Whether anything waits in this line.
    pub fn waits_at(&self, line: &Line) -> bool {
        self.lock().lines.get_mut(line).is_some_and(|line| line.queue.waiting() > 0)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The age of what has been waiting longest: since it came into line for the first time in this process, so that
    /// one that is retried all day grows old. None if nothing waits.
    pub fn oldest(&self, now: Instant) -> Option<Duration> {
        self.lock().register.oldest().map(|since| now.saturating_duration_since(since))
    }

    fn step(&self) -> Step {
        let mut book = self.lock();
        // Read under the lock, as in `change`.
        book.step((self.0.clock)())
    }

    fn let_go(&self, departure: Departure, release: impl Fn(Released)) {
        let Departure { id, context, line, ticket, held, caller } = departure;
        let slot = Slot::new(self, line, ticket, held);
        match caller {
            // If he has gone, the slot comes back and is dropped here, outside of the lock.
            Some(caller) => drop(caller.send(Ok(slot))),
            None => release(Released { id, context, held, slot }),
        }
    }

    fn change<T>(&self, work: impl FnOnce(&mut Book, Instant) -> T) -> T {
        let mut book = self.lock();
        let before = book.lines.next().map(|(due, _)| *due);
        // Read under the lock: the lines want time that never goes back.
        let result = work(&mut book, (self.0.clock)());
        let after = book.lines.next().map(|(due, _)| *due);
        drop(book);
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            self.0.wake.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Waiting").field("waiting", &self.len()).finish_non_exhaustive()
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
