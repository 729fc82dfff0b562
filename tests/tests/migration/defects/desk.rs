//! A folder with the predecessor's files, a receiver that they name, and the drop-in beside it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use cicdcontext_tests::receiver::Receiver;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How a command ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: i32,
    pub(super) output: String,
    pub(super) errors: String,
}

impl Ran {
    /// Its output, after it has ended well.
    #[track_caller]
    pub(super) fn good(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.output
    }

    /// Its last error, after it has failed with exit code 1 and without output.
    #[track_caller]
    pub(super) fn failed(&self) -> &str {
        assert_eq!((self.code, self.output.as_str()), (1, ""), "{self:?}");
        self.errors.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or_else(|| panic!("{self:?}"))
    }
}

pub(super) struct Desk {
    pub(super) folder: TempDir,
    pub(super) receiver: Receiver,
    variables: Vec<(String, String)>,
}

/// The programs of this build.
fn built(name: &str) -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(2).unwrap().join(name)
}

impl Desk {
    /// With these handlers of `build=go`, and nothing else in the app file.
    pub(super) async fn with_handlers(handlers: Value) -> Self {
        let app = json!({"cicd-contexts": {"stage": {"pipelines": {"build": {"event-handlers": {"go": handlers}}}}}});
        Self::with_app(&app.to_string()).await
    }

    /// With this app file.
    pub(super) async fn with_app(app: &str) -> Self {
        let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await.unwrap());
        std::os::unix::fs::symlink(built("cicdctl"), folder.path().join("cicdstatemgr")).unwrap();
        let desk = Self { folder, receiver, variables: Vec::new() };
        let config = json!({
            "datasources": {
                "yamlfile": {"path": "cache/run.yaml"}, "jsonfile": {"path": "cache/run.json"},
                "shellfile": {"path": "cache/run.sh", "excludeKeyNames": ["appPipelinesConfig", "jinja2Macros", "pipelines"]},
                "idfile": {"path": "cache/run.id"},
            },
            "slack": {"url": desk.receiver.url("/chat")},
            "trigger": {"url": desk.receiver.url("/start"), "headers": []},
            "board": "https://board.example",
            "templates": {
                "notify": r#"{"text": {{ notify.message|json_dumps }}}"#,
                "respond": r#"{"text": {{ respond.message|json_dumps }}}"#,
                "manual-choice": "{{ manualChoice.choices|json_dumps }}",
            },
        });
        desk.configure(&config);
        desk.write("secrets.yaml", "cicdstatemgr: {slack: {token: chat-token}, trigger: {token: start-token}}");
        desk.write("app.yaml", app);
        desk
    }

    /// The core config below its root key.
    pub(super) fn configure(&self, config: &Value) {
        self.write("config.yaml", &json!({"cicdstatemgr": config}).to_string());
    }

    /// The core config as it is, to be changed.
    pub(super) fn config(&self) -> Value {
        serde_json::from_str::<Value>(&self.read("config.yaml")).unwrap()["cicdstatemgr"].take()
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Sets a variable of the environment for what is run from here on.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The drop-in, to be run with these arguments as the run `r`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path().join("cicdstatemgr"));
        command.args(arguments).current_dir(self.path()).env_clear().env("PATH", env::var_os("PATH").unwrap());
        command.env("HOME", self.path()).env("CICDSTATEMGR_LOCAL_DIR", self.path().join("runs"));
        for (name, value) in [("CONFIG", "config.yaml"), ("SECRETS", "secrets.yaml"), ("BASES_DIR", "bases")] {
            command.env(format!("CICDSTATEMGR_{name}_PATH"), self.path().join(value));
        }
        command.env("CICDSTATEMGR_INIT_APP_CONFIG_PATH", self.path().join("app.yaml"));
        command.env("CICDSTATEMGR_CONTEXT_DATA_ID", "r");
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Ran {
        ended(self.command(arguments).spawn().unwrap()).await
    }

    /// The same in another working directory, which has mirror files of its own.
    pub(super) async fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        fs::create_dir_all(self.path().join(folder)).unwrap();
        ended(self.command(arguments).current_dir(self.path().join(folder)).spawn().unwrap()).await
    }

    pub(super) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Begins the run `r`.
    pub(super) async fn init(&self) {
        self.run(&["--init-new", "r"]).await.good();
    }

    pub(super) async fn fire(&self) -> Ran {
        self.run(&["--handle-event", "build=go"]).await
    }

    pub(super) async fn get(&self, path: &str) -> String {
        self.run(&["--get", path]).await.good().trim_end_matches('\n').to_owned()
    }

    /// The state, as the file of JSON has it.
    pub(super) fn state(&self) -> Value {
        serde_json::from_str::<Value>(&self.read("cache/run.json")).unwrap()["state"].take()
    }

    /// `cicdctl` over the manifests in `manifests`.
    pub(super) async fn cicdctl(&self, verb: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(built("cicdctl"));
        command.args([verb, "-f", "manifests", "--state-dir", "kept"]).args(arguments).current_dir(self.path());
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ended(command.spawn().unwrap()).await
    }

    /// Paths of the requests that have arrived, in their order.
    pub(super) fn arrived(&self) -> Vec<String> {
        self.receiver.requests().iter().map(|request| request.path.clone()).collect()
    }
}

pub(super) async fn ended(child: Child) -> Ran {
    let ended = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: ended.status.code().unwrap_or(-1), output: text(ended.stdout), errors: text(ended.stderr) }
}
