//! Follows the CicdEvents of one namespace, through restarts of the API server, and remembers the order in which they
//! finished.

use std::{collections::HashSet, time::Duration};

use cicdcontext_crds::{CicdEvent, conditions, vocabulary::condition};
use futures::StreamExt;
use kube::{
    Api, ResourceExt,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// The names of the finished events in the order in which they finished. The watch ends when this is dropped.
pub(crate) struct Finished {
    names: watch::Receiver<Vec<String>>,
    task: JoinHandle<()>,
}

impl Finished {
    /// Starts to follow.
    pub(crate) fn follow(api: Api<CicdEvent>) -> Self {
        let (sender, names) = watch::channel(Vec::new());
        let task = tokio::spawn(async move {
            let mut known = HashSet::new();
            let mut events = std::pin::pin!(watcher(api, watcher::Config::default()).default_backoff());
            while let Some(event) = events.next().await {
                // An error is repeated by the backoff; what was missed meanwhile comes with the next list.
                let Ok(Event::Apply(event) | Event::InitApply(event)) = event else { continue };
                if is_finished(&event) && known.insert(event.name_any()) {
                    sender.send_modify(|names| names.push(event.name_any()));
                }
            }
        });
        Self { names, task }
    }

    /// Those that are known to be finished now.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.borrow().clone()
    }

    /// How many are finished.
    pub(crate) fn count(&self) -> usize {
        self.names.borrow().len()
    }

    /// Waits until it holds of those that are finished; tells whether it did in time.
    pub(crate) async fn until(&self, within: Duration, holds: impl FnMut(&Vec<String>) -> bool) -> bool {
        let mut names = self.names.clone();
        timeout(within, names.wait_for(holds)).await.is_ok()
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether nothing more will happen with it.
pub(crate) fn is_finished(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| conditions::is_true(&status.conditions, condition::FINISHED))
}
