//! Manifests as they are checked and tried offline: their structure, and the files that come with them.
//!
//! Reading files is the business of [`crate::source::files`]; nothing here keeps state or events.

#[cfg(test)]
pub(crate) mod fixture;
pub mod structure;

use std::path::Path;

use crate::{configuration::ConfigurationFailure, input::text_of_file};

/// Bytes of a file that is no manifest.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The text of a file that is no manifest.
pub fn text_of(path: &Path) -> Result<String, ConfigurationFailure> {
    text_of_file(path, MAX_FILE_BYTES).map_err(|problem| failure(path, &problem))
}

/// That a file cannot be used.
pub fn failure(path: &Path, problem: &str) -> ConfigurationFailure {
    ConfigurationFailure::File { path: path.display().to_string(), problem: problem.to_owned() }
}
