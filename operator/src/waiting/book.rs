//! What each change does to the lines and to the deliveries in them, with the time passed in. No lock, no task.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_delivery::limit::{Contact, Leave};
use tokio::sync::oneshot;

use super::{
    DeliveryId, Entry, Gate, Line, Slot, Why,
    lines::Lines,
    register::{Caller, Delivery, Register, Ticket},
};
use crate::cache::ObjectKey;

#[derive(Default)]
pub(super) struct Book {
    pub(super) lines: Lines,
    pub(super) register: Register,
}

/// What becomes of a first attempt.
pub(super) enum Start {
    Now { line: Arc<Line>, ticket: Ticket, held: Duration },
    Soon { ticket: Ticket, coming: oneshot::Receiver<Result<Slot, Why>> },
    Waits(Why),
}

/// How a delivery came to be under way no more.
#[derive(Clone, Copy)]
pub(super) enum End {
    Finished(Contact),
    Dropped,
}

/// What is to be done now.
pub(super) enum Step {
    /// A delivery is under way from now on: tell its caller, or release it.
    Go(Departure),
    /// Ask again.
    Again,
    /// Nothing before this time, unless something changes.
    Until(Option<Instant>),
}

pub(super) struct Departure {
    pub(super) id: DeliveryId,
    pub(super) context: Arc<str>,
    pub(super) line: Arc<Line>,
    pub(super) ticket: Ticket,
    pub(super) held: Duration,
    pub(super) caller: Option<Caller>,
}

impl Book {
    pub(super) fn set_gate(&mut self, line: &Line, gate: Gate, now: Instant) {
        if let Some(why) = self.lines.set_gate(line, gate, now) {
            self.send_away(line, why);
        }
        self.changed(line, now);
    }

    pub(super) fn forget_backing_off(&mut self, line: &Line, now: Instant) {
        if let Some(one) = self.lines.get_mut(line) {
            one.queue.reach_anew(now);
            self.changed(line, now);
        }
    }

    pub(super) fn first(&mut self, entry: Entry, now: Instant) -> Start {
        if self.register.ticket(&entry.id).is_some() {
            return Start::Waits(Why::Crowded);
        }
        if let Some(why) = self.lines.why(&entry.line, now).filter(|why| *why != Why::Crowded) {
            return Start::Waits(why);
        }
        let held_before = entry.held_before;
        let (line, one) = self.lines.open(&entry.line, now);
        let (caller, coming) = oneshot::channel();
        let free = !one.queue.starts_waiting(now);
        let ticket = self.register.enter(entry, Arc::clone(&line), Some(caller), now);
        if let Some(delivery) = self.register.get(ticket) {
            one.queue.wait(ticket, delivery.place(None), now);
        }
        // Nothing else is due: what leaves is this one.
        if free && matches!(one.queue.leave(now), Leave::Now { id, .. } if id == ticket) {
            self.register.leave(ticket);
            let due = one.due();
            self.lines.settle(&line, due, now);
            return Start::Now { line, ticket, held: held_before };
        }
        one.callers.insert(ticket);
        self.lines.settle(&line, Some(now), now);
        Start::Soon { ticket, coming }
    }

    pub(super) fn wait(&mut self, entry: Entry, now: Instant) -> bool {
        if self.register.ticket(&entry.id).is_some() {
            return false;
        }
        let not_before = entry.not_before;
        let (line, _) = self.lines.open(&entry.line, now);
        let ticket = self.register.enter(entry, line, None, now);
        self.line_up(ticket, not_before, now);
        true
    }

    pub(super) fn set_event(&mut self, uid: &str, entries: Vec<Entry>, now: Instant) {
        let named = |handler: &str| entries.iter().any(|entry| &*entry.id.handler == handler);
        for ticket in self.register.unnamed(uid, named) {
            self.forget(ticket, now);
        }
        for entry in entries {
            self.wait(entry, now);
        }
    }

    pub(super) fn forget_event(&mut self, uid: &str, now: Instant) {
        for ticket in self.register.unnamed(uid, |_| false) {
            self.forget(ticket, now);
        }
        self.register.orphan(uid);
    }

    /// False if it does not wait, or somebody awaits its turn.
    pub(super) fn cancel(&mut self, id: &DeliveryId, now: Instant) -> bool {
        let ticket = self.register.ticket(id).filter(|ticket| !self.register.has_caller(*ticket));
        ticket.is_some_and(|ticket| self.forget(ticket, now))
    }

