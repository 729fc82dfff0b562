//! Starting everything, and stopping it in order.

use std::{sync::Arc, time::Duration};

use cicdcontext_crds::{BaseKind, BaseReference, CicdEvent};
use futures::future::join_all;
use kube::{Resource, core::NamespaceResourceScope};
use tokio::{sync::watch as signal, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Operator, base, context_of_event};
use crate::{
    cache::{
        ObjectKey, Stored,
        store::Changed,
        watch::{self, Shared, Watch},
    },
    context, endpoint, event,
    metrics::ReconcileLabels,
    queue::{Next, Queue},
    server::Readiness,
};

/// Workers for what only writes statuses.
const STATUS_WORKERS: usize = 8;

/// How much is done at once, and for how long after a stop.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Contexts that have an event handled at once.
    pub events: usize,
    /// How long work under way may go on.
    pub shutdown_grace: Duration,
}

/// Which objects are looked at.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Namespaces; none: all.
    pub namespaces: Vec<String>,
    /// Label selector of contexts.
    pub selector: Option<String>,
}

/// Runs all watches and workers until `stop`, then waits for work under way.
pub async fn run(
    operator: Arc<Operator>,
    selection: &Selection,
    limits: &Limits,
    readiness: &Readiness,
    stop: CancellationToken,
) {
    let mut watches = JoinSet::new();
    let mut ready = Vec::new();
    start_watches(&operator, selection, &stop, &mut watches, &mut ready);
    let all_listed = join_all(ready.iter_mut().map(|ready| ready.wait_for(|listed| *listed)));
    tokio::select! {
        _ = all_listed => {}
        () = stop.cancelled() => return,
    }
    readiness.set();
    tracing::info!(contexts = count(&operator.caches.contexts), "ready");

    let queues = operator.queues.clone();
    let work = async {
        tokio::join!(
            workers(&operator, &queues.contexts, STATUS_WORKERS, "context", &stop, |operator, key| async move {
                context::reconcile(&operator, &key).await
            }),
            workers(&operator, &queues.events, limits.events, "event", &stop, |operator, key| async move {
                event::reconcile(&operator, &key).await
            }),
            workers(&operator, &queues.bases, 1, "base", &stop, |operator, key| async move {
                base::reconcile(&operator, &key).await
            }),
            workers(&operator, &queues.endpoints, 2, "endpoint", &stop, |operator, key| async move {
                endpoint::reconcile::reconcile(&operator, &key).await
            }),
        )
    };
    let too_late = async {
        stop.cancelled().await;
        tokio::time::sleep(limits.shutdown_grace).await;
    };
    tokio::select! {
        _ = work => tracing::info!("all work is done"),
        () = too_late => tracing::warn!("work is still under way after the grace period; it is resumed at the next start"),
    }
    watches.shutdown().await;
}

async fn workers<F>(
    operator: &Arc<Operator>,
    queue: &Queue,
    concurrency: usize,
    kind: &'static str,
    stop: &CancellationToken,
    work: impl Fn(Arc<Operator>, ObjectKey) -> F,
) where
    F: Future<Output = Next> + Send + 'static,
{
    queue
        .run(concurrency, stop.clone(), |key| {
            let work = work(Arc::clone(operator), key);
            let metrics = Arc::clone(&operator.metrics);
            async move {
                let next = work.await;
                metrics.reconciles.get_or_create(&ReconcileLabels { kind }).inc();
                if next == Next::Retry {
                    metrics.reconcile_errors.get_or_create(&ReconcileLabels { kind }).inc();
                }
                next
            }
        })
        .await;
}

type Listed = Vec<signal::Receiver<bool>>;

