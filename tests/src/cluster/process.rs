//! Processes that outlive the command that started them: started in a group of their own, so that Ctrl-C in a terminal
//! does not reach them, and recognised later by their id together with the time they started, so that a process that
//! got the same id is never touched. It must not know what the processes do.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::ClusterError;

/// A killed process is gone within milliseconds, or something is wrong with the machine.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// How often it is looked whether a process is gone.
const POLL: Duration = Duration::from_millis(10);

/// What is written down about a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessRecord {
    /// The component, for example `etcd`.
    pub name: String,
    /// The process id.
    pub pid: u32,
    /// When it started, in the system's own words.
    pub started: String,
    /// Where its output goes.
    pub log: PathBuf,
}

impl ProcessRecord {
    /// Whether this very process still runs. One that ended and was not yet collected by its parent does not.
    pub fn is_alive(&self) -> bool {
        observe(self.pid).is_some_and(|observed| observed.started == self.started && !observed.ended)
    }
}

/// A process of this command, or one that an earlier command recorded.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) record: ProcessRecord,
    child: Option<Child>,
}

/// How a component is run. The environment is emptied: etcd takes settings from variables, and a proxy meant for the
/// network must not come between servers on loopback.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// Variables of its environment beside `HOME` and `TMPDIR`.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    pub(crate) log: PathBuf,
    pub(crate) directory: PathBuf,
}

impl Launch {
    /// Starts the process. Its log is appended to, so that a restart does not hide what came before.
    pub(crate) fn start(&self) -> Result<Process, ClusterError> {
        let failed = || ClusterError::file("open", &self.log);
        let output = OpenOptions::new().create(true).append(true).open(&self.log).map_err(failed())?;
        let errors = output.try_clone().map_err(failed())?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).process_group(0);
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        command.env_clear().env("HOME", &self.directory).env("TMPDIR", &self.directory);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let child = command.spawn().map_err(|source| ClusterError::Run { program: self.program.clone(), source })?;
        let pid = child.id();
        // The child is ours and not waited for, so there is something to observe even if it has ended already.
        let started = observe(pid).map(|observed| observed.started).unwrap_or_default();
        let record = ProcessRecord { name: self.name.to_owned(), pid, started, log: self.log.clone() };
        Ok(Process { record, child: Some(child) })
    }
}

impl Process {
    pub(super) fn recorded(record: ProcessRecord) -> Self {
        Self { record, child: None }
    }

    /// How the process ended, if it has. Only known of a process that this command started.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    /// Sends SIGKILL, if this very process still runs. The data is thrown away with the cluster, so nothing is lost,
    /// and an API server that is asked politely can take a minute.
    pub(crate) fn kill(&mut self) {
        match &mut self.child {
            Some(child) => child.kill().unwrap_or_default(),
            None if self.record.is_alive() => {
                let pid = i32::try_from(self.record.pid).ok().and_then(Pid::from_raw);
                pid.map(|pid| kill_process(pid, Signal::KILL)).transpose().ok();
            }
            None => {}
        }
    }

    /// Waits until the process is gone.
    pub(crate) fn wait(&mut self) -> Result<(), ClusterError> {
        if let Some(child) = &mut self.child {
            let waited = child.wait().map(drop);
            return waited.map_err(|source| ClusterError::Run { program: self.record.name.clone().into(), source });
        }
        let start = Instant::now();
        while self.record.is_alive() {
            if start.elapsed() > GONE_WITHIN {
                let ProcessRecord { name, pid, .. } = self.record.clone();
                return Err(ClusterError::StillThere { name, pid, waited: GONE_WITHIN });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

/// What the system says about a process id.
struct Observed {
    started: String,
    ended: bool,
}

fn observe(pid: u32) -> Option<Observed> {
    if Path::new("/proc/self/stat").exists() {
        from_proc(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    } else {
        let output = Command::new("ps").args(["-o", "state=,lstart=", "-p", &pid.to_string()]).output().ok()?;
        from_ps(&String::from_utf8_lossy(&output.stdout))
    }
}

/// Linux: `pid (name) state ...`, where the name may hold spaces and brackets, and the start, in clock ticks since the
/// machine started, is the 22nd field (proc(5)).
fn from_proc(stat: &str) -> Option<Observed> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    Some(Observed { started: fields.nth(18)?.to_owned(), ended })
}

/// Elsewhere: the state and the date in words.
fn from_ps(output: &str) -> Option<Observed> {
    let (state, started) = output.trim().split_once(char::is_whitespace)?;
    Some(Observed { started: started.trim().to_owned(), ended: state.starts_with('Z') })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(directory: &Path) -> Process {
        let launch = Launch {
            name: "sleeper",
            program: "/bin/sleep".into(),
            arguments: vec!["600".to_owned()],
            variables: Vec::new(),
            log: directory.join("sleeper.log"),
            directory: directory.to_owned(),
        };
        launch.start().unwrap()
    }

    #[test]
    fn a_killed_process_is_seen_as_gone_although_nobody_collected_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut started = sleeper(directory.path());
        let mut recorded = Process::recorded(started.record.clone());
        assert!(started.record.is_alive());
        recorded.kill();
        recorded.wait().unwrap();
        assert!(!started.record.is_alive());
        started.wait().unwrap();
    }

    #[test]
    fn a_process_that_only_has_the_same_id_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let mut started = sleeper(directory.path());
        let other = ProcessRecord { started: "1".to_owned(), ..started.record.clone() };
        assert!(!other.is_alive());
        Process::recorded(other).kill();
        assert!(started.record.is_alive());
        started.kill();
        started.wait().unwrap();
    }

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 10 20";
        let observed = from_proc(stat).unwrap();
        assert_eq!(observed.started, "4711");
        assert!(!observed.ended);
        assert!(from_proc(&stat.replace(") S ", ") Z ")).unwrap().ended);
    }

    #[test]
    fn the_words_of_ps_tell_state_and_start() {
        let observed = from_ps("Z+   Sat Nov 22 10:35:00 2025\n").unwrap();
        assert!(observed.ended);
        assert_eq!(observed.started, "Sat Nov 22 10:35:00 2025");
    }
}
