//! Claims of AtMostOnce attempts: written down before the attempt is made, and looked at once more at the last instant.

use std::time::Duration;

use cicdcontext_crds::{Claim, HandlerPhase, Time};
use cicdcontext_delivery::History;
use cicdcontext_dispatch::{full_second, terms};
use cicdcontext_engine::{event::Run, handler::Target};

use super::{Interruption, Performance};
use crate::{
    client::RequestError,
    crash::Point,
    event::record::{self, ClaimError},
    shared::Operator,
};

impl Performance<'_> {
    /// Writes down that this attempt is made: at most one process does so. None if the handler has failed instead.
    pub(super) async fn claim(&mut self, history: &History, target: &Target) -> Result<Option<Claim>, Interruption> {
        if self.operator.stop.is_cancelled() {
            return Err(Interruption::Stopping);
        }
        let until = self.operator.precise_now() + terms::timeout(self.spec(target)) + terms::CLAIM_GRACE;
        let claim = Claim {
            holder: self.operator.settings.identity.clone(),
            attempt: i32::try_from(history.attempts()).unwrap_or(i32::MAX).saturating_add(1),
            deadline: Time(full_second(until)),
        };
        if !self.ready.run.claim(claim.clone(), terms::kept(history)) {
            return Ok(None);
        }
        self.busy.claim();
        let standing = self.ready.run.standing(self.retrying);
        let status = record::status_of(self.operator, &self.event, &standing, Some(self.started));
        match record::claim(self.operator, &self.event, &status).await {
            Ok(written) => {
                self.event = written;
                self.operator.crash.pass(Point::AttemptClaimed);
                Ok(Some(claim))
            }
            Err(ClaimError::Overtaken(error)) => Err(Interruption::NotClaimed(error)),
            Err(ClaimError::Request(error)) => Err(unclaimed(&mut self.ready.run, &claim, error)),
        }
    }

    /// Whether the handler has ended whose attempt this process has claimed; others may be claimed by former ones.
    pub(super) fn handler_ended(&self) -> bool {
        let foreign = |claim: &Claim| claim.holder != self.operator.settings.identity;
        let mut sending = self.ready.run.handlers().iter().filter(|handler| handler.phase == HandlerPhase::Sending);
        sending.all(|handler| handler.claim.as_ref().is_some_and(foreign))
    }
}

/// Whether a request may leave now, at the last instant before it does: this process may have been stopped for a while
/// since it looked, so that another one leads, or that too little is left of the time which its claim gives it.
pub(super) fn begin(operator: &Operator, uid: &str, handler: &str, claim: Option<(&Claim, Duration)>) -> bool {
    if !operator.leadership.holds() {
        return false;
    }
    let Some((claim, timeout)) = claim else { return true };
    if operator.precise_now() + timeout > claim.deadline.0 {
        return false;
    }
    operator.begun.begin(uid, handler, claim);
    true
}

/// Nothing was sent under this claim, whether it was written down or not. The run goes on with this very step later.
pub(super) fn unclaimed(run: &mut Run, claim: &Claim, error: RequestError) -> Interruption {
    run.drop_claims(|_, of| of == claim);
    Interruption::Request(error)
}
