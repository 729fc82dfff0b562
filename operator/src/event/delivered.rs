//! How a delivery ended, once that is known: counted, and noted for the status of its endpoint.

use cicdcontext_crds::{
    CicdEndpoint, CicdEvent, HandlerPhase, HandlerStatus, conditions, vocabulary::condition, vocabulary::reason,
};
use cicdcontext_delivery::History;
use cicdcontext_dispatch::{Attempt, Specs};
use cicdcontext_engine::{
    event::Delivered,
    handler::{Request, Target},
};

use super::gather::Ready;
use crate::{
    cache::{ObjectKey, Stored, watch},
    endpoint::{gather::Gathered, reach::Turn},
    report::Severity,
    shared::Operator,
};

/// A delivery whose answer its endpoint still has to judge (`successWhen`).
#[derive(Debug)]
pub struct Judging {
    target: Target,
    webhook_id: String,
}

/// Notes how a request ended, unless its endpoint has to judge the answer first.
pub fn note(operator: &Operator, endpoints: &Gathered, request: &Request, delivered: &Delivered) -> Option<Judging> {
    let spec = request.target.endpoint().and_then(|reference| endpoints.spec(reference));
    match &delivered.failure {
        Some(failure) => ended(operator, endpoints, &request.target, Err(&failure.reason)),
        None if spec.is_some_and(|(_, spec)| spec.success_when.is_some()) => {
            return Some(Judging { target: request.target.clone(), webhook_id: request.webhook_id.clone() });
        }
        None => ended(operator, endpoints, &request.target, Ok(())),
    }
    None
}

/// An attempt is about to be made: of the first one it is noted how long the event has waited for it.
pub fn starting(operator: &Operator, event: &Stored<CicdEvent>, ready: &Ready, history: &History) {
    let current = ready.run.handlers().iter().find(|one| one.name == ready.run.current());
    let is_first = history.attempts() == 0 && current.is_some_and(|one| one.redeliveries.is_empty());
    if let Some(created) = event.metadata.creation_timestamp.as_ref().filter(|_| is_first) {
        let delay = operator.precise_now().duration_since(created.0).as_secs_f64();
        operator.metrics.first_attempt_delay.observe(delay.max(0.0));
    }
}

/// Tells people if the endpoint went out of reach with this attempt, or came back.
pub fn reached(operator: &Operator, context: &ObjectKey, ready: &Ready, request: &Request, attempt: &Attempt) {
    let Some(endpoint) = reference_of(&ready.endpoints, &request.target) else { return };
    let key = ObjectKey::new(endpoint.namespace(), endpoint.name());
    let Some(turn) = operator.reach.note(&key, endpoint.uid(), attempt.contact) else { return };
    let handler = ready.run.current();
    let (severity, why, note) = match (turn, &attempt.delivered.failure) {
        (Turn::Away, failure) => {
            let told = failure.as_ref().map(|failure| failure.message.as_str()).unwrap_or_default();
            let todo = "new deliveries wait, and one at a time is tried until it answers; look after the receiver, or change the endpoint";
            let note = format!(
                "CicdEndpoint {key} cannot be reached, seen by handler {handler} of CicdContext {context}: {told}; {todo}"
            );
            (Severity::Warning, reason::ENDPOINT_UNREACHABLE, note)
        }
        (Turn::Back, _) => {
            let note = format!(
                "CicdEndpoint {key} answers again, seen by handler {handler} of CicdContext {context}; what waits for it goes on"
            );
            (Severity::Normal, REACHABLE, note)
        }
    };
    operator.reporter.report(endpoint, severity, why, "Deliver", note);
}

/// Reason of the Kubernetes Event about an endpoint that answers again.
const REACHABLE: &str = "EndpointReachable";

impl Judging {
    /// The handler's status tells how the answer was judged: notes that.
    pub fn judged(self, operator: &Operator, endpoints: &Gathered, handlers: &[HandlerStatus]) {
        let handler = handlers.iter().find(|handler| handler.webhook_id.as_ref() == Some(&self.webhook_id));
        let failure = handler
            .filter(|handler| handler.phase != HandlerPhase::Succeeded)
            .and_then(|handler| handler.reason.as_deref())
            // What fails later, in what is captured, is no failure of the delivery.
            .filter(|reason| [reason::NOT_SUCCESSFUL, reason::TEMPLATE_ERROR].contains(reason));
        ended(operator, endpoints, &self.target, failure.map_or(Ok(()), Err));
    }
}

fn ended(operator: &Operator, endpoints: &Gathered, target: &Target, outcome: Result<(), &str>) {
    operator.metrics.attempted(outcome);
    // A request that breaks a rule was not sent, and says nothing of its endpoint.
    if outcome == Err(reason::INVALID_REQUEST) {
        return;
    }
    let Some(endpoint) = reference_of(endpoints, target) else { return };
    let key = ObjectKey::new(endpoint.namespace(), endpoint.name());
    let asks = operator.activities.note(&key, endpoint.uid(), outcome, operator.now());
    if asks || contradicts_status(operator, &key, outcome) {
        operator.queues.endpoints.add(key);
    }
}

fn reference_of<'a>(endpoints: &'a Gathered, target: &Target) -> Option<&'a Stored<CicdEndpoint>> {
    endpoints.stored(target.endpoint()?)
}

/// Whether the status says that the endpoint is ready and it is not, or the other way around: a Secret came or went.
fn contradicts_status(operator: &Operator, key: &ObjectKey, outcome: Result<(), &str>) -> bool {
    let ready = || {
        let stored = watch::read(&operator.caches.endpoints, |store| store.get(key));
        let conditions = stored.map(|stored| stored.status_or_default().conditions)?;
        Some(conditions::get(&conditions, condition::READY)?.status == "True")
    };
    match outcome {
        Ok(()) => ready() == Some(false),
        Err(reason::SECRET_NOT_FOUND | reason::SECRET_REFUSED | reason::ENDPOINT_NOT_READY) => ready() == Some(true),
        Err(_) => false,
    }
}
