//! Acknowledging: a state write that is in the state is deleted. The next patch does not wait for that.
//!
//! A process that ends before loses nothing: the ledger says of what is left that it was applied.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use cicdcontext_crds::CicdStateWrite;
use cicdcontext_engine::state::{
    Effect,
    ledger::{MAX_DONE, effect_hash},
};

use super::delete;
use crate::{
    cache::{ObjectKey, Stored},
    queue::Next,
    shared::Operator,
};

/// How many state writes of one context may be applied and not deleted yet: the ledger has to hold them all, and as many
/// that are deleted and leave it with the next patch.
const MOST: usize = MAX_DONE / 2;
/// A context that had to stop goes on when no more than so many are left: with fewer patches, each of which carries more,
/// the API server gets further.
const LOW: usize = MOST / 8;

/// State writes that are in the state and are to be deleted.
#[derive(Debug, Default)]
pub struct Applied(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// By their names.
    writes: HashMap<ObjectKey, Acknowledgement>,
    contexts: HashMap<ObjectKey, Pending>,
}

/// How it stands with one context.
#[derive(Debug, Default)]
struct Pending {
    count: usize,
    /// Whether something waits until there are fewer.
    stopped: bool,
}

#[derive(Clone, Debug)]
struct Acknowledgement {
    uid: String,
    context: ObjectKey,
}

impl Applied {
    /// Whether this very object is in the state already.
    pub fn has(&self, write: &Stored<CicdStateWrite>) -> bool {
        let all = self.lock();
        !all.writes.is_empty() && all.writes.get(&key_of(write)).is_some_and(|known| known.uid == write.uid())
    }

    /// How many more of this context may be applied now. Where that is none, the context is told when it is some again.
    pub(super) fn room(&self, context: &ObjectKey) -> usize {
        let mut all = self.lock();
        let Some(pending) = all.contexts.get_mut(context) else { return MOST };
        pending.stopped |= pending.count >= MOST;
        if pending.stopped { 0 } else { MOST - pending.count }
    }

    /// How many of this context are applied and not deleted yet.
    pub(super) fn count(&self, context: &ObjectKey) -> usize {
        self.lock().contexts.get(context).map_or(0, |pending| pending.count)
    }

    fn get(&self, key: &ObjectKey) -> Option<Acknowledgement> {
        self.lock().writes.get(key).cloned()
    }

    /// Gives the context that has to be told that there is room again, where another object of the name is gone by that.
    fn insert(&self, key: ObjectKey, known: Acknowledgement) -> Option<ObjectKey> {
        let mut all = self.lock();
        all.contexts.entry(known.context.clone()).or_default().count += 1;
        let former = all.writes.insert(key, known)?;
        all.one_less(&former.context).then_some(former.context)
    }

    /// Unless another object has the name by now. Gives whether the context has to be told that there is room again.
    fn remove(&self, key: &ObjectKey, uid: &str) -> bool {
        let mut all = self.lock();
        let Some(known) = all.writes.get(key).filter(|known| known.uid == uid).cloned() else { return false };
        all.writes.remove(key);
        all.one_less(&known.context)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn one_less(&mut self, context: &ObjectKey) -> bool {
        let Some(pending) = self.contexts.get_mut(context) else { return false };
        pending.count -= 1;
        let goes_on = pending.stopped && pending.count <= LOW;
        pending.stopped &= !goes_on;
        if pending.count == 0 {
            self.contexts.remove(context);
        }
        goes_on
    }
}

/// This state write is in the state of the context: it is to be deleted soon.
pub(super) fn begin(operator: &Operator, context: &ObjectKey, write: &Stored<CicdStateWrite>) {
    let key = key_of(write);
    let known = Acknowledgement { uid: write.uid().to_owned(), context: context.clone() };
    if let Some(other) = operator.applied.insert(key.clone(), known) {
        operator.queues.state_writes.add(other);
    }
    operator.queues.acknowledgements.add(key);
}

/// Deletes the state write `key`. Only then may its effect leave the ledger.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let Some(Acknowledgement { uid, context }) = operator.applied.get(key) else { return Next::Await };
    if let Err(error) = delete(operator, key, &uid).await {
        tracing::warn!(namespace = key.namespace, write = key.name, %error, "delete an applied state write; it is tried again");
        return Next::Retry;
    }
    let effect = effect_hash(Effect::StateWrite { name: &key.name, uid: &uid });
    operator.writers.retire(&context, [effect]);
    if operator.applied.remove(key, &uid) {
        operator.queues.state_writes.add(context);
    }
    Next::Await
}

fn key_of(write: &Stored<CicdStateWrite>) -> ObjectKey {
    ObjectKey::new(write.namespace(), write.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(uid: &str) -> Stored<CicdStateWrite> {
        serde_json::from_str(&format!(r#"{{"metadata":{{"namespace":"a","name":"w","uid":"{uid}"}},"spec":{{}}}}"#))
            .unwrap()
    }

    #[test]
    fn another_object_of_the_name_of_one_that_was_applied_is_not_applied() {
        let applied = Applied::default();
        let known = Acknowledgement { uid: "1".into(), context: ObjectKey::new("a", "shop") };
        applied.insert(key_of(&write("1")), known.clone());
        assert!(applied.has(&write("1")) && !applied.has(&write("2")));
        applied.insert(key_of(&write("2")), Acknowledgement { uid: "2".into(), ..known });
        applied.remove(&key_of(&write("1")), "1");
        assert!(applied.has(&write("2")), "the end of the first says nothing of the second");
        applied.remove(&key_of(&write("2")), "2");
        assert!(!applied.has(&write("2")));
        assert_eq!(applied.room(&ObjectKey::new("a", "shop")), MOST, "nothing is left of either");
    }

    #[test]
    fn a_context_that_stopped_is_told_too_when_the_name_of_its_last_write_goes_to_another_context() {
        let (applied, stopped, other) = (Applied::default(), ObjectKey::new("a", "shop"), ObjectKey::new("a", "other"));
        let key = |number: usize| ObjectKey::new("a", number.to_string());
        let of = |uid: &str, context: &ObjectKey| Acknowledgement { uid: uid.into(), context: context.clone() };
        for number in 0..MOST {
            assert_eq!(applied.insert(key(number), of("1", &stopped)), None);
        }
        assert_eq!(applied.room(&stopped), 0);
        for number in 0..MOST - LOW - 1 {
            assert!(!applied.remove(&key(number), "1"));
        }
        assert_eq!(applied.insert(key(MOST - 1), of("2", &other)), Some(stopped.clone()));
        assert_eq!((applied.room(&stopped), applied.room(&other)), (MOST - LOW, MOST - 1));
    }

    #[test]
    fn a_context_that_stopped_is_told_once_when_most_of_its_writes_are_gone() {
        let (applied, context) = (Applied::default(), ObjectKey::new("a", "shop"));
        let key = |number: usize| ObjectKey::new("a", number.to_string());
        for number in 0..MOST {
            assert_eq!(applied.room(&context), MOST - number);
            applied.insert(key(number), Acknowledgement { uid: "1".into(), context: context.clone() });
        }
        assert_eq!(applied.room(&context), 0);
        let told: Vec<usize> = (0..MOST).filter(|number| applied.remove(&key(*number), "1")).collect();
        assert_eq!(told, [MOST - LOW - 1]);
        assert_eq!(applied.room(&context), MOST);
        assert!(applied.room(&ObjectKey::new("a", "other")) == MOST, "each context by itself");
    }
}
