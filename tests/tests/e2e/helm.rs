//! Helm, with the chart of this repository, as a person would use it.

use std::path::PathBuf;

use cicdcontext_tests::{
    cluster::{Environment, Interrupt, Report, Role, workspace},
    tools::Tools,
};
use tokio::process::Command;

use crate::stage::{Stage, run};

/// What the release and its namespace are called everywhere in the documentation.
pub(crate) const RELEASE: &str = "cicdcontext";
pub(crate) const NAMESPACE: &str = "cicdcontext-system";

/// Helm's own limit for each of its waits.
const TIMEOUT: &str = "--timeout=2m";

/// The chart.
fn chart() -> PathBuf {
    workspace().join("charts/cicdcontext")
}

/// Runs Helm. It must succeed.
async fn helm(stage: &Stage, arguments: &[&str]) -> String {
    // Built before: there is no network in here.
    let tools = Tools::build(&Environment::of_this_process(), &Report::default(), &Interrupt::default()).unwrap();
    let directory =
        PathBuf::from(std::env::var_os("NODE_DIRECTORY").expect("`cluster node with` sets it")).join("helm");
    let mut command = Command::new(tools.helm());
    command.args(arguments).current_dir(workspace()).env("KUBECONFIG", stage.access.kubeconfig(Role::Admin));
    for (variable, folder) in [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")]
    {
        command.env(variable, directory.join(folder));
    }
    run(&mut command, "").await.unwrap_or_else(|problem| panic!("helm {}: {problem}", arguments.join(" ")))
}

/// The arguments of Helm in the command that README tells a newcomer to type: `helm VERB ...`.
fn documented(verb: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let start = format!("$ helm {verb} ");
    let command = readme.lines().find(|line| line.starts_with(&start)).expect("README has the command");
    command.split_whitespace().skip(2).map(str::to_owned).collect()
}

/// Installs the chart as README says, with no value set.
pub(crate) async fn install(stage: &Stage) {
    let typed = documented("install");
    assert!(!typed.iter().any(|argument| argument.contains("set") || argument.contains("values")), "{typed:?}");
    let typed: Vec<&str> = typed.iter().map(String::as_str).chain([TIMEOUT]).collect();
    helm(stage, &typed).await;
}

/// Upgrades the release, with these values beside those it has.
pub(crate) async fn upgrade(stage: &Stage, values: &[&str]) {
    let chart = chart();
    let chart = chart.to_str().unwrap();
    let fixed = ["upgrade", RELEASE, chart, "--namespace", NAMESPACE, "--reuse-values", "--wait", TIMEOUT];
    let values: Vec<&str> = values.iter().flat_map(|value| ["--set", value]).collect();
    helm(stage, &[&fixed[..], &values[..]].concat()).await;
}

/// Runs the chart's own test as README says, and returns what Helm says about it.
pub(crate) async fn test(stage: &Stage) -> String {
    let typed = documented("test");
    let typed: Vec<&str> = typed.iter().map(String::as_str).chain([TIMEOUT, "--logs"]).collect();
    helm(stage, &typed).await
}

/// Removes the release.
pub(crate) async fn uninstall(stage: &Stage) {
    helm(stage, &["uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", TIMEOUT]).await;
}
