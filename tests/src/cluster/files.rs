//! Files of a cluster: written as a whole, and readable by their owner alone where they hold a secret.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use super::ClusterError;

/// Writes a file that only its owner may read. A reader sees the old file or the new one, never a part.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), ClusterError> {
    let partial = path.with_added_extension("partial");
    let failed = || ClusterError::file("write", path);
    remove_file(&partial)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial).map_err(failed())?;
    file.write_all(text.as_bytes()).map_err(failed())?;
    fs::rename(&partial, path).map_err(failed())
}

/// Removes a file, if it is there.
pub(crate) fn remove_file(path: &Path) -> Result<(), ClusterError> {
    ignore_absent(fs::remove_file(path)).map_err(ClusterError::file("remove", path))
}

/// Removes a directory with all that is in it, if it is there.
pub(crate) fn remove_directory(path: &Path) -> Result<(), ClusterError> {
    ignore_absent(fs::remove_dir_all(path)).map_err(ClusterError::file("remove", path))
}

/// Makes a directory and its parents.
pub(crate) fn create_directory(path: &Path) -> Result<(), ClusterError> {
    fs::create_dir_all(path).map_err(ClusterError::file("create", path))
}

fn ignore_absent(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_written_file_is_readable_by_its_owner_alone_and_can_be_written_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token.csv");
        write_private(&path, "one").unwrap();
        write_private(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn removing_what_is_not_there_succeeds() {
        let directory = tempfile::tempdir().unwrap();
        remove_file(&directory.path().join("absent")).unwrap();
        remove_directory(&directory.path().join("absent")).unwrap();
    }
}
