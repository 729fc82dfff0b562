use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::console::Recorded;

const CONFIG: &str = "
cicdstatemgr:
  datasources:
    redis: {host: 127.0.0.1, port: 1, isPrimary: true}
    jsonfile: {path: DIR/cache/run.json}
    idfile: {path: DIR/cache/run.id}
  slack: {url: 'http://127.0.0.1:1/chat'}
  templates: {notify: '{}'}
";

const APP: &str = "
variables: {image: 'img/{{ state.svc }}'}
cicd-contexts:
  stage:
    room: '#{{ state.svc }}'
    pipelines:
      ship:
        generators: {g: {one: {set: [{key: state.built, value: 'yes'}]}, two: {if: '', set: [{key: state.no, value: x}]}}}
        event-handlers:
          done: {set-values: {first: {set: [{from: '{{ ctx.who }}', to: 'state.who[]'}]},
            broken: {set: [{from: '{{ state.a.b.c }}', to: state.never}]}, last: {set: [{from: x, to: state.last}]}}}
";

/// A folder with the files of a run, and what the environment says of it.
struct Place {
    folder: TempDir,
    environment: Environment,
}

impl Place {
    fn new() -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| Some(folder.path().join(name));
        let config = CONFIG.replace("DIR", folder.path().to_str().unwrap());
        for (name, text) in [("config.yaml", config.as_str()), ("secrets.yaml", "cicdstatemgr: {}"), ("app.yaml", APP)]
        {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let dropin = Variables {
            config: path("config.yaml"),
            secrets: path("secrets.yaml"),
            app: path("app.yaml"),
            local: path("store"),
            id: Some("Run/7".to_owned()),
            ..Variables::default()
        };
        Self { folder, environment: Environment { dropin, ..Environment::default() } }
    }

    /// Exit code, standard output, and standard error without what is told of Redis.
    async fn run(&self, line: &[&str]) -> (Exit, String, String) {
        let (data, notes) = (Recorded::default(), Recorded::default());
        let mut console = Console::new(data.clone(), notes.clone());
        let line: Vec<OsString> = line.iter().map(OsString::from).collect();
        let exit = run(&line, &self.environment, &mut console).await;
        let folder = self.folder.path().to_str().unwrap();
        let notes = notes.text().replace(folder, "DIR");
        let lines = notes.lines().filter(|line| !line.starts_with("notice: datasources.redis: ignored: "));
        (exit, data.text(), lines.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat())
    }

    async fn done(&self, line: &[&str]) -> String {
        let (exit, data, notes) = self.run(line).await;
        assert_eq!((exit, notes.as_str()), (Exit::Done, ""), "{line:?}");
        data
    }

