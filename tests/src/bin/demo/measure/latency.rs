//! How long after the API server's acknowledgement a request arrives, compared with a plain create on the same server.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use cicdcontext_tests::figures::{median, milliseconds};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use serde_json::json;

use super::{Bench, row};
use crate::{error::DemoError, events::Which};

const WITHIN: Duration = Duration::from_secs(30);
/// The size of an ordinary CicdEvent with its metadata.
const PLAIN_BYTES: usize = 2000;

pub(super) async fn measure(bench: &Bench<'_>, runs: usize) -> Result<(), DemoError> {
    println!("Milliseconds until the request arrives; the state is patched before each event. Medians of {runs} runs:");
    bench.context("annotated").await?;
    let uid = bench.context("created").await?;
    let plain: Api<ConfigMap> = Api::namespaced(bench.client.clone(), &bench.scene.measured);
    let (mut creates, mut annotations, mut events) = (Vec::new(), Vec::new(), Vec::new());
    // In turn, so that whatever else the machine does meets all three alike.
    for run in 0..runs {
        creates.push(create(&plain, run).await?);

        bench.patch("annotated", json!({"spec": {"state": {"value": run}}})).await?;
        let id = format!("run-{run}");
        bench.annotate("annotated", &id, "plain").await?;
        annotations.push(arrival(bench, Instant::now(), run).await?);
        let which = Which::Annotation { context: "annotated".to_owned(), id };
        bench.follow.finished(&which, WITHIN).await?;

        bench.patch("created", json!({"spec": {"state": {"value": run}}})).await?;
        let name = format!("created-{run}");
        bench.create_event("created", &uid, &name, "plain").await?;
        events.push(arrival(bench, Instant::now(), run).await?);
        bench.follow.finished(&Which::Name(name), WITHIN).await?;
    }
    let base = median(creates);
    row("a plain create of a ConfigMap of 2 kB, for comparison", &number(base), "");
    let target = format!("below {:.1}, the create + 10", base + 10.0);
    row("after an annotation was acknowledged", &number(median(annotations)), &target);
    row("after a CicdEvent was acknowledged", &number(median(events)), "below 10");
    Ok(())
}

async fn create(api: &Api<ConfigMap>, run: usize) -> Result<f64, DemoError> {
    let object = ConfigMap {
        metadata: ObjectMeta { name: Some(format!("plain-{run}")), ..ObjectMeta::default() },
        data: Some(BTreeMap::from([("data".to_owned(), "x".repeat(PLAIN_BYTES))])),
        ..ConfigMap::default()
    };
    let start = Instant::now();
    api.create(&PostParams::default(), &object).await.map_err(DemoError::kubernetes("create a ConfigMap"))?;
    Ok(milliseconds(start.elapsed()))
}

/// Milliseconds from the acknowledgement to the request; below zero if the request was quicker than the
/// acknowledgement's way to us. The request must show the state that was patched.
async fn arrival(bench: &Bench<'_>, acknowledged: Instant, run: usize) -> Result<f64, DemoError> {
    let arrived = bench.scene.services.next(WITHIN).await;
    let arrived =
        arrived.ok_or_else(|| DemoError::Late { what: format!("the request of run {run}"), waited: WITHIN })?.request;
    if arrived.body["value"] != run {
        let differences =
            vec![format!("  state.value was patched to {run}, the message shows {}", arrived.body["value"])];
        return Err(DemoError::Different { what: "a measured message".to_owned(), differences });
    }
    let after = arrived.at.saturating_duration_since(acknowledged);
    let before = acknowledged.saturating_duration_since(arrived.at);
    Ok(milliseconds(after) - milliseconds(before))
}

fn number(milliseconds: f64) -> String {
    format!("{milliseconds:.1}")
}
