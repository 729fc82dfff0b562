//! What a benchmark plays on: the cluster of the environment with kinds and roles, a namespace of its own, and an
//! operator for it.

use std::{fs, path::Path, process};

use cicdcontext_tests::{
    cluster::{Access, Environment, Role, workspace},
    installation::{self, kubectl},
    operator::{self, Launch, Operator},
};
use kube::Client;

use crate::error::BenchError;

/// A namespace with an operator.
pub(crate) struct Stage {
    pub(crate) access: Access,
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
        installation::install(&access).await?;
        let namespace = format!("cicdcontext-bench-{}", process::id());
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
        stopped.and(kubectl(&self.access, &delete).await.map_err(BenchError::from))
    }
}
