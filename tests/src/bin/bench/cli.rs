//! `cicdctl` against the predecessor: whole processes, in turn, over the same state. `measure.py` beside this times them,
//! since it runs where the predecessor does; here the cluster, the manifests and a receiver are prepared for it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use cicdcontext_tests::{
    cluster::{Role, workspace},
    installation::kubectl,
    receiver::{Answer, Receiver},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{error::BenchError, stage::Stage};

/// What is measured with what.
pub(crate) struct Plan {
    /// A Python environment with the predecessor in it.
    pub(crate) predecessor: PathBuf,
    /// The program; none is the one beside this.
    pub(crate) program: Option<PathBuf>,
    pub(crate) rounds: usize,
}

/// Contexts and the bytes of their states, as `measure.py` has them for the predecessor.
const CONTEXTS: [(&str, usize); 2] = [("small", 12_000), ("large", 120_000)];

/// Prepares, measures and prints.
pub(crate) async fn measure(stage: &Stage, plan: &Plan) -> Result<(), BenchError> {
    let namespace = stage.namespace("cli").await?;
    let operator = stage.operator(&namespace).await?;
    let receiver = Receiver::start().await.map_err(BenchError::io("listen on", "loopback"))?;
    receiver.answer("/chat", Answer::json(200, &json!({"ok": true, "ts": "1700000000.0001"})));
    let directory = stage.directory.join("manifests");
    fs::create_dir_all(&directory).map_err(BenchError::io("create", directory.display()))?;
    let manifests = directory.join("contexts.json");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects(&receiver.url("/chat"))});
    fs::write(&manifests, list.to_string()).map_err(BenchError::io("write", manifests.display()))?;
    kubectl(&stage.access, &["-n", &namespace, "create", "-f", &manifests.to_string_lossy()]).await?;

    let python = plan.predecessor.join("bin/python");
    let script = workspace().join("tests/src/bin/bench/cli/measure.py");
    let ended = Command::new(&python)
        .arg(script)
        .env("BENCH_CICDCTL", program(plan)?)
        .env("BENCH_NAMESPACE", &namespace)
        .env("BENCH_MANIFESTS", &manifests)
        .env("BENCH_RECEIVER", receiver.url("/chat"))
        .env("BENCH_ROUNDS", plan.rounds.to_string())
        .env("KUBECONFIG", stage.access.kubeconfig(Role::Pipeline))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await
        .map_err(BenchError::io("run", python.display()))?;
    operator.stop().await?;
    if ended.success() { Ok(()) } else { Err(BenchError::Measuring(ended)) }
}

/// The program that is measured.
fn program(plan: &Plan) -> Result<PathBuf, BenchError> {
    let own = std::env::current_exe().map_err(BenchError::io("find", "this program"))?;
    let beside = own.parent().unwrap_or(Path::new(".")).join("cicdctl");
    let program = plan.program.clone().unwrap_or(beside);
    fs::canonicalize(&program).map_err(BenchError::io("find", program.display()))
}

/// An endpoint, and a context of each size that tells it what was built.
fn objects(url: &str) -> Vec<Value> {
    let object = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let body = r#"{"text": "{{handler.message}}"}"#;
    let endpoint = object("CicdEndpoint", "chat", json!({"url": url, "allowHttp": true, "bodies": {"notify": body}}));
    let contexts = CONTEXTS.iter().map(|(name, bytes)| {
        let notify = json!({"endpoint": {"name": "chat"}, "message": "built {{state.build.image}}"});
        let handlers = json!({"success": [{"name": "tell", "notify": notify}]});
        let state = json!({"build": {"image": "web:5"}, "blob": blob(*bytes)});
        object("CicdContext", name, json!({"pipelines": {"build": {"eventHandlers": handlers}}, "state": state}))
    });
    std::iter::once(endpoint).chain(contexts).collect()
}

/// About this many bytes as JSON, in small values.
fn blob(bytes: usize) -> Value {
    let entry = r#""k0000": "", "#.len() + 40;
    let value = || Value::from("v".repeat(40));
    Value::Object((0..bytes / entry).map(|number| (format!("k{number:04}"), value())).collect())
}
