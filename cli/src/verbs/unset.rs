//! `unset`: removes values from the state.

use crate::{
    arguments::{UnsetArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &UnsetArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "unset is not there yet".to_owned() }.into())
}
