//! What the operator counts, for Prometheus. Labels come from closed sets, so that their number stays bounded.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

/// A request to the API server that changes something, by what it writes.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct WriteLabels {
    /// context_state, context_status, context_delete, event_create, event_adopt, event_status, event_delete,
    /// state_write_delete, state_write_status, base_status, endpoint_status, kubernetes_event
    pub target: &'static str,
}

/// How an event or a handler ended.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct OutcomeLabels {
    /// The phase.
    pub phase: &'static str,
    /// The reason, one of `cicdcontext_crds::vocabulary::reason` or of the delivery's classes.
    pub reason: String,
}

/// A reconcile, by what is reconciled.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct ReconcileLabels {
    /// context, event, state_write, base, endpoint or history
    pub kind: &'static str,
}

/// What was deleted because its time was over, or because there was enough of it.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct HistoryLabels {
    /// event, context or state_write
    pub kind: &'static str,
}

/// A cache of what was computed.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct CacheLabels {
    /// configurations, bases or endpoints
    pub cache: &'static str,
}

/// What one cache counts.
#[derive(Clone, Debug, Default)]
pub struct CacheMetrics {
    /// Uses of what was there.
    pub hits: Counter,
    /// Computations of what was not there.
    pub misses: Counter,
    /// What had to make room.
    pub evictions: Counter,
    /// Bytes that are kept, estimated.
    pub bytes: Gauge,
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Writes to the API server that were tried.
    pub writes: Family<WriteLabels, Counter>,
    /// Events that were finished.
    pub events: Family<OutcomeLabels, Counter>,
    /// Deliveries that ended.
    pub deliveries: Family<OutcomeLabels, Counter>,
    /// How long one attempt took, in seconds.
    pub attempt_duration: Histogram,
    /// Handlers that failed for a template.
    pub template_errors: Counter,
    /// Requests that were refused because of their address.
    pub egress_refusals: Counter,
    /// Reconciles.
    pub reconciles: Family<ReconcileLabels, Counter>,
    /// Reconciles that failed and are repeated.
    pub reconcile_errors: Family<ReconcileLabels, Counter>,
    /// Kubernetes Events that were dropped because too many waited.
    pub dropped_reports: Counter,
    /// What limits of history and of time deleted.
    pub history_deleted: Family<HistoryLabels, Counter>,
    /// 1 while this process may act, 0 while it stands by.
    pub leader: Gauge,
    /// Contexts in the cache.
    pub contexts: Gauge,
    /// Uses of what a cache of computed things had.
    pub cache_hits: Family<CacheLabels, Counter>,
    /// What had to be computed.
    pub cache_misses: Family<CacheLabels, Counter>,
    /// What had to make room.
    pub cache_evictions: Family<CacheLabels, Counter>,
    /// Bytes that are kept, estimated.
    pub cache_bytes: Family<CacheLabels, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Registers everything with the prefix `cicdcontext`.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("cicdcontext");
        let metrics = Self {
            writes: Family::default(),
            events: Family::default(),
            deliveries: Family::default(),
            attempt_duration: Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0]),
            template_errors: Counter::default(),
            egress_refusals: Counter::default(),
            reconciles: Family::default(),
            reconcile_errors: Family::default(),
            dropped_reports: Counter::default(),
            history_deleted: Family::default(),
            leader: Gauge::default(),
            contexts: Gauge::default(),
            cache_hits: Family::default(),
            cache_misses: Family::default(),
            cache_evictions: Family::default(),
            cache_bytes: Family::default(),
            registry: Registry::default(),
        };
        registry.register("api_writes", "Writes to the API server that were tried", metrics.writes.clone());
        registry.register("events", "Events that were finished", metrics.events.clone());
        registry.register("deliveries", "Deliveries that ended", metrics.deliveries.clone());
        registry.register_with_unit(
            "delivery_attempt_duration",
            "How long one attempt took",
            Unit::Seconds,
            metrics.attempt_duration.clone(),
        );
        registry.register("template_errors", "Handlers that failed for a template", metrics.template_errors.clone());
        registry.register(
            "egress_refusals",
            "Requests that were refused because of their address",
            metrics.egress_refusals.clone(),
        );
        registry.register("reconciles", "Reconciles", metrics.reconciles.clone());
        registry.register(
            "reconcile_errors",
            "Reconciles that failed and are repeated",
            metrics.reconcile_errors.clone(),
        );
        registry.register(
            "dropped_reports",
            "Kubernetes Events that were dropped because too many waited",
            metrics.dropped_reports.clone(),
        );
        registry.register(
            "history_deleted",
            "Objects that limits of history and of time deleted",
            metrics.history_deleted.clone(),
        );
        registry.register("leader", "1 if this process works, 0 if it stands by", metrics.leader.clone());
        registry.register("contexts", "Contexts in the cache", metrics.contexts.clone());
        registry.register("cache_hits", "Uses of compiled things that were kept", metrics.cache_hits.clone());
        registry.register("cache_misses", "Compiled things that had to be computed", metrics.cache_misses.clone());
        registry.register("cache_evictions", "Compiled things that made room", metrics.cache_evictions.clone());
        registry.register_with_unit(
            "cache",
            "Size of the compiled things that are kept, estimated",
            Unit::Bytes,
            metrics.cache_bytes.clone(),
        );
        Self { registry, ..metrics }
    }

    /// The metrics in OpenMetrics' text form.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// What the cache of this name counts: configurations, bases or endpoints.
    pub fn cache(&self, cache: &'static str) -> CacheMetrics {
        let labels = CacheLabels { cache };
        CacheMetrics {
            hits: self.cache_hits.get_or_create(&labels).clone(),
            misses: self.cache_misses.get_or_create(&labels).clone(),
            evictions: self.cache_evictions.get_or_create(&labels).clone(),
            bytes: self.cache_bytes.get_or_create(&labels).clone(),
        }
    }

    /// Counts one write to the API server.
    pub fn wrote(&self, target: &'static str) {
        self.writes.get_or_create(&WriteLabels { target }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_what_is_shown() {
        let metrics = Metrics::new();
        metrics.wrote("event_status");
        metrics.wrote("event_status");
        let text = metrics.encode().unwrap();
        assert!(text.contains("cicdcontext_api_writes_total{target=\"event_status\"} 2"), "{text}");
    }

    #[test]
    fn a_cache_counts_under_its_name() {
        let metrics = Metrics::new();
        metrics.cache("bases").evictions.inc();
        metrics.cache("bases").bytes.set(7);
        let text = metrics.encode().unwrap();
        assert!(text.contains("cicdcontext_cache_evictions_total{cache=\"bases\"} 1"), "{text}");
        assert!(text.contains("cicdcontext_cache_bytes{cache=\"bases\"} 7"), "{text}");
    }
}
