//! A Kubernetes client for tests, which sees each answer of the API server as it was given.

use std::{path::Path, time::Duration};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use super::{Access, ClusterError, Role};

/// A request that takes longer on loopback is a failure that a test must show, not wait for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Access {
    /// A client for a role. It must be made inside a tokio runtime.
    ///
    /// Nothing is retried, so that a test sees a 429 or 503. A proxy in the environment is ignored for a cluster on
    /// loopback: it cannot reach it.
    pub async fn client(&self, role: Role) -> Result<Client, ClusterError> {
        client(&self.kubeconfig(role)).await
    }
}

async fn client(path: &Path) -> Result<Client, ClusterError> {
    let unusable = |reason: String| ClusterError::Kubeconfig { action: "use", path: path.to_owned(), reason };
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| unusable(error.to_string()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let mut config = config.map_err(|error| unusable(error.to_string()))?;
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    if config.cluster_url.host() == Some("127.0.0.1") {
        config.proxy_url = None;
    }
    Client::try_from(config).map_err(|error| unusable(error.to_string()))
}
