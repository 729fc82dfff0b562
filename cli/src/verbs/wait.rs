//! `wait`: waits for a value, a condition or an event.

use crate::{
    arguments::{UsageError, WaitArguments},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &WaitArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "wait is not there yet".to_owned() }.into())
}
