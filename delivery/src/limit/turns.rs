//! Lanes that are served in turn, each by its own order: whoever has many in its lane does not delay who has few.
//! Every operation takes logarithmic time. Knows nothing of deliveries.

use std::collections::{BTreeMap, BTreeSet};

/// Something that things are taken from, one after another.
pub(super) trait Lane: Default {
    type Item;

    /// The next one.
    fn take(&mut self) -> Option<Self::Item>;

    fn is_empty(&self) -> bool;
}

/// In the order of the first part.
impl<Order: Ord, Item: Ord> Lane for BTreeSet<(Order, Item)> {
    type Item = Item;

    fn take(&mut self) -> Option<Item> {
        self.pop_first().map(|(_, item)| item)
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// Lanes by name; the one that was served goes to the end of the line, and an empty one leaves it.
pub(super) struct Turns<Name, L> {
    lanes: BTreeMap<Name, (u64, L)>,
    line: BTreeMap<u64, Name>,
    next: u64,
}

impl<Name, L> Default for Turns<Name, L> {
    fn default() -> Self {
        Self { lanes: BTreeMap::new(), line: BTreeMap::new(), next: 0 }
    }
}

impl<Name: Ord + Clone, L: Lane> Turns<Name, L> {
    /// Works on the lane called `name`, which is at the end of the line if it was empty.
    pub(super) fn with<T>(&mut self, name: &Name, work: impl FnOnce(&mut L) -> T) -> T {
        let (turn, mut lane) = self.lanes.remove(name).unwrap_or_else(|| (self.turn(), L::default()));
        let result = work(&mut lane);
        self.put(name.clone(), turn, lane);
        result
    }

    /// Takes the lane called `name` out.
    pub(super) fn remove(&mut self, name: &Name) -> Option<L> {
        let (turn, lane) = self.lanes.remove(name)?;
        self.line.remove(&turn);
        Some(lane)
    }

    fn turn(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn put(&mut self, name: Name, turn: u64, lane: L) {
        if lane.is_empty() {
            self.line.remove(&turn);
        } else {
            self.line.insert(turn, name.clone());
            self.lanes.insert(name, (turn, lane));
        }
    }
}

impl<Name: Ord + Clone, L: Lane> Lane for Turns<Name, L> {
    type Item = L::Item;

    fn take(&mut self) -> Option<L::Item> {
        let (_, name) = self.line.pop_first()?;
        let (_, mut lane) = self.lanes.remove(&name)?;
        let item = lane.take();
        let turn = self.turn();
        self.put(name, turn, lane);
        item
    }

    fn is_empty(&self) -> bool {
        self.line.is_empty()
    }
}
