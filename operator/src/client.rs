//! The Kubernetes client: with timeouts, without hidden retries, and fenced: what changes something is sent only by a
//! process that may act.

pub mod pace;

use std::{path::Path, time::Duration};

use kube::{
    Client, Config,
    client::{Body, ClientBuilder},
    config::{KubeConfigOptions, Kubeconfig},
};
use tower::{filter::FilterLayer, util::MapResponseLayer};

use self::pace::PaceLayer;
use crate::{clock::Clock, leader::Leadership};

/// How long the API server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a single request other than a watch may take in all; see [`bounded`].
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How much longer than a watch may last nothing may come on any connection: a watch is given up before by who reads it.
const SILENCE: Duration = Duration::from_secs(10);

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

/// A cluster, and how to talk to it.
#[derive(Clone, Debug)]
pub struct Connection(Config);

/// Finds the cluster of `kubeconfig`, or of the Pod's ServiceAccount.
///
/// kube repeats each refused request 15 times by default, which would hide an overloaded API server and hold a
/// reconcile for minutes; here each caller decides what a failure means.
///
/// A proxy named in the environment is not used: the API server is part of the cluster.
///
/// A connection on which nothing comes for longer than a watch may last is given up: what is lost on its way is not told,
/// and a list has no time limit of its own.
pub async fn connect(kubeconfig: Option<&Path>, watch_timeout: Duration) -> Result<Connection, ClientError> {
    let mut config = match kubeconfig {
        Some(path) => {
            Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default()).await?
        }
        None => Config::incluster()?,
    };
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.proxy_url = None;
    config.read_timeout = Some(watch_timeout + SILENCE);
    // Else the time that a connection was idle would count.
    config.reset_reader_on_write = true;
    Ok(Connection(config))
}

impl Connection {
    /// The API server's URL: deliveries are kept from it.
    pub fn server(&self) -> &http::Uri {
        &self.0.cluster_url
    }

    /// The namespace of the Pod, or of the kubeconfig's context.
    pub fn namespace(&self) -> &str {
        &self.0.default_namespace
    }

    /// A client that writes whenever it is asked to: for the election itself, and for Kubernetes Events.
    pub fn client(&self) -> Result<Client, ClientError> {
        Client::try_from(self.0.clone()).map_err(|error| ClientError::Build(Box::new(error)))
    }

    /// A client that changes something only while this process may act. It has a connection of its own: the election
    /// does not wait behind the work.
    ///
    /// The clock is looked at when the request is sent. What the API server gets nevertheless after another process has
    /// begun (this one may be stopped right then, for as long as it takes) fails by the precondition that each write
    /// carries: it was read before the clock was looked at, so that whatever the other one has written breaks it.
    ///
    /// With it comes a clock that every answer of the server sets.
    pub fn fenced(&self, leadership: &Leadership) -> Result<(Client, Clock), ClientError> {
        let builder = ClientBuilder::try_from(self.0.clone()).map_err(|error| ClientError::Build(Box::new(error)))?;
        let leadership = leadership.clone();
        let fence = move |request: http::Request<Body>| {
            if request.method().is_safe() || leadership.holds() {
                Ok(request)
            } else {
                Err(NotLeading { method: request.method().clone() })
            }
        };
        let clock = Clock::default();
        let observer = clock.clone();
        let observe = MapResponseLayer::new(move |response: http::Response<_>| {
            observer.observe(response.headers());
            response
        });
        let builder = builder.with_layer(&observe).with_layer(&PaceLayer::default());
        Ok((builder.with_layer(&FilterLayer::new(fence)).build(), clock))
    }
}

/// A write of a process that may not act any more.
#[derive(Debug, thiserror::Error)]
#[error("send {method} to the API server: this process does not lead any more, and must not change anything")]
pub struct NotLeading {
    method: http::Method,
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
    /// No answer came within a time that is shorter than that of other requests.
    #[error("no answer from the API server within {0:?}")]
    Late(Duration),
    /// Others change the object again and again, between our reading and our writing.
    #[error("the object was changed by others meanwhile, {0} times in a row")]
    Overtaken(usize),
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
            Self::Timeout | Self::Late(_) => None,
            Self::Overtaken(_) => Some(409),
        }
    }

    /// Whether the object does not exist.
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// The error as a word of a closed set, for metrics.
    pub fn class(&self) -> &'static str {
        match (self, self.code()) {
            (Self::Timeout, _) => "Timeout",
            (Self::Overtaken(_), _) | (_, Some(409 | 422)) => "Conflict",
            (_, Some(404)) => "NotFound",
            (_, Some(429 | 503)) => "Overload",
            (_, Some(400..=499)) => "Refused",
            (_, Some(_)) => "ServerError",
            (_, None) => "Unavailable",
        }
    }

    /// Whether the API server has too much to do, or is not able to do it: it wants to be left alone for a while.
    pub fn is_overload(&self) -> bool {
        matches!(self.code(), Some(429 | 503))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_that_does_not_lead_any_more_reads_and_changes_nothing() {
        // Nobody listens there: what is not refused fails to connect.
        let connection = Connection(Config::new("http://127.0.0.1:1".parse().unwrap()));
        let client = connection.fenced(&Leadership::lost()).unwrap();
        let result = async |client: &Client, method: &str| {
            let request = http::Request::builder().method(method).uri("/api").body(Vec::new()).unwrap();
            client.request_text(request).await.unwrap_err().to_string()
        };
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let error = result(&client.0, method).await;
            let expected =
                format!("send {method} to the API server: this process does not lead any more, and must not change");
            assert!(error.contains(&expected), "{error}");
        }
        let error = result(&client.0, "GET").await;
        assert!(!error.contains("lead"), "{error}");
        let leading = connection.fenced(&Leadership::alone()).unwrap();
        let error = result(&leading.0, "PATCH").await;
        assert!(!error.contains("lead"), "{error}");
    }
}
