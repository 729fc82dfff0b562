//! A room without its task, in an invented time.

use std::{cell::RefCell, collections::VecDeque};

use super::*;

pub(super) const HOUR: Duration = Duration::from_hours(1);

pub(super) struct Room {
    pub(super) waiting: Waiting,
    time: Arc<Mutex<Instant>>,
    released: RefCell<VecDeque<Released>>,
}

impl Room {
    pub(super) fn new() -> Self {
        let time = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&time);
        Self { waiting: Waiting::with_clock(move || *clock.lock().unwrap()), time, released: RefCell::default() }
    }

    pub(super) fn open(line: &Line, limits: Limits) -> Self {
        let room = Self::new();
        room.waiting.set_gate(line, Gate::Open(limits));
        room
    }

    pub(super) fn now(&self) -> Instant {
        *self.time.lock().unwrap()
    }

    pub(super) fn set_time(&self, time: Instant) {
        *self.time.lock().unwrap() = time;
    }

    pub(super) fn advance(&self, time: Duration) {
        self.set_time(self.now() + time);
    }

    /// Lets go what may go now, and says when to ask again.
    pub(super) fn let_go(&self) -> Option<Instant> {
        loop {
            match self.waiting.step() {
                Step::Go(departure) => {
                    self.waiting.let_go(departure, |released| self.released.borrow_mut().push_back(released));
                }
                Step::Again => {}
                Step::Until(due) => return due,
            }
        }
    }

    /// What was let go and nobody has taken.
    pub(super) fn released(&self) -> Option<Released> {
        self.released.borrow_mut().pop_front()
    }

    /// What is released next, at its time, within the hour.
    fn within_the_hour(&self) -> Option<Released> {
        let end = self.now() + HOUR;
        loop {
            let due = self.let_go();
            let released = self.released();
            if released.is_some() {
                return released;
            }
            let due = due.filter(|due| *due <= end);
            self.set_time(due.unwrap_or(end));
            due?;
        }
    }

    pub(super) fn next(&self) -> Released {
        self.within_the_hour().expect("nothing goes within the hour")
    }

    /// Nothing goes within an hour.
    pub(super) fn nothing(&self) -> bool {
        self.within_the_hour().is_none()
    }

    /// Nothing goes now.
    pub(super) fn nothing_now(&self) -> bool {
        self.let_go();
        self.released.borrow().is_empty()
    }

    /// Nothing is known of any delivery, and of no line whose gate nobody set.
    pub(super) fn is_blank(&self) -> bool {
        is_blank(&self.waiting)
    }
}

pub(super) fn is_blank(waiting: &Waiting) -> bool {
    let book = waiting.lock();
    book.register.is_blank() && book.lines.len() == 0
}
