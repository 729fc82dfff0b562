//! Event annotations become CicdEvents.
//!
//! For each annotation: create the event (its name follows from the annotation's id, so that the API server itself
//! sees to it that there is one only), then take the annotation away in the patch that remembers the id. A crash between
//! the two leaves the annotation, and the next attempt finds the event there.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_crds::{
    CicdContext, CicdEvent, CicdEventSpec, Time,
    vocabulary::{annotation as key_of, reason},
};
use cicdcontext_engine::{
    event::{
        annotation::{self, Found},
        name::event_name,
    },
    state::{Ledger, LedgerState},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Api, Resource, api::PostParams};
use serde_json::json;

use crate::{
    cache::{ObjectKey, Stored},
    client::{RequestError, bounded},
    crash::Point,
    metrics::{KindLabel, ResultLabel},
    queue::Next,
    report::Severity,
    shared::{Operator, memory::Refusals},
    state::{Intent, Taken, WriteError},
};

/// Annotations that are taken in at once.
const AT_ONCE: usize = 64;

/// Takes in the event annotations of a context.
pub async fn intake(operator: &Arc<Operator>, key: &ObjectKey, context: &Arc<Stored<CicdContext>>) -> Next {
    if context.metadata.deletion_timestamp.is_some() {
        return Next::Await;
    }
    let nothing = BTreeMap::new();
    let annotations = context.metadata.annotations.as_ref().unwrap_or(&nothing);
    let found = annotation::ids(annotations);
    let ledger = Ledger::of(context.metadata.annotations.as_ref(), context.uid());
    if let LedgerState::Foreign(_) = ledger {
        return discard(operator, key, context, &found).await;
    }
    if ledger == LedgerState::Malformed {
        let note = "annotation cicdcontext.io/applied was changed by somebody and cannot be read; it is written anew, and \
                    what it remembered of finished events is lost";
        operator.reporter.report(context.as_ref(), Severity::Warning, reason::LEDGER_UNREADABLE, "TakeIn", note);
    }
    let mut found = found;
    found.retain(|found| !operator.leaving.has(key, &full_key(found), found.value));
    if found.is_empty() {
        operator.refusals.forget(key);
        return Next::Await;
    }
    if let Some(rest) = operator.refusals.rest(key, Instant::now()) {
        return Next::After(rest);
    }
    if found.len() > AT_ONCE {
        let note = format!("{} event annotations wait, {AT_ONCE} are taken in at once", found.len());
        operator.reporter.report(context, Severity::Warning, reason::TOO_MANY_EVENTS, "TakeIn", note);
    }
    let mut taken = Vec::new();
    let mut next = Next::Await;
    for annotation in found.iter().take(AT_ONCE) {
        match take_in(operator, context, &ledger, annotation).await {
            Ok(done) => taken.push(done),
            Err(error) => {
                let note = format!(
                    "create the CicdEvent of annotation {}: {error}; the annotation stays, and it is tried again at growing distances of up to {} s",
                    full_key(annotation),
                    Refusals::LONGEST.as_secs()
                );
                tracing::warn!(namespace = key.namespace, context = key.name, %error, annotation = full_key(annotation), "event is refused; the annotation stays");
                operator.reporter.report(context, Severity::Warning, reason::EVENT_REFUSED, "TakeIn", note);
                operator.metrics.reconcile_errors.get_or_create(&KindLabel { kind: "context" }).inc();
                looked_at(operator, "refused");
                next = Next::After(operator.refusals.refused(key, Instant::now()));
                break;
            }
        }
    }
    if next == Next::Await {
        operator.refusals.forget(key);
    }
    if !taken.is_empty() {
        take_away(operator, key, context, taken);
    }
    next
}

/// How long the removal of annotations waits for another patch of the context that it can go along with. The events
/// exist already and run meanwhile; most capture something and patch the context themselves.
const GO_ALONG_WITHIN: Duration = Duration::from_millis(50);

/// Takes annotations away while the context's next turn may come.
fn take_away(operator: &Arc<Operator>, key: &ObjectKey, context: &Arc<Stored<CicdContext>>, taken: Vec<Taken>) {
    let leaving: Vec<(String, String)> = taken.iter().map(|taken| (taken.key.clone(), taken.value.clone())).collect();
    operator.leaving.begin(key, leaving.iter().cloned());
    let (operator, key, context) = (Arc::clone(operator), key.clone(), Arc::clone(context));
    tokio::spawn(async move {
        let intent = Intent::Intake(taken);
        let result = operator.writers.write_within(GO_ALONG_WITHIN, &key, &context, intent).await;
        operator.leaving.end(&key, &leaving);
        match result {
            // The same annotation may have been put back meanwhile.
            Ok(_) | Err(WriteError::Gone) => operator.queues.contexts.add(key),
            Err(error) => {
                tracing::warn!(namespace = key.namespace, context = key.name, %error, "take event annotations away; it is tried again");
                operator.queues.contexts.add_after(key, TRY_AGAIN_AFTER);
            }
        }
    });
}

