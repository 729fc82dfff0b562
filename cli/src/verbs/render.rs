//! `render`: what a template renders to.

use crate::{
    arguments::{RenderArguments, UsageError},
    console::Console,
    failure::Failure,
    setting::Setting,
};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &RenderArguments, _: Setting<'_>, _: &mut Console) -> Result<(), Failure> {
    Err(UsageError::CommandLine { text: "render is not there yet".to_owned() }.into())
}
