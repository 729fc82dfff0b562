//! The ledger: which effects are already in a context's state, and which names ran before.
//!
//! A patch of the state and the deletion or status write that acknowledges it are two requests, and a crash may come
//! between them. So every patch of the state by the operator carries the ledger, an annotation of the same object, in
//! the same request. The ledger holds hashes only; it knows nothing of what an effect was.
//!
//! ```json
//! {"uid":"1b9d...","epoch":7,"done":["abcdefgh"],"names":["ijklmnop"],"ids":["qrstuvwxyz234567"]}
//! ```

use std::{collections::BTreeMap, fmt};

use cicdcontext_crds::{CicdStateWriteSpec, vocabulary::annotation::APPLIED};
use json_patch::PatchOperation;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::{fingerprint::fingerprint, patch};

/// Effects that may wait for their acknowledgement at one time.
pub const MAX_DONE: usize = 256;
/// State writes that are remembered by name and content.
pub const MAX_NAMES: usize = 128;
/// Events that are remembered by name and UID.
pub const MAX_IDS: usize = 128;
/// Bytes that the annotation's value never reaches.
pub const MAX_BYTES: usize = 8 * 1024;

/// Characters of a hash: 40 bits.
const HASH: usize = 8;
/// Longest UID that is taken for one; those of Kubernetes have 36 characters.
const MAX_UID: usize = 63;
/// An annotation longer than this is not read at all.
const MAX_READ_BYTES: usize = 8 * MAX_BYTES;

/// A change of state that must be made once, whatever crashes in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect<'a> {
    /// What one handler of an event writes, captures included.
    Handler {
        /// UID of the CicdEvent.
        event_uid: &'a str,
        /// Name of the handler.
        handler: &'a str,
    },
    /// What an event's `set` writes.
    Set {
        /// UID of the CicdEvent.
        event_uid: &'a str,
    },
    /// What a state write writes.
    StateWrite {
        /// Name of the CicdStateWrite.
        name: &'a str,
        /// Its UID.
        uid: &'a str,
    },
}

/// The hash by which the ledger knows an effect: 8 characters of base32.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectHash(String);

impl fmt::Display for EffectHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The hash of an effect.
pub fn effect_hash(effect: Effect<'_>) -> EffectHash {
    let parts: [&str; 3] = match effect {
        Effect::Handler { event_uid, handler } => ["handler", event_uid, handler],
        Effect::Set { event_uid } => ["set", event_uid, ""],
        Effect::StateWrite { name, uid } => ["write", name, uid],
    };
    EffectHash(fingerprint(&parts.map(str::as_bytes), HASH))
}

/// What the ledger knows of an event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownEvent {
    /// It is this very event.
    ThisUid,
    /// An event of this name, with another UID, ran before.
    AnotherUid,
}

/// The ledger of one context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    uid: String,
    #[serde(default)]
    epoch: u64,
    #[serde(default)]
    done: Vec<EffectHash>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    ids: Vec<String>,
}

/// What stands in a context's ledger annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerState {
    /// There is none.
    Absent,
    /// It is this context's.
    Ours(Ledger),
    /// It belongs to another context: this one was restored or copied.
    Foreign(Ledger),
    /// It is not a ledger.
    Malformed,
}

/// More effects than the ledger holds wait for their acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("enter an effect into the ledger: {MAX_DONE} effects wait to be acknowledged already; acknowledge some first")]
pub struct LedgerFull;

impl Ledger {
    /// An empty ledger of the context with this UID.
    pub fn new(context_uid: &str, epoch: u64) -> Self {
        Self { uid: context_uid.to_owned(), epoch, done: Vec::new(), names: Vec::new(), ids: Vec::new() }
    }

    /// Reads the annotation of the context with this UID.
    pub fn parse(annotation: Option<&str>, context_uid: &str) -> LedgerState {
        let Some(text) = annotation else { return LedgerState::Absent };
        if text.len() > MAX_READ_BYTES {
            return LedgerState::Malformed;
        }
        match serde_json::from_str::<Self>(text) {
            Ok(ledger) if !ledger.is_well_formed() => LedgerState::Malformed,
            Ok(ledger) if ledger.uid == context_uid => LedgerState::Ours(ledger.bounded()),
            Ok(ledger) => LedgerState::Foreign(ledger.bounded()),
            Err(_) => LedgerState::Malformed,
        }
    }

    /// Reads the ledger out of a context's annotations.
    pub fn of(annotations: Option<&BTreeMap<String, String>>, context_uid: &str) -> LedgerState {
        let annotation = annotations.and_then(|annotations| annotations.get(APPLIED));
        Self::parse(annotation.map(String::as_str), context_uid)
    }

