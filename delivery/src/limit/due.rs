//! The deliveries that are due, by namespace and context: whose turn is it?
//!
//! A context of which a first attempt is under way has none other leave: two that left one right after the other could
//! overtake each other on their way. Knows no limits and no clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use super::{
    Place,
    turns::{Lane as _, Turns},
};

/// Namespace and name of a context.
type Context = (Arc<str>, Arc<str>);
/// The deliveries of a context in their order.
type InOrder<Id> = BTreeSet<((u64, u32), Id)>;

pub(super) struct Due<Id> {
    free: Turns<Arc<str>, Turns<Arc<str>, InOrder<Id>>>,
    /// Contexts that have none leave.
    held: BTreeMap<Context, InOrder<Id>>,
    /// Until when those are held of which nothing is under way.
    resting: BTreeSet<(Instant, Context)>,
}

impl<Id: Ord + Clone> Due<Id> {
    pub(super) fn new() -> Self {
        Self { free: Turns::default(), held: BTreeMap::new(), resting: BTreeSet::new() }
    }

    pub(super) fn insert(&mut self, place: &Place, id: Id) {
        let entry = (place.order, id);
        if let Some(held) = self.held.get_mut(&context(place)) {
            held.insert(entry);
            return;
        }
        self.free.with(&place.namespace, |contexts| contexts.with(&place.context, |due| due.insert(entry)));
    }

    pub(super) fn remove(&mut self, place: &Place, id: &Id) {
        let entry = (place.order, id.clone());
        if let Some(held) = self.held.get_mut(&context(place)) {
            held.remove(&entry);
            return;
        }
        self.free.with(&place.namespace, |contexts| contexts.with(&place.context, |due| due.remove(&entry)));
    }

    /// The next one that may leave.
    pub(super) fn take(&mut self) -> Option<Id> {
        self.free.take()
    }

    /// Whether none may leave.
    pub(super) fn is_empty(&self) -> bool {
        self.free.is_empty()
    }

    /// None of the context leaves until it is freed.
    pub(super) fn hold(&mut self, place: &Place) {
        let due = self.free.with(&place.namespace, |contexts| contexts.remove(&place.context));
        self.held.insert(context(place), due.unwrap_or_default());
    }

    /// All of a context that is held may leave.
    pub(super) fn free(&mut self, place: &Place) {
        self.let_go(&context(place));
    }

    /// A context that is held is freed at this time.
    pub(super) fn rest(&mut self, place: &Place, until: Instant) {
        self.resting.insert((until, context(place)));
    }

    /// When the next one of those is freed.
    pub(super) fn next(&self) -> Option<Instant> {
        self.resting.first().map(|(until, _)| *until)
    }

    /// Frees those whose time has come.
    pub(super) fn wake(&mut self, now: Instant) {
        while self.next().is_some_and(|until| until <= now) {
            if let Some((_, context)) = self.resting.pop_first() {
                self.let_go(&context);
            }
        }
    }

    fn let_go(&mut self, context: &Context) {
        let Some(mut held) = self.held.remove(context).filter(|held| !held.is_empty()) else { return };
        self.free.with(&context.0, |contexts| contexts.with(&context.1, |due| due.append(&mut held)));
    }
}

fn context(place: &Place) -> Context {
    (Arc::clone(&place.namespace), Arc::clone(&place.context))
}
