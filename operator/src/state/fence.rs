//! Whether a ledger that another operator wrote may be written over.
//!
//! A higher epoch than our own means either that another replica leads by now, or that the number is foreign: it came
//! with a copy of the object from elsewhere, or the Lease was deleted and counts anew. The Lease tells which.

use cicdcontext_crds::{CicdContext, vocabulary::reason};
use cicdcontext_engine::state::{Ledger, LedgerState};

use crate::{
    cache::Stored,
    client::RequestError,
    leader::Leadership,
    report::{Reporter, Severity},
};

/// Stands between the writers and contexts that somebody else wrote to.
#[derive(Clone, Debug)]
pub struct Fence {
    leadership: Leadership,
    reporter: Reporter,
}

impl Fence {
    /// A fence for a process with this right to act.
    pub fn new(leadership: Leadership, reporter: Reporter) -> Self {
        Self { leadership, reporter }
    }

    /// The epoch that goes into ledgers.
    pub fn epoch(&self) -> u64 {
        self.leadership.epoch()
    }

    /// Whether a patch may be founded on this version of a context. If it carries a higher epoch the API server is asked
    /// whose the Lease is; the patch tests the ledger as it stands in this version, which was read before.
    pub async fn admits(&self, context: &Stored<CicdContext>) -> Result<bool, RequestError> {
        let Some(foreign) = higher_epoch(context, self.epoch()) else { return Ok(true) };
        if !self.leadership.verify().await? {
            return Ok(false);
        }
        let note = format!(
            "annotation cicdcontext.io/applied has epoch {foreign}, but this operator leads with epoch {}: the number came \
             with a copy, from an operator with another Lease, or from a Lease that was deleted. It is written over; what the \
             annotation remembers stays",
            self.epoch()
        );
        self.reporter.report(context, Severity::Warning, reason::FOREIGN_EPOCH, "Write", note);
        Ok(true)
    }
}

/// The epoch in a context's own ledger, if it is higher than `own`.
fn higher_epoch(context: &Stored<CicdContext>, own: u64) -> Option<u64> {
    match Ledger::of(context.metadata.annotations.as_ref(), context.uid()) {
        LedgerState::Ours(ledger) => Some(ledger.epoch()).filter(|epoch| *epoch > own),
        // Another object's ledger is replaced as a whole.
        LedgerState::Absent | LedgerState::Foreign(_) | LedgerState::Malformed => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn context(ledger: &str) -> Stored<CicdContext> {
        let metadata = json!({"name": "c", "uid": "u", "annotations": {"cicdcontext.io/applied": ledger}});
        serde_json::from_value(json!({"metadata": metadata, "spec": {}})).unwrap()
    }

    #[test]
    fn only_a_higher_epoch_in_the_contexts_own_ledger_is_looked_into() {
        assert_eq!(higher_epoch(&context(r#"{"uid":"u","epoch":5}"#), 4), Some(5));
        assert_eq!(higher_epoch(&context(r#"{"uid":"u","epoch":4}"#), 4), None, "our own");
        assert_eq!(higher_epoch(&context(r#"{"uid":"u","epoch":3}"#), 4), None, "that of a former leader");
        assert_eq!(higher_epoch(&context(r#"{"uid":"other","epoch":5}"#), 4), None, "of another object");
        assert_eq!(higher_epoch(&context("not a ledger"), 4), None);
    }
}
