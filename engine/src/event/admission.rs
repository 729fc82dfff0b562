//! Whether an event may run at all: restored and copied objects must never fire a deployment again.

use cicdcontext_crds::vocabulary::reason;
use jiff::{SignedDuration, Timestamp};

use super::outcome::Outcome;

/// How much older than the object itself an event's `createdAt` may be.
const COPY_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Whether an object that says it was made at `created_at` was created by copying it much later.
pub fn is_copy(created_at: Timestamp, creation: Timestamp) -> bool {
    creation.duration_since(created_at) > COPY_AFTER
}

/// What is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Admission<'a> {
    /// UID of the live context.
    pub context_uid: &'a str,
    /// `spec.contextRef.uid`
    pub reference_uid: Option<&'a str>,
    /// UID of the ownerReference of kind CicdContext.
    pub owner_uid: Option<&'a str>,
    /// UID of the event.
    pub event_uid: &'a str,
    /// Value of annotation `cicdcontext.io/event-uid`.
    pub noted_uid: Option<&'a str>,
    /// `spec.createdAt`
    pub created_at: Option<Timestamp>,
    /// `metadata.creationTimestamp`
    pub creation: Option<Timestamp>,
    /// Whether the ledger knows the event's name under another UID.
    pub known_under_another_uid: bool,
}

/// `None` if the event may run, or else how it ends.
pub fn admit(admission: &Admission<'_>) -> Option<Outcome> {
    let stale = |message: String| Some(Outcome::skipped(reason::STALE_OWNER, message, false));
    for (what, uid) in [("spec.contextRef.uid", admission.reference_uid), ("its ownerReference", admission.owner_uid)] {
        if let Some(uid) = uid
            && uid != admission.context_uid
        {
            return stale(format!(
                "{what} is {uid}, but the CicdContext of this name is now {}: the event belongs to another object",
                admission.context_uid
            ));
        }
    }
    if let Some(uid) = admission.noted_uid
        && uid != admission.event_uid
    {
        return stale(format!("it is a copy of the event {uid}"));
    }
    if let (Some(created_at), Some(creation)) = (admission.created_at, admission.creation)
        && is_copy(created_at, creation)
    {
        return stale(format!("it is a copy: it was made at {created_at} and created again at {creation}"));
    }
    if admission.known_under_another_uid {
        let message = "an event of this name ran before; give each event a name of its own";
        return Some(Outcome::skipped(reason::ALREADY_RUN, message, false));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> Admission<'static> {
        Admission { context_uid: "c1", event_uid: "e1", ..Admission::default() }
    }

    #[test]
    fn an_event_that_names_nothing_but_its_context_runs() {
        assert_eq!(admit(&fresh()), None);
    }

    #[test]
    fn an_event_of_a_former_context_of_the_same_name_does_not_run() {
        let outcome = admit(&Admission { reference_uid: Some("c0"), ..fresh() }).unwrap();
        assert_eq!(outcome.reason, "StaleOwner");
        assert_eq!(
            outcome.message,
            "spec.contextRef.uid is c0, but the CicdContext of this name is now c1: the event belongs to another object"
        );
        assert!(admit(&Admission { owner_uid: Some("c0"), ..fresh() }).is_some());
        assert!(admit(&Admission { owner_uid: Some("c1"), reference_uid: Some("c1"), ..fresh() }).is_none());
    }

    #[test]
    fn a_restored_copy_does_not_run() {
        assert!(admit(&Admission { noted_uid: Some("e0"), ..fresh() }).is_some());
        let hour = |text: &str| text.parse::<Timestamp>().ok();
        let old =
            Admission { created_at: hour("2026-01-01T00:00:00Z"), creation: hour("2026-01-01T01:00:01Z"), ..fresh() };
        assert_eq!(admit(&old).unwrap().reason, "StaleOwner");
        let new = Admission { creation: hour("2026-01-01T00:59:00Z"), ..old };
        assert_eq!(admit(&new), None);
    }

    #[test]
    fn a_name_that_ran_before_does_not_run_again() {
        let outcome = admit(&Admission { known_under_another_uid: true, ..fresh() }).unwrap();
        assert_eq!((outcome.reason.as_str(), outcome.succeeded), ("AlreadyRun", false));
    }
}
