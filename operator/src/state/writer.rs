//! The one writer of each context.
//!
//! Whatever waits for a context while a patch of it is under way goes into the next patch together (group commit). A
//! patch tests what it is founded on, never the resourceVersion alone, so that plain patches by pipelines do not starve
//! it; if a test fails the context is read again and the patch is made anew.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use cicdcontext_crds::{
    CicdContext, CicdContextSpec,
    vocabulary::{manager, reason},
};
use cicdcontext_engine::state::{
    Schema,
    ledger::{EffectHash, LedgerFull},
    patch,
};
use kube::{Api, Client, Resource};
use tokio::sync::oneshot;

use super::{
    fence::Fence,
    plan::{Base, Intent, Plan, Unwritten, plan},
    schemas::Schemas,
};
use crate::{
    cache::{ObjectKey, Stored, watch},
    client::{RequestError, bounded},
    crash::{CrashPlan, Point},
    metrics::Metrics,
    shared::computing::Computing,
};

/// How often one patch is made anew after its tests failed, or after an unclear answer.
const ATTEMPTS: usize = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// The least pause after an API server said that it has too much to do: what its priority and fairness asks for.
const OVERLOAD_PAUSE: Duration = Duration::from_secs(1);

/// What was written.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The context with it.
    pub context: Arc<Stored<CicdContext>>,
    /// The paths of the state that this intent wrote.
    pub paths: Vec<String>,
}

/// Why nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The changes cannot be made.
    #[error("{message}")]
    Refused {
        /// One of `vocabulary::reason`.
        reason: &'static str,
        /// Why.
        message: String,
    },
    /// The context does not exist any more, or is another object of its name.
    #[error("the CicdContext was deleted")]
    Gone,
    /// The API server did not take it. Whether it was carried out is not known.
    #[error("write into the CicdContext: {0}")]
    Unavailable(String),
}

#[derive(Debug)]
struct Waiting {
    uid: String,
    intent: Intent,
    reply: oneshot::Sender<Result<Committed, WriteError>>,
}

#[derive(Debug, Default)]
struct ContextWriter {
    waiting: Mutex<Vec<Waiting>>,
    retired: Mutex<HashSet<EffectHash>>,
    /// Held by whoever applies the context's state writes.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Held by whoever commits: the context as the last patch left it, until the cache has caught up.
    last: tokio::sync::Mutex<Option<Arc<Stored<CicdContext>>>>,
}

impl ContextWriter {
    fn enqueue(&self, known: &Stored<CicdContext>, intent: Intent) -> oneshot::Receiver<Result<Committed, WriteError>> {
        let (reply, answer) = oneshot::channel();
        lock(&self.waiting).push(Waiting { uid: known.uid().to_owned(), intent, reply });
        answer
    }
}

/// The writers of all contexts.
pub struct Writers {
    client: Client,
    contexts: watch::Shared<CicdContext>,
    metrics: Arc<Metrics>,
    schemas: Arc<Schemas>,
    computing: Arc<Computing>,
    fence: Fence,
    crash: CrashPlan,
    by_context: Mutex<HashMap<ObjectKey, Arc<ContextWriter>>>,
}

impl Writers {
    /// Writers that read from `contexts` and put back into it what they wrote. What breaks the context's schema is
    /// refused. `fence` says whether a ledger may be written over.
    pub fn new(
        client: Client,
        contexts: watch::Shared<CicdContext>,
        metrics: Arc<Metrics>,
        schemas: Arc<Schemas>,
        computing: Arc<Computing>,
        fence: Fence,
        crash: CrashPlan,
    ) -> Self {
        Self { client, contexts, metrics, schemas, computing, fence, crash, by_context: Mutex::default() }
    }

    /// Writes `intent` into the context `key`, if it still is the object `known`, which somebody has read lately.
    pub async fn write(
        &self,
        key: &ObjectKey,
        known: &Arc<Stored<CicdContext>>,
        intent: Intent,
    ) -> Result<Committed, WriteError> {
        self.write_within(Duration::ZERO, key, known, intent).await
    }

