//! What an event's run is founded on: the live context, its configuration, and whether the event may run at all.

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{
    CicdContext, CicdContextSpec, CicdEvent, CicdEventSpec,
    vocabulary::{annotation, reason},
};
use cicdcontext_engine::{
    event::{Admission, ContextFacts, EventFacts, FactsError, Outcome, Run, admit},
    state::{KnownEvent, Ledger, LedgerState},
};
use kube::Resource;
use serde_json::{Map, Value};

use crate::{
    cache::{ObjectKey, Stored},
    client::RequestError,
    endpoint::gather::{Gathered, gather as gather_endpoints},
    shared::{Operator, acknowledged::acknowledged},
};

/// All that a run needs.
pub struct Ready {
    /// The run, at its first step.
    pub run: Run,
    /// The context as it stands.
    pub context: Arc<Stored<CicdContext>>,
    /// Its state.
    pub state: Map<String, Value>,
    /// The endpoints of the event's handlers.
    pub endpoints: Gathered,
    /// Whether nothing may be sent or written.
    pub dry_run: bool,
}

/// What was found.
pub enum Found {
    /// The event can run.
    Ready(Box<Ready>),
    /// It ends here. The context, if there is one, is its owner.
    Ends(Outcome, Option<Arc<Stored<CicdContext>>>),
    /// It waits.
    Waits {
        /// What for.
        outcome: Outcome,
        /// When something has to be looked at again even if nothing changes.
        again: Option<Duration>,
        /// The context that it waits with, if there is one.
        context: Option<Arc<Stored<CicdContext>>>,
    },
    /// It is not ours.
    NotOurs,
}

/// Gathers for `event`.
pub async fn gather(operator: &Operator, key: &ObjectKey, event: &Stored<CicdEvent>) -> Result<Found, RequestError> {
    let spec = match event.spec() {
        Ok(spec) => spec,
        Err(malformed) => return Ok(Found::Ends(Outcome::failed(malformed.reason(), malformed.to_string()), None)),
    };
    let Some(context) = operator.live_context(key).await? else {
        return Ok(without_context(operator, key, event, &spec));
    };
    if !operator.is_selected(key).await? {
        return Ok(Found::NotOurs);
    }
    let context = Arc::new(context);
    if context.metadata.deletion_timestamp.is_some() {
        let message = format!("the CicdContext {} is being deleted; nothing was sent", key.name);
        return Ok(Found::Ends(Outcome::failed(reason::CONTEXT_DELETED, message), None));
    }
    let ledger = match Ledger::of(context.metadata.annotations.as_ref(), context.uid()) {
        LedgerState::Ours(ledger) => Some(ledger),
        _ => None,
    };
    if let Some(outcome) = refused(&context, event, &spec, ledger.as_ref()) {
        return Ok(Found::Ends(outcome, Some(context)));
    }
    let (context_spec, program) = match configured(operator, &context).await {
        Ok(found) => found,
        Err(outcome) => return Ok(Found::Waits { outcome, again: None, context: Some(context) }),
    };
    if context_spec.suspend == Some(true) {
        let outcome = Outcome::pending(reason::SUSPENDED, "spec.suspend of the CicdContext is true");
        return Ok(Found::Waits { outcome, again: None, context: Some(context) });
    }
    let dry_run = spec.dry_run == Some(true);
    let facts = match facts(event, spec) {
        Ok(facts) => facts,
        Err(error) => {
            let reason =
                if matches!(error, FactsError::Raw(_)) { reason::BAD_ANNOTATION } else { reason::INVALID_EVENT };
            return Ok(Found::Ends(Outcome::failed(reason, error.to_string()), Some(context)));
        }
    };
    let context_facts = ContextFacts {
        name: context.name().to_owned(),
        namespace: context.namespace().to_owned(),
        uid: context.uid().to_owned(),
    };
    let done = ledger.map(|ledger| ledger.done().to_vec()).unwrap_or_default();
    let mut run = Run::resume(facts, context_facts, program, done, &event.status_or_default());
    let identity = &operator.settings.identity;
    run.drop_claims(|handler, claim| &claim.holder == identity && !operator.begun.has(event.uid(), handler, claim));
    operator.writers.retire(key, acknowledged(operator, key, &context).await);
    let endpoints = gather_endpoints(operator, context.namespace(), &run.endpoints()).await?;
    let state = context_spec.state.unwrap_or_default();
    Ok(Found::Ready(Box::new(Ready { run, context, state, endpoints, dry_run })))
}

