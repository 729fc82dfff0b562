//! The lines, each with its queue and its gate, found by when something is due in them.
//!
//! A line whose gate nobody set is forgotten when nothing is known of it any more. Knows deliveries by ticket only.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_delivery::limit::{Blocked, Limits, Queue};

use super::{Gate, Line, Why, register::Ticket};

/// So many lines in which nothing happens are remembered because their receiver was out of reach: origins come from
/// configuration, and anybody may make new ones.
pub(super) const MOST_IDLE: usize = 1_000;

pub(super) struct OneLine {
    pub(super) queue: Queue<Ticket>,
    /// Those whose callers await their turns.
    pub(super) callers: BTreeSet<Ticket>,
    closed: Option<Why>,
    /// Whether its gate is another one than that of a line that nobody set.
    gate_set: bool,
    due: Option<Instant>,
    /// Its place among those that may be forgotten.
    idle: Option<u64>,
}

#[derive(Default)]
pub(super) struct Lines {
    known: HashMap<Arc<Line>, OneLine>,
    due: BTreeSet<(Instant, Arc<Line>)>,
    idle: BTreeMap<u64, Arc<Line>>,
    idled: u64,
}

impl OneLine {
    fn new(line: &Line, now: Instant) -> Self {
        let mut queue = Queue::new(Limits::default());
        let closed = usually_closed(line);
        queue.set_open(closed.is_none(), now);
        Self { queue, callers: BTreeSet::new(), closed, gate_set: false, due: None, idle: None }
    }

    /// Why a delivery that comes now would not leave at once, besides those that are due before it.
    pub(super) fn why(&self, now: Instant) -> Option<Why> {
        if self.closed.is_some() {
            return self.closed;
        }
        if self.queue.backing_off() {
            return Some(Why::Unreachable);
        }
        self.queue.blocked_by(now).map(|blocked| match blocked {
            Blocked::Closed => Why::Suspended,
            Blocked::Unreached => Why::Unreachable,
            Blocked::Rate => Why::RateLimited,
            Blocked::Full => Why::Crowded,
        })
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}

/// Why a line that nobody set lets nothing leave.
fn usually_closed(line: &Line) -> Option<Why> {
    matches!(line, Line::Endpoint(_)).then_some(Why::Missing)
}

impl Lines {
    pub(super) fn get_mut(&mut self, line: &Line) -> Option<&mut OneLine> {
        self.known.get_mut(line)
    }

    /// A line, which is made if it is not known, and its name.
    pub(super) fn open(&mut self, line: &Line, now: Instant) -> (Arc<Line>, &mut OneLine) {
        let known = self.known.get_key_value(line).map(|(line, _)| Arc::clone(line));
        let line = known.unwrap_or_else(|| Arc::new(line.clone()));
        let one = self.known.entry(Arc::clone(&line)).or_insert_with(|| OneLine::new(&line, now));
        (line, one)
    }

    /// See [`OneLine::why`].
    pub(super) fn why(&self, line: &Line, now: Instant) -> Option<Why> {
        self.known.get(line).map_or_else(|| usually_closed(line), |one| one.why(now))
    }

    /// How long a delivery that waits in the line has been held up there.
    pub(super) fn held(&self, line: &Line, ticket: Ticket, now: Instant) -> Option<Duration> {
        self.known.get(line)?.queue.held(&ticket, now)
    }

    /// Why the gate is closed now, if it is. [`Self::settle`] the line afterwards.
    pub(super) fn set_gate(&mut self, line: &Line, gate: Gate, now: Instant) -> Option<Why> {
        let usual = match gate {
            Gate::Open(limits) => !matches!(line, Line::Endpoint(_)) && limits == Limits::default(),
            Gate::Suspended(_) => false,
            Gate::Missing => matches!(line, Line::Endpoint(_)),
        };
        if usual && !self.known.contains_key(line) {
            return usually_closed(line);
        }
        let (_, one) = self.open(line, now);
        one.gate_set = !usual;
        let (limits, closed) = match gate {
            Gate::Open(limits) => (Some(limits), None),
            Gate::Suspended(limits) => (Some(limits), Some(Why::Suspended)),
            Gate::Missing => (None, Some(Why::Missing)),
        };
        if let Some(limits) = limits {
            one.queue.set_limits(limits);
        } else {
            // What is not there is not out of reach either.
            one.queue.reach_anew(now);
        }
        one.queue.set_open(closed.is_none(), now);
        one.closed = closed;
        closed
    }

    /// Notes when a line is to be asked again (none: not before something changes in it), and whether it may be
    /// forgotten. To be called after each change in it.
    pub(super) fn settle(&mut self, line: &Arc<Line>, due: Option<Instant>, now: Instant) {
        let Some(one) = self.known.get_mut(line) else { return };
        if one.due != due {
            if let Some(due) = one.due {
                self.due.remove(&(due, Arc::clone(line)));
            }
            if let Some(due) = due {
                self.due.insert((due, Arc::clone(line)));
            }
            one.due = due;
        }
        if let Some(place) = one.idle.take() {
            self.idle.remove(&place);
        }
        if one.gate_set || one.queue.waiting() > 0 || one.queue.under_way() > 0 {
            return;
        }
        if one.queue.is_idle(now) {
            self.known.remove(line);
            return;
        }
        self.idled += 1;
        one.idle = Some(self.idled);
        self.idle.insert(self.idled, Arc::clone(line));
        if self.idle.len() > MOST_IDLE
            && let Some((_, line)) = self.idle.pop_first()
        {
            self.known.remove(&line);
        }
    }

    /// The line that is to be asked first, and when.
    pub(super) fn next(&self) -> Option<&(Instant, Arc<Line>)> {
        self.due.first()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}
