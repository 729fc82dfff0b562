//! Arguments of the verbs about the program itself: `copy-to`, `version`, `completion`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `copy-to`.
#[derive(Clone, Debug, Default, Args)]
pub struct CopyToArguments {
    /// The folder, for example a volume that a later step mounts; kubectl-cicd and kubectl_complete-cicd are made there too
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Arguments of `version`.
#[derive(Clone, Debug, Default, Args)]
pub struct VersionArguments {
    /// Ask the API server for its version too
    #[arg(long)]
    pub server: bool,
}

/// Arguments of `completion`.
#[derive(Clone, Debug, Args)]
pub struct CompletionArguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Shells that can complete command lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}
