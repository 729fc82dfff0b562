//! `completion`: scripts that complete command lines.

use crate::{
    arguments::{CompletionArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &CompletionArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "completion is not there yet".to_owned() }.into())
}