    /// The same for what is not urgent: within `delay` it goes along with another patch of the context, if there is
    /// one, and costs no patch of its own.
    pub async fn write_within(
        &self,
        delay: Duration,
        key: &ObjectKey,
        known: &Arc<Stored<CicdContext>>,
        intent: Intent,
    ) -> Result<Committed, WriteError> {
        let writer = self.writer(key);
        let mut answer = writer.enqueue(known, intent);
        let went_along = if delay.is_zero() { None } else { tokio::time::timeout(delay, &mut answer).await.ok() };
        if let Some(answered) = went_along {
            return answered.unwrap_or_else(|_| Err(stopped()));
        }
        self.take_turn(key, &writer, known).await;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Writes several intents, as far as possible in one patch; gives the result of each.
    pub async fn write_all(
        &self,
        key: &ObjectKey,
        known: &Arc<Stored<CicdContext>>,
        intents: Vec<Intent>,
    ) -> Vec<Result<Committed, WriteError>> {
        if intents.is_empty() {
            return Vec::new();
        }
        let writer = self.writer(key);
        let answers: Vec<_> = intents.into_iter().map(|intent| writer.enqueue(known, intent)).collect();
        self.take_turn(key, &writer, known).await;
        let mut results = Vec::with_capacity(answers.len());
        for answer in answers {
            results.push(answer.await.unwrap_or_else(|_| Err(stopped())));
        }
        results
    }

    /// Held by whoever applies the state writes of a context, so that none is decided on twice.
    pub fn turn(&self, key: &ObjectKey) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(&self.writer(key).turn)
    }

    fn writer(&self, key: &ObjectKey) -> Arc<ContextWriter> {
        Arc::clone(lock(&self.by_context).entry(key.clone()).or_default())
    }

    /// Commits all that waits, unless somebody else has just done so.
    async fn take_turn(&self, key: &ObjectKey, writer: &ContextWriter, known: &Arc<Stored<CicdContext>>) {
        let mut last = writer.last.lock().await;
        let batch = std::mem::take(&mut *lock(&writer.waiting));
        if !batch.is_empty() {
            let newest = self.newest(key, known, last.take());
            *last = self.commit(key, writer, batch, newest).await;
        }
    }

    /// The newest version of a context that is known here: the cache may lag behind our own patches.
    pub async fn newest_known(&self, key: &ObjectKey, known: Arc<Stored<CicdContext>>) -> Arc<Stored<CicdContext>> {
        let writer = lock(&self.by_context).get(key).cloned();
        let Some(writer) = writer else { return known };
        let mut last = writer.last.lock().await;
        match last.as_ref() {
            Some(last) if last.uid() == known.uid() && last.resource_version() > known.resource_version() => {
                Arc::clone(last)
            }
            // The cache has caught up: one copy of the context is enough.
            _ => {
                *last = None;
                known
            }
        }
    }

    /// Effects whose acknowledgement is confirmed: they leave the ledger with the next patch.
    pub fn retire(&self, key: &ObjectKey, effects: impl IntoIterator<Item = EffectHash>) {
        let mut effects = effects.into_iter().peekable();
        if effects.peek().is_some() {
            lock(&self.writer(key).retired).extend(effects);
        }
    }

