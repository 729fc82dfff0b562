//! `copy-to`: puts this program into a folder.

use crate::{
    arguments::{CopyToArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &CopyToArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "copy-to is not there yet".to_owned() }.into())
}
