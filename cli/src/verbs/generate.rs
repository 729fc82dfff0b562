//! `generate`: runs a generator.

use crate::{
    arguments::{GenerateArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &GenerateArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "generate is not there yet".to_owned() }.into())
}
