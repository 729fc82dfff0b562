//! What alerts and dashboard ask for is in the text of a running operator.

use std::collections::BTreeMap;

use serde_json::json;

use super::promcheck;
use crate::{
    object::{Kind, event, notify, on_success},
    scene::Scene,
};

#[tokio::test]
async fn a_running_operator_shows_each_series_that_alerts_ask_for_with_its_labels() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &on_success(&json!([notify("tell", "chat", "built")]))).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.finished("e").await;
    let text = scene.metrics().await;
    let mut labels: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let series = line.rsplit_once(' ').unwrap().0;
        let (name, rest) = series.split_once('{').unwrap_or((series, ""));
        let names = rest.split(',').filter_map(|label| label.split_once('=')).map(|(label, _)| label);
        labels.entry(name).or_default().extend(names);
    }
    let mut missing = Vec::new();
    for alert in promcheck::alerts() {
        for selector in alert.selectors {
            let Some(shown) = labels.get(selector.metric.as_str()) else {
                missing.push(selector.metric);
                continue;
            };
            let asked = selector.matchers.iter().map(|matcher| &matcher.label).chain(&selector.grouping);
            for label in asked.filter(|label| !["namespace", "job", "pod"].contains(&label.as_str())) {
                assert!(shown.contains(&label.as_str()), "{}: {} has {shown:?}", alert.name, selector.metric);
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "{text}");
    let started: f64 = text
        .lines()
        .find_map(|line| line.strip_prefix("cicdcontext_start_time_seconds ")?.parse().ok())
        .expect("it says when it began");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(started <= now && now - started < 600.0, "{started} is not shortly before {now}");
}
