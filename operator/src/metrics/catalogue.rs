//! Registers metrics and remembers how they are described, so that no metric is without its line in the documentation.
//!
//! It knows no metric by name.

use prometheus_client::{
    metrics::MetricType,
    registry::{Metric, Registry, Unit},
};

/// What all names begin with.
const PREFIX: &str = "cicdcontext";

/// A metric as its readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// The name of its samples; of a histogram without `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// counter, gauge, histogram or info
    pub kind: &'static str,
    /// Its labels and what they can say, in Markdown; blank if it has none.
    pub labels: &'static str,
    /// What it counts.
    pub help: &'static str,
}

/// All metrics.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) registry: Registry,
    pub(super) described: Vec<Described>,
}

impl Catalogue {
    pub(super) fn new() -> Self {
        Self { registry: Registry::with_prefix(PREFIX), described: Vec::new() }
    }

    /// Registers a metric of this name.
    pub(super) fn add<M: Metric + Clone>(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static str,
        metric: M,
    ) -> M {
        self.describe(name, &metric, help, labels);
        self.registry.register(name, help, metric.clone());
        metric
    }

    /// Registers one that is measured in a unit, which its name ends with.
    pub(super) fn add_in<M: Metric + Clone>(
        &mut self,
        unit: Unit,
        name: &'static str,
        help: &'static str,
        labels: &'static str,
        metric: M,
    ) -> M {
        self.describe(&format!("{name}_{}", unit.as_str()), &metric, help, labels);
        self.registry.register_with_unit(name, help, unit, metric.clone());
        metric
    }

    /// Registers what never changes.
    pub(super) fn add_info(&mut self, name: &'static str, help: &'static str, labels: &'static str, info: impl Metric) {
        self.describe(name, &info, help, labels);
        self.registry.register(name, help, info);
    }

    fn describe(&mut self, name: &str, metric: &impl Metric, help: &'static str, labels: &'static str) {
        let (kind, suffix) = match metric.metric_type() {
            MetricType::Counter => ("counter", "_total"),
            MetricType::Gauge => ("gauge", ""),
            MetricType::Histogram => ("histogram", ""),
            MetricType::Info => ("info", "_info"),
            MetricType::Unknown => ("unknown", ""),
        };
        self.described.push(Described { name: format!("{PREFIX}_{name}{suffix}"), kind, labels, help });
    }
}

/// The metrics as a table in Markdown.
pub fn table(metrics: &[Described]) -> String {
    use std::fmt::Write as _;
    let mut table = String::from("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for Described { name, kind, labels, help } in metrics {
        let _ = writeln!(table, "| `{name}` | {kind} | {labels} | {help} |");
    }
    table
}
