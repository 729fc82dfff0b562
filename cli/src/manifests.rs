//! Manifests as they are checked and tried offline: their structure, and the files that come with them.
//!
//! Reading files is the business of [`crate::source::files`]; nothing here keeps state or events.

#[cfg(test)]
pub(crate) mod fixture;
pub mod structure;

use std::{fs::File, io::Read, path::Path};

use crate::configuration::ConfigurationFailure;

/// Bytes of a file that is no manifest.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The text of a file that is no manifest.
pub fn text_of(path: &Path) -> Result<String, ConfigurationFailure> {
    let unread = |error: std::io::Error| failure(path, &error.to_string());
    let mut text = String::new();
    // A pipe or device tells no size, and may have no end.
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)).map_err(unread)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(failure(path, &format!("it is too large; at most {MAX_FILE_BYTES} bytes are read")));
    }
    Ok(text)
}

/// That a file cannot be used.
pub fn failure(path: &Path, problem: &str) -> ConfigurationFailure {
    ConfigurationFailure::File { path: path.display().to_string(), problem: problem.to_owned() }
}
