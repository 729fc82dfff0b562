//! Waits until a CicdStateWrite is gone, which means applied: one watch for all writers, as one process would have.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cicdcontext_crds::{CicdStateWrite, conditions, vocabulary::condition};
use futures::StreamExt;
use kube::{
    Api, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tokio::{sync::oneshot, task::JoinHandle};

use super::Unwritten;
use crate::error::BenchError;

type Expected = HashMap<String, oneshot::Sender<Result<(), Unwritten>>>;

/// The watch; it ends when this is dropped.
pub(super) struct Applied {
    expected: Arc<Mutex<Expected>>,
    task: JoinHandle<()>,
}

impl Applied {
    /// Starts the watch, and returns when it has begun.
    pub(super) async fn watch(api: Api<CicdStateWrite>) -> Result<Self, BenchError> {
        let expected: Arc<Mutex<Expected>> = Arc::default();
        let (begun, ready) = oneshot::channel();
        let shared = Arc::clone(&expected);
        let task = tokio::spawn(async move {
            let mut begun = Some(begun);
            let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
            // What is missed while a watch is repeated times out, and is counted as that.
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::InitDone) => drop(begun.take().map(|begun| begun.send(()))),
                    Ok(Event::Delete(write)) => tell(&shared, &write, || Ok(())),
                    Ok(Event::Apply(write)) => {
                        if let Some(problem) = refusal(&write) {
                            tell(&shared, &write, || Err(Unwritten::Refused(problem)));
                        }
                    }
                    Ok(Event::Init | Event::InitApply(_)) | Err(_) => {}
                }
            }
        });
        // The task ends with the process only.
        ready.await.ok();
        Ok(Self { expected, task })
    }

    /// Waits for the end of a state write that is about to be created.
    pub(super) fn expect(&self, name: &str) -> impl Future<Output = Result<(), Unwritten>> + use<> {
        let (sender, end) = oneshot::channel();
        lock(&self.expected).insert(name.to_owned(), sender);
        async move { end.await.unwrap_or(Err(Unwritten::TimedOut)) }
    }
}

impl Drop for Applied {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn tell(expected: &Mutex<Expected>, write: &CicdStateWrite, end: impl FnOnce() -> Result<(), Unwritten>) {
    if let Some(sender) = lock(expected).remove(&write.name_any()) {
        // Nobody waits any more for one that took too long.
        sender.send(end()).ok();
    }
}

fn refusal(write: &CicdStateWrite) -> Option<String> {
    let applied = conditions::get(&write.status.as_ref()?.conditions, condition::APPLIED)?;
    (applied.status == "False").then(|| format!("{}: {}", applied.reason, applied.message))
}

fn lock(expected: &Mutex<Expected>) -> MutexGuard<'_, Expected> {
    expected.lock().unwrap_or_else(PoisonError::into_inner)
}
