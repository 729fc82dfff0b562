//! `version`: which program this is. It asks no server.

use crate::{console::Console, failure::Failure};

/// Prints the version.
pub fn run(console: &mut Console) -> Result<(), Failure> {
    console.data(&format!("cicdctl {}\n", env!("CARGO_PKG_VERSION")))
}
