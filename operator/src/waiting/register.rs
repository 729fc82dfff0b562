//! Which deliveries are known, found by ticket, by event and handler, by parked context and by age.
//!
//! A ticket stands for one stay: the same delivery that waits for another attempt later has another one. Knows neither
//! limits nor turns.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_delivery::limit::Place;
use tokio::sync::oneshot;

use super::{DeliveryId, Entry, Line, Slot, Why};
use crate::cache::ObjectKey;

pub(super) type Ticket = u64;

/// Tells whoever awaits a [`Turn`](super::Turn).
pub(super) type Caller = oneshot::Sender<Result<Slot, Why>>;

pub(super) struct Delivery {
    pub(super) id: DeliveryId,
    pub(super) line: Arc<Line>,
    pub(super) context: Arc<str>,
    order: (u64, u32),
    /// How long it was held before it came into its line this time.
    pub(super) held_before: Duration,
    /// Since when it waits, on and off.
    since: Instant,
    stand: Stand,
    /// Its event is gone: nothing remains when it is not under way any more.
    orphaned: bool,
}

enum Stand {
    /// In line, without a caller.
    InLine,
    Turn(Caller),
    UnderWay,
    Parked(Instant, Arc<ObjectKey>),
}

impl Delivery {
    pub(super) fn place(&self, not_before: Option<Instant>) -> Place {
        Place {
            namespace: Arc::clone(&self.id.namespace),
            context: Arc::clone(&self.context),
            order: self.order,
            not_before,
        }
    }

    /// The caller who awaits its turn.
    pub(super) fn caller(self) -> Option<Caller> {
        match self.stand {
            Stand::Turn(caller) => Some(caller),
            _ => None,
        }
    }

    pub(super) fn is_parked(&self) -> bool {
        matches!(self.stand, Stand::Parked(..))
    }
}

/// One handler of an event.
struct Handler {
    name: Arc<str>,
    /// Since when it waits on and off, if it was ever stored as waiting: kept between two attempts.
    since: Option<Instant>,
    ticket: Option<Ticket>,
}

#[derive(Default)]
pub(super) struct Register {
    deliveries: HashMap<Ticket, Delivery>,
    /// By the UID of the event.
    events: HashMap<Arc<str>, Vec<Handler>>,
    parked: HashMap<Arc<ObjectKey>, BTreeSet<Ticket>>,
    /// All that are not under way.
    ages: BTreeSet<(Instant, Ticket)>,
    last: Ticket,
}

impl Register {
    pub(super) fn get(&self, ticket: Ticket) -> Option<&Delivery> {
        self.deliveries.get(&ticket)
    }

    pub(super) fn ticket(&self, id: &DeliveryId) -> Option<Ticket> {
        self.events.get(&id.uid)?.iter().find(|handler| handler.name == id.handler)?.ticket
    }

    /// Enters a delivery that is not known, with the caller who awaits its turn, if there is one.
    pub(super) fn enter(&mut self, entry: Entry, line: Arc<Line>, caller: Option<Caller>, now: Instant) -> Ticket {
        let Entry { id, context, order, held_before, .. } = entry;
        self.last += 1;
        let ticket = self.last;
        // Most events have one handler that waits.
        let handlers = self.events.entry(Arc::clone(&id.uid)).or_insert_with(|| Vec::with_capacity(1));
        let known = handlers.iter_mut().find(|handler| handler.name == id.handler);
        let before = known.as_ref().and_then(|handler| handler.since);
        let since = before.unwrap_or(now);
        // A first attempt that gets its turn soon has not waited in the eyes of anybody.
        let remembered = before.or_else(|| caller.is_none().then_some(now));
        if let Some(handler) = known {
            (handler.since, handler.ticket) = (remembered, Some(ticket));
        } else {
            let name = Arc::clone(&id.handler);
            handlers.push(Handler { name, since: remembered, ticket: Some(ticket) });
        }
        self.ages.insert((since, ticket));
        let stand = caller.map_or(Stand::InLine, Stand::Turn);
        let delivery = Delivery { id, line, context, order, held_before, since, stand, orphaned: false };
        self.deliveries.insert(ticket, delivery);
        ticket
    }

