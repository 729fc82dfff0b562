//! Why the demo failed, in words for the person who watches it.

use std::{fmt::Display, io, time::Duration};

use cicdcontext_tests::{cluster::ClusterError, operator::OperatorError};
use thiserror::Error;

/// Why the demo failed.
#[derive(Debug, Error)]
pub(crate) enum DemoError {
    /// The control plane could not be started or stopped.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The API server refused a request of the demo's own.
    #[error("{action}: {source}")]
    Kubernetes {
        action: String,
        #[source]
        source: Box<kube::Error>,
    },
    /// A command of the story failed.
    #[error("run `{command}`: {problem}")]
    Command { command: String, problem: String },
    /// The operator did not start, or did not stop in order.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The operator is needed before it was started.
    #[error("use the operator: it was not started")]
    NoOperator,
    /// Something did not happen in time.
    #[error("wait for {what}: it did not happen within {} s", waited.as_secs())]
    Late { what: String, waited: Duration },
    /// Something is not as the story says.
    #[error("{what} is not as expected:\n{}", differences.join("\n"))]
    Different { what: String, differences: Vec<String> },
    /// A file or socket could not be used.
    #[error("{action} {place}: {source}")]
    Io {
        action: &'static str,
        place: String,
        #[source]
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("read {place}: {problem}")]
    Content { place: String, problem: String },
    /// Ctrl-C, SIGTERM or SIGHUP.
    #[error("interrupted")]
    Interrupted,
}

impl DemoError {
    /// The error of a request to the API server, for `map_err`.
    pub(crate) fn kubernetes(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let action = action.into();
        move |source| Self::Kubernetes { action, source: Box::new(source) }
    }

    /// The error of a file or socket, for `map_err`.
    pub(crate) fn io(action: &'static str, place: impl Display) -> impl FnOnce(io::Error) -> Self {
        let place = place.to_string();
        move |source| Self::Io { action, place, source }
    }
}
