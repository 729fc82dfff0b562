//! What one patch of a context has to contain, decided without any I/O.

use std::collections::BTreeMap;

use cicdcontext_crds::{CicdStateWriteSpec, vocabulary::reason};
use cicdcontext_engine::state::{
    ChangeSet, Draft, KnownEvent, Ledger, LedgerState, Schema, ledger::EffectHash, patch, schema::Guard,
};
use json_patch::{PatchOperation, jsonptr::PointerBuf};
use serde_json::{Map, Value};

/// What somebody wants written into a context.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Changes of the state, once: the effect's hash goes into the ledger with them.
    Change {
        /// The effect.
        effect: EffectHash,
        /// The changes, all or none.
        set: ChangeSet,
    },
    /// A CicdStateWrite: as a change, and its name and content are remembered, so that a retried create of one that was
    /// applied is not applied again.
    StateWrite {
        /// The effect.
        effect: EffectHash,
        /// Its name.
        name: String,
        /// Its spec.
        spec: Box<CicdStateWriteSpec>,
        /// Its changes and preconditions, all or none.
        set: ChangeSet,
    },
    /// Take event annotations away whose events exist, and remember those events.
    Intake(Vec<Taken>),
    /// Remember events, by name and UID, that are about to be deleted.
    Remember(Vec<(String, String)>),
    /// Take event annotations away that belong to the context's former life.
    Discard(Vec<(String, String)>),
}

/// An event annotation whose event exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The annotation's key.
    pub key: String,
    /// Its value. If it has another one meanwhile, it stays.
    pub value: String,
    /// Name of the CicdEvent.
    pub event_name: String,
    /// Its UID; `None` if it is known from the ledger only.
    pub event_uid: Option<String>,
}

/// A context as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Base<'a> {
    /// Its UID.
    pub uid: &'a str,
    /// Its resourceVersion.
    pub resource_version: &'a str,
    /// `metadata.annotations`, `None` only if the object has no such member.
    pub annotations: Option<&'a BTreeMap<String, String>>,
    /// `spec.state`, or why it cannot be read.
    pub state: Result<Option<&'a Map<String, Value>>, &'a str>,
    /// What changes of the state must not break. `None` if there is no schema, or one that cannot be used.
    pub schema: Option<&'a Schema>,
}

/// A patch, and what it means for each intent.
#[derive(Debug)]
pub struct Plan {
    /// The operations; none if nothing needs to be written.
    pub operations: Vec<PatchOperation>,
    /// For each intent, in order, the paths that it writes or why it is refused.
    pub results: Vec<Result<Vec<String>, Unwritten>>,
}

/// Why an intent is not part of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// It cannot be made.
    Refused {
        /// One of `vocabulary::reason`.
        reason: &'static str,
        /// Why.
        message: String,
    },
    /// It has to wait until effects in the ledger are acknowledged.
    LedgerFull,
}

/// Decides. `retired` are effects whose acknowledgement is confirmed; they leave the ledger if it is written anyway.
pub fn plan(base: Base<'_>, intents: &[Intent], retired: &[EffectHash], epoch: u64) -> Plan {
    let mut ledger = match Ledger::of(base.annotations, base.uid) {
        LedgerState::Ours(ledger) => ledger,
        LedgerState::Absent | LedgerState::Foreign(_) | LedgerState::Malformed => Ledger::new(base.uid, epoch),
    };
    for effect in retired {
        ledger.retire(effect);
    }
    let mut draft = Draft::new(base.state.unwrap_or_default());
    let mut guard = Guard::new(base.schema, base.state.unwrap_or_default());
    let mut removals = Vec::new();
    let mut write_ledger = false;
    let mut results = Vec::with_capacity(intents.len());
    for intent in intents {
        results.push(match intent {
            Intent::Change { effect, .. } if ledger.is_done(effect) => Ok(Vec::new()),
            Intent::Change { effect, set } => {
                let result = change(base, &mut draft, &mut guard, &mut ledger, effect, set);
                write_ledger |= result.as_ref().is_ok_and(|paths| !paths.is_empty());
                result
            }
            Intent::StateWrite { effect, name, spec, .. }
                if ledger.is_done(effect) || ledger.knows_write(name, spec) =>
            {
                Ok(Vec::new())
            }
            Intent::StateWrite { effect, name, spec, set } => {
                let result = change(base, &mut draft, &mut guard, &mut ledger, effect, set);
                if result.is_ok() {
                    ledger.enter_write(name, spec);
                    write_ledger = true;
                }
                result
            }
            Intent::Intake(taken) => {
                for annotation in taken {
                    if let Some(uid) = &annotation.event_uid {
                        ledger.enter_event(&annotation.event_name, uid);
                        write_ledger = true;
                    }
                    removals.extend(take(base, &annotation.key, &annotation.value));
                }
                Ok(Vec::new())
            }
            Intent::Remember(events) => {
                for (name, uid) in events {
                    // What a crash left undone is remembered already.
                    if ledger.knows_event(name, uid) != Some(KnownEvent::ThisUid) {
                        ledger.enter_event(name, uid);
                        write_ledger = true;
                    }
                }
                Ok(Vec::new())
            }
            Intent::Discard(annotations) => {
                write_ledger = true;
                for (key, value) in annotations {
                    removals.extend(take(base, key, value));
                }
                Ok(Vec::new())
            }
        });
    }
    let (_, changes, needs_resource_version) = draft.finish();
    let mut operations = Vec::new();
    if write_ledger || !removals.is_empty() || !changes.is_empty() {
        operations.push(patch::test(PointerBuf::from_tokens(["metadata", "uid"]), Value::from(base.uid)));
        if needs_resource_version {
            operations.push(patch::test_resource_version(base.resource_version));
        }
        ledger.set_epoch(epoch);
        operations.extend(ledger.patch(base.annotations));
        operations.extend(removals);
        operations.extend(changes);
    }
    Plan { operations, results }
}

