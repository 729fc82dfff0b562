//! Which effects in a context's ledger need not stay there: those whose acknowledgement is visible in the caches.
//!
//! Whoever writes down how a handler ended says so at once. But a process forgets at a crash what it has acknowledged, and
//! an event that is deleted while it runs is never written down. Without this the ledger of a context would fill up with
//! effects of objects that are finished or gone. It is asked at first sight of a context, and when the ledger has doubled:
//! looking at all that is unfinished must not be the price of every event.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use cicdcontext_crds::{CicdContext, CicdEventStatus};
use cicdcontext_engine::{
    event::effects_of,
    state::{
        Effect, Ledger, LedgerState,
        ledger::{EffectHash, effect_hash},
    },
};

use super::Operator;
use crate::cache::{ObjectKey, Stored};

/// How many effects were left when the ledger of each context was looked through last.
#[derive(Debug, Default)]
pub struct Looks(Mutex<HashMap<ObjectKey, (String, usize)>>);

/// So many effects in a ledger are nothing to look through it for.
const FEW: usize = 32;

impl Looks {
    /// Whether a ledger with so many effects is to be looked through.
    fn is_due(&self, key: &ObjectKey, uid: &str, effects: usize) -> bool {
        match self.lock().get(key) {
            Some((known, left)) if known == uid => effects >= 2 * left.max(&FEW),
            _ => true,
        }
    }

    fn note(&self, key: &ObjectKey, uid: &str, left: usize) {
        self.lock().insert(key.clone(), (uid.to_owned(), left));
    }

    /// The context is gone.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, (String, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Effects in the ledger of `context`, as it is after a run, that `status` says the end of: they may go once it is written.
pub fn ended(context: &Stored<CicdContext>, event_uid: &str, status: &CicdEventStatus) -> Vec<EffectHash> {
    let LedgerState::Ours(ledger) = Ledger::of(context.metadata.annotations.as_ref(), context.uid()) else {
        return Vec::new();
    };
    if ledger.done().is_empty() {
        return Vec::new();
    }
    let handlers = status.handlers.iter().filter(|one| one.phase.is_final());
    let ended = handlers.map(|one| effect_hash(Effect::Handler { event_uid, handler: &one.name }));
    let ended: HashSet<EffectHash> = ended.chain([effect_hash(Effect::Set { event_uid })]).collect();
    ledger.done().iter().filter(|effect| ended.contains(*effect)).cloned().collect()
}

/// Effects in the ledger of `context` that belong to no state write that is still there and to no event that is not
/// finished. None where that cannot be told, since the configuration is not ready.
///
/// The caches may be trusted with it: what they hold at the start is complete, and an effect is entered later only for
/// an object that they hold.
pub async fn acknowledged(operator: &Operator, key: &ObjectKey, context: &Stored<CicdContext>) -> Vec<EffectHash> {
    let LedgerState::Ours(ledger) = Ledger::of(context.metadata.annotations.as_ref(), context.uid()) else {
        return Vec::new();
    };
    let effects = ledger.done().len();
    if effects == 0 || !operator.looks.is_due(key, context.uid(), effects) {
        return Vec::new();
    }
    let mut needed: HashSet<EffectHash> = operator
        .state_writes_of(key)
        .iter()
        .map(|write| effect_hash(Effect::StateWrite { name: write.name(), uid: write.uid() }))
        .collect();
    let unfinished: Vec<_> = operator
        .unfinished_events_of(key)
        .into_iter()
        .filter_map(|event| event.spec().ok().map(|spec| (event, spec)))
        .collect();
    // Only events that have not begun need the configuration to tell.
    let mut program = None;
    if unfinished.iter().any(|(event, _)| event.status_or_default().handlers.is_empty()) {
        let Ok(spec) = context.spec() else { return Vec::new() };
        let Ok(found) = operator.configured(context, &spec).await else { return Vec::new() };
        program = Some(found);
    }
    for (event, spec) in &unfinished {
        let effects = effects_of(spec, event.uid(), &event.status_or_default(), program.as_deref());
        let Some(effects) = effects else { return Vec::new() };
        needed.extend(effects);
    }
    let over: Vec<EffectHash> = ledger.done().iter().filter(|effect| !needed.contains(*effect)).cloned().collect();
    operator.looks.note(key, context.uid(), effects - over.len());
    over
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_looked_through_at_first_sight_and_when_it_has_doubled() {
        let (looks, key) = (Looks::default(), ObjectKey::new("shop", "stage"));
        assert!(looks.is_due(&key, "u", 1));
        looks.note(&key, "u", 1);
        assert!(!looks.is_due(&key, "u", 63));
        assert!(looks.is_due(&key, "u", 64));
        looks.note(&key, "u", 60);
        assert!(!looks.is_due(&key, "u", 119));
        assert!(looks.is_due(&key, "u", 120));
        assert!(looks.is_due(&key, "another", 1), "another context of the same name");
    }

    #[test]
    fn only_what_has_ended_may_leave_the_ledger() {
        let hash = |handler| effect_hash(Effect::Handler { event_uid: "e", handler });
        let set = effect_hash(Effect::Set { event_uid: "e" });
        let done =
            [hash("log"), hash("tell"), set.clone(), effect_hash(Effect::Handler { event_uid: "f", handler: "log" })];
        let ledger = serde_json::json!({"uid": "u", "done": done});
        let annotations = serde_json::json!({"cicdcontext.io/applied": ledger.to_string()});
        let context: Stored<CicdContext> = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "c", "uid": "u", "annotations": annotations}, "spec": {},
        }))
        .unwrap();
        let status: CicdEventStatus = serde_json::from_value(serde_json::json!({"phase": "Retrying", "handlers": [
            {"name": "log", "phase": "Succeeded"}, {"name": "tell", "phase": "Waiting"},
        ]}))
        .unwrap();
        assert_eq!(ended(&context, "e", &status), [hash("log"), set]);
    }
}
