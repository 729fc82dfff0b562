//! Which effects in a context's ledger need not stay there: those whose acknowledgement is visible in the caches.
//!
//! A process forgets at a crash what it has acknowledged. Without this the ledger of a context would fill up with effects
//! of objects that are finished or gone.

use std::collections::HashSet;

use cicdcontext_crds::CicdContext;
use cicdcontext_engine::{
    event::effects_of,
    state::{
        Effect, Ledger, LedgerState,
        ledger::{EffectHash, effect_hash},
    },
};

use super::Operator;
use crate::cache::{ObjectKey, Stored};

/// Effects in the ledger of `context` that belong to no state write that is still there and to no event that is not
/// finished. None where that cannot be told, since the configuration is not ready.
///
/// The caches may be trusted with it: what they hold at the start is complete, and an effect is entered later only for
/// an object that they hold.
pub async fn acknowledged(operator: &Operator, key: &ObjectKey, context: &Stored<CicdContext>) -> Vec<EffectHash> {
    let LedgerState::Ours(ledger) = Ledger::of(context.metadata.annotations.as_ref(), context.uid()) else {
        return Vec::new();
    };
    if ledger.done().is_empty() {
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
    ledger.done().iter().filter(|effect| !needed.contains(*effect)).cloned().collect()
}
