//! Which finished events of a context may go, decided without any I/O.
//!
//! Events stand in the order in which they finished, those that failed by themselves, and those with a time limit of
//! their own by when it ends, too. So a decision looks at what may go and at nothing else, however many there are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cicdcontext_crds::{
    CicdEvent, EventPhase, HandlerPhase, context::DEFAULT_EVENT_HISTORY_LIMIT, vocabulary::annotation::REDELIVER_PREFIX,
};
use jiff::{SignedDuration, Timestamp};

use crate::{cache::Stored, event::order::order};

/// How many finished events a context keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of those that succeeded or were skipped.
    pub succeeded: usize,
    /// Of those that failed.
    pub failed: usize,
}

impl Limits {
    /// What a context's spec says; `None` is the default.
    pub fn new(succeeded: Option<i32>, failed: Option<i32>) -> Self {
        let of = |limit: Option<i32>| usize::try_from(limit.unwrap_or(DEFAULT_EVENT_HISTORY_LIMIT)).unwrap_or(0);
        Self { succeeded: of(succeeded), failed: of(failed) }
    }
}

/// What holds for all events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long a finished event is kept whatever else is said.
    pub minimum_age: SignedDuration,
    /// How long the events of a context that is gone are kept.
    pub orphaned_age: SignedDuration,
}

/// By what the events of a context are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The context is there, with these limits.
    Kept(Limits),
    /// The context is gone.
    Orphaned,
}

/// A finished event that may go when its time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedEvent {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// The version that was judged.
    pub resource_version: String,
    /// When it finished.
    pub completed: Timestamp,
    /// Its place among those that finished in the same second.
    pub order: u64,
    /// Whether it failed.
    pub failed: bool,
    /// `spec.ttlSecondsAfterFinished`
    pub ttl: Option<SignedDuration>,
}

impl FinishedEvent {
    /// The event, unless there is still something to be done with it: it is unfinished, somebody asked for its
    /// redelivery, a delivery waits, or it is being deleted already.
    pub fn of(event: &Stored<CicdEvent>) -> Option<Self> {
        let status = event.status_or_default();
        let redelivery = |key: &String| key.starts_with(REDELIVER_PREFIX);
        if !status.phase.is_final()
            || event.metadata.deletion_timestamp.is_some()
            || event.metadata.annotations.iter().flat_map(BTreeMap::keys).any(redelivery)
            || status.handlers.iter().any(|one| matches!(one.phase, HandlerPhase::Waiting | HandlerPhase::Sending))
        {
            return None;
        }
        let creation = event.metadata.creation_timestamp.as_ref();
        let completed = status.completion_time.as_ref().or(creation)?.0;
        let ttl = event.spec().ok().and_then(|spec| spec.ttl_seconds_after_finished);
        Some(Self {
            name: event.name().to_owned(),
            uid: event.uid().to_owned(),
            resource_version: event.metadata.resource_version.clone()?,
            completed,
            order: order(event),
            failed: status.phase == EventPhase::Failed,
            ttl: ttl.map(SignedDuration::from_secs),
        })
    }

    fn place(&self) -> Place {
        (self.completed, self.order, self.name.clone())
    }

    /// When its own time limit ends.
    fn expiry(&self, rules: &Rules) -> Option<Timestamp> {
        Some(later(self.completed, self.ttl?.max(rules.minimum_age)))
    }
}

/// What is to be done now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What goes.
    pub delete: Vec<FinishedEvent>,
    /// When the next one is due, as far as that is known.
    pub again: Option<Timestamp>,
}

impl Decision {
    fn due(&mut self, at: Timestamp) {
        self.again = Some(self.again.map_or(at, |again| again.min(at)));
    }
}

/// When it finished, its order, its name.
type Place = (Timestamp, u64, String);

/// The finished events of one context, in order.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    succeeded: BTreeMap<Place, FinishedEvent>,
    failed: BTreeMap<Place, FinishedEvent>,
    /// Those with a time limit of their own, by its end; whether they failed.
    expiring: BTreeSet<(Timestamp, bool, Place)>,
    by_name: HashMap<String, (bool, Place)>,
}

impl Finished {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Takes an event in, in the place of one of its name.
    pub fn put(&mut self, event: FinishedEvent, rules: &Rules) {
        self.remove(&event.name, rules);
        let (failed, place) = (event.failed, event.place());
        if let Some(expiry) = event.expiry(rules) {
            self.expiring.insert((expiry, failed, place.clone()));
        }
        self.by_name.insert(event.name.clone(), (failed, place.clone()));
        self.shelf_mut(failed).insert(place, event);
    }

    /// Lets go of an event that is gone, or that may not go.
    pub fn remove(&mut self, name: &str, rules: &Rules) {
        let Some((failed, place)) = self.by_name.remove(name) else { return };
        let Some(event) = self.shelf_mut(failed).remove(&place) else { return };
        if let Some(expiry) = event.expiry(rules) {
            self.expiring.remove(&(expiry, failed, place));
        }
    }

    /// Decides what goes now, at most so many. One for which `is_held` stays, counts towards the limit, and has to be
    /// asked for again when that changes.
    pub fn decide(
        &self,
        now: Timestamp,
        standing: Standing,
        rules: &Rules,
        most: usize,
        mut is_held: impl FnMut(&FinishedEvent) -> bool,
    ) -> Decision {
        let mut decision = Decision::default();
        let mut chosen = HashSet::new();
        for (expiry, failed, place) in &self.expiring {
            if *expiry > now {
                decision.due(*expiry);
                break;
            }
            if chosen.len() == most {
                decision.due(now);
                break;
            }
            if let Some(event) = self.shelf(*failed).get(place)
                && !is_held(event)
            {
                chosen.insert(place);
                decision.delete.push(event.clone());
            }
        }
        for failed in [false, true] {
            let kind = self.shelf(failed);
            let (surplus, age) = match standing {
                Standing::Orphaned => (kind.len(), rules.orphaned_age.max(rules.minimum_age)),
                Standing::Kept(limits) => {
                    let limit = if failed { limits.failed } else { limits.succeeded };
                    let going = decision.delete.iter().filter(|event| event.failed == failed).count();
                    (kind.len().saturating_sub(going + limit), rules.minimum_age)
                }
            };
            for (_, event) in kind.iter().filter(|(place, _)| !chosen.contains(place)).take(surplus) {
                let due = later(event.completed, age);
                if due > now {
                    decision.due(due);
                    break;
                }
                if decision.delete.len() == most {
                    decision.due(now);
                    break;
                }
                if !is_held(event) {
                    decision.delete.push(event.clone());
                }
            }
        }
        decision
    }

    fn shelf(&self, failed: bool) -> &BTreeMap<Place, FinishedEvent> {
        if failed { &self.failed } else { &self.succeeded }
    }

    fn shelf_mut(&mut self, failed: bool) -> &mut BTreeMap<Place, FinishedEvent> {
        if failed { &mut self.failed } else { &mut self.succeeded }
    }
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
