//! The images of a node's own Pods: small Go programs of this repository, each with nothing beside it.

use std::{fs, path::PathBuf};

use cicdcontext_packaging::image::{Architecture, Image, Program};

use super::NodeError;
use crate::cluster::{ClusterError, Environment, GoModule, Interrupt, Report, workspace};

/// Holds the namespaces of each Pod.
pub(super) const PAUSE: &str = "localhost/cicdcontext/node-pause:1";
/// CoreDNS.
pub(super) const DNS: &str = "localhost/cicdcontext/node-dns:1";
/// Takes requests over https and shows them.
pub const RECEIVER: &str = "localhost/cicdcontext/node-receiver:1";
/// Prints files.
pub const SHOW: &str = "localhost/cicdcontext/node-show:1";

/// The images, each with its program.
const IMAGES: [(&str, &str); 4] = [("pause", PAUSE), ("dns", DNS), ("receiver", RECEIVER), ("show", SHOW)];

/// A user that needs to be nobody in particular.
const USER: &str = "65532:65532";

/// Returns the archives of the images, making them first if the cache does not hold them.
///
/// # Errors
/// As for the control plane: [`crate::cluster::ClusterError::GoMissing`] and so on, and what packing an image says.
pub fn archives(environment: &Environment, report: &Report, interrupt: &Interrupt) -> Result<Vec<PathBuf>, NodeError> {
    let module = GoModule {
        directory: workspace().join("tests/node"),
        title: "the programs of the node's images",
        announcement: "building CoreDNS and small programs from tests/node; a cold build takes about 2 minutes on two \
                       cores, and only the first run needs it",
        packages: "./...",
        programs: &["dns", "pause", "receiver", "show"],
        links: &[],
        linker_flags: "-s -w",
    };
    let built = module.build(environment, report, interrupt)?;
    let mut archives = Vec::new();
    for (program, reference) in IMAGES {
        let archive = built.join(format!("{program}.tar"));
        if !archive.is_file() {
            report.line(format!("packing the image {reference}"));
            let architecture = Architecture::of_this_machine()?;
            let path = format!("/{program}");
            let content = Program::read(&built.join(program), architecture)?;
            let image =
                Image::new(reference, architecture).file(&path, content.bytes(), 0o755).entrypoint([path]).user(USER);
            // Under its name only when it is complete: another run may look at the same time.
            let partial = built.join(format!("{program}-{}.partial", std::process::id()));
            image.write(&partial)?;
            fs::rename(&partial, &archive).map_err(ClusterError::file("put the image into", &archive))?;
        }
        archives.push(archive);
    }
    Ok(archives)
}
