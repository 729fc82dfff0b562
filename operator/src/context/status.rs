//! The status of a context.
//!
//! What flips is written at once: conditions, and which configuration is in force. What only counts (sizes, numbers of
//! events, the last event, which paths break the schema as long as some do) is written at most once in 60 seconds, so
//! that a plain patch of the state costs the operator no write of its own.

use cicdcontext_crds::{
    CicdContext, CicdContextSpec, CicdContextStatus, CicdEvent, EventPhase, HandlerPhase, Time, conditions,
    context::{EventCounts, LastEvent},
    vocabulary::{condition, reason},
};
use cicdcontext_engine::state::{
    Standing,
    limits::{self, LARGE_STATE_BYTES, LimitError, Limits},
};
use serde_json::{Map, Value};

use crate::{
    cache::{Malformed, ObjectKey, Stored},
    configuration::{Configured, NotReady, may_recover_by_itself},
    queue::Next,
    report::Severity,
    shared::{Operator, status},
    state::Schemas,
};

/// Brings the status of a context up to date.
pub async fn reconcile(operator: &Operator, key: &ObjectKey, context: &Stored<CicdContext>) -> Next {
    let spec = context.spec();
    let configured = match &spec {
        Ok(spec) => Some(operator.configured(context, spec).await),
        Err(_) => None,
    };
    let before = context.status_or_default();
    let state_valid = match &spec {
        Ok(spec) if spec.state_schema.is_some() => operator.compute(|| judge_state(spec, &operator.schemas)).await,
        Ok(spec) => judge_state(spec, &operator.schemas),
        Err(malformed) => (false, malformed.reason(), malformed.to_string()),
    };
    let mut after = before.clone();
    judge(&mut after, spec.as_ref(), configured.as_ref(), state_valid, &Time(operator.now()));
    let flips = differ(&before, &after);
    if flips && conditions::is_true(&after.conditions, condition::READY) {
        // What waited for the configuration can begin.
        operator.queues.events.add(key.clone());
    }
    if !flips && let Some(wait) = operator.last_writes.wait(key) {
        return Next::After(wait);
    }
    count(&mut after, spec.as_ref().ok(), &operator.events_of(key));
    if after == before {
        return Next::Await;
    }
    if flips {
        tell(operator, context, &before, &after);
    }
    match status::replace(operator, context, &after, "context_status").await {
        Ok(_) => {
            operator.last_writes.note(key);
            Next::Await
        }
        // Deleted; or an object that breaks its schema and takes no status either. A change of it brings it here again.
        Err(error) if matches!(error.code(), Some(404 | 422)) => Next::Await,
        Err(error) => {
            tracing::warn!(context = %key, %error, "write the status of a context");
            Next::Retry
        }
    }
}

