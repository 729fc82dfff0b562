//! Programs that check what is packaged: Helm, kubeconform and actionlint, built once from the Go module `tests/tools`.
//!
//! They stand in a go.mod, and are not taken from the machine, so that everybody checks with the same versions. This
//! module must not know what is checked with them.

use std::path::{Path, PathBuf};

use crate::cluster::{ClusterError, Environment, GoModule, Interrupt, Report, workspace};

/// The built programs.
///
/// ```no_run
/// use cicdcontext_tests::{
///     cluster::{ClusterError, Environment, Interrupt, Report},
///     tools::Tools,
/// };
///
/// let tools = Tools::build(&Environment::of_this_process(), &Report::default(), &Interrupt::default())?;
/// println!("{}", tools.helm().display());
/// # Ok::<(), ClusterError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    directory: PathBuf,
}

impl Tools {
    /// Returns the programs, building them first if the cache does not hold them.
    ///
    /// # Errors
    /// [`ClusterError::GoMissing`], [`ClusterError::Build`], [`ClusterError::Interrupted`], or a failed file operation.
    pub fn build(environment: &Environment, report: &Report, interrupt: &Interrupt) -> Result<Self, ClusterError> {
        let module = GoModule {
            directory: workspace().join("tests/tools"),
            title: "Helm, kubeconform and actionlint",
            announcement: "building Helm, kubeconform and actionlint from their Go modules; a cold build takes about \
                           3 minutes on two cores, and only the first run needs it",
            // What the `tool` lines of go.mod name.
            packages: "tool",
            programs: &["helm", "kubeconform", "actionlint"],
            links: &[],
            linker_flags: "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1 \
                           -X github.com/rhysd/actionlint.version=1.7.12 -X main.version=v0.8.0",
        };
        module.build(environment, report, interrupt).map(|directory| Self { directory })
    }

    /// The directory that holds all of them.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Helm 4.
    #[must_use]
    pub fn helm(&self) -> PathBuf {
        self.directory.join("helm")
    }

    /// Checks manifests against JSON schemas.
    #[must_use]
    pub fn kubeconform(&self) -> PathBuf {
        self.directory.join("kubeconform")
    }

    /// Checks GitHub workflows.
    #[must_use]
    pub fn actionlint(&self) -> PathBuf {
        self.directory.join("actionlint")
    }
}
