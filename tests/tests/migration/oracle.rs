//! The real predecessor, kept by `oracle.py`. Knows nothing of cases.

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use cicdcontext_tests::cluster::workspace;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// The variable with the folder of a Python environment in which the predecessor and redis are installed.
pub(crate) const FOLDER: &str = "CICDCONTEXT_PREDECESSOR";

/// Where the predecessor is; without it this says loudly what is not tested.
pub(crate) fn installed(what: &str) -> Option<PathBuf> {
    if let Some(folder) = env::var_os(FOLDER).filter(|folder| !folder.is_empty()) {
        return Some(folder.into());
    }
    // Past the capture of the test harness: nobody shall take this for a comparison that went well.
    let line = format!(
        "\nSKIPPED: {what}: NOT compared with the predecessor: {FOLDER} is not set (make migration installs it and runs this)\n"
    );
    std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    None
}

/// A process with the predecessor in it, and a redis of its own. Dropping it ends both.
pub(crate) struct Oracle {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Oracle {
    pub(crate) fn start(folder: &Path) -> Self {
        let mut process = Command::new(folder.join("bin/python"))
            .arg("-u")
            .arg(workspace().join("tests/tests/migration/oracle.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { input, output, _process: process }
    }

    async fn ask(&mut self, request: &Value) -> Value {
        self.input.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let line = self.output.next_line().await.unwrap().expect("the predecessor's process has ended");
        serde_json::from_str(&line).unwrap()
    }

    /// Empties redis; gives its port.
    pub(crate) async fn begin(&mut self) -> u64 {
        self.ask(&json!({"do": "begin"})).await["port"].as_u64().unwrap()
    }

    /// Runs a command: `code`, `out`, `err`, and `documents` by ID.
    pub(crate) async fn run(&mut self, argv: &[String], env: &Value, cwd: &Path) -> Value {
        self.ask(&json!({"do": "run", "argv": argv, "env": env, "cwd": cwd})).await
    }

    /// A text of YAML as its readers read it.
    pub(crate) async fn yaml(&mut self, text: &str) -> Value {
        self.ask(&json!({"do": "yaml", "text": text})).await["value"].clone()
    }
}
