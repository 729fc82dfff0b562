//! Starting everything, and stopping it in order.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cicdcontext_crds::{BaseKind, BaseReference};
use futures::future::join_all;
use kube::{Resource, core::NamespaceResourceScope};
use tokio::{sync::watch as signal, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::base;
use crate::{
    cache::{
        ObjectKey,
        store::Changed,
        watch::{self, Shared, Watch},
    },
    context, endpoint, event, history,
    queue::{Next, Queue},
    server::Readiness,
    shared::{Operator, gauges, wake},
    state_write,
};

/// Workers for what only writes statuses.
const STATUS_WORKERS: usize = 8;
/// Workers for the deletion of state writes that were applied: their creators wait for it.
const ACKNOWLEDGEMENT_WORKERS: usize = 32;
/// Workers for what is never urgent: the deletion of what is old.
const HISTORY_WORKERS: usize = 4;

/// Workers for deliveries that are tried again. Each endpoint lets as many go as it says; this bounds all of them
/// together, and no namespace keeps the others from it.
const DELIVERY_WORKERS: usize = 256;
/// Workers for what people ask for by hand.
const REDELIVERY_WORKERS: usize = 4;
/// How long after a stop a request may be under way that is sent again by the next process if need be.
const SEND_GRACE: Duration = Duration::from_secs(1);
/// How often it is looked whether attempts that were claimed are over.
const CLAIMS_POLL: Duration = Duration::from_millis(50);

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
    gauges::show(&operator);
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
            workers(&operator, &queues.state_writes, limits.events, "state_write", &stop, |operator, key| async move {
                state_write::reconcile(&operator, &key).await
            }),
            workers(
                &operator,
                &queues.acknowledgements,
                ACKNOWLEDGEMENT_WORKERS,
                "acknowledgement",
                &stop,
                |operator, key| async move { state_write::acknowledge::reconcile(&operator, &key).await }
            ),
            workers(&operator, &queues.bases, 1, "base", &stop, |operator, key| async move {
                base::reconcile(&operator, &key).await
            }),
            workers(&operator, &queues.endpoints, 2, "endpoint", &stop, |operator, key| async move {
                endpoint::reconcile::reconcile(&operator, &key).await
            }),
            workers(&operator, &queues.deliveries, DELIVERY_WORKERS, "delivery", &stop, |operator, key| async move {
                event::retry::reconcile(&operator, &key).await
            }),
            workers(
                &operator,
                &queues.redeliveries,
                REDELIVERY_WORKERS,
                "redelivery",
                &stop,
                |operator, key| async move { event::redeliver::reconcile(&operator, &key).await }
            ),
            workers(&operator, &queues.expiries, HISTORY_WORKERS, "expiry", &stop, |operator, key| async move {
                event::retry::expire::reconcile(&operator, &key).await
            }),
            operator.waiting.run(stop.clone(), |released| queues.deliveries.add(operator.due.put(released))),
            workers(&operator, &queues.history, HISTORY_WORKERS, "history", &stop, |operator, key| async move {
                history::reconcile(&operator, &key).await
            }),
        )
    };
    let too_late = async {
        stop.cancelled().await;
        tokio::time::sleep(SEND_GRACE.min(limits.shutdown_grace)).await;
        // Whoever has claimed an attempt is the only one who can tell how it ended.
        let claims_end = async {
            while operator.busy.has_claims() {
                tokio::time::sleep(CLAIMS_POLL).await;
            }
        };
        let _ = tokio::time::timeout(limits.shutdown_grace.saturating_sub(SEND_GRACE), claims_end).await;
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
                let begun = Instant::now();
                let next = work.await;
                metrics.reconciled(kind, begun.elapsed(), next == Next::Retry);
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
    start.namespaced(&caches.contexts, selection.selector.as_deref(), wake::context_changed);
    start.namespaced(&caches.events, None, wake::event_changed);
    start.namespaced(&caches.state_writes, None, wake::state_write_changed);
    start.namespaced(&caches.bases, None, |operator, changed| {
        let reference = BaseReference { kind: BaseKind::CicdBase, name: changed.key.name.clone() };
        wake::base_changed(operator, changed, &reference, Some(&changed.key.namespace));
    });
    start.namespaced(&caches.endpoints, None, wake::endpoint_changed);
    if !operator.settings.cluster_bases {
        return;
    }
    let all = Watch::all(operator.client.clone(), None, operator.settings.watch_timeout);
    start.one(all, &caches.cluster_bases, |operator, changed| {
        let reference = BaseReference { kind: BaseKind::ClusterCicdBase, name: changed.key.name.clone() };
        wake::base_changed(operator, changed, &reference, None);
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
        let timeout = self.operator.settings.watch_timeout;
        if self.selection.namespaces.is_empty() {
            self.one(Watch::all(self.operator.client.clone(), selector, timeout), store, changed);
        }
        for namespace in &self.selection.namespaces {
            let watch = Watch::namespace(self.operator.client.clone(), namespace, selector, timeout);
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
        let counts = self.operator.metrics.watch(gauges::kind_of::<K>());
        self.watches.spawn(watch::run(watch, Arc::clone(store), told, (ready, counts), self.stop.clone()));
    }
}

fn count<K>(store: &Shared<K>) -> i64 {
    watch::read(store, |store| i64::try_from(store.len()).unwrap_or(i64::MAX))
}
