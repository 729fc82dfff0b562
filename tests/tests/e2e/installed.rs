//! What there must be once the chart is installed.

use rustix::process::{Pid, Signal};
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

/// The Pod that leads.
pub(crate) async fn leader(stage: &Stage) -> String {
    pod_of(&holder(stage, "a leader", |_| true).await)
}

/// Who holds the Lease: the name of a Pod, `_`, and what is random for each start of its process.
pub(crate) async fn holder(stage: &Stage, what: &str, is_wanted: impl Fn(&str) -> bool) -> String {
    let holder = |leases: &Value| {
        let held = |lease: &Value| lease["spec"]["holderIdentity"].as_str().map(str::to_owned);
        let holder = leases["items"].as_array()?.iter().find_map(held)?;
        (!holder.is_empty() && is_wanted(&holder)).then_some(holder)
    };
    stage.until(what, &["leases", "--namespace", NAMESPACE], holder).await
}

/// The Pod of a holder.
pub(crate) fn pod_of(holder: &str) -> String {
    holder.rsplit_once('_').unwrap().0.to_owned()
}

/// Kills the operator's process in a Pod, as the kernel does when memory is short: it cannot say goodbye.
pub(crate) async fn kill_process(stage: &Stage, pod: &str) {
    let object = stage.get(&["pod", pod, "--namespace", NAMESPACE]).await;
    let uid = object["metadata"]["uid"].as_str().unwrap();
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let is_its = |pid: &i32| {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        read("comm").trim() == "operator" && read("cgroup").contains(uid)
    };
    let found: Vec<i32> = processes.filter(is_its).collect();
    assert_eq!(found.len(), 1, "processes of {pod}: {found:?}");
    rustix::process::kill_process(Pid::from_raw(found[0]).unwrap(), Signal::KILL).unwrap();
}
