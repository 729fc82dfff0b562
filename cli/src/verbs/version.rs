//! `version`: which program this is. It asks no server unless it is told to.

use crate::{arguments::VersionArguments, console::Console, failure::Failure, setting::Setting};

/// Carries out the command.
#[allow(clippy::unused_async)]
pub async fn command(_: &VersionArguments, _: Setting<'_>, console: &mut Console) -> Result<(), Failure> {
    console.data(&format!("cicdctl {}\n", env!("CARGO_PKG_VERSION")))
}
