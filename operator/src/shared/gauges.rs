//! What is looked at only when somebody asks for the metrics: how much waits, and how much is known.

use std::sync::Arc;

use cicdcontext_crds::{CicdBase, CicdContext, CicdEndpoint, CicdEvent, CicdStateWrite, ClusterCicdBase};
use kube::Resource;

use super::{Operator, Queues};
use crate::{
    cache::watch::{self, Shared},
    metrics::{KindLabel, Metrics, QueueLabel},
};

/// Has the gauges set whenever the metrics are shown, for as long as there is the operator.
pub fn show(operator: &Arc<Operator>) {
    let weak = Arc::downgrade(operator);
    operator.metrics.look_before_showing(move |metrics| {
        if let Some(operator) = weak.upgrade() {
            look(&operator, metrics);
        }
    });
}

/// The kind as a label: those that are watched, and no others.
pub fn kind_of<K: Resource<DynamicType = ()>>() -> &'static str {
    let kind = K::kind(&());
    let known = ["CicdContext", "CicdEvent", "CicdStateWrite", "CicdBase", "ClusterCicdBase", "CicdEndpoint"];
    known.into_iter().find(|known| *known == kind).unwrap_or(crate::metrics::OTHER)
}

fn look(operator: &Operator, metrics: &Metrics) {
    metrics.deliveries_waiting.set(count(operator.waiting.len()));
    let oldest = operator.waiting.oldest(std::time::Instant::now()).unwrap_or_default();
    metrics.oldest_waiting.set(oldest.as_secs_f64());
    metrics.claims.set(count(operator.busy.claims()));
    let Queues {
        contexts,
        events,
        state_writes,
        acknowledgements,
        bases,
        endpoints,
        deliveries,
        redeliveries,
        expiries,
        history,
    } = &operator.queues;
    for (name, queue) in [
        ("contexts", contexts),
        ("events", events),
        ("state_writes", state_writes),
        ("acknowledgements", acknowledgements),
        ("bases", bases),
        ("endpoints", endpoints),
        ("deliveries", deliveries),
        ("redeliveries", redeliveries),
        ("expiries", expiries),
        ("history", history),
    ] {
        metrics.queue_length.get_or_create(&QueueLabel { queue: name }).set(count(queue.len()));
    }
    let caches = &operator.caches;
    known::<CicdContext>(metrics, &caches.contexts);
    known::<CicdEvent>(metrics, &caches.events);
    known::<CicdStateWrite>(metrics, &caches.state_writes);
    known::<CicdBase>(metrics, &caches.bases);
    known::<ClusterCicdBase>(metrics, &caches.cluster_bases);
    known::<CicdEndpoint>(metrics, &caches.endpoints);
}

fn known<K: Resource<DynamicType = ()>>(metrics: &Metrics, store: &Shared<K>) {
    let label = KindLabel { kind: kind_of::<K>() };
    metrics.cached_objects.get_or_create(&label).set(count(watch::read(store, crate::cache::Store::len)));
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_watched_kind_has_its_label() {
        let kinds = [
            kind_of::<CicdContext>(),
            kind_of::<CicdEvent>(),
            kind_of::<CicdStateWrite>(),
            kind_of::<CicdBase>(),
            kind_of::<ClusterCicdBase>(),
            kind_of::<CicdEndpoint>(),
        ];
        assert!(!kinds.contains(&crate::metrics::OTHER), "{kinds:?}");
    }
}
