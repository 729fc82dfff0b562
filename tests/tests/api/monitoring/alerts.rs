//! The alerts of the chart.

use cicdcontext_tests::cluster::workspace;

use super::{
    exported::Exported,
    promcheck::{self, ALERTS, alerts},
};

/// Of these counters only shares are asked for, so that the first ones do not matter.
const SHARES: [&str; 1] = ["cicdcontext_delivery_attempts_total"];

#[test]
fn every_alert_asks_for_what_is_exported() {
    let exported = Exported::new();
    let faults: Vec<_> = alerts().iter().flat_map(|alert| exported.faults(&alert.expression())).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn what_an_alert_counts_is_shown_from_zero_on() {
    let exported = Exported::new();
    for alert in alerts() {
        for selector in &alert.selectors {
            let series = |line: &str| {
                let (name, value) = line.rsplit_once(' ').unwrap_or_default();
                name.split('{').next() == Some(&selector.metric) && value.parse::<f64>().is_ok()
            };
            // What is looked at when the operator works is set before it is shown.
            let gauge = selector.metric == "cicdcontext_queue_length";
            let shown = exported.first.lines().any(series);
            assert!(shown || gauge || SHARES.contains(&selector.metric.as_str()), "{}: {selector:?}", alert.name);
        }
    }
}

#[test]
fn every_alert_says_how_bad_it_is_and_what_a_person_does() {
    let alerts = alerts();
    assert!(alerts.len() >= 20, "{}", alerts.len());
    for alert in &alerts {
        let name = &alert.name;
        assert!(name.starts_with("CicdContext"), "{name}");
        assert_eq!(alerts.iter().filter(|other| other.name == *name).count(), 1, "{name}");
        assert_ne!(alert.lasts, "0s", "{name} begins at once");
        let severity = alert.labels.get("severity").map(String::as_str);
        assert!(matches!(severity, Some("warning" | "critical")), "{name}: {severity:?}");
        let keys: Vec<_> = alert.annotations.keys().map(String::as_str).collect();
        assert_eq!(keys, ["description", "runbook", "summary"], "{name}");
        assert!(alert.annotations["description"].len() > 60, "{name}");
        assert!(alert.annotations["summary"].len() < 110, "{name}");
        // What is not grouped by is blank in the text.
        let grouping = alert.selectors.iter().flat_map(|selector| &selector.grouping);
        let mut grouping: Vec<&str> = grouping.map(String::as_str).collect();
        if !alert.selectors.iter().any(|selector| selector.functions.iter().any(|one| one == "sum" || one == "max")) {
            grouping.extend(["namespace", "pod"]);
        }
        for text in alert.annotations.values() {
            for label in text.split("$labels.").skip(1) {
                let label = label.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
                assert!(grouping.contains(&label), "{name} names {label}, and has {grouping:?}");
            }
        }
    }
}

#[test]
fn every_alert_fires_when_it_should_and_not_before() {
    let scenarios = workspace().join("tests/tests/api/monitoring/behaviour.yaml");
    let fired = promcheck::test(&workspace().join(ALERTS), &scenarios).unwrap_or_else(|error| panic!("{error}"));
    for alert in alerts() {
        assert!(fired.split_whitespace().any(|name| name == alert.name), "no scenario in which {} fires", alert.name);
    }
}

#[test]
fn a_rule_that_fires_too_late_too_early_or_not_at_all_is_found() {
    let scenarios = workspace().join("tests/tests/api/monitoring/behaviour.yaml");
    let text = std::fs::read_to_string(workspace().join(ALERTS)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (right, wrong, found) in [
        ("cicdcontext_leader) == 0", "cicdcontext_leader) < 0", "0 of CicdContextNoLeader fire, not 1"),
        (
            "cicdcontext_leader) > 1\n        for: 3m",
            "cicdcontext_leader) > 1\n        for: 1m",
            "1 of CicdContextSeveralLeaders",
        ),
        ("error!~\"Conflict|NotFound\"", "error!~\"NotFound\"", "nothing should fire, CicdContextApiWritesFail does"),
        (
            "(increase(cicdcontext_deliveries_given_up_total[15m])) > 0",
            "(cicdcontext_deliveries_given_up_total) > 0",
            "nothing should fire, CicdContextDeliveriesGivenUp does",
        ),
        ("severity: critical", "severity: warning", "no CicdContextAbsent with"),
        ("humanizeDuration", "humanize", "summary of CicdContextDeliveryWaitsLong is"),
    ] {
        let path = directory.path().join("alerts.yaml");
        assert!(text.contains(right), "{right}");
        std::fs::write(&path, text.replace(right, wrong)).unwrap();
        let error = promcheck::test(&path, &scenarios).unwrap_err();
        assert!(error.contains(found), "{wrong}: {error}");
    }
}
