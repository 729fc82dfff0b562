//! `completion`: prints a script that completes command lines in a shell.

use clap::CommandFactory;

use crate::{
    arguments::{Arguments, CompletionArguments, Shell},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(arguments: &CompletionArguments, _: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    let shell = match arguments.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Powershell => clap_complete::Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "cicdctl", &mut script);
    console.data(&String::from_utf8_lossy(&script))
}
