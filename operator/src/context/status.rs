//! The status of a context.
//!
//! What flips is written at once: conditions; and what an edit of the context's own configuration brings about. All else
//! (sizes, numbers of events, the last event, which paths break the schema as long as some do, which configuration is in force after an edit of a base) is written at
//! most once in 60 seconds, and trickles if it concerns many contexts: a plain patch of the state costs the operator no
//! write of its own, and an edit of a base no storm of them.

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
    cache::{Malformed, ObjectKey, Stored, watch},
    configuration::{NotReady, facts::Facts, may_recover_by_itself},
    crash::Point,
    queue::Next,
    report::Severity,
    shared::{Operator, status},
    state::Schemas,
};

/// Brings the status of a context up to date.
pub async fn reconcile(operator: &Operator, key: &ObjectKey, context: &Stored<CicdContext>) -> Next {
    let spec = context.spec();
    let facts = match &spec {
        Ok(spec) => Some(operator.facts(context, spec).await),
        Err(_) => None,
    };
    let next = bring_up_to_date(operator, key, context, spec.as_ref(), facts.as_deref()).await;
    if let Some(facts) = facts
        && next != Next::Retry
    {
        operator.trickle.saw(key, facts.fingerprint);
    }
    next
}

async fn bring_up_to_date(
    operator: &Operator,
    key: &ObjectKey,
    context: &Stored<CicdContext>,
    spec: Result<&CicdContextSpec, &Malformed>,
    facts: Option<&Facts>,
) -> Next {
    let before = context.status_or_default();
    let state_valid = match &spec {
        Ok(spec) if spec.state_schema.is_some() => {
            operator.compute(context.namespace(), || judge_state(spec, &operator.schemas)).await
        }
        Ok(spec) => judge_state(spec, &operator.schemas),
        Err(malformed) => (false, malformed.reason(), malformed.to_string()),
    };
    let mut after = before.clone();
    judge(&mut after, spec, facts, state_valid, &Time(operator.now()));
    let changed = after != before;
    if changed && conditions::is_true(&after.conditions, condition::READY) {
        // What waited for the configuration can begin, or go on.
        operator.queues.events.add(key.clone());
        operator.waiting.unpark(key);
    }
    let edited = facts.is_some_and(|facts| operator.trickle.is_edited(key, facts.fingerprint));
    let prompt = flips(&before, &after) || (changed && edited);
    if !prompt && let Some(rest) = operator.trickle.rest(key) {
        return Next::After(rest);
    }
    count(&mut after, spec.ok(), &operator.events_of(key));
    // That something happened is worth a write of its own only where somebody waits for nothing to happen.
    let timed = spec.is_ok_and(|spec| spec.ttl_seconds_after_last_activity.is_some());
    if after != before || timed {
        let seen = operator.history.last_activity(key).map(Time);
        after.last_activity_time = after.last_activity_time.max(seen);
    }
    if after == before {
        operator.trickle.nothing_to_write(key);
        return Next::Await;
    }
    let contexts = watch::read(&operator.caches.contexts, crate::cache::Store::len);
    if !prompt && let Some(wait) = operator.trickle.wait(key, contexts) {
        return Next::After(wait);
    }
    tell(operator, context, &before, &after);
    match status::replace(operator, context, &after, "context_status").await {
        Ok(_) => {
            operator.crash.pass(Point::ContextStatus);
            if let Some(bytes) = after.state_bytes.and_then(|bytes| i32::try_from(bytes).ok()) {
                operator.metrics.state_size.observe(bytes.into());
            }
            operator.trickle.wrote(key);
            Next::Await
        }
        // Deleted; or an object that breaks its schema and takes no status either. A change of it brings it here again.
        Err(error) if matches!(error.code(), Some(404 | 422)) => {
            operator.trickle.nothing_to_write(key);
            Next::Await
        }
        Err(error) => {
            tracing::warn!(namespace = key.namespace, context = key.name, %error, "write the status of a context");
            Next::Retry
        }
    }
}

/// Whether something turned over that people and programs wait for. What is wrong may be told in other words meanwhile:
/// that alone is none, since it may concern every context of a base.
fn flips(before: &CicdContextStatus, after: &CicdContextStatus) -> bool {
    after.conditions.iter().any(|now| {
        conditions::get(&before.conditions, &now.type_).is_none_or(|old| {
            old.status != now.status || (now.type_ == condition::STATE_VALID && old.reason != now.reason)
        })
    })
}

/// What can be judged without counting: conditions and the configuration in force.
fn judge(
    status: &mut CicdContextStatus,
    spec: Result<&CicdContextSpec, &Malformed>,
    facts: Option<&Facts>,
    state_valid: (bool, &'static str, String),
    now: &Time,
) {
    let outcome = facts.map(|facts| facts.outcome.as_ref());
    let problem = match (&spec, outcome) {
        (Err(malformed), _) => Some(NotReady { reason: malformed.reason(), message: malformed.to_string() }),
        (Ok(_), Some(Err(not_ready))) => Some(not_ready.clone()),
        (Ok(_), Some(Ok(usable))) => usable.template_error.as_ref().map(|error| NotReady {
            reason: reason::INVALID_TEMPLATE,
            message: format!("{error}; handlers that do not use it run all the same"),
        }),
        (Ok(_), None) => None,
    };
    if let Some(Ok(usable)) = outcome {
        status.selected_context.clone_from(&usable.selected);
        status.configuration_hash = Some(usable.hash.clone());
        status.bases.clone_from(&usable.bases);
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
