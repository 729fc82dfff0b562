//! `init`: creates a CicdContext for a run.

use crate::{
    arguments::{InitArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &InitArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "init is not there yet".to_owned() }.into())
}
