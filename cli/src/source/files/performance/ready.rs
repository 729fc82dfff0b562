//! What the run of an event is founded on: its context, the configuration in force, and whether it may run at all.

use std::sync::Arc;

use cicdcontext_crds::{
    CicdEvent, CicdEventStatus,
    vocabulary::{annotation, reason},
};
use cicdcontext_engine::{
    event::{Admission, ContextFacts, EventFacts, FactsError, Outcome, Run, admit},
    state::{KnownEvent, Ledger, LedgerState, Schema, SchemaError},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::tidy::History;
use crate::{
    configuration::{GatheredEndpoints, program},
    source::{Configuration, Problem, files::Files},
};

/// All that a run needs.
pub(super) struct Ready {
    pub(super) run: Run,
    pub(super) context_uid: String,
    pub(super) state: Map<String, Value>,
    pub(super) endpoints: GatheredEndpoints,
    pub(super) schema: Option<Arc<Result<Schema, SchemaError>>>,
    pub(super) kept: History,
}

/// What was found.
pub(super) enum Found {
    /// The event can run.
    Ready(Box<Ready>),
    /// It ends here.
    Ends(Outcome),
    /// It waits until somebody changes something.
    Waits(Outcome),
    /// Its context is gone, and it with it.
    Gone,
}

/// Finds what `event` needs.
pub(super) async fn find(files: &Files, event: &CicdEvent) -> Result<Found, Problem> {
    let name = &event.spec.context_ref.name;
    let Some(record) = files.record(name)? else { return Ok(Found::Gone) };
    let ledger = match Ledger::of(Some(&record.annotations), &record.uid) {
        LedgerState::Ours(ledger) => Some(ledger),
        _ => None,
    };
    if let Some(outcome) = refused(&record.uid, event, ledger.as_ref()) {
        return Ok(Found::Ends(outcome));
    }
    let not_ready = |message: String| {
        let message = format!("the CicdContext {name} is not ready: {message}");
        Ok(Found::Waits(Outcome::pending(reason::CONTEXT_NOT_READY, message)))
    };
    let context = match files.whole_context(name).await {
        Ok(context) => context,
        Err(error) => return not_ready(error.problem.to_string()),
    };
    let program = match program(files, &context).await {
        Ok(program) => Arc::new(program),
        Err(error) => return not_ready(error.to_string()),
    };
    if context.spec.suspend == Some(true) {
        let message = format!("spec.suspend of the CicdContext {name} is true");
        return Ok(Found::Waits(Outcome::pending(reason::SUSPENDED, message)));
    }
    let facts = match facts(event) {
        Ok(facts) => facts,
        Err(error) => return Ok(Found::Ends(Outcome::failed(reason::INVALID_EVENT, error.to_string()))),
    };
    let namespace = context.metadata.namespace.clone().unwrap_or_default();
    let context_facts = ContextFacts { name: name.clone(), namespace: namespace.clone(), uid: record.uid.clone() };
    let done = ledger.map(|ledger| ledger.done().to_vec()).unwrap_or_default();
    let run =
        Run::resume(facts, context_facts, program, done, event.status.as_ref().unwrap_or(&CicdEventStatus::default()));
    let endpoints =
        GatheredEndpoints::gather(files, &namespace, run.endpoints()).await.map_err(|error| error.problem)?;
    let schema = context.spec.state_schema.as_ref().map(|schema| Arc::new(Schema::compile(schema)));
    let (context_uid, state) = (record.uid, record.state.unwrap_or_default());
    Ok(Found::Ready(Box::new(Ready { run, context_uid, state, endpoints, schema, kept: History::of(&context.spec) })))
}

fn refused(context_uid: &str, event: &CicdEvent, ledger: Option<&Ledger>) -> Option<Outcome> {
    let (name, uid) = (event.metadata.name.as_deref().unwrap_or_default(), event.metadata.uid.as_deref());
    let event_uid = uid.unwrap_or_default();
    let owner = event.metadata.owner_references.iter().flatten().find(|owner| owner.kind == "CicdContext");
    let known = ledger.and_then(|ledger| ledger.knows_event(name, event_uid));
    admit(&Admission {
        context_uid,
        reference_uid: event.spec.context_ref.uid.as_deref(),
        owner_uid: owner.map(|owner| owner.uid.as_str()),
        event_uid,
        created_at: event.spec.created_at.as_ref().map(|time| time.0),
        creation: event.metadata.creation_timestamp.as_ref().map(|time| time.0),
        known_under_another_uid: known == Some(KnownEvent::AnotherUid),
        ..Admission::default()
    })
}

fn facts(event: &CicdEvent) -> Result<EventFacts, FactsError> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (name, uid) = (text(&event.metadata.name), text(&event.metadata.uid));
    let id = event.metadata.annotations.as_ref().and_then(|annotations| annotations.get(annotation::SOURCE_ID));
    let time = event.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    EventFacts::read(event.spec.clone(), &name, &uid, id.unwrap_or(&name), time)
}
