//! From flags and environment to a client: with a time limit for each request, and without hidden retries.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{
    Cluster,
    origin::{Origin, origin},
};
use crate::{
    arguments::GlobalArguments,
    environment::Environment,
    source::{Problem, SourceError},
};

/// How long the API server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which cluster, as whom, and how patiently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterOptions {
    /// `--kubeconfig`
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--namespace`
    pub namespace: Option<String>,
    /// `--as`
    pub impersonate: Option<String>,
    /// `--as-group`
    pub impersonate_groups: Vec<String>,
    /// How long a single request may take.
    pub timeout: Duration,
    /// How much is told on standard error.
    pub verbosity: u8,
}

impl From<&GlobalArguments> for ClusterOptions {
    fn from(arguments: &GlobalArguments) -> Self {
        Self {
            kubeconfig: arguments.kubeconfig.clone(),
            context: arguments.context.clone(),
            cluster: arguments.cluster.clone(),
            user: arguments.user.clone(),
            namespace: arguments.namespace.clone(),
            impersonate: arguments.impersonate.clone(),
            impersonate_groups: arguments.impersonate_groups.clone(),
            timeout: arguments.request_timeout,
            verbosity: arguments.verbosity,
        }
    }
}

impl Cluster {
    /// Finds the cluster and makes a client for it. Nothing is sent yet.
    pub async fn connect(options: ClusterOptions, environment: &Environment) -> Result<Self, SourceError> {
        let failed =
            |text: String| SourceError { request: "find the cluster".to_owned(), problem: Problem::NoCluster(text) };
        let mut config = configure(&options, environment).await.map_err(failed)?;
        // kube repeats each refused request 15 times by default, and nobody would know why it takes so long.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT.min(options.timeout));
        let host = config.cluster_url.host().unwrap_or_default().trim_matches(['[', ']']);
        if host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()) {
            // A proxy cannot reach this machine's own loopback.
            config.proxy_url = None;
        }
        if options.impersonate.is_some() {
            config.auth_info.impersonate = options.impersonate;
            config.auth_info.impersonate_groups = Some(options.impersonate_groups);
        }
        let namespace = options.namespace.unwrap_or_else(|| config.default_namespace.clone());
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = Client::try_from(config).map_err(|error| failed(format!("make a client: {error}")))?;
        Ok(Self { client, server, namespace, timeout: options.timeout, verbosity: options.verbosity })
    }
}

async fn configure(options: &ClusterOptions, environment: &Environment) -> Result<Config, String> {
    let ClusterOptions { context, cluster, user, .. } = options.clone();
    let chosen_by_name = context.is_some() || cluster.is_some() || user.is_some();
    let found = origin(options.kubeconfig.as_deref(), chosen_by_name, environment, Path::exists)
        .map_err(|error| error.to_string())?;
    match found {
        Origin::ServiceAccount => Config::incluster().map_err(|error| format!("use the Pod's ServiceAccount: {error}")),
        Origin::Files(files) => {
            let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            let failed = |error: KubeconfigError| format!("kubeconfig {}: {}", names.join(", "), described(&error));
            let merged = files
                .iter()
                .try_fold(Kubeconfig::default(), |merged, file| merged.merge(Kubeconfig::read_from(file)?))
                .map_err(failed)?;
            let chosen = KubeConfigOptions { context, cluster, user };
            Config::from_custom_kubeconfig(merged, &chosen).await.map_err(failed)
        }
    }
}

/// The words of the error, and what to do where that is not plain.
fn described(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::CurrentContextNotSet => "it has no current-context; choose one with --context NAME".to_owned(),
        KubeconfigError::LoadContext(name) => {
            format!("it has no context {name:?}; kubectl config get-contexts lists them")
        }
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}; check --cluster"),
        other => other.to_string(),
    }
}
