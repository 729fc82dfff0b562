//! The outside of a node: namespaces that end with it, and what has to be made before and removed after it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
};

use super::{
    NodeError,
    command::run,
    control_group::ControlGroup,
    ground,
    requirements::{self, missing},
};
use crate::cluster::{ClusterError, Environment, Report, files};

/// What directories and control groups of nodes are called, before the id of the process that made them.
const PREFIX: &str = "cicdcontext-node-";

/// The file in a node's data that lists the directories that were made to be mounted over.
const MADE: &str = "made-directories";

/// What a node uses of the machine beside its namespaces.
#[derive(Debug)]
pub struct Confinement {
    name: String,
    data: PathBuf,
    control_group: ControlGroup,
    removed: bool,
}

impl Confinement {
    /// Makes a directory for data and a control group, after removing those that killed runs left.
    ///
    /// # Errors
    /// [`NodeError::Requirements`] names everything that the machine lacks.
    pub fn prepare(environment: &Environment, data_parent: Option<&Path>, report: &Report) -> Result<Self, NodeError> {
        let missing = missing(environment);
        if !missing.is_empty() {
            return Err(NodeError::Requirements(missing));
        }
        let parent = data_parent.map_or_else(std::env::temp_dir, Path::to_owned);
        remove_what_is_left(&parent, report)?;
        let name = format!("{PREFIX}{}", process::id());
        let data = parent.join(&name);
        files::create_directory(&data)?;
        let control_group = ControlGroup::create(&name)?;
        let confinement = Self { name, data, control_group, removed: false };
        let absent: Vec<&str> = ground::MOUNT_POINTS.into_iter().filter(|path| !Path::new(path).is_dir()).collect();
        // Written down first, so that they are found also if this process is killed.
        files::write_private(&confinement.data.join(MADE), &absent.join("\n"))?;
        for path in absent {
            files::create_directory(Path::new(path))?;
        }
        Ok(confinement)
    }

    /// Where the node keeps its data.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The control group of its Pods, below the root.
    pub fn control_group(&self) -> &str {
        &self.name
    }

    /// The words in front of a command that starts it in namespaces of its own, as their first process. The kernel ends
    /// everything in them with that process, and that process with the one that starts it.
    pub fn words() -> Vec<String> {
        let words =
            "setpriv --pdeathsig KILL unshare --fork --kill-child=KILL --pid --mount-proc --mount --net --ipc --uts";
        words.split(' ').map(str::to_owned).collect()
    }

    /// Removes what namespaces do not take away.
    pub fn remove(mut self) -> Result<(), NodeError> {
        self.remove_all()
    }

    fn remove_all(&mut self) -> Result<(), NodeError> {
        self.removed = true;
        // First: it is empty only when the last process of the node is gone.
        self.control_group.remove()?;
        remove_data(&self.data)
    }
}

impl Drop for Confinement {
    fn drop(&mut self) {
        if !self.removed
            && let Err(error) = self.remove_all()
        {
            Report::default().line(error.to_string());
        }
    }
}

/// Removes directories and control groups of runs that were killed and could not do it themselves.
fn remove_what_is_left(parent: &Path, report: &Report) -> Result<(), NodeError> {
    ControlGroup::left_behind(is_left_behind)?.remove()?;
    let entries = fs::read_dir(parent).map_err(ClusterError::file("list", parent))?;
    for entry in entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_left_behind)) {
        report.line(format!("removing {}, left by a run that was killed", entry.path().display()));
        remove_data(&entry.path())?;
    }
    Ok(())
}

/// Removes a node's data, after the directories that were made to be mounted over.
fn remove_data(data: &Path) -> Result<(), NodeError> {
    for path in fs::read_to_string(data.join(MADE)).unwrap_or_default().lines() {
        // Somebody else may use it by now, and only an empty one is removed.
        fs::remove_dir(path).unwrap_or_default();
    }
    Ok(files::remove_directory(data)?)
}

/// Whether a name is that of a run whose process is gone.
fn is_left_behind(name: &str) -> bool {
    let pid = name.strip_prefix(PREFIX).and_then(|pid| pid.parse::<u32>().ok());
    pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

/// Whether namespaces can really be made here: some containers forbid it although everything is installed.
pub(super) fn try_namespaces() -> Result<(), NodeError> {
    let words = Confinement::words();
    let (program, rest) = words.split_first().map_or(("unshare", &[][..]), |(first, rest)| (first.as_str(), rest));
    let mut command = Command::new(program);
    command.args(rest).arg("true").env("PATH", requirements::PROGRAM_DIRECTORIES);
    run(&mut command).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_process_that_is_gone_made_is_left_behind() {
        assert!(!is_left_behind(&format!("{PREFIX}{}", process::id())));
        assert!(is_left_behind(&format!("{PREFIX}4294967295")));
        assert!(!is_left_behind(&format!("{PREFIX}mine")));
        assert!(!is_left_behind("kubepods"));
    }
}
