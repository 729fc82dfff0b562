//! Arguments of `convert`.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `convert`.
#[derive(Clone, Debug, Default, Args)]
pub struct ConvertArguments {
    /// The core config of cicdstatemgr
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,

    /// Its secrets
    #[arg(long, value_name = "FILE")]
    pub secrets: PathBuf,

    /// The folder of the base files that the app file lists
    #[arg(long, value_name = "FOLDER")]
    pub bases: Option<PathBuf>,

    /// The app file
    #[arg(long, value_name = "FILE")]
    pub app: PathBuf,

    /// The entry of cicd-contexts that the CicdContext selects [default: that of --document, else stage]
    #[arg(long, value_name = "CONTEXT")]
    pub cicd_context: Option<String>,

    /// A stored document, as YAML: the CicdContext gets its name, state and variables
    #[arg(long, value_name = "FILE")]
    pub document: Option<PathBuf>,

    /// The folder to write to: manifests, REPORT.md, and secrets/ with mode 0700
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,

    /// Make ClusterCicdBases of the config and the base files, for all namespaces
    #[arg(long)]
    pub cluster_bases: bool,

    /// Replace files that are there already
    #[arg(long)]
    pub force: bool,
}
