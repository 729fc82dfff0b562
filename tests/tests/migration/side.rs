//! One of the two programs, in a folder of its own with a receiver of its own: runs a command and tells all that it left behind.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use cicdcontext_tests::receiver::{Answer, Arrived, Receiver};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    case::{Case, Step},
    oracle::Oracle,
    store::Store,
};

/// ID of each run.
pub(crate) const ID: &str = "run-1";
/// Headers that have nothing to do with what is asked for, or are the drop-in's own (PREDECESSOR.md section 8: User-Agent,
/// idempotency key).
const NOT_COMPARED: [&str; 10] = [
    "host",
    "user-agent",
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) code: i64,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) requests: Vec<Sent>,
    /// What the store holds, by ID.
    pub(crate) documents: Value,
    pub(crate) yaml: Option<Value>,
    pub(crate) json: Option<Value>,
    pub(crate) id: Option<String>,
    pub(crate) shell: Option<Value>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Which program.
pub(crate) enum Program {
    /// The predecessor.
    Predecessor,
    /// The drop-in: its link, and its store.
    DropIn(PathBuf, Store),
}

/// A program in its folder.
pub(crate) struct Side {
    program: Program,
    folder: TempDir,
    receiver: Receiver,
    without_shell: bool,
    seen: usize,
}

impl Side {
    /// Writes the files of a case.
    pub(crate) async fn prepare(case: &Case, program: Program, redis: u64) -> Self {
        let receiver = Receiver::start().await.unwrap();
        let mut count = 0;
        receiver.program("/chat", move |_| {
            count += 1;
            Answer::json(200, &json!({"ok": true, "ts": format!("1700.{count}")}))
        });
        receiver.answer("/start", Answer::json(200, &json!({"started": true})));
        receiver.answer("/reply", Answer::text(200, "ok"));
        for (path, answers) in &case.answers {
            let answers: Vec<Answer> = answers
                .iter()
                .map(|one| {
                    let answer = Answer::text(one.status, &one.text);
                    one.headers.iter().fold(answer, |answer, (name, value)| answer.header(name, value))
                })
                .collect();
            let mut next = 0;
            receiver.program(path, move |_| {
                next = (next + 1).min(answers.len());
                answers[next - 1].clone()
            });
        }
        let folder = tempfile::tempdir().unwrap();
        let side = Self { program, folder, receiver, without_shell: case.without_shell, seen: 0 };
        let defaults = [
            ("config.yaml", include_str!("default/config.yaml")),
            ("secrets.yaml", include_str!("default/secrets.yaml")),
            ("app.yaml", include_str!("default/app.yaml")),
        ];
        for (name, text) in defaults {
            side.write(name, text, redis);
        }
        for (name, text) in &case.files {
            side.write(name, text, redis);
        }
        side
    }

    fn write(&self, name: &str, text: &str, redis: u64) {
        let file = self.folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let primary = json!({"host": "127.0.0.1", "port": redis, "db": 3, "isPrimary": true});
        let exclude = ["appPipelinesConfig", "jinja2Macros", "pipelines"];
        let mut all = json!({
            "redis": primary,
            "yamlfile": {"path": "cache/run.yaml"},
            "jsonfile": {"path": "cache/run.json"},
            "shellfile": {"path": "cache/run.sh", "excludeKeyNames": exclude},
            "idfile": {"path": "cache/run.id"},
        });
        if self.without_shell {
            all.as_object_mut().unwrap().shift_remove("shellfile");
        }
        let text = text.replace("DATASOURCES", &all.to_string()).replace("REDIS", &primary.to_string());
        fs::write(file, text.replace("RECEIVER", &self.receiver.url(""))).unwrap();
    }

