//! A pipeline's steps: Pods with the image, command and arguments of the Tekton tasks in `deploy/tekton`, and with nothing
//! else of Tekton.

use std::{collections::BTreeMap, path::Path};

use cicdcontext_tests::{
    cluster::workspace,
    node::SHOW,
    tekton::{Catalog, Container, Given, Run},
};
use serde_json::{Value, json};

use crate::stage::Stage;

/// The ServiceAccount of `deploy/tekton/access.yaml`.
const SERVICE_ACCOUNT: &str = "cicd-steps";

/// Where Tekton mounts its own things, and here the only workspace.
const TEKTON: &str = "/tekton";
const WORKSPACE: &str = "/workspace/files";

/// What a step left: the texts of its results by name, the files of its workspace by name, and what it printed.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) results: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) printed: String,
}

/// The tasks, and who runs them where.
pub(crate) struct Steps<'s> {
    stage: &'s Stage,
    namespace: &'s str,
    catalog: Catalog,
}

impl<'s> Steps<'s> {
    /// Reads the tasks and gives the namespace their ServiceAccount.
    pub(crate) async fn prepare(stage: &'s Stage, namespace: &'s str) -> Self {
        let folder = workspace().join("deploy/tekton");
        let access = folder.join("access.yaml");
        let access = access.to_str().unwrap();
        stage.kubectl(&["apply", "--server-side", "--namespace", namespace, "--filename", access]).await;
        Self { stage, namespace, catalog: Catalog::read(&folder).unwrap() }
    }

    /// Runs a Task to its end. `user` is the user of its Pod, as a cluster that gives each namespace its own has them.
    pub(crate) async fn run(&self, task: &str, run: &str, user: Option<u32>, given: &[(&str, Given)]) -> Left {
        let asked = Run {
            // Tekton's own would change with each run; here a repeated step is the same TaskRun, tried again.
            uid: &format!("uid-of-{run}"),
            name: run,
            namespace: self.namespace,
            folder: Path::new(TEKTON),
            workspaces: &[("files", Path::new(WORKSPACE))],
            given,
        };
        let started = self.catalog.start(task, &asked).unwrap_or_else(|error| panic!("{error}"));
        let pod = pod(run, &started.containers, user);
        self.stage.apply(self.namespace, &pod.to_string()).await;
        let query = ["pod", run, "--namespace", self.namespace];
        let phase = |pod: &Value| {
            let phase = pod["status"]["phase"].as_str()?;
            ["Succeeded", "Failed"].contains(&phase).then(|| phase.to_owned())
        };
        let phase = self.stage.until(&format!("the end of {run}"), &query, phase).await;
        let logs = async |container: &str| {
            let arguments = ["logs", run, "--namespace", self.namespace, "--container", container];
            self.stage.kubectl(&arguments).await
        };
        let mut printed = String::new();
        for container in &started.containers {
            printed.push_str(&logs(&container.name).await);
        }
        assert_eq!(phase, "Succeeded", "step {run} printed: {printed}");
        let shown: BTreeMap<String, String> = serde_json::from_str(&logs("show").await).unwrap();
        // Waiting: the next attempt has the same name.
        self.stage.kubectl(&["delete", "pod", run, "--namespace", self.namespace, "--grace-period=1"]).await;
        let below = |folder: &str| {
            let found = shown.iter().filter_map(|(path, text)| Some((path.strip_prefix(folder)?, text)));
            found.map(|(name, text)| (name.to_owned(), text.clone())).collect()
        };
        Left { results: below("/tekton/results/"), files: below("/workspace/files/"), printed }
    }
}

/// Tekton runs the steps of a Task one after the other in one Pod. What they left is shown by a container that comes
/// after them, with another image.
fn pod(name: &str, steps: &[Container], user: Option<u32>) -> Value {
    let mounts = json!([
        {"name": "tekton", "mountPath": format!("{TEKTON}/results")},
        {"name": "files", "mountPath": WORKSPACE},
    ]);
    let step = |step: &Container| {
        let env: Vec<Value> = step.env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        json!({
            "name": step.name, "image": step.image, "imagePullPolicy": "Never", "command": step.command,
            "args": step.args, "env": env, "workingDir": step.working_dir, "securityContext": step.security_context,
            "volumeMounts": mounts,
        })
    };
    let user = user.map_or(json!({}), |user| json!({"runAsUser": user, "runAsGroup": 0, "fsGroup": user}));
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "serviceAccountName": SERVICE_ACCOUNT, "restartPolicy": "Never", "securityContext": user,
            "initContainers": steps.iter().map(step).collect::<Vec<_>>(),
            "containers": [{
                "name": "show", "image": SHOW, "imagePullPolicy": "Never",
                "args": [format!("{TEKTON}/results"), WORKSPACE], "volumeMounts": mounts,
                "securityContext": {
                    "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
                    "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
                },
            }],
            "volumes": [{"name": "tekton", "emptyDir": {}}, {"name": "files", "emptyDir": {}}],
        },
    })
}