fn start_watches(
    operator: &Arc<Operator>,
    selection: &Selection,
    stop: &CancellationToken,
    watches: &mut JoinSet<()>,
    listed: &mut Listed,
) {
    let mut start = Start { selection, operator, stop, watches, listed };
    let caches = &operator.caches;
    start.namespaced(&caches.contexts, selection.selector.as_deref(), |operator, changed| {
        operator.metrics.contexts.set(count(&operator.caches.contexts));
        operator.queues.contexts.add(changed.key.clone());
        // A context that appears, or is let go on, has events waiting.
        let woken = match (&changed.before, &changed.after) {
            (Some(before), Some(after)) => before.metadata.generation != after.metadata.generation,
            _ => true,
        };
        if woken && !event::events_of(operator, &changed.key).is_empty() {
            operator.queues.events.add(changed.key.clone());
        }
    });
    start.namespaced(&caches.events, None, event_changed);
    start.namespaced(&caches.bases, None, |operator, changed| {
        let reference = BaseReference { kind: BaseKind::CicdBase, name: changed.key.name.clone() };
        base_changed(operator, &changed.key, &reference, Some(&changed.key.namespace), changed.after.is_none());
    });
    start.namespaced(&caches.endpoints, None, |operator, changed| {
        let same_spec = matches!((&changed.before, &changed.after), (Some(before), Some(after))
            if before.metadata.generation == after.metadata.generation && before.uid() == after.uid());
        if changed.after.is_some() && !same_spec {
            operator.queues.endpoints.add(changed.key.clone());
        }
    });
    let all = Watch::all(operator.client.clone(), None);
    start.one(all, &caches.cluster_bases, |operator, changed| {
        let reference = BaseReference { kind: BaseKind::ClusterCicdBase, name: changed.key.name.clone() };
        base_changed(operator, &changed.key, &reference, None, changed.after.is_none());
    });
}

struct Start<'a> {
    selection: &'a Selection,
    operator: &'a Arc<Operator>,
    stop: &'a CancellationToken,
    watches: &'a mut JoinSet<()>,
    listed: &'a mut Listed,
}

impl Start<'_> {
    fn namespaced<K>(&mut self, store: &Shared<K>, selector: Option<&str>, changed: fn(&Operator, &Changed<K>))
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + std::fmt::Debug + 'static,
    {
        if self.selection.namespaces.is_empty() {
            self.one(Watch::all(self.operator.client.clone(), selector), store, changed);
        }
        for namespace in &self.selection.namespaces {
            let watch = Watch::namespace(self.operator.client.clone(), namespace, selector);
            self.one(watch, store, changed);
        }
    }

    fn one<K>(&mut self, watch: Watch<K>, store: &Shared<K>, changed: fn(&Operator, &Changed<K>))
    where
        K: Resource<DynamicType = ()> + std::fmt::Debug + 'static,
    {
        let (ready, listed) = signal::channel(false);
        self.listed.push(listed);
        let operator = Arc::clone(self.operator);
        let told = move |change: &Changed<K>| changed(&operator, change);
        self.watches.spawn(watch::run(watch, Arc::clone(store), told, ready, self.stop.clone()));
    }
}

/// An event came, changed or went: its context may have work.
pub fn event_changed(operator: &Operator, changed: &Changed<CicdEvent>) {
    for object in [&changed.before, &changed.after].into_iter().flatten() {
        if let Some(context) = context_of_event(object) {
            let finished = changed.after.is_some() && object.status_or_default().phase.is_final();
            if !finished {
                operator.queues.events.add(context);
            }
        }
    }
}

fn base_changed(operator: &Operator, key: &ObjectKey, reference: &BaseReference, namespace: Option<&str>, gone: bool) {
    if gone {
        operator.configurations.forget_base(reference, namespace.unwrap_or_default());
    }
    for context in operator.configurations.users_of(reference, namespace) {
        operator.queues.contexts.add(context.clone());
        operator.queues.events.add(context);
    }
    // Other bases may build on it.
    for base in keys(&operator.caches.bases).into_iter().chain(keys(&operator.caches.cluster_bases)) {
        operator.queues.bases.add(base);
    }
    if !gone {
        operator.queues.bases.add(key.clone());
    }
}

fn keys<K>(store: &Shared<K>) -> Vec<ObjectKey> {
    watch::read(store, |store| {
        store.iter().map(|object: &Arc<Stored<K>>| ObjectKey::new(object.namespace(), object.name())).collect()
    })
}

fn count<K>(store: &Shared<K>) -> i64 {
    watch::read(store, |store| i64::try_from(store.len()).unwrap_or(i64::MAX))
}