    /// Runs a command.
    pub(crate) async fn run(&mut self, case: &Case, step: &Step, oracle: &mut Oracle) -> Seen {
        for (name, text) in &step.write {
            self.write(name, text, 0);
        }
        for name in &step.remove {
            fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        let argv: Vec<String> = step.run.iter().map(|one| one.replace("RECEIVER", &self.receiver.url(""))).collect();
        let environment = self.environment(step);
        let (code, out, err, documents) = match &self.program {
            Program::Predecessor => {
                let env = json!(environment);
                let mut ran = oracle.run(&argv, &env, self.folder.path()).await;
                let text = |name: &str| ran[name].as_str().unwrap().to_owned();
                (ran["code"].as_i64().unwrap(), text("out"), text("err"), ran["documents"].take())
            }
            Program::DropIn(link, store) => {
                let ran = Command::new(link)
                    .args(&argv)
                    .env_clear()
                    .envs(&environment)
                    .current_dir(self.folder.path())
                    .output()
                    .await
                    .unwrap();
                let [out, err] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                let code = ran.status.code().map_or(-1, i64::from);
                (code, out, err, store.documents(self.folder.path()).await)
            }
        };
        let arrived = self.receiver.requests();
        let requests = arrived[self.seen..].iter().map(|one| self.sent(one)).collect();
        self.seen = arrived.len();
        let mirrors = &case.mirrors;
        let yaml = match self.read(&mirrors.yaml) {
            Some(text) => Some(self.plain(&oracle.yaml(&text).await)),
            None => None,
        };
        let json = self.read(&mirrors.json).map(|text| self.plain(&serde_json::from_str(&text).unwrap()));
        let id = self.read(&mirrors.id);
        let shell = if self.read(&mirrors.shell).is_some() { Some(self.sourced(&mirrors.shell).await) } else { None };
        let (out, err) = (self.named(&out), self.named(&err));
        Seen { code, out, err, requests, documents: self.plain(&documents), yaml, json, id, shell }
    }

    /// Removes what outlives the folder.
    pub(crate) async fn remove(self) {
        if let Program::DropIn(_, store) = self.program {
            store.remove().await;
        }
    }

    fn environment(&self, step: &Step) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = [
            ("PATH", std::env::var("PATH").unwrap().as_str()),
            ("CICDSTATEMGR_CONFIG_PATH", "config.yaml"),
            ("CICDSTATEMGR_SECRETS_PATH", "secrets.yaml"),
            ("CICDSTATEMGR_BASES_DIR_PATH", "bases"),
            ("CICDSTATEMGR_INIT_APP_CONFIG_PATH", "app.yaml"),
            ("CICDSTATEMGR_CONTEXT_DATA_ID", ID),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if let Program::DropIn(_, store) = &self.program {
            all.extend(store.environment());
        }
        all.extend(step.env.clone());
        all
    }

    /// The receiver's address is another on each side.
    fn named(&self, text: &str) -> String {
        text.replace(&self.receiver.url(""), "RECEIVER")
    }

    fn plain(&self, value: &Value) -> Value {
        serde_json::from_str(&self.named(&value.to_string())).unwrap()
    }

    fn sent(&self, arrived: &Arc<Arrived>) -> Sent {
        let headers = arrived
            .headers
            .iter()
            .filter(|(name, _)| !NOT_COMPARED.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Sent { line: format!("{} {}", arrived.method, arrived.path), headers, body: self.named(&arrived.text) }
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(name)).ok()
    }

    /// The variables of a file as a shell has them that sources it.
    async fn sourced(&self, name: &str) -> Value {
        let file = self.folder.path().join(name);
        let ran = Command::new("sh")
            .args(["-c", "set -a; . \"$1\"; exec env -0", "sh"])
            .arg(&file)
            .current_dir(self.folder.path())
            .output()
            .await
            .unwrap();
        let all: Map<String, Value> = String::from_utf8_lossy(&ran.stdout)
            .split('\0')
            .filter_map(|line| line.split_once('='))
            .filter(|(name, _)| name.starts_with("CICD_"))
            .map(|(name, value)| (name.to_owned(), Value::from(self.named(value))))
            .collect();
        Value::Object(all)
    }
}

/// The link under which the program of this build is the drop-in.
pub(crate) fn link(folder: &Path) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(Path::parent).unwrap().join("cicdctl");
    assert!(program.is_file(), "build {} first: cargo build --workspace --bins", program.display());
    let link = folder.join("cicdstatemgr");
    std::os::unix::fs::symlink(program, &link).unwrap();
    link
}
