//! What labels can say: closed sets, whatever tenants write.

use cicdcontext_crds::vocabulary::reason as word;
use cicdcontext_delivery::classify::reason as class;
use prometheus_client::encoding::EncodeLabelSet;

/// How an event or a delivery ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// Succeeded, Failed, Skipped or Unknown
    pub phase: &'static str,
    /// Of [`known_reason`].
    pub reason: &'static str,
}

/// How a delivery ended badly.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct PhaseLabel {
    /// Failed or Unknown
    pub phase: &'static str,
}

/// How an attempt, or a piece of work, ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ResultLabels {
    /// What came of it, in one word.
    pub result: &'static str,
    /// Of [`known_reason`].
    pub reason: &'static str,
}

/// What came of something, in one word.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ResultLabel {
    /// The word.
    pub result: &'static str,
}

/// Why something was refused.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ReasonLabel {
    /// The word.
    pub reason: &'static str,
}

/// A request to the API server that changes something, by what it writes.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct WriteLabels {
    /// See [`super::TARGETS`].
    pub target: &'static str,
}

/// One that failed.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct WriteErrorLabels {
    /// See [`super::TARGETS`].
    pub target: &'static str,
    /// Of [`RequestError::class`](crate::client::RequestError::class).
    pub error: &'static str,
}

/// What is worked on, watched or deleted.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct KindLabel {
    /// A kind of objects or of work.
    pub kind: &'static str,
}

/// A queue of work.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct QueueLabel {
    /// Named like the kind of work.
    pub queue: &'static str,
}

/// A cache of what was computed.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CacheLabel {
    /// configurations, bases or endpoints
    pub cache: &'static str,
}

/// What is counted of a reason that is none of ours: a status that somebody else wrote may say anything.
pub const OTHER: &str = "Other";

/// All reasons that the status of an event or a handler may name.
const REASONS: &[&str] = &[
    word::SUCCEEDED,
    word::RESOLVED,
    word::VALID,
    word::MALFORMED,
    word::TOO_DEEP,
    word::TOO_LARGE,
    word::SCHEMA_VIOLATED,
    word::SCHEMA_INVALID,
    word::SCHEMA_TOO_COSTLY,
    word::LARGE,
    word::BASE_NOT_FOUND,
    word::BASE_NOT_READY,
    word::BASE_CYCLE,
    word::TOO_MANY_BASES,
    word::TYPE_CLASH,
    word::UNKNOWN_SELECTED_CONTEXT,
    word::INVALID_CONFIGURATION,
    word::INVALID_TEMPLATE,
    word::CONTEXT_NOT_FOUND,
    word::CONTEXT_DELETED,
    word::EVENT_DELETED,
    word::CONTEXT_NOT_READY,
    word::UNKNOWN_PIPELINE,
    word::UNKNOWN_GENERATOR,
    word::NO_HANDLERS,
    word::SUSPENDED,
    word::BAD_ANNOTATION,
    word::INVALID_EVENT,
    word::DUPLICATE_EVENT,
    word::STALE_ANNOTATION,
    word::LEDGER_UNREADABLE,
    word::FOREIGN_EPOCH,
    word::STALE_OWNER,
    word::ALREADY_RUN,
    word::EVENT_REFUSED,
    word::TOO_MANY_EVENTS,
    word::SET_REFUSED,
    word::HANDLER_FAILED,
    word::OUTCOME_UNKNOWN,
    word::RUNNING,
    word::RETRYING,
    word::CONDITION_NOT_MET,
    word::DRY_RUN,
    word::DISABLED,
    word::REMOVED,
    word::STOPPED,
    word::TEMPLATE_ERROR,
    word::INVALID_BODY,
    word::INVALID_REQUEST,
    word::INVALID_CHOICES,
    word::NOTHING_TO_SEND,
    word::NOT_SUPPORTED,
    word::CHANGE_REFUSED,
    word::CAPTURE_REFUSED,
    word::ENDPOINT_NOT_FOUND,
    word::ENDPOINT_NOT_ALLOWED,
    word::ENDPOINT_NOT_READY,
    word::SECRET_NOT_FOUND,
    word::SECRET_REFUSED,
    word::DELIVERED,
    word::NOT_SUCCESSFUL,
    word::EGRESS_REFUSED,
    word::RECORDED_BEFORE,
    word::STATE_WRITTEN,
    word::LIMITED,
    word::ENDPOINT_UNREACHABLE,
    word::REDELIVERY,
    word::NOTHING_TO_REDELIVER,
    word::REQUEST_TOO_LARGE_TO_KEEP,
    class::REDIRECT,
    class::REQUEST_TIMEOUT,
    class::TOO_EARLY,
    class::TOO_MANY_REQUESTS,
    class::NOT_AUTHORIZED,
    class::NOT_FOUND,
    class::REJECTED,
    class::SERVER_ERROR,
    class::UNEXPECTED_STATUS,
    class::DNS_FAILED,
    class::CONNECT_FAILED,
    class::PROXY_FAILED,
    class::TLS_FAILED,
    class::TIMEOUT,
    class::CONNECTION_LOST,
];

/// The reason as one of those that there are, or [`OTHER`].
pub fn known_reason(reason: &str) -> &'static str {
    REASONS.iter().find(|known| **known == reason).copied().unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the constants in a module `reason` of this source.
    fn constants(source: &str) -> Vec<&str> {
        let module = source.split_once("pub mod reason {").unwrap().1.split_once("\n}").unwrap().0;
        let values = module.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split('"').nth(1));
        values.collect()
    }

    #[test]
    fn every_reason_is_counted_under_its_name_and_what_is_none_as_other() {
        let vocabulary = constants(include_str!("../../../crds/src/vocabulary.rs"));
        let classes = constants(include_str!("../../../delivery/src/classify.rs"));
        assert!(vocabulary.len() > 60 && classes.len() > 10, "{} and {}", vocabulary.len(), classes.len());
        for reason in vocabulary.into_iter().chain(classes) {
            assert_eq!(known_reason(reason), reason);
        }
        assert_eq!(known_reason("Delivered\",canary=\"1"), OTHER);
        assert_eq!(known_reason(""), OTHER);
    }
}
