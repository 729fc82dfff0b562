//! What the control plane, kubectl and the programs of a node are built of: the Go module `tests/cluster`, one multi-call
//! binary.

use std::path::PathBuf;

use super::{ClusterError, Environment, Interrupt, Report, environment::workspace, go::GoModule};

/// Returns the directory with the built components, building them first if the cache does not hold them.
///
/// # Errors
/// [`ClusterError::GoMissing`], [`ClusterError::Build`], [`ClusterError::Interrupted`], or a failed file operation.
pub fn build(environment: &Environment, report: &Report, interrupt: &Interrupt) -> Result<PathBuf, ClusterError> {
    let module = GoModule {
        directory: workspace().join("tests/cluster"),
        title: "the control plane",
        announcement: "building etcd, the Kubernetes control plane, kubelet, kube-proxy and kubectl from their Go \
                       modules; a cold build takes about 9 minutes on two cores, and only the first run needs it",
        packages: ".",
        programs: &["controlplane"],
        links: &[
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-proxy",
            "kube-scheduler",
            "kubectl",
            "kubelet",
        ],
        // kubectl and Helm refuse to talk to a server whose version is not stamped.
        linker_flags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
                       -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
    };
    module.build(environment, report, interrupt)
}
