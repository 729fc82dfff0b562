//! Whether a state write may be applied, decided from what it says alone.

use cicdcontext_crds::{CicdStateWrite, vocabulary::reason};
use cicdcontext_engine::{
    event::is_copy,
    state::{ChangeSet, Effect, ledger::effect_hash},
};

use crate::{cache::Stored, state::Intent};

/// Why a state write is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// One of `vocabulary::reason`.
    pub reason: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// What is to be done with a state write.
#[derive(Debug)]
pub enum Judged {
    /// Apply it, unless the state or the ledger says otherwise.
    Apply(Intent),
    /// Refuse it.
    Refuse(Verdict),
}

/// Judges a state write for the context with this UID.
pub fn judge(write: &Stored<CicdStateWrite>, context_uid: &str) -> Judged {
    let refuse = |reason, message: String| Judged::Refuse(Verdict { reason, message });
    let spec = match write.spec() {
        Ok(spec) => spec,
        Err(malformed) => return refuse(malformed.reason(), malformed.to_string()),
    };
    if let Some(uid) = &spec.context_ref.uid
        && uid != context_uid
    {
        let message = format!(
            "spec.contextRef.uid is {uid}, but the CicdContext of this name is now {context_uid}: the state write belongs \
             to another object"
        );
        return refuse(reason::STALE_OWNER, message);
    }
    let creation = write.metadata.creation_timestamp.as_ref().map(|time| time.0);
    if let (Some(created_at), Some(creation)) = (spec.created_at.as_ref().map(|time| time.0), creation)
        && is_copy(created_at, creation)
    {
        let message = format!("it is a copy: it was made at {created_at} and created again at {creation}");
        return refuse(reason::STALE_OWNER, message);
    }
    match ChangeSet::from_state_write(&spec) {
        Err(refusal) => refuse(refusal.reason(), refusal.to_string()),
        Ok(set) => Judged::Apply(Intent::StateWrite {
            effect: effect_hash(Effect::StateWrite { name: write.name(), uid: write.uid() }),
            name: write.name().to_owned(),
            spec: Box::new(spec),
            set,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(spec: &str) -> Stored<CicdStateWrite> {
        serde_json::from_str(&format!(
            r#"{{"metadata":{{"name":"w","uid":"w1","creationTimestamp":"2026-01-01T12:00:00Z"}},"spec":{spec}}}"#
        ))
        .unwrap()
    }

    fn refusal(spec: &str) -> Verdict {
        match judge(&write(spec), "c1") {
            Judged::Refuse(verdict) => verdict,
            Judged::Apply(_) => panic!("not refused"),
        }
    }

    #[test]
    fn a_state_write_for_a_former_context_of_the_name_is_refused() {
        let verdict = refusal(r#"{"contextRef":{"name":"c","uid":"c0"},"changes":[{"path":"state.a","value":1}]}"#);
        assert_eq!(verdict.reason, "StaleOwner");
        assert!(verdict.message.starts_with("spec.contextRef.uid is c0, but"), "{}", verdict.message);
    }

    #[test]
    fn a_copy_restored_later_is_refused() {
        let spec = r#"{"contextRef":{"name":"c"},"createdAt":"2026-01-01T10:00:00Z","changes":[{"path":"state.a","value":1}]}"#;
        assert_eq!(
            refusal(spec).message,
            "it is a copy: it was made at 2026-01-01T10:00:00Z and created again at 2026-01-01T12:00:00Z"
        );
    }

    #[test]
    fn a_path_that_is_none_is_refused_by_name() {
        let verdict = refusal(r#"{"contextRef":{"name":"c"},"changes":[{"path":"stat.a","value":1}]}"#);
        assert_eq!(verdict.reason, "ChangeRefused");
        assert!(verdict.message.contains("stat.a"), "{}", verdict.message);
    }

    #[test]
    fn any_other_is_applied() {
        let spec = r#"{"contextRef":{"name":"c","uid":"c1"},"changes":[{"path":"state.a","op":"Append","value":1}]}"#;
        assert!(matches!(judge(&write(spec), "c1"), Judged::Apply(_)));
    }
}
