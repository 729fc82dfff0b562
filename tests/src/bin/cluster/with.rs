//! Runs a command with a cluster and leaves nothing behind: not when the command fails, not when a signal arrives.

use std::{
    ffi::OsString,
    fs,
    io::{IsTerminal, stdin},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{self, ExitStatus},
    time::Duration,
};

use cicdcontext_tests::cluster::{ClusterError, Options, Provided, Report};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{process::Command, time::timeout};

use crate::{
    arguments::ClusterArguments,
    interruption::{Interruptions, code_of},
};

/// How long an interrupted command may take to end by itself.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Returns the exit code of the command.
pub(crate) async fn run(
    arguments: &ClusterArguments,
    directory: Option<PathBuf>,
    command: &[OsString],
    interruptions: &mut Interruptions,
) -> Result<u8, ClusterError> {
    let is_ours = directory.is_none();
    let options = directory.map_or_else(|| Options::named(&format!("with-{}", process::id())), Options::in_directory);
    let options = arguments.apply(options);
    let (logs, report) = (options.directory.clone(), options.report.clone());
    let provided = interruptions.guard(move |interrupt| Provided::provide(Options { interrupt, ..options })).await;
    let mut started = None;
    let interrupted = interruptions.report(provided, |provided| started = Some(provided))?;
    let Some(provided) = started else { return Ok(interrupted) };
    let ended = supervise(command, provided.access().variables(), GRACE, interruptions).await;
    // Also when the command could not be run.
    provided.stop()?;
    let code = ended?;
    keep_or_remove(&logs, code, is_ours, &report)?;
    Ok(code)
}

/// Removes the logs of a command that succeeded, and says where those of one that failed are.
pub(crate) fn keep_or_remove(logs: &Path, code: u8, is_ours: bool, report: &Report) -> Result<(), ClusterError> {
    if code == 0 && is_ours {
        return fs::remove_dir_all(logs).map_err(|source| ClusterError::File {
            action: "remove",
            path: logs.to_owned(),
            source,
        });
    }
    if code != 0 {
        report.line(format!("the command ended with {code}; logs are in {}", logs.display()));
    }
    Ok(())
}

/// Runs the command to its end, passing signals on; after one it may take as long as `grace` to end by itself.
pub(crate) async fn supervise(
    command: &[OsString],
    variables: Vec<(String, OsString)>,
    grace: Duration,
    interruptions: &mut Interruptions,
) -> Result<u8, ClusterError> {
    let Some((program, rest)) = command.split_first() else { return Ok(0) };
    let failed = |source| ClusterError::Run { program: program.into(), source };
    // At a terminal the command must stay in the terminal's foreground group, to read from it, and Ctrl-C reaches it
    // without us. Elsewhere it gets a group of its own, so that a signal reaches its children too: an interrupted
    // `cargo test` does not stop the test it runs.
    let at_terminal = stdin().is_terminal();
    let mut child = Command::new(program);
    child.args(rest).envs(variables);
    if !at_terminal {
        child.process_group(0);
    }
    let mut child = child.spawn().map_err(failed)?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let send = |signal| {
        let sent = pid.map(|pid| if at_terminal { kill_process(pid, signal) } else { kill_process_group(pid, signal) });
        // It may have ended by itself in the meantime.
        sent.transpose().ok();
    };
    let signal = tokio::select! {
        ended = child.wait() => return ended.map(code).map_err(failed),
        signal = interruptions.next() => signal,
    };
    if !(at_terminal && signal == Signal::INT) {
        send(signal);
    }
    let ended = timeout(grace, child.wait()).await;
    if ended.is_err() || !at_terminal {
        // Of a group also the members that did not care about the signal.
        send(Signal::KILL);
    }
    child.wait().await.map_err(failed)?;
    Ok(code_of(signal.as_raw()))
}

fn code(status: ExitStatus) -> u8 {
    let exited = status.code().and_then(|code| u8::try_from(code).ok());
    exited.unwrap_or_else(|| status.signal().map_or(1, code_of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_commands_own_and_a_signal_is_told_as_shells_do() {
        assert_eq!(code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(code(ExitStatus::from_raw(15)), 143);
    }
}
