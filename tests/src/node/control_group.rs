//! The control group below which a node's Pods run. Namespaces do not take it away: it is made before them and removed
//! after them. Both versions of the kernel's interface are known.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::cluster::ClusterError;

/// Where the machine's control groups are.
const MOUNT: &str = "/sys/fs/cgroup";

/// What Pods are limited by.
const CONTROLLERS: &str = "+cpu +cpuset +memory +pids";

/// Processes of a namespace that ended need a moment to leave their groups.
const EMPTY_WITHIN: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(20);

/// A group of one name in every hierarchy.
#[derive(Debug)]
pub(super) struct ControlGroup {
    directories: Vec<PathBuf>,
}

impl ControlGroup {
    /// Makes the group directly below the root of each hierarchy.
    pub(super) fn create(name: &str) -> Result<Self, ClusterError> {
        let mount = Path::new(MOUNT);
        if mount.join("cgroup.controllers").is_file() {
            let delegated = mount.join("cgroup.subtree_control");
            fs::write(&delegated, CONTROLLERS).map_err(ClusterError::file("write", delegated))?;
        }
        let directories: Vec<PathBuf> = hierarchies(mount)?.into_iter().map(|hierarchy| hierarchy.join(name)).collect();
        let group = Self { directories };
        for directory in &group.directories {
            fs::create_dir_all(directory).map_err(ClusterError::file("create", directory))?;
            // A new group of version 1 may use no processor and no memory at all until it is told otherwise.
            for setting in ["cpuset.cpus", "cpuset.mems"] {
                let parent = directory.parent().unwrap_or(mount).join(setting);
                if directory.join("cpuset.sched_load_balance").is_file() {
                    let all = fs::read(&parent).map_err(ClusterError::file("read", parent))?;
                    let own = directory.join(setting);
                    fs::write(&own, all).map_err(ClusterError::file("write", own))?;
                }
            }
        }
        Ok(group)
    }

    /// The groups of names that a function picks, left behind by a run that could not remove them.
    pub(super) fn left_behind(is_left: impl Fn(&str) -> bool) -> Result<Self, ClusterError> {
        let mut directories = Vec::new();
        for hierarchy in hierarchies(Path::new(MOUNT))? {
            let entries = fs::read_dir(&hierarchy).map_err(ClusterError::file("list", hierarchy))?;
            let names = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(&is_left));
            directories.extend(names.map(|entry| entry.path()));
        }
        Ok(Self { directories })
    }

    /// Removes the group and all groups in it, waiting until their last processes are gone.
    pub(super) fn remove(&self) -> Result<(), ClusterError> {
        let start = Instant::now();
        for directory in &self.directories {
            while let Err((path, error)) = remove_tree(directory) {
                if error.raw_os_error() != Some(rustix::io::Errno::BUSY.raw_os_error())
                    || start.elapsed() > EMPTY_WITHIN
                {
                    return Err(ClusterError::file("remove the control group", path)(error));
                }
                thread::sleep(POLL);
            }
        }
        Ok(())
    }
}

/// The roots of the hierarchies: one with version 2, one for each set of controllers with version 1.
fn hierarchies(mount: &Path) -> Result<Vec<PathBuf>, ClusterError> {
    if mount.join("cgroup.controllers").is_file() {
        return Ok(vec![mount.to_owned()]);
    }
    let entries = fs::read_dir(mount).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(ClusterError::file("list", mount))?;
    let directories = entries.into_iter().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    // Among them is, on many machines, `unified`: version 2 without any controller. runc makes groups there too.
    Ok(directories.map(|entry| entry.path()).filter(|path| path.join("cgroup.procs").is_file()).collect())
}

/// Removes directories, the innermost first. Files of a control group cannot be removed and need not be.
fn remove_tree(directory: &Path) -> Result<(), (PathBuf, io::Error)> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| (directory.to_owned(), error))?,
    };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_tree(&entry.path())?;
    }
    fs::remove_dir(directory).map_err(|error| (directory.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_has_a_hierarchy_for_each_set_of_controllers_and_version_2_one() {
        let mount = tempfile::tempdir().unwrap();
        for name in ["cpu", "memory", "somebody"] {
            fs::create_dir(mount.path().join(name)).unwrap();
        }
        for name in ["cpu", "memory"] {
            fs::write(mount.path().join(name).join("cgroup.procs"), "").unwrap();
        }
        let mut found = hierarchies(mount.path()).unwrap();
        found.sort();
        assert_eq!(found, [mount.path().join("cpu"), mount.path().join("memory")]);
        fs::write(mount.path().join("cgroup.controllers"), "cpu").unwrap();
        assert_eq!(hierarchies(mount.path()).unwrap(), [mount.path()]);
    }

    #[test]
    fn groups_within_groups_are_removed_and_what_is_absent_is_no_error() {
        let mount = tempfile::tempdir().unwrap();
        let group = mount.path().join("node");
        fs::create_dir_all(group.join("kubepods/pod1/container")).unwrap();
        let control_group = ControlGroup { directories: vec![group.clone(), mount.path().join("absent")] };
        control_group.remove().unwrap();
        assert!(!group.exists());
    }
}
