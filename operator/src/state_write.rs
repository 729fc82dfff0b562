//! State writes: applied by context, all that wait in one patch, and gone once they are.
//!
//! `verdict` decides on each without any I/O; this module applies, and keeps the refused ones where their creator sees
//! why; `gather` says how many a patch waits for, and `acknowledge` deletes what is applied.

pub mod acknowledge;
pub mod gather;
pub mod refused;
pub mod verdict;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_crds::{
    CicdContext, CicdStateWrite, Time, conditions,
    vocabulary::{condition, reason},
};
use kube::api::Preconditions;

use self::verdict::{Judged, Verdict, judge};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::RequestError,
    crash::Point,
    history,
    metrics::{KindLabel, ResultLabels, known_reason},
    queue::Next,
    report::Severity,
    shared::{
        Operator,
        acknowledged::acknowledged,
        deletion::{Deletion, delete as delete_object},
        status,
        wake::state_write_changed,
    },
    state::{Intent, WriteError},
};

type Write = Arc<Stored<CicdStateWrite>>;

/// Applies what waits for the context `key`.
pub async fn reconcile(operator: &Operator, key: &ObjectKey) -> Next {
    let waiting = not_applied(operator, key).len();
    if let Some(rest) = operator.gathering.rest(key, waiting, Instant::now()) {
        return Next::After(rest);
    }
    match apply_waiting(operator, key).await {
        Ok(progress) => progress.next,
        Err(error) => {
            tracing::warn!(namespace = key.namespace, context = key.name, %error, "apply state writes; it is tried again");
            Next::Retry
        }
    }
}

/// How far the state writes of a context are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When the context's state writes have to be looked at again.
    pub next: Next,
    /// Whether there were more than go into the state at once.
    pub more: bool,
}

impl Progress {
    fn all(next: Next) -> Self {
        Self { next, more: false }
    }
}

/// Whether a state write waits for the context `key` that the API server accepted before this version.
pub fn has_waiting_before(operator: &Operator, key: &ObjectKey, version: u64) -> bool {
    let waits = |write: &Write| {
        write.resource_version() < version && write.metadata.deletion_timestamp.is_none() && !is_refused(write)
    };
    not_applied(operator, key).iter().any(waits)
}

/// What is in the state already is only waiting to be deleted.
fn not_applied(operator: &Operator, key: &ObjectKey) -> Vec<Write> {
    let mut writes = operator.state_writes_of(key);
    writes.retain(|write| !operator.applied.has(write));
    writes
}

/// Applies what waits for the context `key`, in the order in which the API server accepted it.
pub async fn apply_waiting(operator: &Operator, key: &ObjectKey) -> Result<Progress, RequestError> {
    if not_applied(operator, key).is_empty() {
        return Ok(Progress::all(Next::Await));
    }
    let turn = operator.writers.turn(key);
    let _turn = turn.lock().await;
    let writes = not_applied(operator, key);
    let (refused, mut waiting): (Vec<_>, Vec<_>) =
        writes.into_iter().filter(|write| write.metadata.deletion_timestamp.is_none()).partition(is_refused);
    let expire = forget_refused(operator, refused).await;
    if waiting.is_empty() {
        return Ok(Progress::all(expire));
    }
    waiting.sort_by_cached_key(|write| (write.resource_version(), write.name().to_owned()));
    if key.name.is_empty() {
        return refuse_malformed(operator, &waiting).await.map(Progress::all);
    }
    let room = operator.applied.room(key);
    if room == 0 {
        // It is looked at again when some of those that are applied are deleted.
        return Ok(Progress { next: expire, more: true });
    }
    let more = waiting.len() > room;
    waiting.truncate(room);
    let Some(context) = context_of(operator, key).await? else {
        return Ok(Progress::all(without_context(operator, key, &waiting).await.unwrap_or(expire)));
    };
    if !operator.is_selected(key).await? {
        return Ok(Progress::all(Next::Await));
    }
    let mut intents = Vec::new();
    for write in waiting {
        match judge(&write, context.uid()) {
            Judged::Apply(intent) => intents.push((write, intent)),
            Judged::Refuse(verdict) => refuse(operator, &write, &verdict).await?,
        }
    }
    operator.writers.retire(key, acknowledged(operator, key, &context).await);
    let (writes, intents): (Vec<Write>, Vec<Intent>) = intents.into_iter().unzip();
    let at_once = writes.len() + operator.applied.count(key);
    let results = operator.writers.write_all(key, &context, intents).await;
    operator.gathering.patched(key, at_once, Instant::now());
    let (mut unavailable, mut gone) = (None, false);
    let mut refused = Vec::new();
    for (write, result) in writes.iter().zip(results) {
        match result {
            Ok(_) => {
                count(operator, "Applied", condition::APPLIED);
                acknowledge::begin(operator, key, write);
            }
            Err(WriteError::Refused { reason, message }) => {
                refused.push((write, Verdict { reason, message }));
            }
            Err(WriteError::Gone) => gone = true,
            Err(WriteError::Unavailable(message)) => unavailable = Some(message),
        }
    }
    for (write, verdict) in refused {
        refuse(operator, write, &verdict).await?;
    }
    match unavailable {
        // The next turn finds it without its context.
        _ if gone => Ok(Progress { next: Next::After(Duration::ZERO), more }),
        Some(message) => Err(RequestError::from(kube::Error::Service(message.into()))),
        None if more => Ok(Progress { next: Next::After(Duration::ZERO), more }),
        None => Ok(Progress::all(expire)),
    }
}

