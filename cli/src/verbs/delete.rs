//! `delete`: deletes a CicdContext.

use crate::{
    arguments::{DeleteArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &DeleteArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "delete is not there yet".to_owned() }.into())
}
