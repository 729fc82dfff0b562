//! Whether a context has been idle for so long that it may go, decided without any I/O.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Deserialize;

use cicdcontext_crds::vocabulary::manager;

/// An entry of `metadata.managedFields`, without the fields: those mirror the nesting of the spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Managed {
    /// Who wrote.
    pub manager: Option<String>,
    /// The subresource that was written, if it was one.
    pub subresource: Option<String>,
    /// When.
    pub time: Option<Time>,
}

/// When somebody other than the operator last wrote the object itself. Who only removes what others wrote leaves no
/// trace here.
pub fn last_foreign_write(managed: &[Managed]) -> Option<Timestamp> {
    let foreign = |entry: &&Managed| {
        entry.manager.as_deref() != Some(manager::OPERATOR) && entry.subresource.as_deref() != Some("status")
    };
    managed.iter().filter(foreign).filter_map(|entry| entry.time.as_ref()).map(|time| time.0).max()
}

/// How long a context with these signs of activity has to be kept yet; `None` if its time is over.
///
/// A sign that lies in the future, as a clock that is wrong may give it, counts as one of now.
pub fn rest(
    ttl: SignedDuration,
    activity: impl IntoIterator<Item = Option<Timestamp>>,
    now: Timestamp,
) -> Option<SignedDuration> {
    let Some(last) = activity.into_iter().flatten().max() else { return Some(ttl) };
    let idle = now.duration_since(last.min(now));
    Some(ttl.saturating_sub(idle)).filter(SignedDuration::is_positive)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn the_latest_sign_of_activity_counts() {
        let ttl = SignedDuration::from_secs(60);
        let rest_at = |now: i64| rest(ttl, [at(100), None, at(150), at(120)], at(now).unwrap());
        assert_eq!(rest_at(160), Some(SignedDuration::from_secs(50)));
        assert_eq!(rest_at(209), Some(SignedDuration::from_secs(1)));
        assert_eq!(rest_at(210), None);
        assert_eq!(rest_at(140), Some(ttl), "a sign in the future is one of now");
        assert_eq!(rest(ttl, [None], at(999).unwrap()), Some(ttl), "of what nothing is known nothing goes");
    }

    #[test]
    fn writes_of_the_operator_and_of_statuses_are_no_activity() {
        let text = r#"[
            {"manager": "kubectl", "operation": "Update", "time": "2026-01-01T00:00:10Z", "fieldsV1": {"f:spec": {}}},
            {"manager": "cicd-operator", "operation": "Update", "time": "2026-01-01T00:00:50Z"},
            {"manager": "cicd-operator", "subresource": "status", "time": "2026-01-01T00:00:55Z"},
            {"manager": "somebody", "subresource": "status", "time": "2026-01-01T00:00:56Z"},
            {"manager": "cicdctl", "operation": "Update", "time": "2026-01-01T00:00:20Z"},
            {"manager": "timeless"}
        ]"#;
        let managed: Vec<Managed> = serde_json::from_str(text).unwrap();
        assert_eq!(last_foreign_write(&managed), "2026-01-01T00:00:20Z".parse().ok());
        assert_eq!(last_foreign_write(&managed[1..4]), None);
    }
}
