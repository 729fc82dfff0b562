//! docs/install.md on a cluster of its own: each command is typed, and what the page shows is compared with what it prints.
//!
//! There are no nodes. The operator is a process with the ServiceAccount and the arguments of the Deployment that was just
//! installed; what needs Pods is left to the whole-node suite.

use std::{env, fs, os::unix::fs::symlink, process::Stdio};

use cicdcontext_tests::{
    cluster::{Access, Cluster, Options, Report, workspace},
    operator::{Launch, Operator},
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};

use super::{
    helm::{Helm, NAMESPACE, chart, tools},
    rendered::stop,
};
use crate::{
    page::{commands, matches, programs},
    scene::DEADLINE,
};

const PAGE: &str = "docs/install.md";

/// What only the whole-node suite can do: images, and waiting for Pods.
const NEEDS_NODES: [&str; 3] = ["make ", "helm test ", " rollout status "];

/// Somebody who has the project's folder, Helm and kubectl, and who reads the page.
pub(super) struct Reader {
    access: Access,
    folder: TempDir,
    path: std::ffi::OsString,
}

impl Reader {
    pub(super) async fn new(access: Access) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for shared in ["charts", "deploy"] {
            symlink(workspace().join(shared), folder.path().join(shared)).unwrap();
        }
        let own = [tools().await.directory().to_owned(), access.kubectl().parent().unwrap().to_owned(), programs()];
        let machine = env::var_os("PATH").unwrap();
        let path = env::join_paths(own.into_iter().chain(env::split_paths(&machine))).unwrap();
        Self { access, folder, path }
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(self.folder.path());
        shell.envs(self.access.variables()).env("PATH", &self.path).kill_on_drop(true);
        for what in ["CACHE", "CONFIG", "DATA"] {
            shell.env(format!("HELM_{what}_HOME"), self.folder.path().join("helm"));
        }
        shell.stdin(Stdio::null()).stdout(Stdio::piped());
        shell
    }

    async fn run(&self, command: &str) -> (bool, String) {
        let ran = self.shell(command).output().await.unwrap();
        (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
    }

    #[track_caller]
    fn expect(command: &str, shown: &[String], (success, output): &(bool, String)) {
        assert!(*success, "`{command}`\n{output}");
        assert!(shown.is_empty() || matches(shown, output), "`{command}`\n{output}\nexpected:\n{}", shown.join("\n"));
    }

    /// Types a command; one that only reads is typed until it prints what is shown, since a page leaves out the waiting: an
    /// API server takes a moment to describe a kind that has changed.
    pub(super) async fn type_in(&self, command: &str, shown: &[String]) {
        let begun = Instant::now();
        let reads = [" get ", " explain "].iter().any(|verb| command.contains(verb));
        loop {
            let ran = self.run(command).await;
            if !reads || (ran.0 && matches(shown, &ran.1)) || begun.elapsed() > DEADLINE {
                return Self::expect(command, shown, &ran);
            }
            sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Starts what the Deployment would start, as its ServiceAccount.
    async fn operator(&self) -> Operator {
        let deployment = self.run(&format!("kubectl -n {NAMESPACE} get deployment cicdcontext -o json")).await.1;
        let deployment: Value = serde_json::from_str(&deployment).unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        assert_eq!(pod["containers"][0]["args"], serde_json::json!(["run", "--instance=cicdcontext"]));
        let (account, own) = (pod["serviceAccountName"].as_str().unwrap(), self.folder.path().join("kubeconfig"));
        let script = format!(
            "set -eu; token=$(kubectl -n {NAMESPACE} create token {account}); cp \"$KUBECONFIG\" {own}\n\
             export KUBECONFIG={own}; kubectl config set-credentials operator --token=\"$token\"\n\
             kubectl config set-context --current --user=operator",
            own = own.display()
        );
        Self::expect(&script, &[], &self.run(&script).await);
        let launch = Launch::new(own, self.folder.path().join("operator.log")).unwrap();
        Operator::start(&launch.elected(NAMESPACE, "cicdcontext")).await.unwrap()
    }

    /// Types a command that stays in the foreground, and ends it when it says that it is ready.
    async fn until_ready(&self, command: &str) {
        let own = command.replace("KUBECONFIG=~/.kube/config ", "exec ") + " --listen 127.0.0.1:0";
        let mut process = self.shell(&own).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut seen = Vec::new();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let found = line.contains(" ready ");
                seen.push(line);
                if found {
                    return true;
                }
            }
            false
        };
        let ready = timeout(DEADLINE, ready).await.unwrap_or(false);
        assert!(ready, "`{own}` is not ready:\n{}", seen.join("\n"));
        process.kill().await.unwrap();
    }
}

#[tokio::test]
async fn what_the_page_about_installing_shows_is_what_happens() {
    let name = format!("install-{}", std::process::id());
    let options = Options { report: Report::silent(), controller_manager: true, ..Options::named(&name) };
    let cluster = spawn_blocking(|| Cluster::start(options)).await.unwrap().unwrap();
    let reader = Reader::new(cluster.access()).await;
    let mut operator = None;
    let (mut typed, mut left) = (0, 0);
    for (command, shown) in commands(PAGE) {
        if NEEDS_NODES.iter().any(|needs| command.contains(needs)) {
            left += 1;
            continue;
        }
        typed += 1;
        if command.contains("operator run") {
            reader.until_ready(&command).await;
            continue;
        }
        if command.starts_with("helm uninstall cicdcontext ") {
            operator.take().map(Operator::stop).expect("an operator").await.unwrap();
        }
        reader.type_in(&command.replace(" --wait", ""), &shown).await;
        if command.starts_with("helm install cicdcontext ") {
            operator = Some(reader.operator().await);
        }
    }
    assert!(typed >= 20 && left == 2, "{typed} commands typed, {left} left to the whole-node suite");
    stop(cluster).await;
}

#[tokio::test]
async fn the_chart_takes_each_piece_of_values_that_the_page_about_installing_shows() {
    let page = fs::read_to_string(workspace().join(PAGE)).unwrap();
    let blocks = page.split("\n```").filter_map(|block| block.strip_prefix("yaml\n"));
    let helm = Helm::alone().await;
    let default = helm.template(&chart(), &[], &[]).await.printed();
    let mut tried = 0;
    for block in blocks {
        let values: Value = serde_saphyr::from_str(block).unwrap();
        let rendered = helm.template(&chart(), &[&helm.values(&tried.to_string(), &values)], &[]).await.printed();
        assert_ne!(rendered, default, "these values change nothing:\n{block}");
        tried += 1;
    }
    assert!(tried >= 8, "{tried} pieces of values");
}
