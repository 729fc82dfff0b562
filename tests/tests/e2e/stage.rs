//! What every phase uses: kubectl, waiting, progress, and what a person needs to see when something failed.

use std::{
    process::Stdio,
    sync::Mutex,
    time::{Duration, Instant},
};

use cicdcontext_tests::cluster::{Access, Environment, Role};
use kube::Client;
use serde_json::Value;
use tokio::{io::AsyncWriteExt, process::Command, time::sleep};

/// How long anything may take that is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// How often it is looked.
const POLL: Duration = Duration::from_millis(100);

/// How much of each log is shown after a failure.
const SHOWN_LINES: &str = "--tail=40";

/// The cluster, seen by its administrator.
pub(crate) struct Stage {
    pub(crate) access: Access,
    pub(crate) client: Client,
    started: Instant,
    /// The phases so far, each with the time at which it began.
    phases: Mutex<Vec<(String, Duration)>>,
}

impl Stage {
    pub(crate) async fn from_environment() -> Self {
        let access = Access::from_environment(&Environment::of_this_process()).unwrap();
        let client = access.client(Role::Admin).await.unwrap();
        Self { access, client, started: Instant::now(), phases: Mutex::default() }
    }

    /// Says what comes now.
    pub(crate) fn phase(&self, name: &str) {
        let now = self.started.elapsed();
        eprintln!("e2e: {:>6.1} s  {name}", now.as_secs_f64());
        self.phases.lock().unwrap().push((name.to_owned(), now));
    }

    /// Says something about the present phase.
    pub(crate) fn tell(&self, text: &str) {
        eprintln!("e2e: {:>6.1} s    {text}", self.started.elapsed().as_secs_f64());
    }

    /// What each phase took.
    pub(crate) fn tell_times(&self) {
        let phases = self.phases.lock().unwrap();
        let end = self.started.elapsed();
        let ends = phases.iter().skip(1).map(|(_, begin)| *begin).chain([end]);
        eprintln!("\ne2e: phases");
        for ((name, begin), end) in phases.iter().zip(ends) {
            eprintln!("  {:>6.1} s  {name}", end.saturating_sub(*begin).as_secs_f64());
        }
        eprintln!("  {:>6.1} s  in all", end.as_secs_f64());
    }

    /// kubectl; what it printed. It must succeed.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments).await.unwrap_or_else(|problem| panic!("kubectl {}: {problem}", arguments.join(" ")))
    }

    /// kubectl; what it printed, or what it complained about.
    pub(crate) async fn try_kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        run(Command::from(self.access.kubectl_as(Role::Admin)).args(arguments), "").await
    }

    /// Objects as JSON.
    pub(crate) async fn get(&self, arguments: &[&str]) -> Value {
        let text = self.kubectl(&[&["get", "--output=json"], arguments].concat()).await;
        serde_json::from_str(&text).unwrap()
    }

    /// Applies manifests.
    pub(crate) async fn apply(&self, namespace: &str, manifests: &str) {
        let mut kubectl = Command::from(self.access.kubectl_as(Role::Admin));
        kubectl.args(["apply", "--server-side", "--namespace", namespace, "--filename", "-"]);
        run(&mut kubectl, manifests).await.unwrap_or_else(|problem| panic!("apply: {problem}\n{manifests}"));
    }

    /// A namespace in which only Pods of the restricted profile may run.
    pub(crate) async fn restricted_namespace(&self, name: &str) {
        let label = "{pod-security.kubernetes.io/enforce: restricted}";
        let manifest = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {label}}}\n");
        self.apply("default", &manifest).await;
    }

    /// Looks at objects until they are as wanted, and returns what the look found.
    pub(crate) async fn until<T>(&self, what: &str, query: &[&str], is_there: impl Fn(&Value) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            let seen = self.try_kubectl(&[&["get", "--output=json"], query].concat()).await;
            let seen = seen.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
            if let Some(found) = seen.as_ref().ok().and_then(&is_there) {
                return found;
            }
            assert!(start.elapsed() < DEADLINE, "{what}: not within {} s; {query:?} is {seen:#?}", DEADLINE.as_secs());
            sleep(POLL).await;
        }
    }

    /// Shows what a person asks first: all Pods, and of those that are not well their description and logs.
    pub(crate) async fn explain(&self) {
        let show = async |arguments: &[&str]| match self.try_kubectl(arguments).await {
            Ok(text) | Err(text) => eprintln!("\n$ kubectl {}\n{text}", arguments.join(" ")),
        };
        show(&["get", "pods,deployments,leases", "--all-namespaces", "--output=wide"]).await;
        show(&["get", "cctx,cicdevents", "--all-namespaces"]).await;
        let pods = self.try_kubectl(&["get", "pods", "--all-namespaces", "--output=json"]).await.unwrap_or_default();
        let pods: Value = serde_json::from_str(&pods).unwrap_or_default();
        for pod in pods["items"].as_array().into_iter().flatten() {
            let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
            let is_operator = text("/metadata/labels/app.kubernetes.io~1name") == "cicdcontext";
            let is_well = text("/status/phase") == "Succeeded" || (is_ready(pod) && !is_operator);
            if !is_well {
                show(&["describe", "pod", "--namespace", namespace, name]).await;
                show(&["logs", "--all-containers", SHOWN_LINES, "--namespace", namespace, name]).await;
            }
        }
    }
}

/// Whether a Pod is ready, and stays.
pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    conditions.is_some_and(|conditions| conditions.iter().any(is_ready))
        && pod["metadata"]["deletionTimestamp"].is_null()
}

/// Runs a program to its end; what it printed, or what it complained about.
pub(crate) async fn run(command: &mut Command, input: &str) -> Result<String, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await.map_err(|error| error.to_string())?;
    }
    let output = child.wait_with_output().await.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{}: {}{}", output.status, text(&output.stderr), text(&output.stdout)).trim_end().to_owned())
}
