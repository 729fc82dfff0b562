//! `version`: which program this is. It asks no server unless it is told to.

use crate::{
    arguments::{UsageError, VersionArguments},
    console::{Console, one_line},
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
pub async fn command(arguments: &VersionArguments, setting: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    if arguments.server && setting.is_files() {
        let text = "version: with -f there is no server; leave --server out, or -f".to_owned();
        return Err(UsageError::CommandLine { text }.into());
    }
    console.data(&format!("cicdctl {}\n", env!("CARGO_PKG_VERSION")))?;
    if arguments.server {
        let version = setting.cluster().await?.version().await?;
        console.data(&format!("API server {}\n", one_line(&version)))?;
    }
    Ok(())
}
