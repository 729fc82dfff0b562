//! What a benchmark plays on: the cluster of the environment with kinds and roles, a namespace of its own, and an
//! operator for it.

use std::{fs, path::Path, process};

use cicdcontext_tests::{
    cluster::{Access, Environment, Role, workspace},
    operator::{self, Launch, Operator},
};
use kube::Client;
use tokio::process::Command;

use crate::error::BenchError;

/// A namespace with an operator.
pub(crate) struct Stage {
    access: Access,
    /// With the rights of a step of a pipeline.
    pub(crate) pipeline: Client,
    pub(crate) namespace: String,
    /// Which build of the operator runs: cargo names the directory after it.
    pub(crate) build: String,
    operator: Operator,
}

impl Stage {
    /// Creates kinds, roles and the namespace, and starts the operator that lies beside this program.
    pub(crate) async fn prepare() -> Result<Self, BenchError> {
        let access = Access::from_environment(&Environment::of_this_process())?;
        let program = operator::program()?;
        let deploy = workspace().join("deploy");
        for (how, what) in [("-k", "crds"), ("-f", "namespace.yaml"), ("-k", "rbac")] {
            let what = deploy.join(what).to_string_lossy().into_owned();
            kubectl(&access, &["apply", "--server-side", "--force-conflicts", how, &what]).await?;
        }
        let namespace = format!("cicdcontext-bench-{}", process::id());
        kubectl(&access, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]).await?;
        kubectl(&access, &["create", "namespace", &namespace]).await?;
        let user = format!("--user={}", Role::Pipeline.user());
        let bind = ["-n", &namespace, "create", "rolebinding", "steps", "--clusterrole=cicd-pipeline", &user];
        kubectl(&access, &bind).await?;

        let directory = workspace().join("target/bench");
        fs::create_dir_all(&directory).map_err(BenchError::io("create", directory.display()))?;
        let log = directory.join("operator.log");
        fs::File::create(&log).map_err(BenchError::io("create", log.display()))?;
        let build = program.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
        let launch = Launch::new(access.kubeconfig(Role::Operator), log)?.program(program).namespace(&namespace);
        Ok(Self {
            pipeline: access.client(Role::Pipeline).await?,
            operator: Operator::start(&launch).await?,
            build: build.unwrap_or_default(),
            access,
            namespace,
        })
    }

    /// Stops the operator and removes the namespace; kinds and roles stay.
    pub(crate) async fn clean_up(self) -> Result<(), BenchError> {
        let stopped = self.operator.stop().await.map_err(BenchError::from);
        let delete = ["delete", "namespace", &self.namespace, "--ignore-not-found", "--wait=false"];
        stopped.and(kubectl(&self.access, &delete).await)
    }
}

async fn kubectl(access: &Access, arguments: &[&str]) -> Result<(), BenchError> {
    let failed = |problem: String| BenchError::Kubectl { arguments: arguments.join(" "), problem };
    let mut command = Command::from(access.kubectl_as(Role::Admin));
    let output = command.args(arguments).output().await.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()))
}
