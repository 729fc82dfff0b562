//! What the operator counts, for Prometheus. Each metric is named and described in `register` and nowhere else;
//! the table in docs/reference/metrics.md is made from it. Labels come from closed sets, so that their number stays bounded and no
//! text of a tenant is ever in one.

mod catalogue;
mod labels;
mod register;
mod zero;

use std::{fmt, sync::OnceLock, time::Duration};

use cicdcontext_delivery::RefusalReason;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};

use self::catalogue::Catalogue;
pub use self::{
    catalogue::{Described, table},
    labels::{
        CacheLabel, KindLabel, OTHER, OutcomeLabels, PhaseLabel, QueueLabel, ReasonLabel, ResultLabel, ResultLabels,
        WriteErrorLabels, WriteLabels, known_reason,
    },
    register::TARGETS,
};
use crate::client::RequestError;

/// Histograms by label.
pub type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

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

/// What one kind of watches counts.
#[derive(Clone, Debug, Default)]
pub struct WatchMetrics {
    /// Lists that were begun: the first, and one for each time at which the watch could not go on where it was.
    pub lists: Counter,
    /// Errors.
    pub errors: Counter,
}

/// Looks at what is to be shown as it is when somebody asks.
type Look = Box<dyn Fn(&Metrics) + Send + Sync>;

/// All metrics of the process. What each field counts is its help text in [`Metrics::new`].
#[allow(missing_docs, reason = "each is described once, where it is registered")]
pub struct Metrics {
    catalogue: Catalogue,
    look: OnceLock<Look>,
    pub annotations: Family<ResultLabel, Counter>,
    pub events_started: Counter,
    pub events: Family<OutcomeLabels, Counter>,
    pub first_attempt_delay: Histogram,
    pub attempts: Family<ResultLabels, Counter>,
    pub attempt_duration: Histograms<ResultLabel>,
    pub attempts_under_way: Gauge,
    pub deliveries: Family<OutcomeLabels, Counter>,
    pub given_up: Family<PhaseLabel, Counter>,
    pub deliveries_waiting: Gauge,
    pub oldest_waiting: Gauge<f64, std::sync::atomic::AtomicU64>,
    pub claims: Gauge,
    pub redeliveries: Counter,
    pub template_errors: Counter,
    pub egress_refusals: Family<ReasonLabel, Counter>,
    pub state_writes: Family<ResultLabels, Counter>,
    pub state_size: Histogram,
    pub writes: Family<WriteLabels, Counter>,
    pub write_errors: Family<WriteErrorLabels, Counter>,
    pub watch_lists: Family<KindLabel, Counter>,
    pub watch_errors: Family<KindLabel, Counter>,
    pub dropped_reports: Counter,
    pub reconciles: Family<KindLabel, Counter>,
    pub reconcile_errors: Family<KindLabel, Counter>,
    pub reconcile_duration: Histograms<KindLabel>,
    pub queue_length: Family<QueueLabel, Gauge>,
    pub cached_objects: Family<KindLabel, Gauge>,
    pub history_deleted: Family<KindLabel, Counter>,
    pub cache_hits: Family<CacheLabel, Counter>,
    pub cache_misses: Family<CacheLabel, Counter>,
    pub cache_evictions: Family<CacheLabel, Counter>,
    pub cache_bytes: Family<CacheLabel, Gauge>,
    pub leader: Gauge,
    pub start_time: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").field("catalogue", &self.catalogue).finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// From now on `look` is called before the metrics are shown: it sets those gauges that are not kept up to date.
    /// Only the first call counts.
    pub fn look_before_showing(&self, look: impl Fn(&Self) + Send + Sync + 'static) {
        let _ = self.look.set(Box::new(look));
    }

    /// The metrics in OpenMetrics' text form.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        if let Some(look) = self.look.get() {
            look(self);
        }
        let mut text = String::new();
        encode(&mut text, &self.catalogue.registry)?;
        Ok(text)
    }

    /// All metrics, in the order in which they are shown.
    pub fn described(&self) -> &[Described] {
        &self.catalogue.described
    }

    /// What the cache of this name counts: configurations, bases or endpoints.
    pub fn cache(&self, cache: &'static str) -> CacheMetrics {
        let labels = CacheLabel { cache };
        CacheMetrics {
            hits: self.cache_hits.get_or_create(&labels).clone(),
            misses: self.cache_misses.get_or_create(&labels).clone(),
            evictions: self.cache_evictions.get_or_create(&labels).clone(),
            bytes: self.cache_bytes.get_or_create(&labels).clone(),
        }
    }

    /// What watches of this kind count.
    pub fn watch(&self, kind: &'static str) -> WatchMetrics {
        let labels = KindLabel { kind };
        WatchMetrics {
            lists: self.watch_lists.get_or_create(&labels).clone(),
            errors: self.watch_errors.get_or_create(&labels).clone(),
        }
    }

    /// Makes one write to the API server and counts it; `target` is one of [`TARGETS`].
    pub fn write<T, F>(&self, target: &'static str, request: F) -> impl Future<Output = F::Output> + use<'_, T, F>
    where
        F: Future<Output = Result<T, RequestError>>,
    {
        // Requests are large, and whoever makes them waits in futures of many layers.
        let request = Box::pin(request);
        async move {
            self.writes.get_or_create(&WriteLabels { target }).inc();
            let answered = request.await;
            if let Err(error) = &answered {
                self.write_errors.get_or_create(&WriteErrorLabels { target, error: error.class() }).inc();
            }
            answered
        }
    }

    /// Counts a delivery that ended. The reason is one of [`known_reason`].
    pub fn delivery_ended(&self, phase: &'static str, reason: &'static str) {
        self.deliveries.get_or_create(&OutcomeLabels { phase, reason }).inc();
        if matches!(phase, "Failed" | "Unknown") {
            self.given_up.get_or_create(&PhaseLabel { phase }).inc();
        }
    }

    /// Counts a piece of work that took so long.
    pub fn reconciled(&self, kind: &'static str, took: Duration, failed: bool) {
        let labels = KindLabel { kind };
        self.reconciles.get_or_create(&labels).inc();
        self.reconcile_duration.get_or_create(&labels).observe(took.as_secs_f64());
        if failed {
            self.reconcile_errors.get_or_create(&labels).inc();
        }
    }

    /// An attempt is under way until this is dropped.
    #[must_use]
    pub fn attempt(&self) -> UnderWay {
        self.attempts_under_way.inc();
        UnderWay(self.attempts_under_way.clone())
    }

    /// Counts how an attempt ended: `Err` has the reason of a failure.
    pub fn attempted(&self, outcome: Result<(), &str>) {
        let labels = match outcome {
            Ok(()) => ResultLabels { result: "Succeeded", reason: cicdcontext_crds::vocabulary::reason::DELIVERED },
            Err(reason) => ResultLabels { result: "Failed", reason: known_reason(reason) },
        };
        self.attempts.get_or_create(&labels).inc();
    }

    /// Counts an attempt that was refused because of its address.
    pub fn egress_refused(&self, reason: RefusalReason) {
        self.egress_refusals.get_or_create(&ReasonLabel { reason: reason.code() }).inc();
    }
}

/// An attempt that is being made.
#[derive(Debug)]
pub struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
