//! What the operator exports: names, labels, and the values of those labels that are closed sets; and whether a selector asks
//! for that.

use std::collections::{BTreeMap, BTreeSet};

use cicdcontext_operator::metrics::{Described, Metrics, OTHER, known_reason};

use super::promcheck::{Expression, Matcher, Selector};

/// Labels that whoever collects the metrics gives each series.
const OF_THE_TARGET: [&str; 4] = ["namespace", "job", "pod", "instance"];
/// What makes a counter an increase.
const OF_COUNTERS: [&str; 2] = ["rate", "increase"];

/// What a label can say.
#[derive(Clone, Debug)]
enum Values {
    These(BTreeSet<String>),
    /// A reason, or one of these.
    Reasons(BTreeSet<String>),
    Anything,
}

/// All metrics.
#[derive(Debug)]
pub(super) struct Exported {
    metrics: BTreeMap<String, (&'static str, BTreeMap<String, Values>)>,
    /// What a process shows that has just begun.
    pub(super) first: String,
}

impl Exported {
    pub(super) fn new() -> Self {
        let metrics = Metrics::new();
        let mut all = BTreeMap::new();
        let mut above = BTreeMap::new();
        for Described { name, kind, labels, .. } in metrics.described() {
            let labels = described(labels, &above);
            above.extend(labels.clone());
            all.insert(name.clone(), (*kind, labels));
        }
        Self { metrics: all, first: metrics.encode().unwrap() }
    }

    /// The name under which a series is described.
    pub(super) fn described_as(&self, metric: &str) -> Option<String> {
        let parts = ["", "_bucket", "_sum", "_count"];
        let names = parts.iter().filter_map(|part| metric.strip_suffix(part).map(|name| (name, *part)));
        let histogram = |name: &str| self.metrics.get(name).is_some_and(|(kind, _)| *kind == "histogram");
        names
            .filter(|(name, part)| self.metrics.contains_key(*name) && histogram(name) != part.is_empty())
            .map(|(name, _)| name.to_owned())
            .next()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.metrics.keys().map(String::as_str)
    }

    /// What is wrong with an expression.
    pub(super) fn faults(&self, expression: &Expression) -> Vec<String> {
        let found = expression.selectors.iter().flat_map(|selector| self.faults_of(selector));
        found.map(|fault| format!("{}: {fault} in {}", expression.name, expression.expr)).collect()
    }

    fn faults_of(&self, selector: &Selector) -> Vec<String> {
        let metric = &selector.metric;
        let Some((kind, labels)) = self.described_as(metric).map(|name| &self.metrics[&name]) else {
            return vec![format!("{metric} is not exported")];
        };
        let mut faults = Vec::new();
        let counts = ["counter", "histogram"].contains(kind);
        let as_counter = selector.functions.iter().any(|name| OF_COUNTERS.contains(&name.as_str()));
        if counts != as_counter {
            faults.push(format!("{metric}, a {kind}, in {:?}", selector.functions));
        }
        let bucket = metric.ends_with("_bucket");
        let known =
            |label: &str| labels.contains_key(label) || OF_THE_TARGET.contains(&label) || (bucket && label == "le");
        let named = selector.matchers.iter().map(|matcher| &matcher.label).chain(&selector.grouping);
        faults.extend(named.filter(|label| !known(label)).map(|label| format!("{metric} has no label {label}")));
        for Matcher { label, values } in &selector.matchers {
            for value in values {
                let there = match labels.get(label) {
                    Some(Values::These(known)) => known.contains(value),
                    Some(Values::Reasons(known)) => known.contains(value) || known_reason(value) != OTHER,
                    None if bucket && label == "le" => self.first.contains(&format!("{metric}{{le=\"{value}\"}}")),
                    Some(Values::Anything) | None => true,
                };
                if !there {
                    faults.push(format!("{label} of {metric} is never {value}"));
                }
            }
        }
        faults
    }
}

/// Labels as their description lists them: `` `phase`: Failed, Unknown; `reason`: as in the status ``.
fn described(text: &str, above: &BTreeMap<String, Values>) -> BTreeMap<String, Values> {
    let parts = text.split("; ").filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (label, values) = part.split_once(": ").unwrap_or((part, ""));
            let label = label.trim_matches('`').to_owned();
            let (reasons, closed): (Vec<_>, Vec<_>) = values
                .split(',')
                .map(str::trim)
                .filter(|value| !value.is_empty())
                .partition(|value| value.contains("as in the "));
            let closed: BTreeSet<String> = closed.into_iter().map(str::to_owned).collect();
            let values = match values {
                "" => Values::Anything,
                "as above" => above[&label].clone(),
                _ if !reasons.is_empty() => Values::Reasons(closed),
                _ => Values::These(closed),
            };
            (label, values)
        })
        .collect()
}

mod tests {
    use super::{super::promcheck, *};

    #[test]
    fn what_is_not_exported_is_found() {
        let exported = Exported::new();
        let faults = |expr: &str| {
            let read = promcheck::expressions(&[("x".to_owned(), expr.to_owned())]).unwrap();
            let faults: Vec<_> = read.iter().flat_map(|one| exported.faults(one)).collect();
            faults.join("; ").replace(&format!(" in {expr}"), "")
        };
        for (wrong, fault) in [
            ("cicdcontext_leaders", "x: cicdcontext_leaders is not exported"),
            ("rate(cicdcontext_deliveries[5m])", "x: cicdcontext_deliveries is not exported"),
            (
                "rate(cicdcontext_reconcile_duration_seconds[5m])",
                "x: cicdcontext_reconcile_duration_seconds is not exported",
            ),
            ("rate(cicdcontext_leader[5m])", "x: cicdcontext_leader, a gauge, in [\"rate\"]"),
            ("sum(cicdcontext_deliveries_total)", "x: cicdcontext_deliveries_total, a counter, in [\"sum\"]"),
            (
                "sum by (reasn) (rate(cicdcontext_deliveries_total[5m]))",
                "x: cicdcontext_deliveries_total has no label reasn",
            ),
            ("cicdcontext_leader{le=\"1.0\"}", "x: cicdcontext_leader has no label le"),
            (
                "rate(cicdcontext_deliveries_total{phase=~\"Failed|Unknwn\"}[5m])",
                "x: phase of cicdcontext_deliveries_total is never Unknwn",
            ),
            (
                "rate(cicdcontext_deliveries_total{reason=\"ServerErr\"}[5m])",
                "x: reason of cicdcontext_deliveries_total is never ServerErr",
            ),
            (
                "rate(cicdcontext_api_write_errors_total{target=\"context\"}[5m])",
                "x: target of cicdcontext_api_write_errors_total is never context",
            ),
            (
                "rate(cicdcontext_state_bytes_bucket{le=\"262144\"}[5m])",
                "x: le of cicdcontext_state_bytes_bucket is never 262144",
            ),
        ] {
            assert_eq!(faults(wrong), fault);
        }
        for right in [
            "sum by (namespace, le) (rate(cicdcontext_state_bytes_bucket{le=\"262144.0\"}[5m]))",
            "rate(cicdcontext_deliveries_total{phase=~\"Failed|Unknown\", reason=\"ServerError\"}[5m])",
            "rate(cicdcontext_state_writes_total{reason=\"Applied\"}[5m])",
            "cicdcontext_build_info{version=\"0.1.0\"}",
        ] {
            assert_eq!(faults(right), "");
        }
        let error = promcheck::expressions(&[("x".to_owned(), "sum(".to_owned())]).unwrap_err();
        assert!(error.contains("x: 1:5: parse error: unclosed left parenthesis in sum("), "{error}");
    }
}
