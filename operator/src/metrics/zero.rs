//! Shows counters from 0 on where an alert asks for an increase: of a counter that first appears with 1, Prometheus sees
//! none, and the first failure would be nobody's.
//!
//! Only what has few labels can be shown so; it must not know what is counted.

use super::{
    KindLabel, Metrics, PhaseLabel, ReasonLabel, ResultLabel, WriteErrorLabels, WriteLabels,
    register::{ANNOTATIONS, EGRESS, GIVEN_UP, TARGETS, WATCHED, WORK, WRITE_ERRORS},
};

/// The values of a label that is described as `` `label`: one, another ``; of several labels, those of the last.
fn values(description: &'static str) -> impl Iterator<Item = &'static str> {
    description.rsplit_once("`: ").map_or("", |(_, values)| values).split(", ").map(str::trim)
}

impl Metrics {
    pub(super) fn show_from_zero(&self) {
        for result in values(ANNOTATIONS) {
            drop(self.annotations.get_or_create(&ResultLabel { result }));
        }
        for phase in values(GIVEN_UP) {
            drop(self.given_up.get_or_create(&PhaseLabel { phase }));
        }
        for reason in values(EGRESS) {
            drop(self.egress_refusals.get_or_create(&ReasonLabel { reason }));
        }
        for target in values(TARGETS) {
            drop(self.writes.get_or_create(&WriteLabels { target }));
            for error in values(WRITE_ERRORS) {
                drop(self.write_errors.get_or_create(&WriteErrorLabels { target, error }));
            }
        }
        for kind in values(WATCHED) {
            drop(self.watch_errors.get_or_create(&KindLabel { kind }));
        }
        for kind in values(WORK) {
            drop(self.reconciles.get_or_create(&KindLabel { kind }));
            drop(self.reconcile_errors.get_or_create(&KindLabel { kind }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_s_values_are_what_its_description_lists() {
        assert_eq!(values("`phase`: Failed, Unknown").collect::<Vec<_>>(), ["Failed", "Unknown"]);
        assert_eq!(values("`target`: as above; `error`: Timeout").collect::<Vec<_>>(), ["Timeout"]);
    }

    #[test]
    fn the_first_failure_of_each_kind_is_an_increase() {
        let metrics = Metrics::new();
        let text = metrics.encode().unwrap();
        for series in [
            r#"cicdcontext_annotations_total{result="refused"}"#,
            r#"cicdcontext_deliveries_given_up_total{phase="Failed"}"#,
            r#"cicdcontext_deliveries_given_up_total{phase="Unknown"}"#,
            r#"cicdcontext_egress_refusals_total{reason="Metadata"}"#,
            r#"cicdcontext_api_write_errors_total{target="kubernetes_event",error="Refused"}"#,
            r#"cicdcontext_watch_errors_total{kind="ClusterCicdBase"}"#,
            r#"cicdcontext_reconcile_errors_total{kind="history"}"#,
            "cicdcontext_template_errors_total",
            "cicdcontext_kubernetes_events_dropped_total",
        ] {
            assert!(text.contains(&format!("{series} 0\n")), "{series} in {text}");
        }
        metrics.delivery_ended("Failed", "ServerError");
        metrics.delivery_ended("Succeeded", "Delivered");
        let text = metrics.encode().unwrap();
        assert!(text.contains("cicdcontext_deliveries_given_up_total{phase=\"Failed\"} 1\n"), "{text}");
        assert!(text.contains("cicdcontext_deliveries_given_up_total{phase=\"Unknown\"} 0\n"), "{text}");
        assert!(!text.contains("given_up_total{phase=\"Succeeded\"}"), "{text}");
    }

    /// A failure that is counted under another name than those that are shown would be seen late.
    #[test]
    fn what_is_counted_later_is_among_what_is_shown_from_zero() {
        let errors: Vec<_> = values(WRITE_ERRORS).collect();
        assert!(errors.contains(&crate::client::RequestError::Timeout.class()), "{errors:?}");
        let source = include_str!("../client.rs").split_once("pub fn class(&self)").unwrap().1;
        let source = source.split_once("\n    }\n").unwrap().0;
        let named: Vec<_> = source.split('"').skip(1).step_by(2).collect();
        assert_eq!(named.len(), errors.len(), "{named:?} {errors:?}");
        assert!(named.iter().all(|name| errors.contains(name)), "{named:?} {errors:?}");
    }
}