    /// Forgets the writer of a context that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        lock(&self.by_context).remove(key);
    }

    /// The newest version of a context that somebody here has seen: a patch that is founded on it need not be made
    /// anew.
    fn newest(
        &self,
        key: &ObjectKey,
        known: &Arc<Stored<CicdContext>>,
        last: Option<Arc<Stored<CicdContext>>>,
    ) -> Arc<Stored<CicdContext>> {
        let cached = watch::read(&self.contexts, |store| store.get(key));
        let versions = [cached, last, Some(Arc::clone(known))].into_iter().flatten();
        versions.max_by_key(|context| context.resource_version()).unwrap_or_else(|| Arc::clone(known))
    }

    /// Commits, and gives the context as it is then, if that is known.
    async fn commit(
        &self,
        key: &ObjectKey,
        writer: &ContextWriter,
        batch: Vec<Waiting>,
        newest: Arc<Stored<CicdContext>>,
    ) -> Option<Arc<Stored<CicdContext>>> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(ATTEMPTS)
            .with_jitter()
            .build();
        let mut known = Some(newest);
        let mut last = String::new();
        for pause in pauses {
            let (context, fresh) = match known.take() {
                Some(context) => (context, false),
                None => match self.read(key).await {
                    Ok(Some(context)) => (Arc::new(context), true),
                    Ok(None) => {
                        answer_all(batch, &WriteError::Gone);
                        return None;
                    }
                    Err(error) => {
                        last = error.to_string();
                        tokio::time::sleep(after(pause, &error)).await;
                        continue;
                    }
                },
            };
            match self.fence.admits(&context).await {
                Ok(true) => {}
                Ok(false) => {
                    answer_all(batch, &WriteError::Unavailable("another replica leads now".to_owned()));
                    return None;
                }
                Err(error) => {
                    last = error.to_string();
                    tokio::time::sleep(after(pause, &error)).await;
                    continue;
                }
            }
            let retired: Vec<EffectHash> = lock(&writer.retired).iter().cloned().collect();
            let (plan, ours) = self.plan(&context, &batch, &retired).await;
            let refused = plan.results.iter().any(Result::is_err) || ours.iter().any(|ours| !ours);
            if refused && !fresh {
                continue; // what is refused is refused on the grounds of what stands there now
            }
            if plan.operations.is_empty() {
                answer(batch, &plan, &ours, &context);
                return Some(context);
            }
            let pause = match self.patch(key, &plan).await {
                Ok(context) => {
                    self.crash.pass_all(batch.iter().map(|waiting| Point::written(&waiting.intent)));
                    lock(&writer.retired).retain(|effect| !retired.contains(effect));
                    let context = Arc::new(context);
                    answer(batch, &plan, &ours, &context);
                    return Some(context);
                }
                Err(error) if error.is_not_found() => {
                    answer_all(batch, &WriteError::Gone);
                    return None;
                }
                // What the API server can never take is refused, and each intent by itself: one must not spoil the others.
                Err(error) if is_permanent(&error) => {
                    if let [_] = batch.as_slice() {
                        let problem = format!("the API server refuses the patch of the CicdContext: {error}");
                        answer_all(batch, &WriteError::Refused { reason: reason::CHANGE_REFUSED, message: problem });
                        return Some(context);
                    }
                    let mut newest = context;
                    for waiting in batch {
                        let done = Box::pin(self.commit(key, writer, vec![waiting], Arc::clone(&newest))).await;
                        newest = done.unwrap_or(newest);
                    }
                    return Some(newest);
                }
                // Either a test failed, or it is unclear whether the patch was carried out: the ledger tells.
                Err(error) => {
                    last = error.to_string();
                    tracing::debug!(namespace = key.namespace, context = key.name, %error, "patch of a context is made anew");
                    after(pause, &error)
                }
            };
            tokio::time::sleep(pause).await;
        }
        answer_all(batch, &WriteError::Unavailable(last));
        None
    }

    /// Plans; judging by a schema may take its time and waits for its turn.
    async fn plan(
        &self,
        context: &Stored<CicdContext>,
        batch: &[Waiting],
        retired: &[EffectHash],
    ) -> (Plan, Vec<bool>) {
        let epoch = self.fence.epoch();
        let spec = context.spec().map_err(|malformed| malformed.to_string());
        let spec = spec.as_ref().map_err(String::as_str);
        match spec.ok().and_then(|spec| spec.state_schema.as_ref()) {
            None => plan_batch(context, spec, None, batch, retired, epoch),
            // A schema that cannot be used refuses nothing; the context's condition StateValid tells.
            Some(schema) => {
                let judge = || {
                    let compiled = self.schemas.get(schema);
                    plan_batch(context, spec, compiled.as_ref().as_ref().ok(), batch, retired, epoch)
                };
                self.computing.run(context.namespace(), judge).await
            }
        }
    }

    async fn read(&self, key: &ObjectKey) -> Result<Option<Stored<CicdContext>>, RequestError> {
        let api: Api<Stored<CicdContext>> = Api::namespaced(self.client.clone(), &key.namespace);
        bounded(api.get_opt(&key.name)).await
    }

    /// Sends the patch as bytes of our own making: the API server compares texts in tests as they are written.
    async fn patch(&self, key: &ObjectKey, plan: &Plan) -> Result<Stored<CicdContext>, RequestError> {
        let path = CicdContext::url_path(&(), Some(&key.namespace));
        let invalid = |error: &dyn std::fmt::Display| {
            RequestError::from(kube::Error::Service(format!("build a patch: {error}").into()))
        };
        let body = patch::body(&plan.operations).map_err(|error| invalid(&error))?;
        let request = http::Request::patch(format!("{path}/{}?fieldManager={}", key.name, manager::OPERATOR))
            .header(http::header::CONTENT_TYPE, "application/json-patch+json")
            .header(http::header::ACCEPT, "application/json")
            .body(body)
            .map_err(|error| invalid(&error))?;
        self.metrics.write("context_state", bounded(self.client.request(request))).await
    }
}

