//! A command with a whole node: outside the namespaces, where they are made and what they leave is removed, and inside.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use cicdcontext_tests::{
    cluster::{AuditLevel, ClusterError, Environment, Options, Report, build},
    node::{self, Confinement, Missing, Node, NodeError},
};

use crate::{
    arguments::{NodeArguments, NodeVerb},
    interruption::Interruptions,
    with::{self, GRACE, supervise},
};

/// The exit code of `check` on a machine that cannot run a node.
const LACKING: u8 = 3;

/// How long an interrupted inside may take: its command has [`GRACE`], and then the programs are stopped.
const GRACE_OUTSIDE: Duration = Duration::from_secs(GRACE.as_secs() + 10);

pub(crate) async fn run(verb: NodeVerb, interruptions: &mut Interruptions) -> Result<u8, NodeError> {
    match verb {
        NodeVerb::Check => Ok(check()),
        NodeVerb::With { node, command } => outside(node, command, interruptions).await,
        NodeVerb::Inside { node, data, control_group, command } => {
            let options = node::Options { cluster: cluster_options(&node), data, control_group, archives: node.import };
            inside(options, &command, interruptions).await
        }
    }
}

fn check() -> u8 {
    let missing = node::missing(&Environment::of_this_process());
    for Missing { what, remedy } in &missing {
        println!("{what}: {remedy}");
    }
    if missing.is_empty() { 0 } else { LACKING }
}

fn directory(arguments: &NodeArguments) -> PathBuf {
    arguments.dir.clone().unwrap_or_else(|| Options::named(&format!("node-{}", process::id())).directory)
}

fn cluster_options(arguments: &NodeArguments) -> Options {
    Options { audit: arguments.audit.map(AuditLevel::from), ..Options::in_directory(directory(arguments)) }
}

/// Builds what the inside needs, while there is a network to fetch sources from, and runs it.
async fn outside(
    mut arguments: NodeArguments,
    command: Vec<OsString>,
    interruptions: &mut Interruptions,
) -> Result<u8, NodeError> {
    let (report, environment) = (Report::default(), Environment::of_this_process());
    let (said, parent) = (report.clone(), arguments.data_parent.clone());
    let prepared: Result<_, NodeError> = interruptions
        .guard(move |stop| {
            // First what takes no time, so that a machine that lacks something says so at once.
            let confinement = Confinement::prepare(&environment, parent.as_deref(), &said)?;
            build(&environment, &said, &stop)?;
            let archives = node::archives(&environment, &said, &stop)?;
            Ok((confinement, archives))
        })
        .await;
    let (confinement, archives) = match prepared {
        Err(NodeError::Cluster(error)) => return Ok(interruptions.report(Err::<(), _>(error), |()| ())?),
        prepared => prepared?,
    };
    arguments.import.extend(archives);
    let logs = directory(&arguments);
    let words = words(&arguments, &logs, &confinement, command)?;
    let ended = supervise(&words, Vec::new(), GRACE_OUTSIDE, interruptions).await;
    // Also when it could not be run.
    confinement.remove()?;
    let code = ended?;
    with::keep_or_remove(&logs, code, arguments.dir.is_none(), &report)?;
    Ok(code)
}

/// The command that runs this program inside.
fn words(
    arguments: &NodeArguments,
    logs: &Path,
    confinement: &Confinement,
    command: Vec<OsString>,
) -> Result<Vec<OsString>, ClusterError> {
    let program = std::env::current_exe();
    let program =
        program.map_err(|source| ClusterError::File { action: "find", path: "this program".into(), source })?;
    let mut words: Vec<OsString> = Confinement::words().into_iter().map(OsString::from).collect();
    words.extend([program.into(), "node".into(), "inside".into(), "--dir".into(), logs.into()]);
    words.extend(["--data".into(), confinement.data().into()]);
    words.extend(["--control-group".into(), confinement.control_group().into()]);
    for archive in &arguments.import {
        let absolute = std::path::absolute(archive);
        let absolute =
            absolute.map_err(|source| ClusterError::File { action: "find", path: archive.clone(), source })?;
        words.extend(["--import".into(), absolute.into()]);
    }
    if let Some(audit) = arguments.audit {
        words.extend(["--audit".into(), audit.word().into()]);
    }
    words.push("--".into());
    words.extend(command);
    Ok(words)
}

/// Starts the node and runs the command beside it.
async fn inside(
    options: node::Options,
    command: &[OsString],
    interruptions: &mut Interruptions,
) -> Result<u8, NodeError> {
    let started = interruptions
        .guard(move |interrupt| {
            let cluster = Options { interrupt, ..options.cluster };
            Node::start(node::Options { cluster, ..options })
        })
        .await;
    let node = match started {
        Err(NodeError::Cluster(error)) => return Ok(interruptions.report(Err::<(), _>(error), |()| ())?),
        started => started?,
    };
    let mut variables = node.access().variables();
    variables.push(("NODE_DIRECTORY".to_owned(), node.directory().into()));
    let ended = supervise(command, variables, GRACE, interruptions).await;
    if !matches!(ended, Ok(0)) {
        node.describe();
    }
    node.stop()?;
    Ok(ended?)
}
