//! Claims of attempts: written down before the attempt is made, so that whoever finds one knows that it was cut off.
//!
//! An attempt that may be repeated is counted in advance, together with the request that is kept for the next one: an
//! endpoint that never answers cannot outlast its `maxAttempts` by outlasting those who wait. One that may be made at most
//! once is not, and nobody who finds it can know what came of it.

use cicdcontext_crds::{Claim, HandlerPhase, HandlerStatus, Time, handler::EndpointReference, vocabulary::reason};
use cicdcontext_delivery::History;
use cicdcontext_dispatch::{after, full_second, terms};
use cicdcontext_engine::{
    event::{Failure, Prospect, Run},
    handler::{Target, request::endpoint_of},
};
use jiff::Timestamp;

use super::{Performance, write};
use crate::{configuration::GatheredEndpoints, source::Problem};

impl Performance<'_> {
    /// Writes down that this attempt is made, before it is. False if it must not be.
    pub(super) async fn claim(&mut self, history: &History, target: &Target) -> Result<bool, Problem> {
        let spec = self.spec(target);
        let at_most_once = terms::at_most_once(spec);
        let deadline = Timestamp::now() + terms::timeout(spec) + terms::CLAIM_GRACE;
        let attempted = history.attempted();
        let claim = Claim {
            holder: format!("cicdctl-{}", std::process::id()),
            attempt: terms::kept(&attempted).attempts,
            deadline: Time(full_second(deadline)),
        };
        if !self.run.claim(claim, terms::kept(if at_most_once { history } else { &attempted })) {
            return Ok(false);
        }
        let mut standing = self.run.standing(self.retrying);
        let current = standing.handlers.iter_mut().find(|status| status.name == self.run.current());
        if let Some(status) = current.filter(|_| !at_most_once) {
            status.attempts = Some(status.attempts.unwrap_or_default() + 1);
            (status.http_status, status.duration_ms) = (None, None);
        }
        let written = write(self.files, &self.event, &standing, Some(&self.started), self.shown).await?;
        let Some(written) = written else {
            self.run.drop_claims(|_, _| true);
            self.run.cancel(reason::EVENT_DELETED, "the event was deleted before this was sent");
            return Ok(false);
        };
        self.event = written;
        Ok(true)
    }
}

/// Settles claims that were found: who made them had the turn, which we have now, so that nobody waits for an answer. The
/// attempt failed; if it was counted, another one may follow.
pub(super) fn settle(run: &mut Run, endpoints: &GatheredEndpoints, now: Timestamp) {
    let cut_off: Vec<HandlerStatus> = run.handlers().iter().filter(|status| is_counted(run, status)).cloned().collect();
    run.drop_claims(|handler, _| cut_off.iter().any(|status| status.name == handler));
    run.expire_claims(&Time(Timestamp::MAX));
    for HandlerStatus { name, endpoint, claim, .. } in cut_off {
        if !run.attempt(&name) {
            continue;
        }
        // None if what was kept cannot be read any more: then the handler has failed.
        let Some(history) = run.history() else { continue };
        let reference: Option<EndpointReference> = endpoint.as_deref().and_then(endpoint_of);
        let spec = reference.and_then(|reference| endpoints.spec(&reference)).map(|(_, spec)| spec);
        let attempt = claim.map(|claim| claim.attempt).unwrap_or_default();
        let message = format!("attempt {attempt} was cut off before it was answered");
        let failure = Failure::new(Prospect::Retry, reason::OUTCOME_UNKNOWN, message);
        after(&terms::schedule(spec), &terms::history(history), None, now).tell(run, failure);
    }
}

/// Whether an attempt was under way, and counted before it was made.
fn is_counted(run: &Run, status: &HandlerStatus) -> bool {
    let history = run.history_of(&status.name).unwrap_or_default();
    let claim = status.claim.as_ref().filter(|_| status.phase == HandlerPhase::Sending);
    claim.is_some_and(|claim| history.attempts >= claim.attempt)
}
