//! The dashboard of the chart.

use std::collections::BTreeSet;

use cicdcontext_tests::cluster::workspace;
use serde_json::{Value, json};

use super::{
    exported::Exported,
    promcheck::{self, DASHBOARD, Expression},
};

fn dashboard() -> Value {
    serde_json::from_str(&std::fs::read_to_string(workspace().join(DASHBOARD)).unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A query with what Grafana puts in the place of its variables.
fn filled_in(expr: &str) -> String {
    let filled = expr.replace("$__rate_interval", "5m").replace("$__range", "6h");
    filled.replace("$namespace", ".*").replace("$pod", ".*")
}

/// The queries of all panels, with their legends.
fn queries() -> (Vec<Expression>, Vec<String>) {
    let dashboard = dashboard();
    let panels = list(&dashboard["panels"]).iter();
    let targets = panels.flat_map(|panel| list(&panel["targets"]).iter().map(move |target| (panel, target)));
    let (all, legends): (Vec<_>, Vec<_>) = targets
        .map(|(panel, target)| {
            let name = format!("{} {}", text(&panel["title"]), text(&target["refId"]));
            ((name, filled_in(text(&target["expr"]))), text(&target["legendFormat"]).to_owned())
        })
        .unzip();
    (promcheck::expressions(&all).unwrap_or_else(|error| panic!("{error}")), legends)
}

#[test]
fn every_panel_asks_for_what_is_exported_and_nothing_is_left_out() {
    let exported = Exported::new();
    let (queries, legends) = queries();
    let faults: Vec<_> = queries.iter().flat_map(|query| exported.faults(query)).collect();
    assert_eq!(faults, Vec::<String>::new());
    for (query, legend) in queries.iter().zip(legends) {
        assert!(!query.expr.contains('$'), "{}: {}", query.name, query.expr);
        for label in legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            let grouped = query.selectors.iter().all(|selector| selector.grouping.iter().any(|one| one == label));
            assert!(grouped, "{}: the legend names {label}, which is blank", query.name);
        }
        // Whoever chooses a namespace and a Pod sees those alone.
        for selector in &query.selectors {
            let labels: Vec<_> = selector.matchers.iter().map(|matcher| matcher.label.as_str()).collect();
            assert!(labels.contains(&"namespace") && labels.contains(&"pod"), "{}: {labels:?}", query.name);
        }
    }
    let selectors = queries.iter().flat_map(|query| &query.selectors);
    let shown: BTreeSet<_> = selectors.filter_map(|selector| exported.described_as(&selector.metric)).collect();
    let hidden: Vec<_> = exported.names().filter(|name| !shown.contains(*name)).collect();
    assert_eq!(hidden, Vec::<&str>::new());
}

#[test]
fn panels_do_not_overlap_and_each_says_what_it_shows_and_in_which_unit() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut rows = Vec::new();
    for panel in list(&dashboard["panels"]) {
        let title = text(&panel["title"]);
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title} has another panel's id");
        let place = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(place("x") + place("w") <= 24 && place("w") > 0 && place("h") > 0, "{title} is out of the grid");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{title} lies on another panel at {x},{y}");
            }
        }
        if panel["type"] == "row" {
            rows.push(title.to_owned());
            continue;
        }
        assert!(!title.is_empty() && text(&panel["description"]).len() > 15, "{title}");
        assert_eq!(panel["datasource"], json!({"type": "prometheus", "uid": "${datasource}"}), "{title}");
        let unit = [&panel["fieldConfig"]["defaults"]["unit"], &panel["options"]["yAxis"]["unit"]];
        assert!(unit.iter().any(|unit| unit.is_string()), "{title} has no unit");
        assert!(!list(&panel["targets"]).is_empty(), "{title}");
        for target in list(&panel["targets"]) {
            assert_eq!(target["datasource"], panel["datasource"], "{title}");
            let legend = text(&target["legendFormat"]);
            assert!(!legend.is_empty() || panel["type"] == "stat", "{title} has no legend");
        }
    }
    assert_eq!(rows, ["Overview", "Events", "Deliveries", "State", "API server", "Process"]);
    let variables: Vec<_> = list(&dashboard["templating"]["list"]).iter().map(|one| text(&one["name"])).collect();
    assert_eq!(variables, ["datasource", "namespace", "pod"]);
}
