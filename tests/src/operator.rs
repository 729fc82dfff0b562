//! The operator as a process of its own: started as a person would start it, found by the port in its log, killed when
//! its guard is dropped.
//!
//! It must not know what is tested with it, and nothing of Kubernetes but the kubeconfig that it hands over.

pub mod footprint;
mod probe;

use std::{
    env, fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

/// How long the operator may take to be ready, and to stop when it is asked to.
const READY_WITHIN: Duration = Duration::from_mins(1);
const STOPPED_WITHIN: Duration = Duration::from_secs(40);
/// How often the log and `/readyz` are looked at.
const POLL: Duration = Duration::from_millis(25);
/// How many lines of the log are quoted when something is wrong.
const QUOTED: usize = 20;

/// Why the operator does not run, or did not stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperatorError {
    /// The program is not where cargo puts it.
    #[error("find the operator: {} is not there; build it with `cargo build -p cicdcontext-operator`", .0.display())]
    NotBuilt(PathBuf),
    /// A file could not be used, or the program not started.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried, for example `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It ended by itself.
    #[error("run the operator: it ended with {status}; the end of {}:\n{tail}", log.display())]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// Its complete log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It runs and is not ready.
    #[error("start the operator: not ready after {} s; the end of {}:\n{tail}", READY_WITHIN.as_secs(), log.display())]
    NotReady {
        /// Its complete log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It should have ended by itself.
    #[error("wait for the operator to end: still there after {} s; the end of {}:\n{tail}", STOPPED_WITHIN.as_secs(), log.display())]
    NotEnded {
        /// Its complete log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It did not stop when it was asked to, and was killed.
    #[error("stop the operator: still there {} s after SIGTERM; the end of {}:\n{tail}", STOPPED_WITHIN.as_secs(), log.display())]
    NotStopped {
        /// Its complete log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
}

impl OperatorError {
    fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

/// How an operator is started.
///
/// ```no_run
/// # async fn example() -> Result<(), cicdcontext_tests::operator::OperatorError> {
/// use cicdcontext_tests::operator::{Launch, Operator};
///
/// let launch = Launch::new("operator.kubeconfig", "operator.log")?.namespace("shop");
/// let operator = Operator::start(&launch.flag("--unknown-context-grace=2s")).await?;
/// operator.stop().await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    kubeconfig: PathBuf,
    log: PathBuf,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
    elects: bool,
}

impl Launch {
    /// The program beside this one, which may send to 127.0.0.1 and writes its log as JSON into a file.
    pub fn new(kubeconfig: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Result<Self, OperatorError> {
        Ok(Self {
            program: program()?,
            kubeconfig: kubeconfig.into(),
            log: log.into(),
            flags: Vec::new(),
            variables: Vec::new(),
            elects: false,
        })
    }

    /// One of several replicas, which work only while they hold the Lease `instance` in `namespace`. Without this, the
    /// operator is the only one.
    #[must_use]
    pub fn elected(mut self, namespace: &str, instance: &str) -> Self {
        self.elects = true;
        self.flag("--leader-elect-resource-namespace").flag(namespace).flag("--instance").flag(instance)
    }

    /// Another program.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Works in this namespace only; may be repeated.
    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        self.flag("--watch-namespace").flag(namespace)
    }

    /// One more variable in its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more argument of `operator run`.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }
}

/// The operator that cargo built: it puts all programs of a workspace into one directory, and tests one below it.
pub fn program() -> Result<PathBuf, OperatorError> {
    let own = env::current_exe().map_err(OperatorError::io("find", "this program"))?;
    let mut directory = own.parent().unwrap_or(&own);
    if directory.ends_with("deps") {
        directory = directory.parent().unwrap_or(directory);
    }
    let program = directory.join("operator");
    if program.is_file() { Ok(program) } else { Err(OperatorError::NotBuilt(program)) }
}

/// A running operator. Dropping it kills the process.
#[derive(Debug)]
pub struct Operator {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    /// Where in the log this process begins: one that is started again goes on in the same file.
    start: usize,
}

impl Operator {
    /// Starts the operator and returns when `/readyz` says that it is ready. The log is appended to.
    pub async fn start(launch: &Launch) -> Result<Self, OperatorError> {
        let mut operator = Self::spawn(launch)?;
        operator.wait_until_ready().await?;
        Ok(operator)
    }

    /// Starts the operator and does not wait for anything: its [address](Self::address) is not known.
    pub fn spawn(launch: &Launch) -> Result<Self, OperatorError> {
        let mut open = fs::OpenOptions::new();
        let output = open.create(true).append(true).open(&launch.log);
        let output = output.map_err(OperatorError::io("create", &launch.log))?;
        let errors = output.try_clone().map_err(OperatorError::io("open", &launch.log))?;
        let start = text(&launch.log).len();
        let mut command = Command::new(&launch.program);
        command.arg("run").arg("--kubeconfig").arg(&launch.kubeconfig);
        command.args(["--listen", "127.0.0.1:0", "--log-format", "json", "--egress-allow", "127.0.0.1/32"]);
        command.arg(format!("--leader-elect={}", launch.elects));
        // A group of its own: Ctrl-C is for the program that started it. What a person has set for logs and proxies is
        // not meant for it either.
        command.args(&launch.flags).process_group(0).stdin(Stdio::null()).stdout(output).stderr(errors);
        for variable in [
            "RUST_LOG",
            "KUBECONFIG",
            "POD_NAME",
            "POD_NAMESPACE",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "http_proxy",
            "https_proxy",
        ] {
            command.env_remove(variable);
        }
        command.envs(launch.variables.iter().map(|(name, value)| (name, value)));
        let child = command.kill_on_drop(true).spawn().map_err(OperatorError::io("run", &launch.program))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(Self { child, address, log: launch.log.clone(), start })
    }

    async fn wait_until_ready(&mut self) -> Result<(), OperatorError> {
        let begun = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(OperatorError::Ended { status, log: self.log.clone(), tail: self.tail() });
            }
            if self.address.port() == 0 {
                let found = text(&self.log).get(self.start..).and_then(|log| log.lines().find_map(listening));
                self.address = found.unwrap_or(self.address);
            } else if let Ok((200, _)) = probe::get(self.address, "/readyz").await {
                return Ok(());
            }
            if begun.elapsed() > READY_WITHIN {
                return Err(OperatorError::NotReady { log: self.log.clone(), tail: self.tail() });
            }
            sleep(POLL).await;
        }
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Where `/livez`, `/readyz` and `/metrics` are served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The file with the log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// All that this process, and those before it with the same file, have logged.
    pub fn log_text(&self) -> String {
        text(&self.log)
    }

    /// The last lines of the log.
    pub fn tail(&self) -> String {
        let log = text(&self.log);
        let lines: Vec<&str> = log.lines().collect();
        lines.get(lines.len().saturating_sub(QUOTED)..).unwrap_or_default().join("\n")
    }

    /// The value of the metric with this name and labels; `None` if it is not there.
    pub async fn metric(&self, metric: &str) -> Result<Option<u64>, OperatorError> {
        let text = self.metrics().await?;
        let mut values = text.lines().filter_map(|line| line.strip_prefix(metric)?.trim().parse().ok());
        Ok(values.next())
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> Result<String, OperatorError> {
        let answer = probe::get(self.address, "/metrics").await;
        answer.map(|(_, text)| text).map_err(OperatorError::io("read", "/metrics"))
    }

    /// Stops the process where it is, as a machine does that is out of memory or is moved; it knows nothing of it.
    pub fn pause(&self) -> Result<(), OperatorError> {
        self.signal(Signal::STOP)
    }

    /// Lets a process go on that was paused.
    pub fn resume(&self) -> Result<(), OperatorError> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<(), OperatorError> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        let sent = pid.map_or(Err(rustix::io::Errno::SRCH), |pid| kill_process(pid, signal));
        sent.map_err(|error| OperatorError::io("send a signal to", "the operator")(error.into()))
    }

    /// Waits, however long it takes, until the process has ended by itself, and tells how. Safe to cancel.
    pub async fn exited(&mut self) -> Result<ExitStatus, OperatorError> {
        self.child.wait().await.map_err(OperatorError::io("wait for", "the operator"))
    }

    /// Waits until the process has ended by itself, and tells how.
    pub async fn ended(mut self) -> Result<ExitStatus, OperatorError> {
        match timeout(STOPPED_WITHIN, self.exited()).await {
            Ok(ended) => ended,
            Err(_) => Err(OperatorError::NotEnded { log: self.log.clone(), tail: self.tail() }),
        }
    }

    /// Kills the process without a warning and waits until it is gone.
    pub async fn kill(mut self) -> Result<(), OperatorError> {
        self.child.kill().await.map_err(OperatorError::io("kill", "the operator"))
    }

    /// Asks the process to stop and waits until it did; one that does not stop is killed.
    pub async fn stop(mut self) -> Result<(), OperatorError> {
        // It may have ended by itself in the meantime.
        self.signal(Signal::TERM).ok();
        match timeout(STOPPED_WITHIN, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(OperatorError::Ended { status, log: self.log.clone(), tail: self.tail() }),
            Ok(Err(error)) => Err(OperatorError::io("wait for", "the operator")(error)),
            Err(_) => {
                self.child.kill().await.map_err(OperatorError::io("kill", "the operator"))?;
                Err(OperatorError::NotStopped { log: self.log.clone(), tail: self.tail() })
            }
        }
    }
}

/// A log that cannot be read has nothing in it.
fn text(log: &Path) -> String {
    fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The address in a line of the log that tells where the operator listens.
fn listening(line: &str) -> Option<SocketAddr> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let mut addresses = entry.as_object()?.values().filter_map(|value| value.as_str()?.parse::<SocketAddr>().ok());
    addresses.find(|address| address.ip().is_loopback() && address.port() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_log() {
        let line = r#"{"level":"INFO","message":"serving","address":"127.0.0.1:4321"}"#;
        assert_eq!(listening(line), Some(SocketAddr::from(([127, 0, 0, 1], 4321))));
        assert_eq!(listening(r#"{"message":"starting","address":"127.0.0.1:0"}"#), None);
        assert_eq!(listening("not JSON"), None);
    }

    #[test]
    fn a_missing_program_is_named_with_the_command_that_builds_it() {
        let error = OperatorError::NotBuilt("/target/debug/operator".into());
        assert_eq!(
            error.to_string(),
            "find the operator: /target/debug/operator is not there; build it with `cargo build -p cicdcontext-operator`"
        );
    }
}
