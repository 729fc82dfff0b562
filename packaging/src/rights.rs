//! Who may do what: the one definition from which the roles and admission policies of `deploy/` and of the chart are
//! written.
//!
//! [`definition`] says it in types, [`roles`] and [`policy`] write it as YAML, each in two [`form`]s: plain, with the names
//! of `deploy/`, and as templates of the chart. It must not know how the operator works: that every rule is needed and none
//! is missing is shown by the API server's audit log of the integration suite.

pub mod definition;
pub mod form;
pub mod policy;
pub mod roles;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Folders, below the workspace's, that hold generated files only.
pub const FOLDERS: [&str; 5] = [
    "deploy/rbac",
    "deploy/admission",
    "deploy/admission/configure",
    "charts/cicdcontext/templates/rbac",
    "charts/cicdcontext/templates/admission",
];

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is, below the workspace's folder.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// The generated files are not what they should be.
#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    /// A file differs from the definition, or is not there.
    #[error("{path} is not current: run `make generate`")]
    NotCurrent {
        /// The file.
        path: String,
    },
    /// A folder of generated files holds another one.
    #[error("{path} is generated from nothing: remove it, or write it in packaging/src/rights")]
    Foreign {
        /// The file.
        path: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{action} {path}: {source}")]
    Unusable {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Every generated file.
pub fn files() -> Vec<File> {
    let mut files = roles::files();
    files.extend(policy::files());
    files
}

/// Writes every generated file below `workspace`.
pub fn write(workspace: &Path) -> Result<Vec<File>, RightsError> {
    let files = files();
    for folder in FOLDERS {
        let path = workspace.join(folder);
        fs::create_dir_all(&path).map_err(|source| RightsError::Unusable { action: "create", path, source })?;
    }
    for file in &files {
        let path = workspace.join(&file.path);
        fs::write(&path, &file.text).map_err(|source| RightsError::Unusable { action: "write", path, source })?;
    }
    foreign(workspace, &files)?;
    Ok(files)
}

/// Checks that every generated file below `workspace` is current, and that there is no other in their folders.
pub fn check(workspace: &Path) -> Result<(), RightsError> {
    let files = files();
    for file in &files {
        if fs::read_to_string(workspace.join(&file.path)).ok().as_ref() != Some(&file.text) {
            return Err(RightsError::NotCurrent { path: file.path.clone() });
        }
    }
    foreign(workspace, &files)
}

fn foreign(workspace: &Path, files: &[File]) -> Result<(), RightsError> {
    for folder in FOLDERS {
        let path = workspace.join(folder);
        let unreadable = |source| RightsError::Unusable { action: "list", path: path.clone(), source };
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let found = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_file() && !files.iter().any(|file| file.path == found) {
                return Err(RightsError::Foreign { path: found });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_files_are_current() {
        check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap();
    }

    #[test]
    fn a_file_that_differs_and_one_that_nothing_generates_are_named() {
        let workspace = tempfile::tempdir().unwrap();
        let files = write(workspace.path()).unwrap();
        check(workspace.path()).unwrap();
        let changed = workspace.path().join(&files[0].path);
        fs::write(&changed, "rules: []\n").unwrap();
        let error = check(workspace.path()).unwrap_err().to_string();
        assert_eq!(error, format!("{} is not current: run `make generate`", files[0].path));
        fs::write(&changed, &files[0].text).unwrap();
        fs::write(workspace.path().join("deploy/rbac/more.yaml"), "").unwrap();
        let error = check(workspace.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            "deploy/rbac/more.yaml is generated from nothing: remove it, or write it in packaging/src/rights"
        );
    }
}
