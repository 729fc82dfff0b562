//! What can go wrong between "no node" and "a node that runs Pods".

use std::{path::PathBuf, process::ExitStatus, time::Duration};

use cicdcontext_packaging::image::ImageError;

use crate::{
    cluster::ClusterError,
    node::requirements::{self, Missing},
};

/// Why a node could not be started or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The control plane, a file or a program failed.
    #[error(transparent)]
    Cluster(#[from] ClusterError),

    /// An image of the node's own Pods could not be packed.
    #[error(transparent)]
    Image(#[from] ImageError),

    /// The machine cannot run a node.
    #[error("start a node: this machine lacks what it needs\n{}", requirements::list(.0))]
    Requirements(Vec<Missing>),

    /// A command that prepares the node failed.
    #[error("run `{command}`: it ended with {status}: {output}")]
    Command {
        /// The command as a person would type it.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of what it printed.
        output: String,
    },

    /// A program of the node ended while it was needed.
    #[error("start the node: {component} ended with {status}; the lines of {} that matter:\n{tail}", log.display())]
    Ended {
        /// containerd, kubelet, kube-proxy or kube-scheduler.
        component: String,
        /// How it ended.
        status: ExitStatus,
        /// Its complete log.
        log: PathBuf,
        /// The lines of the log that tell why.
        tail: String,
    },

    /// Something did not happen in time.
    #[error("wait for {what}: not after {} s; last seen: {last}", waited.as_secs())]
    NotInTime {
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// What was there instead.
        last: String,
    },
}
