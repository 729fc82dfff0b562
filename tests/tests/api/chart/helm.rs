//! Helm as a process, with a home of its own and nothing of the user's.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use cicdcontext_tests::{
    cluster::{Access, Environment, Interrupt, Report, Role, workspace},
    tools::Tools,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{process::Command, task::spawn_blocking};

/// The namespace of releases here, as docs/install.md has it.
pub(super) const NAMESPACE: &str = "cicdcontext-system";

/// Builds the tools, or finds them.
pub(crate) async fn tools() -> Tools {
    let build = || Tools::build(&Environment::of_this_process(), &Report::default(), &Interrupt::default());
    spawn_blocking(build).await.unwrap().unwrap()
}

/// The chart of this project.
pub(super) fn chart() -> PathBuf {
    workspace().join("charts/cicdcontext")
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) success: bool,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Ran {
    /// What it printed; it has to have succeeded.
    #[track_caller]
    pub(super) fn printed(self) -> String {
        assert!(self.success, "{}\n{}", self.errors, self.output);
        self.output
    }
}

/// Runs a command to its end.
pub(super) async fn run(command: &mut Command) -> Ran {
    let output = command.kill_on_drop(true).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { success: output.status.success(), output: text(&output.stdout), errors: text(&output.stderr) }
}

/// Helm, and where it keeps what it keeps.
pub(super) struct Helm {
    tools: Tools,
    home: TempDir,
    kubeconfig: PathBuf,
}

impl Helm {
    /// Helm without a cluster.
    pub(super) async fn alone() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { tools: tools().await, kubeconfig: home.path().join("no-kubeconfig"), home }
    }

    /// Helm as the administrator of a cluster.
    pub(super) async fn on(access: &Access) -> Self {
        Self { kubeconfig: access.kubeconfig(Role::Admin), ..Self::alone().await }
    }

    /// Runs Helm.
    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(self.tools.helm());
        command.args(arguments).env("KUBECONFIG", &self.kubeconfig).current_dir(self.home.path());
        for what in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{what}_HOME"), self.home.path().join(what));
        }
        run(&mut command).await
    }

    /// Writes values into a file and returns its path.
    pub(super) fn values(&self, name: &str, values: &Value) -> String {
        let path = self.home.path().join(format!("{name}.json"));
        fs::write(&path, values.to_string()).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// What a chart is for these files of values, as text: objects, and hooks too.
    pub(super) async fn template(&self, chart: &Path, values: &[&str], more: &[&str]) -> Ran {
        let chart = chart.to_string_lossy();
        let mut arguments = vec!["template", "cicdcontext", &chart, "--namespace", NAMESPACE, "--kube-version=1.33.0"];
        arguments.extend(values.iter().flat_map(|file| ["--values", file]));
        arguments.extend(more);
        self.run(&arguments).await
    }
}

/// The objects of a stream of manifests.
#[track_caller]
pub(super) fn objects(manifests: &str) -> Vec<Value> {
    let parsed: Result<Vec<Value>, _> = serde_saphyr::from_multiple(manifests);
    let objects = parsed.unwrap_or_else(|error| panic!("{error}\n{manifests}"));
    objects.into_iter().filter(|object| !object.is_null()).collect()
}

/// Kind, namespace and name.
pub(super) fn identity(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    [text("/kind"), text("/metadata/namespace"), text("/metadata/name")].join("/")
}

/// Objects by kind, namespace and name; each of them once.
#[track_caller]
pub(super) fn by_identity(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for object in objects {
        let identity = identity(&object);
        assert!(found.insert(identity.clone(), object).is_none(), "{identity} is there twice");
    }
    found
}
