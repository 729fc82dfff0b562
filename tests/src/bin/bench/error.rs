//! Why a benchmark came to nothing.

use std::{fmt::Display, io, path::PathBuf, process::ExitStatus, time::Duration};

use cicdcontext_tests::{cluster::ClusterError, installation::KubectlError, operator::OperatorError};
use thiserror::Error;

use crate::plan::Length;

/// Why a benchmark came to nothing.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    /// There is no cluster to measure on.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The operator did not start, or did not stop in order.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// The API server refused a request that is not itself measured.
    #[error("{action}: {source}")]
    Kubernetes {
        action: String,
        #[source]
        source: Box<kube::Error>,
    },
    /// kubectl failed.
    #[error(transparent)]
    Kubectl(#[from] KubectlError),
    /// A file or signal could not be used.
    #[error("{action} {place}: {source}")]
    Io {
        action: &'static str,
        place: String,
        #[source]
        source: io::Error,
    },
    /// Something did not happen.
    #[error("wait for {what}: not there after {} s", within.as_secs())]
    Late { what: String, within: Duration },
    /// What was acknowledged is not in the state.
    #[error("find what was acknowledged: {}", .0.join("; "))]
    Lost(Vec<String>),
    /// The script that times processes failed; it has said why.
    #[error("measure: the script ended with {0}")]
    Measuring(ExitStatus),
    /// A run was compared with one of other windows and sizes.
    #[error("compare a {run} run with a {baseline} one: only runs of one length can be compared")]
    Lengths { baseline: Length, run: Length },
    /// Figures are worse than they were; the table has said which.
    #[error(
        "compare with {}: {worse} of {compared} figures {} more than 30 % worse",
        baseline.display(), if *worse == 1 { "is" } else { "are" }
    )]
    Worse { worse: usize, compared: usize, baseline: PathBuf },
    /// The page is not that of the figures beside it.
    #[error("check {}: not what the figures give; `make bench-page` writes it", .0.display())]
    Stale(PathBuf),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

impl BenchError {
    /// The error of a request to the API server, for `map_err`.
    pub(crate) fn kubernetes(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let action = action.into();
        move |source| Self::Kubernetes { action, source: Box::new(source) }
    }

    /// What was waited for did not happen in time.
    pub(crate) fn late(what: impl Into<String>, within: Duration) -> Self {
        Self::Late { what: what.into(), within }
    }

    /// The error of a file or signal, for `map_err`.
    pub(crate) fn io(action: &'static str, place: impl Display) -> impl FnOnce(io::Error) -> Self {
        let place = place.to_string();
        move |source| Self::Io { action, place, source }
    }
}
