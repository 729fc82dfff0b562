//! Why a scenario came to nothing.

use std::{fmt::Display, io, time::Duration};

use cicdcontext_tests::{cluster::ClusterError, installation::KubectlError, operator::OperatorError};
use thiserror::Error;

/// Why a scenario came to nothing.
#[derive(Debug, Error)]
pub(crate) enum ChaosError {
    /// There is no control plane to play on.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// kubectl failed.
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
    /// The operator did not start, or did not end.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The API server refused a request at a time when nothing was done to it.
    #[error("{action}: {source}")]
    Kubernetes {
        action: String,
        #[source]
        source: Box<kube::Error>,
    },
    /// What was waited for did not come.
    #[error("wait until {what}: not within {} s", within.as_secs())]
    Late { what: String, within: Duration },
    /// A file, socket or signal could not be used.
    #[error("{action} {place}: {source}")]
    Io {
        action: &'static str,
        place: String,
        #[source]
        source: io::Error,
    },
    /// A thread that worked on the control plane ended before its work.
    #[error("work on the control plane: its thread panicked")]
    Panicked,
    /// A guarantee did not hold.
    #[error("something was lost, doubled or stuck in: {}", .0.join(", "))]
    Broken(Vec<String>),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

impl ChaosError {
    /// The error of a request to the API server, for `map_err`.
    pub(crate) fn kubernetes(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let action = action.into();
        move |source| Self::Kubernetes { action, source: Box::new(source) }
    }

    /// The error of a file, socket or signal, for `map_err`.
    pub(crate) fn io(action: &'static str, place: impl Display) -> impl FnOnce(io::Error) -> Self {
        let place = place.to_string();
        move |source| Self::Io { action, place, source }
    }
}
