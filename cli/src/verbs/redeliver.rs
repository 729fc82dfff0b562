//! `redeliver`: sends again what was given up.

use crate::{
    arguments::{RedeliverArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &RedeliverArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "redeliver is not there yet".to_owned() }.into())
}