/// The pause after a failure: longer if the API server wants to be left alone.
fn after(pause: Duration, error: &RequestError) -> Duration {
    if error.is_overload() { pause + OVERLOAD_PAUSE } else { pause }
}

/// Whether the API server will refuse the same patch again: it is too large, breaks the schema, or somebody's admission
/// policy forbids it. A test of the patch that failed, a conflict and too many requests are not of that kind.
fn is_permanent(error: &RequestError) -> bool {
    let RequestError::Api(api) = error else { return false };
    let kube::Error::Api(status) = api.as_ref() else { return false };
    match status.code {
        // 401 is about our own token, which is renewed, and not about the patch.
        401 | 404 | 408 | 409 | 429 => false,
        // An API server that has just started refuses whoever it does not know the rights of yet, and rights may come back.
        // What an admission policy says has other words.
        403 if status.message.contains("\" cannot patch resource \"") => false,
        // The same code for a failed test and for an object that breaks its schema; only the latter is named.
        422 => status.message.contains("is invalid:"),
        400..=499 => true,
        _ => status.message.contains("too large") || status.message.contains("trying to send message larger than max"),
    }
}

fn stopped() -> WriteError {
    WriteError::Unavailable("the writer was stopped".to_owned())
}

/// Plans for those of the batch that want this very object; tells which these are.
fn plan_batch(
    context: &Stored<CicdContext>,
    spec: Result<&CicdContextSpec, &str>,
    schema: Option<&Schema>,
    batch: &[Waiting],
    retired: &[EffectHash],
    epoch: u64,
) -> (Plan, Vec<bool>) {
    let ours: Vec<bool> = batch.iter().map(|waiting| waiting.uid == context.uid()).collect();
    let intents: Vec<Intent> =
        batch.iter().zip(&ours).filter(|(_, ours)| **ours).map(|(waiting, _)| waiting.intent.clone()).collect();
    let base = Base {
        uid: context.uid(),
        resource_version: context.metadata.resource_version.as_deref().unwrap_or_default(),
        annotations: context.metadata.annotations.as_ref(),
        state: spec.map(|spec| spec.state.as_ref()),
        schema,
    };
    (plan(base, &intents, retired, epoch), ours)
}

fn answer(batch: Vec<Waiting>, plan: &Plan, ours: &[bool], context: &Arc<Stored<CicdContext>>) {
    let mut results = plan.results.iter();
    for (waiting, ours) in batch.into_iter().zip(ours) {
        let result = match ours.then(|| results.next()).flatten() {
            None => Err(WriteError::Gone),
            Some(Ok(paths)) => Ok(Committed { context: Arc::clone(context), paths: paths.clone() }),
            Some(Err(Unwritten::Refused { reason, message })) => {
                Err(WriteError::Refused { reason, message: message.clone() })
            }
            Some(Err(Unwritten::LedgerFull)) => Err(WriteError::Unavailable(LedgerFull.to_string())),
        };
        // Nobody waits any more if the process is stopping.
        let _ = waiting.reply.send(result);
    }
}

fn answer_all(batch: Vec<Waiting>, error: &WriteError) {
    for waiting in batch {
        let _ = waiting.reply.send(Err(error.clone()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn refused(code: u16, message: &str) -> bool {
        let status = Status::failure(message, "").with_code(code);
        is_permanent(&RequestError::from(kube::Error::Api(Box::new(status))))
    }

    #[test]
    fn what_somebody_forbids_is_permanent_and_a_right_that_is_not_known_yet_is_not() {
        let object = "cicdcontexts.cicdcontext.io \"shop\" is forbidden: ";
        let user =
            "User \"system:serviceaccount:a:b\" cannot patch resource \"cicdcontexts\" in API group \"cicdcontext.io\"";
        assert!(!refused(403, &format!("{object}{user} in the namespace \"team\"")));
        assert!(refused(403, &format!("{object}ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no")));
        assert!(refused(403, "admission webhook \"w\" denied the request: cannot patch it"));
        assert!(refused(413, "the request is too large"));
        for code in [401, 404, 408, 409, 429, 500] {
            assert!(!refused(code, "x"), "{code}");
        }
    }
}
