//! What all scenarios are played on: a control plane of their own, whose API server can be killed and started again.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cicdcontext_tests::{
    cluster::{Access, Cluster, ClusterError, Interrupt, Options, Report, Role, workspace},
    installation,
    operator::{self, Launch},
};
use kube::Client;
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use crate::error::ChaosError;

/// The control plane. It is stopped when this is dropped.
pub(crate) struct Stage {
    cluster: Arc<Mutex<Option<Cluster>>>,
    pub(crate) access: Access,
    /// With all rights.
    pub(crate) admin: Client,
    /// With the rights of a step of a pipeline.
    pub(crate) pipeline: Client,
    logs: PathBuf,
}

impl Stage {
    /// Starts a control plane with kinds and roles. A missing operator is told before that.
    pub(crate) async fn prepare(stop: &Interrupt) -> Result<Self, ChaosError> {
        operator::program()?;
        let report = Report::new(|line| println!("{line}"));
        let options = Options { interrupt: stop.clone(), report, ..Options::named("chaos") };
        let cluster = spawn_blocking(move || Cluster::start(options)).await.map_err(|_| ChaosError::Panicked)??;
        let access = cluster.access();
        let logs = workspace().join("target/chaos");
        fs::create_dir_all(&logs).map_err(ChaosError::io("create", logs.display()))?;
        let stage = Self {
            cluster: Arc::new(Mutex::new(Some(cluster))),
            admin: access.client(Role::Admin).await?,
            pipeline: access.client(Role::Pipeline).await?,
            access,
            logs,
        };
        installation::install(&stage.access).await?;
        Ok(stage)
    }

    /// How an operator for one namespace is started. One log for each scenario: that of an earlier run would mislead.
    pub(crate) fn launch(&self, namespace: &str) -> Result<Launch, ChaosError> {
        let log = self.logs.join(format!("{namespace}.log"));
        fs::File::create(&log).map_err(ChaosError::io("create", log.display()))?;
        Ok(Launch::new(self.access.kubeconfig(Role::Operator), log)?.namespace(namespace))
    }

    /// Kills the API server, starts it again after a while and gives the time for which nobody answered.
    pub(crate) async fn outage(&self, pause: Duration) -> Result<Duration, ChaosError> {
        let begun = Instant::now();
        self.with_cluster(Cluster::kill_apiserver).await?;
        sleep(pause).await;
        self.with_cluster(Cluster::restart_apiserver).await?;
        Ok(begun.elapsed())
    }

    async fn with_cluster(
        &self,
        work: impl FnOnce(&mut Cluster) -> Result<(), ClusterError> + Send + 'static,
    ) -> Result<(), ChaosError> {
        let cluster = Arc::clone(&self.cluster);
        let done = spawn_blocking(move || match cluster.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(cluster) => work(cluster),
            // It was stopped, and so this is, too.
            None => Err(ClusterError::Interrupted),
        });
        Ok(done.await.map_err(|_| ChaosError::Panicked)??)
    }

    /// Stops the control plane.
    pub(crate) async fn stop(self) -> Result<(), ChaosError> {
        let stopped = spawn_blocking(move || {
            let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner).take();
            cluster.map_or(Ok(()), Cluster::stop)
        });
        Ok(stopped.await.map_err(|_| ChaosError::Panicked)??)
    }
}