    fn mirror(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.folder.path().join("cache/run.json")).unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_run_goes_from_its_beginning_to_its_mirror_files() {
    let place = Place::new();
    assert_eq!(place.done(&["--init-new", "Run/7", "--set", "state.svc=ferry|state.n=1"]).await, "Run/7\n");
    assert_eq!(fs::read_to_string(place.folder.path().join("cache/run.id")).unwrap(), "Run/7");
    assert_eq!(place.done(&["--get", "variables.image"]).await, "img/ferry\n");
    assert_eq!(place.done(&["--get", "room"]).await, "#ferry\n");
    assert_eq!(place.done(&["--get", "state.nothing"]).await, "");
    assert_eq!(place.done(&["--set", "state.zones{}=a,b,a"]).await, "");
    assert_eq!(place.done(&["--generate", "pipelines.ship.generators.g"]).await, "");
    let expected = json!({
        "cicdContextDataId": "Run/7", "cicdContextName": "stage", "svc": "ferry", "n": "1", "zones": ["a", "b"], "built": "yes",
    });
    assert_eq!(place.mirror()["state"], expected);
    assert_eq!(place.done(&[]).await, "");
}

#[tokio::test]
async fn each_block_is_saved_when_it_ends_and_one_that_fails_leaves_the_others_alone() {
    let place = Place::new();
    place.done(&["--init-new", "Run/7", "--set", "state.svc=ferry"]).await;
    let (exit, data, notes) = place.run(&["--handle-event", "ship=done", "--tmpl-ctx-var", "ctx.who=state.svc"]).await;
    assert_eq!((exit, data.as_str()), (Exit::Failed, ""));
    assert!(
        notes.contains("\nerror: handle ship=done: pipelines.ship.event-handlers.done.set-values.broken: "),
        "{notes}"
    );
    let state = place.mirror()["state"].clone();
    assert_eq!((&state["who"], &state["last"], state.get("never")), (&json!(["ferry"]), &json!("x"), None));
    assert_eq!(place.done(&["--handle-event", "ship=unknown", "--set", "state.set=1"]).await, "");
    assert_eq!(place.mirror()["state"]["set"], "1");
}

#[tokio::test]
async fn the_run_that_is_named_is_the_one_whatever_the_mirror_files_hold() {
    let place = Place::new();
    place.done(&["--init-new", "Run/7", "--set", "state.svc=ferry"]).await;
    place.done(&["--init-new", "other", "--set", "state.svc=tram"]).await;
    assert_eq!(place.done(&["--get", "state.svc"]).await, "ferry\n");
    assert_eq!(place.done(&["--id", "other", "--get", "state.svc"]).await, "tram\n");
    // What the predecessor read from is there: a value that is asked for writes nothing.
    assert_eq!(place.mirror()["state"]["svc"], "tram");
    fs::write(place.folder.path().join("cache/run.json"), "").unwrap();
    place.done(&["--get", "state.svc"]).await;
    assert_eq!(place.mirror()["state"]["svc"], "ferry");
    place.done(&["--id", "other", "--load"]).await;
    assert_eq!(place.mirror()["state"]["svc"], "tram");
}

#[tokio::test]
async fn nothing_is_changed_if_one_of_several_values_cannot_be_written() {
    let place = Place::new();
    place.done(&["--init-new", "Run/7", "--set", "state.svc=ferry"]).await;
    let (exit, _, notes) = place.run(&["--set", "state.a=1", "--set", "state.svc.b=2"]).await;
    assert_eq!(exit, Exit::Failed);
    assert_eq!(
        notes,
        "error: write state.svc.b: state.svc is a text, so nothing can stand below it; remove it first, or choose another \
         path (docs/migration.md#path-through-scalar)\n"
    );
    assert_eq!(place.done(&["--get", "state.a"]).await, "");
    let (exit, _, notes) = place.run(&["--set", "nonsense"]).await;
    let expected = "warning: --set: 8 characters hold no '='; nothing is written for it: write PATH=TEXT\n";
    assert_eq!((exit, notes.as_str()), (Exit::Done, expected));
}

#[tokio::test]
async fn a_failed_delivery_fails_the_command_unless_that_is_switched_off() {
    let mut place = Place::new();
    let app = APP.replace(
        "event-handlers:",
        "event-handlers:\n          told: {notify: {message: hi}, set-values: {set: [{from: y, to: state.after}]}}",
    );
    // Refused before anything is sent: no attempt is worth another one.
    let config = fs::read_to_string(place.folder.path().join("config.yaml")).unwrap();
    fs::write(place.folder.path().join("config.yaml"), config.replace("127.0.0.1:1/", "169.254.169.254/")).unwrap();
    fs::write(place.folder.path().join("secrets.yaml"), "cicdstatemgr: {slack: {token: chat-token}}").unwrap();
    fs::write(place.folder.path().join("app.yaml"), app).unwrap();
    let (exit, data, notes) =
        place.run(&["--init-new", "Run/7", "--set", "state.svc=x", "--handle-event", "ship=told"]).await;
    assert_eq!((exit, data.as_str()), (Exit::Failed, "Run/7\n"), "{notes}");
    let line = "error: handle ship=told: pipelines.ship.event-handlers.told.notify: ";
    assert!(notes.lines().last().unwrap().starts_with(line), "{notes}");
    assert!(notes.contains("(docs/migration.md#delivery-failed)"), "{notes}");
    assert_eq!(place.mirror()["state"]["after"], "y");
    place.environment.dropin.on_delivery_failure = Some("warn".to_owned());
    let (exit, _, notes) = place.run(&["--handle-event", "ship=told"]).await;
    assert_eq!(exit, Exit::Done, "{notes}");
    assert!(notes.contains("warning: pipelines.ship.event-handlers.told.notify: "), "{notes}");
}

#[tokio::test]
async fn what_is_missing_is_named_with_its_option_and_its_variable() {
    let place = Place::new();
    let without = |change: fn(&mut Variables)| {
        let mut dropin = place.environment.dropin.clone();
        change(&mut dropin);
        Environment { dropin, ..Environment::default() }
    };
    for (environment, line, expected) in [
        (
            without(|it| it.config = None),
            &["--load"][..],
            "begin: name the core config with --config PATH or CICDSTATEMGR_CONFIG_PATH",
        ),
        (
            without(|it| it.secrets = None),
            &["--load"],
            "begin: name the secrets with --secrets PATH or CICDSTATEMGR_SECRETS_PATH",
        ),
        (without(|it| it.id = None), &["--get", "x"], "get: name the run with --id ID or CICDSTATEMGR_CONTEXT_DATA_ID"),
        (
            without(|it| it.app = None),
            &["--init-new", "x"],
            "init: name the app file with --init-app-config-file PATH or CICDSTATEMGR_INIT_APP_CONFIG_PATH",
        ),
        (
            without(|it| it.local = None),
            &["--load"],
            "find the store: nothing says where the context data is kept; set CICDSTATEMGR_STORE=cluster to keep it in CicdContexts, \
             or CICDSTATEMGR_LOCAL_DIR=DIR to keep it in a folder (docs/migration.md#store)",
        ),
        (
            without(|it| it.store = Some("cluster".to_owned())),
            &["--load"],
            "find the store: CICDSTATEMGR_STORE and CICDSTATEMGR_LOCAL_DIR are both set; unset one of them",
        ),
        (
            without(|it| it.store = Some("redis".to_owned())),
            &["--load"],
            "read CICDSTATEMGR_STORE \"redis\": write cluster, or unset it and set CICDSTATEMGR_LOCAL_DIR",
        ),
        (
            without(|_| ()),
            &["-l", "debug", "--load"],
            "read --log-level \"debug\": write DEBUG, INFO, WARNING, ERROR or CRITICAL",
        ),
        (
            without(|_| ()),
            &["--handle-event", "a=b=c"],
            "read --handle-event \"a=b=c\": write PIPELINE=EVENT, with one '='",
        ),
    ] {
        let notes = Recorded::default();
        let mut console = Console::new(Recorded::default(), notes.clone());
        let line: Vec<OsString> = line.iter().map(OsString::from).collect();
        assert_eq!(run(&line, &environment, &mut console).await, Exit::Failed, "{expected}");
        assert_eq!(notes.text().lines().last(), Some(format!("error: {expected}").as_str()));
    }
}

#[tokio::test]
async fn a_wrong_line_is_exit_2_and_help_is_exit_0() {
    let place = Place::new();
    let (exit, data, notes) = place.run(&["--s", "x"]).await;
    assert_eq!((exit, data.as_str()), (Exit::Usage, ""));
    assert_eq!(
        notes,
        "error: read --s: it may be --secrets or --set; write one of them whole; cicdstatemgr --help says more\n"
    );
    let (exit, data, notes) = place.run(&["--help"]).await;
    assert_eq!((exit, data.as_str(), notes.as_str()), (Exit::Done, arguments::HELP.as_str(), ""));
}