/// State writes whose spec cannot be read: which context they are for is not known either.
async fn refuse_malformed(operator: &Operator, waiting: &[Write]) -> Result<Next, RequestError> {
    for write in waiting {
        if let Judged::Refuse(verdict) = judge(write, "") {
            refuse(operator, write, &verdict).await?;
        }
    }
    Ok(Next::Await)
}

async fn delete(operator: &Operator, key: &ObjectKey, uid: &str) -> Result<(), RequestError> {
    let judged = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
    // It does not matter if it was withdrawn by its creator, or if another object has its name by now.
    if let Deletion::Deleted = delete_object::<CicdStateWrite>(operator, key, judged, "state_write_delete").await? {
        operator.crash.pass(Point::StateWriteDeleted);
    }
    watch::write(&operator.caches.state_writes, |store| store.forget(key, uid));
    Ok(())
}

/// Says why a state write was refused.
async fn refuse(operator: &Operator, write: &Write, verdict: &Verdict) -> Result<(), RequestError> {
    let mut new = write.status_or_default();
    let generation = write.metadata.generation;
    let now = Time(operator.now());
    new.observed_generation = generation;
    conditions::set(&mut new.conditions, condition::APPLIED, false, verdict.reason, &verdict.message, generation, &now);
    let note = format!("{}: {}", verdict.reason, verdict.message);
    operator.reporter.report(write, Severity::Warning, REFUSED, "Apply", note);
    match status::replace(operator, write, &new, "state_write_status").await {
        Ok(written) => {
            operator.crash.pass(Point::StateWriteRefused);
            count(operator, "Refused", known_reason(verdict.reason));
            // The watch will not tell of a version that the cache has already; when its time is over it has to go.
            if let Some(changed) = watch::write(&operator.caches.state_writes, |store| store.put_if_newer(written)) {
                state_write_changed(operator, &changed);
            }
            Ok(())
        }
        Err(error) if error.is_not_found() || error.code() == Some(422) => Ok(()),
        Err(error) => Err(error),
    }
}

fn count(operator: &Operator, result: &'static str, reason: &'static str) {
    operator.metrics.state_writes.get_or_create(&ResultLabels { result, reason }).inc();
}

/// Reason of the Kubernetes Event about a refused state write; the note begins with the condition's own reason.
const REFUSED: &str = "StateWriteRefused";

/// Whether a state write says that it was refused: nothing more will happen to it.
pub fn is_refused(write: &Write) -> bool {
    conditions::get(&write.status_or_default().conditions, condition::APPLIED)
        .is_some_and(|applied| applied.status == "False")
}

/// Deletes refused ones that are kept long enough; tells when to look again.
async fn forget_refused(operator: &Operator, refused: Vec<Write>) -> Next {
    let now = operator.now();
    let since = |write: &Write| {
        conditions::get(&write.status_or_default().conditions, condition::APPLIED)
            .map_or(jiff::Timestamp::UNIX_EPOCH, |applied| applied.last_transition_time.0)
    };
    let mut refused: Vec<(jiff::Timestamp, Write)> = refused.into_iter().map(|write| (since(&write), write)).collect();
    refused.sort_by_key(|(since, _)| *since);
    let times: Vec<_> = refused.iter().map(|(since, _)| *since).collect();
    let (going, next) = refused::going(&times, now);
    for (_, write) in &refused[..going] {
        if let Err(error) = delete(operator, &ObjectKey::new(write.namespace(), write.name()), write.uid()).await {
            tracing::warn!(write = write.name(), %error, "delete a refused state write");
            return Next::Retry;
        }
        operator.metrics.history_deleted.get_or_create(&KindLabel { kind: history::STATE_WRITE }).inc();
    }
    next
}

/// The context, from the cache or, if it is not there, from the API server.
async fn context_of(operator: &Operator, key: &ObjectKey) -> Result<Option<Arc<Stored<CicdContext>>>, RequestError> {
    if let Some(context) = watch::read(&operator.caches.contexts, |store| store.get(key)) {
        return Ok(Some(context));
    }
    Ok(operator.live_context(key).await?.map(Arc::new))
}

/// State writes whose context does not exist: they wait for it as long as an event would.
async fn without_context(operator: &Operator, key: &ObjectKey, waiting: &[Write]) -> Option<Next> {
    let grace = operator.settings.unknown_context_grace;
    let mut next = None;
    for write in waiting {
        let created = write.metadata.creation_timestamp.as_ref().map_or_else(|| operator.now(), |time| time.0);
        let age = Duration::try_from(operator.now().duration_since(created)).unwrap_or_default();
        if let Some(rest) = grace.checked_sub(age).filter(|rest| !rest.is_zero()) {
            next = next.or(Some(Next::After(rest)));
            continue;
        }
        let message = format!("there is no CicdContext {} in namespace {}", key.name, key.namespace);
        if let Err(error) = refuse(operator, write, &Verdict { reason: reason::CONTEXT_NOT_FOUND, message }).await {
            tracing::warn!(write = write.name(), %error, "refuse a state write");
            return Some(Next::Retry);
        }
    }
    next
}
