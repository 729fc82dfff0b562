//! Sees every version of one context, and so knows which values ever stood in its state.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use cicdcontext_crds::CicdContext;
use futures::TryStreamExt;
use kube::{
    Api, ResourceExt,
    api::{WatchEvent, WatchParams},
};
use tokio::{task::JoinHandle, time::sleep};

use crate::error::BenchError;

/// How long the last version may take to arrive.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// The key of a writer in the state.
pub(super) fn key(writer: usize) -> String {
    format!("w{writer}")
}

#[derive(Debug, Default)]
struct Seen {
    values: BTreeSet<(String, u64)>,
    version: String,
    problem: Option<String>,
}

impl Seen {
    /// Whether the version `newest` was seen, or will never be.
    fn is_complete(&self, newest: u64) -> bool {
        self.problem.is_some() || number(&self.version) >= newest
    }
}

/// The watch of one context; it ends when this is dropped.
pub(super) struct Witness {
    contexts: Api<CicdContext>,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Witness {
    /// Watches from the version that the context has now.
    pub(super) async fn watch(contexts: Api<CicdContext>, name: &str) -> Result<Self, BenchError> {
        let failed = || BenchError::kubernetes(format!("watch cctx/{name}"));
        let version = contexts.get(name).await.map_err(failed())?.resource_version().unwrap_or_default();
        let only = WatchParams::default().fields(&format!("metadata.name={name}")).timeout(290);
        let events = contexts.watch(&only, &version).await.map_err(failed())?;
        let seen = Arc::new(Mutex::new(Seen { version, ..Seen::default() }));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(events);
            let problem = loop {
                match events.try_next().await {
                    Ok(Some(WatchEvent::Added(context) | WatchEvent::Modified(context))) => see(&shared, &context),
                    Ok(Some(WatchEvent::Bookmark(_))) => {}
                    Ok(Some(other)) => break format!("{other:?}"),
                    Ok(None) => break "the watch ended".to_owned(),
                    Err(error) => break error.to_string(),
                }
            };
            lock(&shared).problem = Some(problem);
        });
        Ok(Self { contexts, seen, task })
    }

    /// What was acknowledged and never stood in the state, in words.
    pub(super) async fn missing(self, name: &str, acknowledged: &[(usize, u64)]) -> Result<Vec<String>, BenchError> {
        let context = self.contexts.get(name).await.map_err(BenchError::kubernetes(format!("read cctx/{name}")))?;
        let newest = number(&context.resource_version().unwrap_or_default());
        let begun = Instant::now();
        while !lock(&self.seen).is_complete(newest) && begun.elapsed() < CAUGHT_UP_WITHIN {
            sleep(POLL).await;
        }
        let seen = std::mem::take(&mut *lock(&self.seen));
        if !seen.is_complete(newest) || seen.problem.is_some() {
            let problem = seen.problem.unwrap_or_else(|| format!("its version {newest} did not arrive"));
            return Ok(vec![format!("cctx/{name} was not watched to its end: {problem}")]);
        }
        let now = |writer: usize| context.spec.state.as_ref().and_then(|state| state.get(&key(writer))?.as_u64());
        let lost = |(writer, value): &&(usize, u64)| {
            !seen.values.contains(&(key(*writer), *value)) || now(*writer).is_none_or(|now| now < *value)
        };
        let lost = acknowledged.iter().filter(lost);
        Ok(lost.map(|(writer, value)| format!("{name}: {}={value}", key(*writer))).collect())
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn see(shared: &Mutex<Seen>, context: &CicdContext) {
    let values = context.spec.state.iter().flatten();
    let values = values.filter_map(|(key, value)| Some((key.clone(), value.as_u64()?)));
    let mut seen = lock(shared);
    seen.values.extend(values);
    seen.version = context.resource_version().unwrap_or_default();
}

/// A resourceVersion as a number, which it is since Kubernetes 1.35 by its API's word; 0 if it is none.
fn number(version: &str) -> u64 {
    version.parse().unwrap_or_default()
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