    /// It is under way from now on. Gives the caller who awaits that.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Caller> {
        let delivery = self.deliveries.get_mut(&ticket)?;
        self.ages.remove(&(delivery.since, ticket));
        match std::mem::replace(&mut delivery.stand, Stand::UnderWay) {
            Stand::Turn(caller) => Some(caller),
            _ => None,
        }
    }

    /// It is not under way any more. Since when it waits is kept for the next attempt.
    pub(super) fn end(&mut self, ticket: Ticket) {
        let Some(delivery) = self.deliveries.remove(&ticket) else { return };
        self.release(&delivery, !delivery.orphaned);
    }

    /// Forgets one that waits. None if it is under way or not known.
    pub(super) fn forget(&mut self, ticket: Ticket) -> Option<Delivery> {
        if matches!(self.deliveries.get(&ticket)?.stand, Stand::UnderWay) {
            return None;
        }
        let delivery = self.deliveries.remove(&ticket)?;
        self.ages.remove(&(delivery.since, ticket));
        if let Stand::Parked(_, context) = &delivery.stand
            && let Some(parked) = self.parked.get_mut(context)
        {
            parked.remove(&ticket);
            if parked.is_empty() {
                self.parked.remove(context);
            }
        }
        self.release(&delivery, false);
        Some(delivery)
    }

    /// Whether somebody holds a [`Turn`](super::Turn) of it.
    pub(super) fn has_caller(&self, ticket: Ticket) -> bool {
        self.deliveries.get(&ticket).is_some_and(|delivery| matches!(delivery.stand, Stand::Turn(_)))
    }

    /// One that was under way stays out of line for as long as its context is suspended. If its event is gone, it is
    /// forgotten.
    pub(super) fn park(&mut self, ticket: Ticket, context: &ObjectKey, held: Duration, now: Instant) {
        let Some(delivery) = self.deliveries.get_mut(&ticket) else { return };
        if delivery.orphaned {
            return self.end(ticket);
        }
        let known = self.parked.get_key_value(context).map(|(context, _)| Arc::clone(context));
        let context = known.unwrap_or_else(|| Arc::new(context.clone()));
        delivery.held_before = held;
        delivery.stand = Stand::Parked(now, Arc::clone(&context));
        self.ages.insert((delivery.since, ticket));
        self.parked.entry(context).or_default().insert(ticket);
    }

    /// One that was under way stands in line again. False, and nothing changes, if its event is gone.
    pub(super) fn put_back(&mut self, ticket: Ticket, held: Duration) -> bool {
        let Some(delivery) = self.deliveries.get_mut(&ticket).filter(|delivery| !delivery.orphaned) else {
            return false;
        };
        delivery.held_before = held;
        delivery.stand = Stand::InLine;
        self.ages.insert((delivery.since, ticket));
        true
    }

    /// The line of a delivery that waits, and for how long it has been held up, but for the time in that line.
    pub(super) fn held(&self, ticket: Ticket, now: Instant) -> Option<(Arc<Line>, Duration)> {
        let delivery = self.deliveries.get(&ticket)?;
        let held = match delivery.stand {
            Stand::UnderWay => return None,
            Stand::Parked(since, _) => now.saturating_duration_since(since),
            Stand::InLine | Stand::Turn(_) => Duration::ZERO,
        };
        Some((Arc::clone(&delivery.line), delivery.held_before + held))
    }

    pub(super) fn has_parked(&self, context: &ObjectKey) -> bool {
        self.parked.contains_key(context)
    }

    /// Those of a context that are parked come back; the caller puts them in line.
    pub(super) fn unpark(&mut self, context: &ObjectKey, now: Instant) -> BTreeSet<Ticket> {
        let tickets = self.parked.remove(context).unwrap_or_default();
        for ticket in &tickets {
            let Some(delivery) = self.deliveries.get_mut(ticket) else { continue };
            if let Stand::Parked(since, _) = std::mem::replace(&mut delivery.stand, Stand::InLine) {
                delivery.held_before += now.saturating_duration_since(since);
            }
        }
        tickets
    }

    /// The tickets of an event's deliveries that nobody has in his hands and that `keep` does not name; what is
    /// remembered of others that it does not name is forgotten.
    pub(super) fn unnamed(&mut self, uid: &str, keep: impl Fn(&str) -> bool) -> Vec<Ticket> {
        let Some(handlers) = self.events.get_mut(uid) else { return Vec::new() };
        handlers.retain(|handler| handler.ticket.is_some() || keep(&handler.name));
        let tickets: Vec<_> =
            handlers.iter().filter(|handler| !keep(&handler.name)).filter_map(|handler| handler.ticket).collect();
        if handlers.is_empty() {
            self.events.remove(uid);
        }
        let in_no_hands = |ticket: &Ticket| {
            let delivery = self.deliveries.get(ticket);
            delivery.is_some_and(|delivery| matches!(delivery.stand, Stand::InLine | Stand::Parked(..)))
        };
        tickets.into_iter().filter(in_no_hands).collect()
    }

    /// Nothing of an event's deliveries is to remain when those that somebody has in his hands are over.
    pub(super) fn orphan(&mut self, uid: &str) {
        for ticket in self.events.get(uid).into_iter().flatten().filter_map(|handler| handler.ticket) {
            if let Some(delivery) = self.deliveries.get_mut(&ticket) {
                delivery.orphaned = true;
            }
        }
    }

    /// How many are not under way.
    pub(super) fn waiting(&self) -> usize {
        self.ages.len()
    }

    /// Since when the one waits that has waited longest.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.ages.first().map(|(since, _)| *since)
    }

    fn release(&mut self, delivery: &Delivery, remember: bool) {
        let Some(handlers) = self.events.get_mut(&delivery.id.uid) else { return };
        for handler in handlers.iter_mut().filter(|handler| handler.name == delivery.id.handler) {
            handler.ticket = None;
        }
        handlers.retain(|handler| {
            handler.ticket.is_some() || (remember && handler.since.is_some()) || handler.name != delivery.id.handler
        });
        if handlers.is_empty() {
            self.events.remove(&delivery.id.uid);
        }
    }

    /// Whether nothing is known of any delivery.
    #[cfg(test)]
    pub(super) fn is_blank(&self) -> bool {
        self.deliveries.is_empty() && self.events.is_empty() && self.parked.is_empty() && self.ages.is_empty()
    }
}
