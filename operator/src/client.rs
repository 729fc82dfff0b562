//! The Kubernetes client: with timeouts, and without hidden retries.

use std::{path::Path, time::Duration};

use kube::{
    Client, Config,
    client::ClientBuilder,
    config::{KubeConfigOptions, Kubeconfig},
};
use tower::util::MapResponseLayer;

use crate::clock::Clock;

/// How long the API server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a single request other than a watch may take in all; see [`bounded`].
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The kubeconfig cannot be read or used.
    #[error("read kubeconfig: {0}")]
    Kubeconfig(#[from] kube::config::KubeconfigError),
    /// Neither a ServiceAccount nor a kubeconfig is there.
    #[error("find the cluster: no ServiceAccount is mounted ({0}); outside a Pod, name one with --kubeconfig FILE")]
    InCluster(#[from] kube::config::InClusterError),
    /// The client cannot be built.
    #[error("build the client: {0}")]
    Build(#[source] Box<kube::Error>),
}

/// Connects to the cluster of `kubeconfig`, or of the Pod's ServiceAccount.
///
/// kube repeats each refused request 15 times by default, which would hide an overloaded API server and hold a
/// reconcile for minutes; here each caller decides what a failure means.
///
/// A proxy named in the environment is not used: the API server is part of the cluster. The server's URL comes with the
/// client, so that deliveries can be kept from it; and a clock that every answer of the server sets.
pub async fn connect(kubeconfig: Option<&Path>) -> Result<(Client, http::Uri, Clock), ClientError> {
    let mut config = match kubeconfig {
        Some(path) => {
            Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?
        }
        None => Config::incluster()?,
    };
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.proxy_url = None;
    let server = config.cluster_url.clone();
    let clock = Clock::default();
    let builder = ClientBuilder::try_from(config).map_err(|error| ClientError::Build(Box::new(error)))?;
    let observer = clock.clone();
    let observe = MapResponseLayer::new(move |response: http::Response<_>| {
        observer.observe(response.headers());
        response
    });
    Ok((builder.with_layer(&observe).build(), server, clock))
}

/// What a request to the API server came to nothing for.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The API server refused it, or could not be reached.
    #[error("{}", describe(.0))]
    Api(#[from] Box<kube::Error>),
    /// No answer came in time. Whether the request was carried out is not known.
    #[error("no answer from the API server within {} s", REQUEST_TIMEOUT.as_secs())]
    Timeout,
}

impl From<kube::Error> for RequestError {
    fn from(error: kube::Error) -> Self {
        Self::Api(Box::new(error))
    }
}

impl RequestError {
    /// The HTTP status code, where the API server answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Api(error) => match error.as_ref() {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            Self::Timeout => None,
        }
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether a precondition did not hold: 409, or 422 for the `test` of a JSON patch.
    pub fn is_conflict(&self) -> bool {
        matches!(self.code(), Some(409 | 422))
    }
}

fn describe(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Waits for a request at most [`REQUEST_TIMEOUT`].
pub async fn bounded<T>(request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, RequestError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, request).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(RequestError::Timeout),
    }
}