    /// UID of the context that the ledger belongs to.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Lease transitions of the operator that wrote it; 0 without leader election.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Notes who writes.
    pub fn set_epoch(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// Whether an effect is in the state already: then it is only acknowledged, never applied again.
    pub fn is_done(&self, effect: &EffectHash) -> bool {
        self.done.contains(effect)
    }

    /// Effects that wait for their acknowledgement, oldest first.
    pub fn done(&self) -> &[EffectHash] {
        &self.done
    }

    /// How many more effects can be entered.
    pub fn room(&self) -> usize {
        MAX_DONE.saturating_sub(self.done.len())
    }

    /// Enters an effect that goes into the state with the same patch. It stays until it is retired, and is never
    /// pushed out by others: hence the ledger can be full.
    pub fn enter(&mut self, effect: EffectHash) -> Result<(), LedgerFull> {
        if !self.is_done(&effect) {
            if self.room() == 0 {
                return Err(LedgerFull);
            }
            self.done.push(effect);
        }
        Ok(())
    }

    /// Lets go of an effect whose acknowledgement is confirmed. Tells whether it was there.
    pub fn retire(&mut self, effect: &EffectHash) -> bool {
        let before = self.done.len();
        self.done.retain(|done| done != effect);
        self.done.len() < before
    }

    /// Remembers a state write that was applied, by its name and what it changes.
    pub fn enter_write(&mut self, name: &str, spec: &CicdStateWriteSpec) {
        remember(&mut self.names, write_hash(name, spec), MAX_NAMES, |_| false);
    }

    /// Whether a state write of this name and content was applied before. Its `contextRef` and `createdAt` say
    /// nothing of what it changes and are not compared.
    pub fn knows_write(&self, name: &str, spec: &CicdStateWriteSpec) -> bool {
        self.names.contains(&write_hash(name, spec))
    }

    /// Remembers an event that came from an annotation or that history deletes. One of the same name gives way.
    pub fn enter_event(&mut self, name: &str, uid: &str) {
        let (name, uid) = event_hashes(name, uid);
        remember(&mut self.ids, format!("{name}{uid}"), MAX_IDS, |old| old.starts_with(&name));
    }

    /// Whether an event of this name is known, and whether it is this one.
    pub fn knows_event(&self, name: &str, uid: &str) -> Option<KnownEvent> {
        let (name, uid) = event_hashes(name, uid);
        let known = self.ids.iter().find_map(|id| id.strip_prefix(&name))?;
        Some(if known == uid { KnownEvent::ThisUid } else { KnownEvent::AnotherUid })
    }

    /// Whether an event of this name is known under any UID: what an annotation would make has been made.
    pub fn knows_event_name(&self, name: &str) -> bool {
        self.knows_event(name, "").is_some()
    }

    /// The value of the annotation: compact JSON of less than [`MAX_BYTES`].
    pub fn to_annotation(&self) -> String {
        let Self { uid, epoch, done, names, ids } = self;
        json!({"uid": uid, "epoch": epoch, "done": done, "names": names, "ids": ids}).to_string()
    }

    /// The operations that put this ledger in the place of the one that was read: a test that nobody else wrote it
    /// since, and the write. `annotations` is `metadata.annotations` as read; `None` only if the object has no such
    /// member, for the test differs.
    pub fn patch(&self, annotations: Option<&BTreeMap<String, String>>) -> [PatchOperation; 2] {
        let new = Value::from(self.to_annotation());
        let Some(annotations) = annotations else {
            let pointer = patch::annotation_pointer(None);
            return [patch::test(pointer.clone(), Value::Null), patch::add(pointer, json!({ APPLIED: new }))];
        };
        let pointer = patch::annotation_pointer(Some(APPLIED));
        let read = annotations.get(APPLIED).map_or(Value::Null, |text| Value::from(text.as_str()));
        [patch::test(pointer.clone(), read), patch::add(pointer, new)]
    }

    fn is_well_formed(&self) -> bool {
        (1..=MAX_UID).contains(&self.uid.len())
            && self.uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && self.done.iter().all(|hash| is_hash(&hash.0, HASH))
            && self.names.iter().all(|hash| is_hash(hash, HASH))
            && self.ids.iter().all(|hash| is_hash(hash, 2 * HASH))
    }

    /// Keeps the newest entries of each kind, should somebody have written more than we ever do.
    fn bounded(mut self) -> Self {
        keep_last(&mut self.done, MAX_DONE);
        keep_last(&mut self.names, MAX_NAMES);
        keep_last(&mut self.ids, MAX_IDS);
        self
    }
}

fn event_hashes(name: &str, uid: &str) -> (String, String) {
    (fingerprint(&[b"event", name.as_bytes()], HASH), fingerprint(&[b"uid", uid.as_bytes()], HASH))
}

fn write_hash(name: &str, spec: &CicdStateWriteSpec) -> String {
    let content = json!([spec.changes, spec.preconditions]);
    fingerprint(&[b"write", name.as_bytes(), &patch::canonical(&content)], HASH)
}

fn remember(list: &mut Vec<String>, entry: String, most: usize, gives_way: impl Fn(&str) -> bool) {
    list.retain(|old| *old != entry && !gives_way(old));
    list.push(entry);
    keep_last(list, most);
}

fn keep_last<T>(list: &mut Vec<T>, most: usize) {
    list.drain(..list.len().saturating_sub(most));
}

fn is_hash(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

#[cfg(test)]
mod tests;