fn change(
    base: Base<'_>,
    draft: &mut Draft<'_>,
    guard: &mut Guard<'_>,
    ledger: &mut Ledger,
    effect: &EffectHash,
    set: &ChangeSet,
) -> Result<Vec<String>, Unwritten> {
    if let Err(problem) = base.state {
        return Err(Unwritten::Refused { reason: reason::CHANGE_REFUSED, message: problem.to_owned() });
    }
    if ledger.room() == 0 {
        return Err(Unwritten::LedgerFull);
    }
    let made = draft.apply_checked(set, |state| guard.check(state));
    let paths =
        made.map_err(|refusal| Unwritten::Refused { reason: refusal.reason(), message: refusal.to_string() })?;
    if !paths.is_empty() {
        ledger.enter(effect.clone()).map_err(|_full| Unwritten::LedgerFull)?;
    }
    Ok(paths)
}

/// Takes an annotation away if it still has this value.
fn take(base: Base<'_>, key: &str, value: &str) -> Vec<PatchOperation> {
    let there = base.annotations.and_then(|annotations| annotations.get(key)).is_some_and(|now| now == value);
    if there { patch::take_annotation(key, value).to_vec() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use cicdcontext_crds::vocabulary::annotation::APPLIED;
    use cicdcontext_engine::state::{Effect, Path, PlainChange, ledger::effect_hash};
    use serde_json::json;

    use super::*;

    fn change(event: &str, path: &str, value: Value) -> Intent {
        let change = PlainChange::set(Path::parse(path).unwrap(), value);
        Intent::Change {
            effect: effect_hash(Effect::Handler { event_uid: event, handler: "h" }),
            set: ChangeSet { changes: vec![change], ..ChangeSet::default() },
        }
    }

    fn texts(plan: &Plan) -> String {
        serde_json::to_string(&plan.operations).unwrap()
    }

    #[test]
    fn changes_and_annotations_go_into_one_patch_with_one_ledger() {
        let annotations = BTreeMap::from([("event.cicdcontext.io/1".to_owned(), "build=success".to_owned())]);
        let state = json!({"a": 1});
        let base = Base {
            uid: "u",
            resource_version: "5",
            annotations: Some(&annotations),
            state: Ok(state.as_object()),
            schema: None,
        };
        let taken = Taken {
            key: "event.cicdcontext.io/1".into(),
            value: "build=success".into(),
            event_name: "shop-1".into(),
            event_uid: Some("e1".into()),
        };
        let plan = plan(base, &[change("e0", "state.b", json!(2)), Intent::Intake(vec![taken])], &[], 0);
        assert_eq!(plan.results, [Ok(vec!["state.b".to_owned()]), Ok(Vec::new())]);
        let text = texts(&plan);
        assert_eq!(text.matches(&format!("cicdcontext.io~1{}", "applied")).count(), 2, "one test, one write: {text}");
        assert!(text.contains(r#"{"op":"remove","path":"/metadata/annotations/event.cicdcontext.io~11"}"#), "{text}");
        assert!(text.contains(r#"{"op":"test","path":"/metadata/uid","value":"u"}"#), "{text}");
        assert!(!text.contains("resourceVersion"), "{text}");
    }

    #[test]
    fn an_effect_in_the_ledger_is_not_applied_again() {
        let mut ledger = Ledger::new("u", 0);
        ledger.enter(effect_hash(Effect::Handler { event_uid: "e0", handler: "h" })).unwrap();
        let annotations = BTreeMap::from([(APPLIED.to_owned(), ledger.to_annotation())]);
        let base =
            Base { uid: "u", resource_version: "5", annotations: Some(&annotations), state: Ok(None), schema: None };
        let plan = plan(base, &[change("e0", "state.b", json!(2))], &[], 0);
        assert_eq!(plan.results, [Ok(Vec::new())]);
        assert!(plan.operations.is_empty());
    }

    #[test]
    fn an_event_that_goes_is_remembered_once() {
        let going = Intent::Remember(vec![("e".into(), "e1".into())]);
        let base = Base { uid: "u", resource_version: "5", annotations: None, state: Ok(None), schema: None };
        let first = plan(base, std::slice::from_ref(&going), &[], 0);
        let mut expected = Ledger::new("u", 0);
        expected.enter_event("e", "e1");
        let written = json!({ APPLIED: expected.to_annotation() });
        assert!(texts(&first).contains(&written.to_string()), "{}", texts(&first));
        assert!(!texts(&first).contains("/spec"), "{}", texts(&first));
        let annotations = BTreeMap::from([(APPLIED.to_owned(), expected.to_annotation())]);
        let again = plan(Base { annotations: Some(&annotations), ..base }, &[going], &[], 0);
        assert_eq!((again.operations.len(), again.results), (0, vec![Ok(Vec::new())]));
    }

    #[test]
    fn a_refused_change_harms_no_other() {
        let state = json!({"a": 1});
        let base =
            Base { uid: "u", resource_version: "5", annotations: None, state: Ok(state.as_object()), schema: None };
        let plan = plan(base, &[change("e0", "state.a.b", json!(1)), change("e1", "state.c", json!(1))], &[], 0);
        assert!(plan.results[0].is_err());
        assert_eq!(plan.results[1], Ok(vec!["state.c".to_owned()]));
    }

    #[test]
    fn a_change_that_breaks_the_schema_is_refused_and_harms_no_other() {
        let schema = json!({"properties": {"a": {"type": "integer"}}, "maxProperties": 2});
        let schema = Schema::compile(schema.as_object().unwrap()).unwrap();
        let base = Base { uid: "u", resource_version: "5", annotations: None, state: Ok(None), schema: Some(&schema) };
        let intents = [
            change("e0", "state.a", json!("x")),
            change("e1", "state.b", json!(1)),
            change("e2", "state.a", json!(2)),
            change("e3", "state.c", json!(3)),
        ];
        let plan = plan(base, &intents, &[], 0);
        let refused = |message: &str| {
            let message = format!("keep state within its schema: {message}");
            Err(Unwritten::Refused { reason: "SchemaViolated", message })
        };
        assert_eq!(
            plan.results,
            [
                refused("state.a is \"x\" and must be of type integer"),
                Ok(vec!["state.b".to_owned()]),
                Ok(vec!["state.a".to_owned()]),
                refused("state is {\"b\":1,\"a\":2,\"c\":3} and must have at most 2 keys"),
            ]
        );
        assert!(!texts(&plan).contains("\"x\""), "{}", texts(&plan));
    }

    #[test]
    fn a_confirmed_effect_leaves_the_ledger_with_the_next_patch_and_causes_none_itself() {
        let old = effect_hash(Effect::Handler { event_uid: "e0", handler: "h" });
        let mut ledger = Ledger::new("u", 0);
        ledger.enter(old.clone()).unwrap();
        let annotations = BTreeMap::from([(APPLIED.to_owned(), ledger.to_annotation())]);
        let base =
            Base { uid: "u", resource_version: "5", annotations: Some(&annotations), state: Ok(None), schema: None };
        assert!(plan(base, &[], std::slice::from_ref(&old), 0).operations.is_empty());
        let next = plan(base, &[change("e1", "state.b", json!(2))], std::slice::from_ref(&old), 0);
        let written = serde_json::to_value(&next.operations).unwrap();
        let ledger = written.as_array().unwrap().iter().find(|operation| operation["op"] == "add").unwrap();
        assert!(!ledger["value"].as_str().unwrap().contains(&old.to_string()), "{ledger}");
    }
}