    /// Takes one out of line whose caller does not await its turn any longer.
    pub(super) fn give_up(&mut self, ticket: Ticket, now: Instant) -> Option<Why> {
        if !self.register.has_caller(ticket) {
            return None;
        }
        let line = Arc::clone(&self.register.get(ticket)?.line);
        let why = self.lines.why(&line, now).unwrap_or(Why::Behind);
        self.forget(ticket, now);
        Some(why)
    }

    pub(super) fn end(&mut self, line: &Arc<Line>, ticket: Ticket, end: End, now: Instant) {
        self.register.end(ticket);
        let Some(one) = self.lines.get_mut(line) else { return };
        match end {
            End::Finished(contact) => one.queue.finished(&ticket, contact, now),
            End::Dropped => one.queue.cancel(&ticket),
        };
        if one.queue.backing_off() {
            self.send_away(line, Why::Unreachable);
        }
        self.changed(line, now);
    }

    pub(super) fn park(&mut self, line: &Arc<Line>, ticket: Ticket, held: Duration, context: &ObjectKey, now: Instant) {
        if let Some(one) = self.lines.get_mut(line) {
            one.queue.not_sent(&ticket);
        }
        self.register.park(ticket, context, held, now);
        self.changed(line, now);
    }

    pub(super) fn put_back(&mut self, line: &Arc<Line>, ticket: Ticket, held: Duration, until: Instant, now: Instant) {
        if !self.register.put_back(ticket, held) {
            return self.end(line, ticket, End::Dropped, now);
        }
        if let Some(one) = self.lines.get_mut(line) {
            one.queue.put_back(&ticket, until, now);
        }
        self.changed(line, now);
    }

    pub(super) fn held(&self, id: &DeliveryId, now: Instant) -> Option<Duration> {
        let ticket = self.register.ticket(id)?;
        let (line, held) = self.register.held(ticket, now)?;
        Some(held + self.lines.held(&line, ticket, now).unwrap_or_default())
    }

    pub(super) fn unpark(&mut self, context: &ObjectKey, now: Instant) {
        for ticket in self.register.unpark(context, now) {
            self.line_up(ticket, None, now);
        }
    }

    /// Asks the line that is due first.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        let Some((due, line)) = self.lines.next().cloned() else { return Step::Until(None) };
        if due > now {
            return Step::Until(Some(due));
        }
        let Some(one) = self.lines.get_mut(&line) else { return Step::Again };
        let (due, left) = match one.queue.leave(now) {
            Leave::Now { id, held } => {
                one.callers.remove(&id);
                ((one.queue.waiting() > 0).then_some(now), Some((id, held)))
            }
            Leave::At(time) => (Some(time), None),
            Leave::Full | Leave::Closed | Leave::Idle => (None, None),
        };
        self.lines.settle(&line, due, now);
        let Some((ticket, held)) = left else { return Step::Again };
        let caller = self.register.leave(ticket);
        let Some(delivery) = self.register.get(ticket) else { return Step::Again };
        Step::Go(Departure {
            id: delivery.id.clone(),
            context: Arc::clone(&delivery.context),
            line,
            ticket,
            held: delivery.held_before + held,
            caller,
        })
    }

    fn line_up(&mut self, ticket: Ticket, not_before: Option<Instant>, now: Instant) {
        let Some(delivery) = self.register.get(ticket) else { return };
        let (line, one) = self.lines.open(&delivery.line, now);
        one.queue.wait(ticket, delivery.place(not_before), now);
        self.lines.settle(&line, Some(now), now);
    }

    /// Forgets one that waits, wherever. False if it is under way.
    fn forget(&mut self, ticket: Ticket, now: Instant) -> bool {
        let Some(delivery) = self.register.forget(ticket) else { return false };
        if delivery.is_parked() {
            return true;
        }
        if let Some(one) = self.lines.get_mut(&delivery.line) {
            one.queue.cancel(&ticket);
            one.callers.remove(&ticket);
            self.changed(&delivery.line, now);
        }
        true
    }

    /// Those who await their turns learn that it does not come soon.
    fn send_away(&mut self, line: &Line, why: Why) {
        let Some(one) = self.lines.get_mut(line) else { return };
        for ticket in std::mem::take(&mut one.callers) {
            one.queue.cancel(&ticket);
            if let Some(caller) = self.register.forget(ticket).and_then(Delivery::caller) {
                // He may have gone.
                let _ = caller.send(Err(why));
            }
        }
    }

    /// Has a line asked soon, since something may leave now that could not before.
    fn changed(&mut self, line: &Line, now: Instant) {
        let Some(one) = self.lines.get_mut(line) else { return };
        let due = (one.queue.waiting() > 0).then_some(now);
        let (line, _) = self.lines.open(line, now);
        self.lines.settle(&line, due, now);
    }
}
