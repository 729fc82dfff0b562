//! A cluster that keeps running between commands, for a person who tries things out.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use cicdcontext_tests::cluster::{
    Access, Cluster, ClusterError, Interrupt, Options, Provided, Record, Report, Role, remove_access,
};

use crate::arguments::ClusterArguments;

/// Where the cluster is recorded unless `--dir` says otherwise.
pub(crate) fn directory() -> PathBuf {
    Options::named("dev").directory
}

/// Starts the cluster, or finds the one that runs already, and returns how to use it.
pub(crate) fn start(
    directory: &Path,
    arguments: &ClusterArguments,
    interrupt: Interrupt,
) -> Result<String, ClusterError> {
    let options = Options { interrupt, ..arguments.apply(Options::in_directory(directory)) };
    if options.environment.cluster_kubeconfig.is_some() {
        return Provided::provide(options).map(|provided| usage(&provided.access(), None));
    }
    if let Some(record) = Record::read(directory)? {
        let complete = record.alive().len() == record.processes.len() && !record.server.is_empty();
        if complete && (record.has_controller_manager() || !arguments.controller_manager) {
            options.report.line(format!("a cluster runs already in {}", directory.display()));
            return Ok(usage(&record.access(), Some(&record)));
        }
        if !complete {
            options.report.line(format!("cleaning up after an incomplete cluster in {}", directory.display()));
            record.stop(&options.report)?;
        }
    }
    let record = Cluster::start(options)?.detach();
    Ok(usage(&record.access(), Some(&record)))
}

/// Stops what is recorded.
pub(crate) fn stop(directory: &Path) -> Result<(), ClusterError> {
    let report = Report::default();
    if let Some(record) = Record::read(directory)? {
        return record.stop(&report);
    }
    report.line(format!("nothing to stop: no cluster is recorded in {}", directory.display()));
    // There may be kubeconfigs for the cluster of CLUSTER_KUBECONFIG.
    remove_access(directory)
}

/// What a person types next. Only the first lines matter to a script.
fn usage(access: &Access, record: Option<&Record>) -> String {
    let mut text = format!("export KUBECONFIG={}\n", access.kubeconfig(Role::Admin).display());
    let mut line = |line: String| writeln!(text, "# {line}").unwrap_or_default();
    line(format!("kubectl: {}", access.kubectl().display()));
    for role in Role::ALL.into_iter().skip(1) {
        line(format!("as {}: {}", role.user(), access.kubeconfig(role).display()));
    }
    if let Some(record) = record {
        line(format!("server: {}, logs: {}", record.server, record.directory.display()));
        line(format!("stop it: make cluster-stop, or: cluster stop --dir {}", record.directory.display()));
    }
    text
}