/// When annotations are looked at again that could not be taken away.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Creates the event of one annotation, or finds the one that there is.
async fn take_in(
    operator: &Operator,
    context: &Stored<CicdContext>,
    ledger: &LedgerState,
    found: &Found<'_>,
) -> Result<Taken, RequestError> {
    let name = event_name(context.name(), context.uid(), found.front, found.id);
    let taken = |event_uid: Option<String>| Taken {
        key: full_key(found),
        value: found.value.to_owned(),
        event_name: name.clone(),
        event_uid,
    };
    let (spec, problem) = spec_of(context, found);
    let known = matches!(ledger, LedgerState::Ours(ledger) if ledger.knows_event_name(&name));
    let api: Api<Stored<CicdEvent>> = Api::namespaced(operator.client.clone(), context.namespace());
    if known {
        looked_at(operator, "known");
        if let Some(existing) = bounded(api.get_opt(&name)).await? {
            tell_if_different(operator, context, found, &existing, &spec);
        } else {
            let note = format!("annotation {}: event {name} ran before and is gone", full_key(found));
            operator.reporter.report(context, Severity::Normal, reason::ALREADY_RUN, "TakeIn", note);
        }
        return Ok(taken(None));
    }
    let mut object = CicdEvent::new(&name, spec);
    object.metadata = ObjectMeta {
        name: Some(name.clone()),
        namespace: Some(context.namespace().to_owned()),
        owner_references: Some(vec![owner(context)]),
        annotations: Some(BTreeMap::from([(key_of::SOURCE_ID.to_owned(), found.id.to_owned())])),
        ..ObjectMeta::default()
    };
    object.spec.created_at = Some(Time(operator.now()));
    let create_api: Api<CicdEvent> = Api::namespaced(operator.client.clone(), context.namespace());
    let parameters = PostParams::default();
    match operator.metrics.write("event_create", bounded(create_api.create(&parameters, &object))).await {
        Ok(created) => {
            operator.crash.pass(Point::EventCreated);
            looked_at(operator, "created");
            if let Some(problem) = problem {
                let note = format!("annotation {}: {problem}", full_key(found));
                operator.reporter.report(context, Severity::Warning, reason::BAD_ANNOTATION, "TakeIn", note);
            }
            tracing::info!(
                context = context.name(),
                namespace = context.namespace(),
                event = name,
                "annotation taken in"
            );
            Ok(taken(created.metadata.uid))
        }
        Err(error) if error.code() == Some(409) => {
            // Either this very annotation before a crash, or another content under a name that is in use.
            let existing = bounded(api.get_opt(&name)).await?;
            looked_at(operator, "known");
            if let Some(existing) = &existing {
                tell_if_different(operator, context, found, existing, &object.spec);
            }
            Ok(taken(existing.map(|existing| existing.uid().to_owned())))
        }
        Err(error) => Err(error),
    }
}

/// The spec of an annotation's event; one that cannot be understood becomes an event that says so.
fn spec_of(context: &Stored<CicdContext>, found: &Found<'_>) -> (CicdEventSpec, Option<String>) {
    match annotation::parse(found.front, found.value) {
        Ok(parsed) => (parsed.into_spec(context.name(), context.uid()), None),
        Err(error) => {
            let problem = error.to_string();
            let mut spec = annotation::raw_spec(found.value, context.name(), context.uid());
            spec.data = Some(json!({"problem": problem}));
            (spec, Some(problem))
        }
    }
}

fn tell_if_different(
    operator: &Operator,
    context: &Stored<CicdContext>,
    found: &Found<'_>,
    existing: &Stored<CicdEvent>,
    wanted: &CicdEventSpec,
) {
    let same = existing.spec().is_ok_and(|spec| {
        CicdEventSpec { created_at: None, ..spec } == CicdEventSpec { created_at: None, ..wanted.clone() }
    });
    if !same {
        let note = format!(
            "annotation {} has another content than event {}, which was made under this id before; it is not run. Give each event an id of its own",
            full_key(found),
            existing.name()
        );
        operator.reporter.report(context, Severity::Warning, reason::DUPLICATE_EVENT, "TakeIn", note);
    }
}

/// A restored or copied context: its event annotations belong to its former life.
async fn discard(
    operator: &Operator,
    key: &ObjectKey,
    context: &Arc<Stored<CicdContext>>,
    found: &[Found<'_>],
) -> Next {
    let annotations = found.iter().map(|found| (full_key(found), found.value.to_owned())).collect();
    match operator.writers.write(key, context, Intent::Discard(annotations)).await {
        Ok(_) => {
            for annotation in found {
                looked_at(operator, "stale");
                let note = format!(
                    "annotation {} came with a restored or copied context and is not run",
                    full_key(annotation)
                );
                operator.reporter.report(context, Severity::Warning, reason::STALE_ANNOTATION, "TakeIn", note);
            }
            Next::Await
        }
        Err(WriteError::Gone) => Next::Await,
        Err(error) => {
            tracing::warn!(namespace = key.namespace, context = key.name, %error, "take stale event annotations away");
            Next::Retry
        }
    }
}

/// Counts an annotation by what became of it.
fn looked_at(operator: &Operator, result: &'static str) {
    operator.metrics.annotations.get_or_create(&ResultLabel { result }).inc();
}

fn full_key(found: &Found<'_>) -> String {
    found.front.key(found.id)
}

/// A plain owner reference: garbage collection without holding up anybody's deletion.
pub fn owner(context: &Stored<CicdContext>) -> OwnerReference {
    OwnerReference {
        api_version: CicdContext::api_version(&()).into_owned(),
        kind: CicdContext::kind(&()).into_owned(),
        name: context.name().to_owned(),
        uid: context.uid().to_owned(),
        controller: None,
        block_owner_deletion: None,
    }
}
