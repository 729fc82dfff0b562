//! `explain`: what each handler of an event would do, and why.

use crate::{
    arguments::{ExplainArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &ExplainArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "explain is not there yet".to_owned() }.into())
}
