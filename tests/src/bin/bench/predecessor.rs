//! The predecessor, ready to handle an event: kept by `cli/measure.py`, which starts its redis and prepares a run.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use cicdcontext_tests::cluster::workspace;
use serde::Deserialize;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{error::BenchError, scene::PATIENCE, sink::Sink};

/// The script that knows the predecessor.
pub(crate) fn script() -> PathBuf {
    workspace().join("tests/src/bin/bench/cli/measure.py")
}

/// A run of the predecessor whose notifications go to a sink. Dropping it ends the keeper, and redis with it.
pub(crate) struct Predecessor {
    sink: Sink,
    handle: Handle,
    _keeper: Child,
}

/// How an event is handled.
#[derive(Debug, Deserialize)]
struct Handle {
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    directory: PathBuf,
}

impl Predecessor {
    /// Prepares a run with a state as large as that of our contexts, 1 kB, with the Python environment in `folder`.
    pub(crate) async fn prepare(folder: &std::path::Path) -> Result<Self, BenchError> {
        let sink = Sink::open().await?;
        let python = folder.join("bin/python");
        let failed = || BenchError::io("run", python.display());
        let mut keeper = Command::new(&python)
            .arg(script())
            .arg("keep")
            .env("BENCH_RECEIVER", sink.url("/"))
            .env("BENCH_SIZES", r#"{"run": 1000}"#)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed())?;
        let mut line = String::new();
        if let Some(output) = keeper.stdout.take() {
            BufReader::new(output).read_line(&mut line).await.map_err(failed())?;
        }
        let handle = serde_json::from_str(&line).map_err(|error| failed()(error.into()))?;
        Ok(Self { sink, handle, _keeper: keeper })
    }

    /// Handles an event once: from before the process is started to the arrival of its request.
    pub(crate) async fn react(&self) -> Result<Duration, BenchError> {
        let before = self.sink.count();
        let Handle { command, environment, directory } = &self.handle;
        time(command, environment, directory, async || {
            self.sink.wait_for(before + 1, PATIENCE).await?;
            Ok(self.sink.last_arrival().unwrap_or_else(Instant::now))
        })
        .await
    }
}

/// From before a process is started until something happens; the process is waited for.
pub(crate) async fn time(
    command: &[String],
    environment: &BTreeMap<String, String>,
    directory: &std::path::Path,
    happens: impl AsyncFnOnce() -> Result<Instant, BenchError>,
) -> Result<Duration, BenchError> {
    let [program, arguments @ ..] = command else { return Ok(Duration::ZERO) };
    let failed = || BenchError::io("run", program);
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed())?;
    let at = happens().await?;
    let ended = child.wait().await.map_err(failed())?;
    if ended.success() { Ok(at.saturating_duration_since(begun)) } else { Err(BenchError::Measuring(ended)) }
}
