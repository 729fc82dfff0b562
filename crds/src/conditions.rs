//! Reading and writing `status.conditions` such that a transition time changes only when a status does.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Longest message that is written into a condition or a Kubernetes Event, in bytes.
///
/// A Kubernetes Event's note may have 1 kB; a condition's message more, but nobody reads it.
pub const MAX_MESSAGE_BYTES: usize = 1000;

/// Sets the condition `kind` and reports whether anything but the transition time changed.
///
/// `generation` is left `None` for a CicdContext: its state is in its spec, so that its generation says nothing about
/// whether its configuration was seen.
pub fn set(
    conditions: &mut Vec<Condition>,
    kind: &str,
    status: bool,
    reason: &str,
    message: &str,
    generation: Option<i64>,
    now: &Time,
) -> bool {
    let status = if status { "True" } else { "False" };
    let message = cut(message, MAX_MESSAGE_BYTES);
    if let Some(old) = conditions.iter_mut().find(|condition| condition.type_ == kind) {
        let same = old.status == status
            && old.reason == reason
            && old.message == message
            && old.observed_generation == generation;
        if same {
            return false;
        }
        if old.status != status {
            old.last_transition_time = now.clone();
        }
        status.clone_into(&mut old.status);
        reason.clone_into(&mut old.reason);
        message.clone_into(&mut old.message);
        old.observed_generation = generation;
        return true;
    }
    conditions.push(Condition {
        type_: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: generation,
        last_transition_time: now.clone(),
    });
    true
}

/// The condition `kind`, if it is there.
pub fn get<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == kind)
}

/// Whether the condition `kind` is there and `True`.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    get(conditions, kind).is_some_and(|condition| condition.status == "True")
}

/// The longest prefix of `text` that has at most `bytes` bytes and ends between characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap()
    }

    #[test]
    fn the_transition_time_moves_only_when_the_status_does() {
        let (first, second) = (time("2026-01-01T00:00:00Z"), time("2026-01-02T00:00:00Z"));
        let mut conditions = Vec::new();
        assert!(set(&mut conditions, "Ready", true, "Resolved", "", None, &first));
        assert!(!set(&mut conditions, "Ready", true, "Resolved", "", None, &second));
        assert!(set(&mut conditions, "Ready", true, "Resolved", "other", None, &second));
        assert_eq!(conditions[0].last_transition_time, first);
        assert!(set(&mut conditions, "Ready", false, "TypeClash", "", None, &second));
        assert_eq!(conditions[0].last_transition_time, second);
        assert!(!is_true(&conditions, "Ready"));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 3), "aé");
    }
}
