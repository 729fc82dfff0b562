//! What can go wrong between "no cluster" and "a cluster that answers", each with what a person needs to go on.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// Why a control plane could not be built, started, reached or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// A file or directory could not be read, written or removed.
    #[error("{action} {}: {source}", path.display())]
    File {
        /// What was tried, for example `write`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// A program could not be started at all.
    #[error("run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },

    /// There is no Go to build with.
    #[error(
        "build {what}: no `go` in PATH; install Go 1.26 or later, or set CLUSTER_KUBECONFIG to the kubeconfig of a \
         cluster that may be used for tests"
    )]
    GoMissing {
        /// What was to be built, for example `the control plane`.
        what: &'static str,
    },

    /// `go build` failed.
    #[error("build {what}: `go build` ended with {status}; the end of {}:\n{tail}", log.display())]
    Build {
        /// What was to be built, for example `the control plane`.
        what: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Its complete output.
        log: PathBuf,
        /// The lines of the output that tell why.
        tail: String,
    },

    /// A key or certificate could not be made.
    #[error("make the certificates of the cluster: {0}")]
    Certificate(#[from] rcgen::Error),

    /// The TLS client that waits for the servers could not be made.
    #[error("trust the certificate authority of the cluster: {0}")]
    Tls(#[from] rustls::Error),

    /// The system gave no random bytes.
    #[error("draw random bytes for a token: the system gave none")]
    Random,

    /// A kubeconfig could not be understood, written or used.
    #[error("{action} the kubeconfig {}: {reason}", path.display())]
    Kubeconfig {
        /// `read`, `write` or `use`.
        action: &'static str,
        /// The kubeconfig.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A component ended while it should have become ready.
    #[error("start {component}: it ended with {status}; the lines of {} that matter:\n{tail}", log.display())]
    Ended {
        /// etcd, kube-apiserver or kube-controller-manager.
        component: String,
        /// How it ended.
        status: ExitStatus,
        /// Its complete log.
        log: PathBuf,
        /// The lines of the log that tell why.
        tail: String,
    },

    /// A component runs but did not become ready in time.
    #[error(
        "start {component}: not ready after {} s ({last}); the lines of {} that matter:\n{tail}",
        waited.as_secs(),
        log.display()
    )]
    NotReady {
        /// etcd, kube-apiserver or kube-controller-manager.
        component: String,
        /// How long it was waited for.
        waited: Duration,
        /// The last answer to the readiness request.
        last: String,
        /// Its complete log.
        log: PathBuf,
        /// The lines of the log that tell why.
        tail: String,
    },

    /// Each free port that was found was taken by somebody else before the component could listen on it.
    #[error("start {component}: a free port was taken before it could be used, {attempts} times in a row")]
    NoPort {
        /// etcd, kube-apiserver or kube-controller-manager.
        component: String,
        /// How often it was tried.
        attempts: u32,
    },

    /// The directory belongs to a cluster that still runs.
    #[error(
        "start a cluster in {}: one still runs there (processes {pids}); stop it with `cluster stop --dir {}` or choose \
         another directory",
        directory.display(),
        directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The processes that are still alive.
        pids: String,
    },

    /// A process did not go away.
    #[error("stop {name}: process {pid} is still there {} s after it was killed", waited.as_secs())]
    StillThere {
        /// The component.
        name: String,
        /// Its process id.
        pid: u32,
        /// How long it was waited for.
        waited: Duration,
    },

    /// A method was called that needs the API server in another state.
    #[error("{action} the API server: it is {state}")]
    ApiServer {
        /// What was asked for.
        action: &'static str,
        /// `running` or `not running`.
        state: &'static str,
    },

    /// The recorded state of a cluster is not readable.
    #[error("read the record {}: {reason}; end the processes it names yourself and remove it", path.display())]
    Record {
        /// `state.json` of the cluster's directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// No cluster is given to a program that needs one.
    #[error(
        "find the cluster: {variable} is not set; run this under `cluster with -- COMMAND` (`make integration` does), or \
         set CLUSTER_KUBECONFIG for it"
    )]
    NoCluster {
        /// The variable that is missing.
        variable: String,
    },

    /// Somebody asked to stop before the cluster was ready.
    #[error("start the cluster: interrupted")]
    Interrupted,
}

impl ClusterError {
    /// The error of a file operation, for `map_err`.
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}
