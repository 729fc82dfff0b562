//! The images of a node's own Pods: small Go programs of this repository.

use std::path::PathBuf;

use crate::cluster::{ClusterError, Environment, GoModule, Interrupt, Report, workspace};

/// Holds the namespaces of each Pod.
pub(super) const PAUSE: &str = "localhost/cicdcontext/node-pause:1";
/// CoreDNS.
pub(super) const DNS: &str = "localhost/cicdcontext/node-dns:1";
/// Takes requests over https and shows them.
pub const RECEIVER: &str = "localhost/cicdcontext/node-receiver:1";
/// Prints files.
pub const SHOW: &str = "localhost/cicdcontext/node-show:1";

/// Returns the directory with the programs of the images, building them first if the cache does not hold them.
///
/// # Errors
/// As for the control plane: [`ClusterError::GoMissing`], [`ClusterError::Build`] and so on.
pub fn programs(environment: &Environment, report: &Report, interrupt: &Interrupt) -> Result<PathBuf, ClusterError> {
    let module = GoModule {
        directory: workspace().join("tests/node"),
        title: "the programs of the node's images",
        announcement: "building CoreDNS and small programs from tests/node; a cold build takes about 2 \
                       minutes on two cores, and only the first run needs it",
        packages: "./...",
        programs: &["dns", "pause", "receiver", "show"],
        links: &[],
        linker_flags: "-s -w",
    };
    module.build(environment, report, interrupt)
}
