//! How a delivery ended, once that is known: counted, and noted for the status of its endpoint.

use cicdcontext_crds::{
    CicdEndpoint, HandlerPhase, HandlerStatus, conditions, vocabulary::condition, vocabulary::reason,
};
use cicdcontext_engine::{
    event::Delivered,
    handler::{Request, Target},
};

use crate::{
    cache::{ObjectKey, Stored, watch},
    endpoint::gather::Gathered,
    metrics::OutcomeLabels,
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
    let (phase, reason) = match outcome {
        Ok(()) => ("Succeeded", reason::DELIVERED),
        Err(reason) => ("Failed", reason),
    };
    operator.metrics.deliveries.get_or_create(&OutcomeLabels { phase, reason: reason.to_owned() }).inc();
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