fn refused(
    context: &Stored<CicdContext>,
    event: &Stored<CicdEvent>,
    spec: &CicdEventSpec,
    ledger: Option<&Ledger>,
) -> Option<Outcome> {
    let owner = event
        .metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.kind == CicdContext::kind(&()) && owner.api_version == CicdContext::api_version(&()));
    let known = ledger.and_then(|ledger| ledger.knows_event(event.name(), event.uid()));
    admit(&Admission {
        context_uid: context.uid(),
        reference_uid: spec.context_ref.uid.as_deref(),
        owner_uid: owner.map(|owner| owner.uid.as_str()),
        event_uid: event.uid(),
        noted_uid: event.annotation(annotation::EVENT_UID),
        created_at: spec.created_at.as_ref().map(|time| time.0),
        creation: event.metadata.creation_timestamp.as_ref().map(|time| time.0),
        known_under_another_uid: known == Some(KnownEvent::AnotherUid),
    })
}

async fn configured(
    operator: &Operator,
    context: &Stored<CicdContext>,
) -> Result<(CicdContextSpec, Arc<cicdcontext_engine::handler::Program>), Outcome> {
    let wait = |message: String| {
        Outcome::pending(reason::CONTEXT_NOT_READY, format!("the CicdContext is not ready: {message}"))
    };
    let spec = context.spec().map_err(|malformed| wait(malformed.to_string()))?;
    match operator.configured(context, &spec).await {
        Ok(program) => Ok((spec, program)),
        Err(not_ready) => Err(wait(not_ready.message)),
    }
}

fn facts(event: &Stored<CicdEvent>, spec: CicdEventSpec) -> Result<EventFacts, FactsError> {
    let id = event.annotation(annotation::SOURCE_ID).unwrap_or(event.name());
    let time = event.metadata.creation_timestamp.as_ref().map_or(jiff::Timestamp::UNIX_EPOCH, |time| time.0);
    EventFacts::read(spec, event.name(), event.uid(), id, time)
}

/// An event whose context does not exist: not yet, or not any more.
fn without_context(operator: &Operator, key: &ObjectKey, event: &Stored<CicdEvent>, spec: &CicdEventSpec) -> Found {
    let owned = event.metadata.owner_references.iter().flatten().any(|owner| owner.kind == CicdContext::kind(&()));
    if spec.context_ref.uid.is_some() || owned {
        let begun = !event.status_or_default().handlers.is_empty();
        let rest =
            if begun { "was finished; what was not sent yet is not sent" } else { "was handled; nothing was sent" };
        let message = format!("the CicdContext {} was deleted before the event {rest}", key.name);
        return Found::Ends(Outcome::failed(reason::CONTEXT_DELETED, message), None);
    }
    let created = event.metadata.creation_timestamp.as_ref().map_or_else(|| operator.now(), |time| time.0);
    let age = Duration::try_from(operator.now().duration_since(created)).unwrap_or_default();
    let grace = operator.settings.unknown_context_grace;
    let message = format!("there is no CicdContext {} in namespace {}", key.name, key.namespace);
    if let Some(rest) = grace.checked_sub(age).filter(|rest| !rest.is_zero()) {
        let message = format!("{message} yet; the event waits for it up to {} s", grace.as_secs());
        let outcome = Outcome::pending(reason::CONTEXT_NOT_FOUND, message);
        return Found::Waits { outcome, again: Some(rest), context: None };
    }
    let message = format!("{message}; the event waited {} s for it", grace.as_secs());
    Found::Ends(Outcome::failed(reason::CONTEXT_NOT_FOUND, message), None)
}
