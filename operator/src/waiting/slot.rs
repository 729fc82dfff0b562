//! What callers hold: a place under way, a turn that will come, a delivery that was let go.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_delivery::limit::Contact;
use tokio::{sync::oneshot, time::timeout};

use super::{
    DeliveryId, Line, Waiting, Why,
    book::{Book, End},
    register::Ticket,
};

/// A delivery whose turn has come. It counts as under way until its slot is dropped or finished.
#[derive(Debug)]
pub struct Released {
    /// Which one.
    pub id: DeliveryId,
    /// The name of its context.
    pub context: Arc<str>,
    /// How long it was held in all by limits, closed gates and the suspension of its context: what the entry said, and
    /// what came to that since. It does not count against the delivery. To be stored with it if it is to wait again.
    pub held: Duration,
    /// Its place under way.
    pub slot: Slot,
}

/// A place under way. Dropping it without [`Slot::finished`] frees the place and says nothing about the endpoint.
#[must_use = "the place is free again when this is dropped"]
pub struct Slot {
    waiting: Waiting,
    line: Arc<Line>,
    ticket: Ticket,
    held: Duration,
    ended: bool,
}

impl Slot {
    pub(super) fn new(waiting: &Waiting, line: Arc<Line>, ticket: Ticket, held: Duration) -> Self {
        Self { waiting: waiting.clone(), line, ticket, held, ended: false }
    }

    /// The attempt is over; `contact` says what it showed about the endpoint. For another attempt, call
    /// [`Waiting::wait`] afterwards.
    pub fn finished(mut self, contact: Contact) {
        self.end(|book, line, ticket, now| book.end(line, ticket, End::Finished(contact), now));
    }

    /// How long the delivery was held in all; see [`Released::held`].
    pub fn held(&self) -> Duration {
        self.held
    }

    /// Ends it in another way than by dropping it.
    pub(super) fn end(&mut self, work: impl FnOnce(&mut Book, &Arc<Line>, Ticket, Instant)) {
        if !self.ended {
            self.ended = true;
            self.waiting.change(|book, now| work(book, &self.line, self.ticket, now));
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.end(|book, line, ticket, now| book.end(line, ticket, End::Dropped, now));
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Slot").field("line", &self.line).field("held", &self.held).finish_non_exhaustive()
    }
}

/// A place in line of a delivery whose caller waits for it. Dropping it takes the delivery out of line.
#[must_use = "the delivery leaves the line when this is dropped"]
pub struct Turn {
    waiting: Waiting,
    ticket: Ticket,
    coming: oneshot::Receiver<Result<Slot, Why>>,
}

impl Turn {
    pub(super) fn new(waiting: &Waiting, ticket: Ticket, coming: oneshot::Receiver<Result<Slot, Why>>) -> Self {
        Self { waiting: waiting.clone(), ticket, coming }
    }

    /// Awaits the place, no longer than `patience`. It comes from [`Waiting::run`].
    ///
    /// On an error the delivery is out of line again: the time is over ([`Why::Crowded`], or what else stands
    /// against it by now), or the gate was closed or the endpoint went out of reach meanwhile.
    pub async fn within(mut self, patience: Duration) -> Result<Slot, Why> {
        let answer = match timeout(patience, &mut self.coming).await {
            Ok(answer) => answer,
            Err(_) => match self.give_up() {
                Some(why) => return Err(why),
                // It was let go in this very moment: the slot is on its way.
                None => (&mut self.coming).await,
            },
        };
        answer.unwrap_or(Err(Why::Crowded))
    }

    /// Takes the delivery out of line, and says what stood against it. None if it is not in line any more.
    fn give_up(&self) -> Option<Why> {
        self.waiting.change(|book, now| book.give_up(self.ticket, now))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Turn").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}
