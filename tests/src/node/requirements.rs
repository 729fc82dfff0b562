//! What a machine must have before a node can run on it. It only looks; nothing is changed.

use std::{fmt::Write, fs, path::Path};

use super::confinement;
use crate::cluster::Environment;

/// Where Debian, and with it most other distributions, puts network plugins.
const NETWORK_PLUGINS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];

/// The plugins that the node's network is made with.
const PLUGINS: [&str; 3] = ["bridge", "host-local", "loopback"];

/// The programs, each with the Debian package that has it.
const PROGRAMS: [(&str, &str); 9] = [
    ("containerd", "containerd"),
    ("containerd-shim-runc-v2", "containerd"),
    ("ctr", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("mount", "mount"),
    ("setpriv", "util-linux"),
    ("unshare", "util-linux"),
];

/// Directories where an administrator's programs are, also if `PATH` does not say so.
pub(super) const PROGRAM_DIRECTORIES: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// One thing that the machine lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What is lacking, for example `containerd is not installed`.
    pub what: String,
    /// What a person does about it.
    pub remedy: String,
}

/// Everything that this machine lacks for a node; empty if it can run one.
pub fn missing(environment: &Environment) -> Vec<Missing> {
    let mut found = look(environment, Path::new("/"), rustix::process::geteuid().is_root());
    // Only then: otherwise it says the same in other words.
    if found.is_empty()
        && let Err(error) = confinement::try_namespaces()
    {
        let remedy = "allow this user to make namespaces, or run outside of a container".to_owned();
        found.push(Missing { what: format!("no namespaces can be made ({error})"), remedy });
    }
    found
}

/// The directory with the network plugins.
pub(super) fn network_plugins() -> Option<String> {
    let has_them = |directory: &&str| PLUGINS.iter().all(|plugin| Path::new(directory).join(plugin).is_file());
    NETWORK_PLUGINS.into_iter().find(has_them).map(str::to_owned)
}

/// One line for each.
pub(super) fn list(missing: &[Missing]) -> String {
    missing.iter().fold(String::new(), |mut text, Missing { what, remedy }| {
        writeln!(text, "  {what}: {remedy}").unwrap_or_default();
        text
    })
}

fn look(environment: &Environment, root: &Path, is_root: bool) -> Vec<Missing> {
    let mut found = Vec::new();
    let mut lacks = |what: String, remedy: &str| found.push(Missing { what, remedy: remedy.to_owned() });
    if !cfg!(target_os = "linux") {
        lacks(format!("the system is {}", std::env::consts::OS), "a node needs Linux");
    }
    if !is_root {
        lacks("this user is not root".to_owned(), "namespaces, mounts and control groups need root");
    }
    for (program, package) in PROGRAMS {
        if environment.program(program).is_none() && administrators_program(root, program).is_none() {
            lacks(format!("{program} is not installed"), &format!("apt-get install {package}"));
        }
    }
    let plugins = NETWORK_PLUGINS.iter().map(|directory| root.join(directory.trim_start_matches('/')));
    if !plugins.into_iter().any(|directory| PLUGINS.iter().all(|plugin| directory.join(plugin).is_file())) {
        let what =
            format!("no directory of {} has the network plugins {}", NETWORK_PLUGINS.join(", "), PLUGINS.join(", "));
        lacks(what, "apt-get install containernetworking-plugins");
    }
    let filesystems = fs::read_to_string(root.join("proc/filesystems")).unwrap_or_default();
    if !filesystems.lines().any(|line| line.split_whitespace().last() == Some("overlay")) {
        lacks("the kernel has no overlayfs".to_owned(), "modprobe overlay");
    }
    let groups = root.join("sys/fs/cgroup");
    if !groups.join("memory").is_dir() && !groups.join("cgroup.controllers").is_file() {
        lacks(
            "no control groups are mounted at /sys/fs/cgroup".to_owned(),
            "mount them, or run outside of a container",
        );
    }
    found
}

/// A program in the directories that only an administrator's `PATH` names.
fn administrators_program(root: &Path, program: &str) -> Option<std::path::PathBuf> {
    let directories = PROGRAM_DIRECTORIES.split(':');
    directories.map(|directory| root.join(directory.trim_start_matches('/')).join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for (program, _) in PROGRAMS {
            file(&format!("usr/sbin/{program}"), "");
        }
        for plugin in PLUGINS {
            file(&format!("usr/lib/cni/{plugin}"), "");
        }
        file("proc/filesystems", "nodev\tproc\nnodev\toverlay\n\text4\n");
        file("sys/fs/cgroup/cgroup.controllers", "cpu memory pids");
        root
    }

    #[test]
    fn a_complete_machine_lacks_nothing() {
        assert_eq!(look(&Environment::default(), machine().path(), true), []);
    }

    #[test]
    fn each_thing_that_is_lacking_is_named_with_its_remedy() {
        let machine = machine();
        for path in ["usr/sbin/runc", "usr/lib/cni/bridge", "proc/filesystems", "sys/fs/cgroup/cgroup.controllers"] {
            fs::remove_file(machine.path().join(path)).unwrap();
        }
        let found = look(&Environment::default(), machine.path(), false);
        assert_eq!(
            list(&found),
            "  this user is not root: namespaces, mounts and control groups need root\n  \
             runc is not installed: apt-get install runc\n  \
             no directory of /usr/lib/cni, /opt/cni/bin has the network plugins bridge, host-local, loopback: apt-get \
             install containernetworking-plugins\n  \
             the kernel has no overlayfs: modprobe overlay\n  \
             no control groups are mounted at /sys/fs/cgroup: mount them, or run outside of a container\n"
        );
    }
}
