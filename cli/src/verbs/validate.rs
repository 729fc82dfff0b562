//! `validate`: checks configuration.

use crate::{
    arguments::{UsageError, ValidateArguments},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &ValidateArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "validate is not there yet".to_owned() }.into())
}
