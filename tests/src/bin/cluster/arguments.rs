//! The command line of `cluster`.

use std::{ffi::OsString, path::PathBuf};

use cicdcontext_tests::cluster::{AuditLevel, Options};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// A real Kubernetes control plane on loopback: etcd, kube-apiserver and, if wanted, kube-controller-manager.
///
/// The programs come from KUBEBUILDER_ASSETS, or are built once from their Go modules into the user's cache. With
/// CLUSTER_KUBECONFIG=FILE that cluster is used and nothing is started.
#[derive(Debug, Parser)]
#[command(name = "cluster")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Build etcd, kube-apiserver, kube-controller-manager and kubectl, if they are not built yet
    Build,
    /// Build Helm, kubeconform and actionlint, if they are not built yet, and print the directory that holds them
    Tools,
    /// Start a cluster that keeps running, and print how to use and stop it
    Start {
        #[command(flatten)]
        cluster: ClusterArguments,
        /// Where logs, kubeconfigs and the record of the processes go [default: target/cluster/dev of the workspace]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Stop exactly the processes that `start` recorded
    Stop {
        /// The directory given to `start` [default: target/cluster/dev of the workspace]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Run a command with a cluster, stop the cluster, and exit as the command did
    ///
    /// The command finds CLUSTER_KUBECONFIG (the administrator's), CLUSTER_KUBECONFIG_OPERATOR, _PIPELINE, _VIEWER,
    /// _EDITOR, _ENDPOINT_EDITOR and CLUSTER_KUBECTL in its environment, and KUBECONFIG set to the administrator's.
    With {
        #[command(flatten)]
        cluster: ClusterArguments,
        /// Where the logs go [default: target/cluster/with-PID of the workspace, removed when the command succeeds]
        #[arg(long)]
        dir: Option<PathBuf>,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// A whole node, which runs Pods, in namespaces of its own: needs root, containerd, runc and network plugins
    Node {
        #[command(subcommand)]
        verb: NodeVerb,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeVerb {
    /// Say what this machine lacks for a node; exits with 0 if it lacks nothing, else with 3
    Check,
    /// Run a command with a node, in the node's namespaces, remove the node, and exit as the command did
    ///
    /// The command finds what it finds under `cluster with`, and NODE_DIRECTORY, where the logs are. It reaches Pods and
    /// Services by their addresses, and nothing else: there is no way out of the node's network.
    With {
        #[command(flatten)]
        node: NodeArguments,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// What `with` runs as the first process of the namespaces
    #[command(hide = true)]
    Inside {
        #[command(flatten)]
        node: NodeArguments,
        /// Where data goes
        #[arg(long)]
        data: PathBuf,
        /// The control group of Pods
        #[arg(long)]
        control_group: String,
        /// The command and its arguments
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

#[derive(Debug, Clone, Args)]
pub(crate) struct NodeArguments {
    /// Load the images of an OCI archive; may be repeated
    #[arg(long, value_name = "ARCHIVE")]
    pub(crate) import: Vec<PathBuf>,
    /// Let the API server write audit.log, with this much about each request
    #[arg(long, value_name = "LEVEL")]
    pub(crate) audit: Option<Audit>,
    /// Where the logs go [default: target/cluster/node-PID of the workspace, removed when the command succeeds]
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Where the directory with the node's data is made [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_parent: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArguments {
    /// Run kube-controller-manager too: garbage collection of owned objects, tokens of ServiceAccounts
    #[arg(long)]
    pub(crate) controller_manager: bool,
    /// Let the API server write audit.log, with this much about each request
    #[arg(long, value_name = "LEVEL")]
    pub(crate) audit: Option<Audit>,
    /// Where the temporary directory with etcd's data is made [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_parent: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Audit {
    /// Who asked for what, and the status of the answer, of the operator's requests only
    Operator,
    /// Who asked for what, and the status of the answer
    Metadata,
    /// The body of the request too
    Request,
    /// Both bodies
    RequestResponse,
}

impl Audit {
    /// The word of the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Metadata => "metadata",
            Self::Request => "request",
            Self::RequestResponse => "request-response",
        }
    }
}

impl From<Audit> for AuditLevel {
    fn from(audit: Audit) -> Self {
        match audit {
            Audit::Operator => Self::Operator,
            Audit::Metadata => Self::Metadata,
            Audit::Request => Self::Request,
            Audit::RequestResponse => Self::RequestResponse,
        }
    }
}

impl ClusterArguments {
    pub(crate) fn apply(&self, options: Options) -> Options {
        let audit = self.audit.map(AuditLevel::from);
        let (controller_manager, data_parent) = (self.controller_manager, self.data_parent.clone());
        Options { controller_manager, audit, data_parent, ..options }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_after_the_separator_belong_to_the_command() {
        let arguments = Arguments::try_parse_from(["cluster", "with", "--", "cargo", "test", "--dir"]).unwrap();
        let Verb::With { command, dir, .. } = arguments.verb else { panic!("not `with`") };
        assert_eq!(command, ["cargo", "test", "--dir"]);
        assert_eq!(dir, None);
    }
}
