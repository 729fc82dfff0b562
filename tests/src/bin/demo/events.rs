//! Follows the CicdEvents of one namespace, so that the demo can wait for one to be finished.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cicdcontext_crds::{
    CicdEvent, conditions,
    vocabulary::{annotation, condition},
};
use futures::{StreamExt, TryStreamExt};
use kube::{
    Api, Client, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use tokio::{
    sync::{RwLock, watch},
    task::JoinHandle,
    time::timeout,
};

use crate::error::DemoError;

/// Which event is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The one that was made from an annotation of this id.
    Annotation { context: String, id: String },
    /// The CicdEvent of this name.
    Name(String),
}

/// The newest version of each event. The watch ends when this is dropped.
pub(crate) struct Events {
    seen: Arc<RwLock<BTreeMap<String, CicdEvent>>>,
    changes: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

impl Events {
    /// Starts to follow the events of a namespace.
    pub(crate) fn follow(client: Client, namespace: &str) -> Self {
        let api: Api<CicdEvent> = Api::namespaced(client, namespace);
        let seen = Arc::new(RwLock::new(BTreeMap::new()));
        let (sender, changes) = watch::channel(0);
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let stream = watcher(api, watcher::Config::default()).default_backoff().applied_objects();
            // An error is repeated by the backoff; what is waited for then comes later or not in time.
            let mut stream = std::pin::pin!(stream.into_stream().filter_map(|event| async { event.ok() }));
            while let Some(event) = stream.next().await {
                shared.write().await.insert(event.name_any(), event);
                sender.send_modify(|count| *count += 1);
            }
        });
        Self { seen, changes, task }
    }

    /// Waits until the event is there and finished.
    pub(crate) async fn finished(&self, which: &Which, within: Duration) -> Result<CicdEvent, DemoError> {
        let mut changes = self.changes.clone();
        let wait = async {
            loop {
                changes.mark_unchanged();
                if let Some(event) =
                    self.seen.read().await.values().find(|event| is(event, which) && is_finished(event))
                {
                    return event.clone();
                }
                if changes.changed().await.is_err() {
                    // The watch never ends by itself; then the time limit decides.
                    std::future::pending::<()>().await;
                }
            }
        };
        let found = timeout(within, wait).await;
        found.map_err(|_| DemoError::Late { what: format!("{which:?} to be finished"), waited: within })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn is(event: &CicdEvent, which: &Which) -> bool {
    match which {
        Which::Name(name) => event.metadata.name.as_ref() == Some(name),
        Which::Annotation { context, id } => {
            event.spec.context_ref.name == *context && event.annotations().get(annotation::SOURCE_ID) == Some(id)
        }
    }
}

fn is_finished(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| conditions::is_true(&status.conditions, condition::FINISHED))
}
