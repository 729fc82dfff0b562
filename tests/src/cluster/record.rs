//! What a command writes down about the cluster it started, so that another command can describe and stop it.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    Access, ClusterError, Report, Role, access, components, credentials, files,
    process::{Process, ProcessRecord},
};

/// Name of the record in a cluster's directory.
const FILE: &str = "state.json";

/// A cluster as it stands in `state.json` of its directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The directory with logs, kubeconfigs and this record.
    pub directory: PathBuf,
    /// The temporary directory with keys and etcd's data.
    pub data: PathBuf,
    /// The API server's URL; empty until its port is known.
    pub server: String,
    /// The processes, in the order they were started.
    pub processes: Vec<ProcessRecord>,
    /// A kubeconfig per role.
    pub kubeconfigs: BTreeMap<Role, PathBuf>,
    /// kubectl.
    pub kubectl: PathBuf,
}

impl Record {
    /// Reads the record of a directory; `None` if no cluster is recorded there.
    pub fn read(directory: &Path) -> Result<Option<Self>, ClusterError> {
        let path = directory.join(FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| ClusterError::Record { path, reason: error.to_string() }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ClusterError::file("read", path)(error)),
        }
    }

    pub(super) fn write(&self) -> Result<(), ClusterError> {
        let path = self.directory.join(FILE);
        let unwritable =
            |error: serde_json::Error| ClusterError::Record { path: path.clone(), reason: error.to_string() };
        files::write_private(&path, &serde_json::to_string_pretty(self).map_err(unwritable)?)
    }

    /// The recorded processes that still run.
    pub fn alive(&self) -> Vec<&ProcessRecord> {
        self.processes.iter().filter(|process| process.is_alive()).collect()
    }

    /// Whether kube-controller-manager belongs to the cluster.
    pub fn has_controller_manager(&self) -> bool {
        self.processes.iter().any(|process| process.name == components::CONTROLLER_MANAGER)
    }

    /// How to reach the cluster.
    pub fn access(&self) -> Access {
        Access::new(self.kubeconfigs.clone(), self.kubectl.clone(), &self.directory)
    }

    /// Stops exactly the recorded processes that are still the same, then removes data, kubeconfigs and the record. The
    /// logs stay.
    pub fn stop(self, report: &Report) -> Result<(), ClusterError> {
        let mut processes: Vec<Process> = self.processes.iter().cloned().map(Process::recorded).collect();
        stop_processes(&mut processes, report)?;
        self.remove_files()
    }

    pub(super) fn remove_files(&self) -> Result<(), ClusterError> {
        files::remove_directory(&self.data)?;
        remove_access(&self.directory)?;
        files::remove_file(&self.directory.join(FILE))
    }
}

/// Removes the kubeconfigs that were written into a directory, and kubectl's cache there.
pub fn remove_access(directory: &Path) -> Result<(), ClusterError> {
    files::remove_directory(&access::kubectl_cache(directory))?;
    Role::ALL.iter().try_for_each(|role| files::remove_file(&credentials::path(directory, *role)))
}

/// Stops the API server first and waits for it: with etcd already gone it would linger for more than a minute and keep
/// its port. Each process is tried, also when an earlier one could not be stopped.
pub(super) fn stop_processes(processes: &mut [Process], report: &Report) -> Result<(), ClusterError> {
    let mut outcome = Ok(());
    for name in [components::API_SERVER, components::CONTROLLER_MANAGER, components::ETCD] {
        for process in processes.iter_mut().filter(|process| process.record.name == name) {
            let was_alive = process.record.is_alive();
            process.kill();
            let stopped = process.wait();
            if was_alive && stopped.is_ok() {
                report.line(format!("stopped {name} (process {})", process.record.pid));
            }
            outcome = outcome.and(stopped);
        }
    }
    outcome
}
