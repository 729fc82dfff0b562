//! What there must be once the chart is installed.

use serde_json::Value;

use crate::{
    helm::{self, NAMESPACE},
    stage::{Stage, is_ready},
};

/// The operator's Pods, and no others of the release.
const OPERATOR: &str = "--selector=app.kubernetes.io/name=cicdcontext,app.kubernetes.io/component=operator";

/// Installs the chart into a restricted namespace, and looks at what came of it.
pub(crate) async fn install(stage: &Stage) {
    stage.restricted_namespace(NAMESPACE).await;
    helm::install(stage).await;
    replicas_are_ready(stage, 2).await;
    let pods = stage.get(&["pods", "--namespace", NAMESPACE, OPERATOR]).await;
    for pod in pods["items"].as_array().unwrap() {
        let status = &pod["status"]["containerStatuses"][0];
        assert_eq!(status["restartCount"], 0, "{status:#}");
        assert!(status["image"].as_str().unwrap().starts_with("localhost/cicdcontext/operator:"), "{status:#}");
    }
    stage.tell(&format!("two replicas are ready, and {} leads", leader(stage).await));
}

/// Waits until exactly so many Pods of the operator are there, and all are ready.
pub(crate) async fn replicas_are_ready(stage: &Stage, replicas: usize) {
    let query = ["pods", "--namespace", NAMESPACE, OPERATOR];
    let are_ready = |pods: &Value| {
        let pods = pods["items"].as_array()?;
        (pods.len() == replicas && pods.iter().all(is_ready)).then_some(())
    };
    stage.until(&format!("{replicas} replicas that are ready"), &query, are_ready).await;
}

/// The Pod that holds the Lease: the name before the last `_` of the holder.
pub(crate) async fn leader(stage: &Stage) -> String {
    let holder = |leases: &Value| {
        let lease = leases["items"].as_array()?.iter().find(|lease| lease["spec"]["holderIdentity"].is_string())?;
        let holder = lease["spec"]["holderIdentity"].as_str()?.rsplit_once('_')?.0;
        (!holder.is_empty()).then(|| holder.to_owned())
    };
    stage.until("a leader", &["leases", "--namespace", NAMESPACE], holder).await
}

/// Waits until another Pod than this one leads.
pub(crate) async fn another_leads(stage: &Stage, former: &str) -> String {
    let holder = |leases: &Value| {
        let lease = leases["items"].as_array()?.iter().find(|lease| lease["spec"]["holderIdentity"].is_string())?;
        let holder = lease["spec"]["holderIdentity"].as_str()?.rsplit_once('_')?.0;
        (!holder.is_empty() && holder != former).then(|| holder.to_owned())
    };
    stage.until("another leader", &["leases", "--namespace", NAMESPACE], holder).await
}