/// What flips: conditions and the configuration in force.
fn judge(
    status: &mut CicdContextStatus,
    spec: Result<&CicdContextSpec, &Malformed>,
    configured: Option<&Configured>,
    state_valid: (bool, &'static str, String),
    now: &Time,
) {
    let problem = match (&spec, configured) {
        (Err(malformed), _) => Some(NotReady { reason: malformed.reason(), message: malformed.to_string() }),
        (Ok(_), Some(Err(not_ready))) => Some(not_ready.clone()),
        (Ok(_), Some(Ok(program))) => program.errors.first().map(|error| NotReady {
            reason: reason::INVALID_TEMPLATE,
            message: format!("{error}; handlers that do not use it run all the same"),
        }),
        (Ok(_), None) => None,
    };
    if let Some(Ok(program)) = configured {
        status.selected_context.clone_from(&program.resolved.selected);
        status.configuration_hash = Some(program.resolved.hash.clone());
        status.bases.clone_from(&program.resolved.bases);
    }
    let (ready, why, message) = match &problem {
        None => (true, reason::RESOLVED, String::new()),
        Some(problem) => (false, problem.reason, problem.message.clone()),
    };
    conditions::set(&mut status.conditions, condition::READY, ready, why, &message, None, now);
    let stalled = problem.as_ref().is_some_and(|problem| !may_recover_by_itself(problem));
    if stalled || conditions::get(&status.conditions, condition::STALLED).is_some() {
        conditions::set(&mut status.conditions, condition::STALLED, stalled, why, &message, None, now);
    }
    let (valid, why, message) = state_valid;
    conditions::set(&mut status.conditions, condition::STATE_VALID, valid, why, &message, None, now);
}

/// Whether something flipped. What StateValid says in words follows each patch of the state; it is no reason for a
/// write of its own as long as status and reason stay.
fn differ(before: &CicdContextStatus, after: &CicdContextStatus) -> bool {
    let mut after = after.clone();
    let old = conditions::get(&before.conditions, condition::STATE_VALID);
    let new = after.conditions.iter_mut().find(|condition| condition.type_ == condition::STATE_VALID);
    if let (Some(old), Some(new)) = (old, new)
        && (&old.status, &old.reason) == (&new.status, &new.reason)
    {
        new.message.clone_from(&old.message);
    }
    after != *before
}

/// Limits come first: a state beyond them is not looked at any closer.
fn judge_state(spec: &CicdContextSpec, schemas: &Schemas) -> (bool, &'static str, String) {
    let none = Map::new();
    let state = spec.state.as_ref().unwrap_or(&none);
    match limits::check(state, &Limits::default()) {
        Err(error @ LimitError::TooDeep { .. }) => return (false, reason::TOO_DEEP, error.to_string()),
        Err(error) => return (false, reason::TOO_LARGE, error.to_string()),
        Ok(()) => {}
    }
    if let Some(schema) = &spec.state_schema {
        match schemas.get(schema).as_ref() {
            Err(error) => {
                let message =
                    format!("{error}; until it is mended, state is not checked and no write is refused for it");
                return (false, reason::SCHEMA_INVALID, message);
            }
            Ok(schema) => match schema.judge(&Value::Object(state.clone())) {
                Standing::Violated(violations) => return (false, reason::SCHEMA_VIOLATED, violations.to_string()),
                Standing::Unchecked(error) => return (false, reason::SCHEMA_TOO_COSTLY, error.to_string()),
                Standing::Valid => {}
            },
        }
    }
    if limits::size(state) > LARGE_STATE_BYTES {
        let message = format!("state has more than {LARGE_STATE_BYTES} bytes; every reader of the context pays for it");
        return (true, reason::LARGE, message);
    }
    (true, reason::VALID, String::new())
}

/// What only counts.
fn count(status: &mut CicdContextStatus, spec: Option<&CicdContextSpec>, events: &[std::sync::Arc<Stored<CicdEvent>>]) {
    if let Some(spec) = spec {
        let bytes = spec.state.as_ref().map_or(0, limits::size);
        status.state_bytes = Some(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
    let mut counts = EventCounts::default();
    let mut last: Option<LastEvent> = None;
    for event in events {
        let state = event.status_or_default();
        match state.phase {
            EventPhase::Pending | EventPhase::Running => counts.pending += 1,
            EventPhase::Retrying => counts.waiting += 1,
            EventPhase::Failed => counts.failed += 1,
            EventPhase::Succeeded | EventPhase::Skipped => {}
        }
        if state.handlers.iter().any(|handler| handler.phase == HandlerPhase::Waiting)
            && state.phase != EventPhase::Retrying
        {
            counts.waiting += 1;
        }
        let newer = |last: &LastEvent| state.completion_time.as_ref() >= last.completion_time.as_ref();
        if state.phase.is_final() && state.completion_time.is_some() && last.as_ref().is_none_or(newer) {
            last = Some(LastEvent {
                name: event.name().to_owned(),
                event: event.spec().map_or_else(|_| String::new(), |spec| label(&spec)),
                phase: state.phase,
                completion_time: state.completion_time,
            });
        }
    }
    status.events = Some(counts);
    if last.is_some() {
        status.last_event = last;
    }
}

/// `build=success`, as people write it.
pub fn label(spec: &cicdcontext_crds::CicdEventSpec) -> String {
    let pipeline = spec.pipeline.as_deref().unwrap_or("?");
    match (&spec.event, &spec.generate) {
        (Some(event), _) => format!("{pipeline}={event}"),
        (None, Some(generator)) => format!("{pipeline}.{generator}"),
        (None, None) => "(raw)".to_owned(),
    }
}

/// Conditions that turned bad are told as Kubernetes Events, too.
fn tell(operator: &Operator, context: &Stored<CicdContext>, before: &CicdContextStatus, after: &CicdContextStatus) {
    for kind in [condition::READY, condition::STATE_VALID] {
        let Some(now) = conditions::get(&after.conditions, kind) else { continue };
        let same = conditions::get(&before.conditions, kind)
            .is_some_and(|old| old.status == now.status && old.reason == now.reason && old.message == now.message);
        if now.status == "False" && !same {
            let note = if now.message.is_empty() { now.reason.clone() } else { now.message.clone() };
            operator.reporter.report(context, Severity::Warning, known_reason(&now.reason), "Resolve", note);
        }
    }
}

/// The constant that a condition's reason was written from.
fn known_reason(text: &str) -> &'static str {
    [
        reason::BASE_NOT_FOUND,
        reason::BASE_NOT_READY,
        reason::BASE_CYCLE,
        reason::TOO_MANY_BASES,
        reason::TYPE_CLASH,
        reason::UNKNOWN_SELECTED_CONTEXT,
        reason::INVALID_TEMPLATE,
        reason::TOO_DEEP,
        reason::TOO_LARGE,
        reason::SCHEMA_VIOLATED,
        reason::SCHEMA_INVALID,
        reason::SCHEMA_TOO_COSTLY,
        reason::MALFORMED,
    ]
    .into_iter()
    .find(|reason| *reason == text)
    .unwrap_or(reason::INVALID_CONFIGURATION)
}
