//! `cicdctl` as a step of a pipeline runs it: a process of its own, with the rights of cicd-pipeline and no others.
//!
//! Unless a test starts one, no operator runs here: what it would say of an event is written by hand, so that each
//! outcome can be had.

mod configuration;
mod contexts;
mod events;
mod installed;
mod state;
mod waiting;

use std::{path::PathBuf, process::Stdio};

use cicdcontext_tests::cluster::Role;
use futures::future::join_all;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    object::{Kind, name, uid},
    scene::Scene,
};

/// A scene in which the pipeline's user may do what cicd-pipeline says.
struct Pipeline(Scene);

/// How a command ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    data: String,
    errors: String,
}

impl Pipeline {
    /// With the context `shop` of this state.
    async fn with_state(state: &Value) -> Self {
        let scene = Scene::without_operator().await;
        scene.create(Kind::Context, "shop", &json!({"state": state})).await;
        Self::of(scene).await
    }

    /// In a scene that has a context `shop`.
    async fn of(scene: Scene) -> Self {
        let pipeline = Self(scene);
        pipeline.grant(Role::Pipeline, "cicd-pipeline").await;
        pipeline
    }

    /// Lets a user do what a role says, and waits until it may.
    async fn grant(&self, user: Role, role: &str) {
        let Self(scene) = self;
        bind(scene, user, role).await;
        // The authorizer learns of a binding through a watch of its own.
        let allowed = async || {
            let ran = ran(self.command_as(user, &["get", "shop"])).await;
            if ran.code == 0 { Ok(()) } else { Err(format!("{ran:?}")) }
        };
        scene.until(&format!("{user:?} may read the context"), allowed).await;
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_as(Role::Pipeline, arguments)
    }

    fn command_as(&self, user: Role, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).args(["-n", &self.0.namespace]).stdin(Stdio::null()).kill_on_drop(true);
        command.env_clear().env("KUBECONFIG", self.0.access.kubeconfig(user));
        command
    }

    async fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments)).await
    }

    /// Runs a command that must do what it is asked for, and gives what it printed.
    async fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments).await;
        assert_eq!(ran.code, 0, "cicdctl {arguments:?}: {ran:?}");
        ran.data
    }

    async fn state(&self) -> Value {
        serde_json::from_str(&self.ok(&["get", "shop"]).await).unwrap()
    }

    /// Writes a status as the operator would, once the only event of the namespace is there.
    async fn handle(&self, phase: &str, succeeded: &str, reason: &str) -> String {
        let look = async || {
            let all = self.0.api(Kind::Event).list(&ListParams::default()).await.map_err(|error| error.to_string())?;
            all.items.into_iter().next().ok_or_else(|| "no event".to_owned())
        };
        let event = serde_json::to_value(self.0.until("an event is there", look).await).unwrap();
        let condition = |kind: &str, status: &str| {
            json!({"type": kind, "status": status, "reason": reason, "message": "as told",
                "lastTransitionTime": "2026-01-01T00:00:00Z"})
        };
        let status = json!({"status": {
            "phase": phase,
            "conditions": [condition("Finished", "True"), condition("Succeeded", succeeded)],
            "handlers": [{"name": "tell", "type": "notify", "phase": phase, "reason": reason, "message": "x ".repeat(60)}],
        }});
        let patched = self.0.api(Kind::Event);
        patched.patch_status(name(&event), &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
        name(&event).to_owned()
    }
}

/// Gives the pipeline's user what cicd-pipeline says in the scene's namespace.
pub(crate) async fn bind_pipeline(scene: &Scene) {
    bind(scene, Role::Pipeline, "cicd-pipeline").await;
}

/// Gives a user what a role says in the scene's namespace.
pub(crate) async fn bind(scene: &Scene, user: Role, role: &str) {
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": {"name": user.name()},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.user()}],
    }))
    .unwrap();
    let bindings: Api<RoleBinding> = Api::namespaced(scene.client.clone(), &scene.namespace);
    bindings.create(&PostParams::default(), &binding).await.unwrap();
}

/// The program that cargo built: tests stand in a directory below the programs of a workspace.
pub(crate) fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().and_then(|deps| deps.parent()).unwrap().join("cicdctl");
    assert!(program.is_file(), "{} is not there: cargo build -p cicdcontext-cli", program.display());
    program
}

async fn ran(mut command: Command) -> Ran {
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), data: text(output.stdout), errors: text(output.stderr) }
}

/// Fails unless the command printed nothing and ended with this code and one line that says why.
#[track_caller]
fn expect(ran: &Ran, code: i32, part: &str) {
    assert_eq!((ran.code, ran.data.as_str()), (code, ""), "{ran:?}");
    assert!(ran.errors.starts_with("error: ") && ran.errors.contains(part), "{ran:?}");
    assert_eq!(ran.errors.matches('\n').count(), 1, "{ran:?}");
}

#[tokio::test]
async fn a_pipeline_reads_and_writes_state_with_its_role_alone() {
    let pipeline = Pipeline::with_state(&json!({"app": "shop", "old": {"a": 1}})).await;
    let set = ["set", "shop", "state.build.image=web:5", "state.n:=5", "state.list:=[1,null]", "--unset", "state.old"];
    assert_eq!(pipeline.ok(&set).await, "");
    assert_eq!(pipeline.state().await, json!({"app": "shop", "build": {"image": "web:5"}, "n": 5, "list": [1, null]}));
    let values = pipeline.ok(&["get", "shop", "state.build.image", "state.n", "state.list[0]", "state.list"]).await;
    assert_eq!(values, "web:5\n5\n1\n[1,null]\n");
    let missing = pipeline.run(&["get", "shop", "state.old"]).await;
    assert_eq!((missing.code, missing.data.as_str()), (3, ""));
    assert_eq!(pipeline.ok(&["get", "shop", "state.old", "--default", "none"]).await, "none\n");
    let managers = pipeline.0.api(Kind::Context).get("shop").await.unwrap().metadata.managed_fields.unwrap();
    let ours = managers.iter().filter(|entry| entry.manager.as_deref() == Some("cicdctl")).count();
    assert_eq!(ours, 1, "{managers:#?}");
}

/// The API server compares values as Go writes them.
#[tokio::test]
async fn a_condition_holds_for_texts_and_numbers_that_go_writes_differently() {
    let text = "<a>&\u{2028} \"ü\" \\ 'b'\n";
    let pipeline = Pipeline::with_state(&json!({"text": text, "large": 1e21, "small": 1.5e-9})).await;
    let condition = format!("state.text={text}");
    pipeline.ok(&["set", "shop", "state.done=1", "--if", &condition]).await;
    pipeline.ok(&["set", "shop", "state.done=2", "--if", "state.large:=1e21", "--if", "state.small:=1.5e-9"]).await;
    let refused = pipeline.run(&["set", "shop", "state.done=3", "--if", "state.large:=2"]).await;
    assert_eq!(refused.code, 4);
    assert_eq!(refused.errors, "error: change CicdContext shop: check state.large: expected 2, found 1e+21\n");
    assert_eq!(pipeline.ok(&["get", "shop", "state.done"]).await, "2\n");
}

#[tokio::test]
async fn processes_that_change_one_list_and_create_one_map_at_once_lose_nothing() {
    let pipeline = Pipeline::with_state(&json!({"list": [0, 0, 0, 0, 0, 0, 0, 0]})).await;
    let changes: Vec<[String; 2]> =
        (0..8).map(|process| [format!("state.list[{process}]:=1"), format!("state.new.map.key{process}:=1")]).collect();
    let running =
        changes.iter().map(|[item, key]| ran(pipeline.command(&["set", "shop", item, key, "--via", "patch"])));
    for ran in join_all(running).await {
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let state = pipeline.state().await;
    assert_eq!(state["list"], json!([1, 1, 1, 1, 1, 1, 1, 1]));
    assert_eq!(state["new"]["map"].as_object().unwrap().len(), 8, "{state}");
}

#[tokio::test]
async fn an_event_says_which_context_it_belongs_to_and_ends_with_its_own_exit_code() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let line = ["event", "shop", "build=success", "--id", "Run_1", "--data", "k=v", "--wait", "--timeout", "30s"];
    let (fired, event) = tokio::join!(pipeline.run(&line), pipeline.handle("Failed", "False", "HandlerFailed"));
    assert_eq!(fired.code, 5, "{fired:?}");
    assert_eq!(fired.errors, format!("error: event {event}: Failed: HandlerFailed: as told\n"));
    assert!(fired.data.starts_with("HANDLER  TYPE"), "{fired:?}");
    assert!(fired.data.lines().count() > 2 && fired.data.lines().all(|line| line.chars().count() <= 80), "{fired:?}");

    let created = pipeline.0.get(Kind::Event, &event).await.unwrap();
    let context = pipeline.0.get(Kind::Context, "shop").await.unwrap();
    assert!(event.starts_with("shop-run-1-"), "{event}");
    assert_eq!(created["spec"]["contextRef"], json!({"name": "shop", "uid": uid(&context)}));
    assert_eq!(created["spec"]["data"], json!({"k": "v"}));
    assert!(created["spec"]["createdAt"].is_string(), "{created:#}");
    assert_eq!(
        created["metadata"]["ownerReferences"],
        json!([{"apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "name": "shop", "uid": uid(&context)}])
    );

    let again = pipeline.run(&line).await;
    assert_eq!(again.code, 5, "a duplicate takes the outcome of the first one: {again:?}");
    assert!(again.errors.starts_with(&format!("event {event}: already fired; nothing new is fired\n")), "{again:?}");
    let other = pipeline.run(&["event", "shop", "build=failure", "--id", "Run_1"]).await;
    assert_eq!((other.code, other.data), (0, format!("{event}\n")));
    assert!(other.errors.contains("already fired, with another content, which stands"), "{}", other.errors);
    assert_eq!(pipeline.0.list(Kind::Event).await.len(), 1);
}

#[tokio::test]
async fn an_event_that_was_skipped_may_have_succeeded() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let line = ["event", "shop", "build=success", "--wait", "-o", "json"];
    let (fired, event) = tokio::join!(pipeline.run(&line), pipeline.handle("Skipped", "True", "NoHandlers"));
    assert_eq!((fired.code, fired.errors.as_str()), (0, ""), "{fired:?}");
    let printed: Value = serde_json::from_str(&fired.data).unwrap();
    assert_eq!((name(&printed), &printed["status"]["phase"]), (event.as_str(), &json!("Skipped")));
}

#[tokio::test]
async fn an_event_that_nobody_handles_is_124_and_says_so() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let fired = pipeline.run(&["event", "shop", "build=success", "--wait", "--timeout", "100ms"]).await;
    assert_eq!(fired.code, 124, "{fired:?}");
    assert!(
        fired.errors.contains("not finished after 0.1 s: it has not begun: an earlier event of its context"),
        "{fired:?}"
    );
    assert_eq!(pipeline.0.list(Kind::Event).await.len(), 1, "it was fired all the same");
}

#[tokio::test]
async fn what_goes_wrong_is_one_line_and_an_exit_code() {
    let pipeline = Pipeline::with_state(&json!({"text": "x"})).await;
    expect(&pipeline.run(&["get", "nobody"]).await, 6, "\"nobody\" not found; check the name and --namespace");
    expect(&pipeline.run(&["event", "nobody", "a=b"]).await, 6, "\"nobody\" not found");
    expect(&pipeline.run(&["set", "shop", "state.text.deeper=1"]).await, 4, "state.text holds a text");
    let forbidden = pipeline.run(&["get", "shop", "--as", "somebody"]).await;
    expect(&forbidden, 1, "the ClusterRole cicd-pipeline grants what cicdctl needs");
    expect(&pipeline.run(&["get", "shop", "--context", "missing"]).await, 1, "it has no context \"missing\"");

    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = std::fs::read_to_string(pipeline.0.access.kubeconfig(Role::Pipeline)).unwrap();
    let changed = |line: &str, replacement: &str| {
        let lines = kubeconfig.lines().map(|old| match old.split_once(line) {
            Some((before, _)) => format!("{before}{line} {replacement}"),
            None => old.to_owned(),
        });
        let file = directory.path().join(replacement.replace(['/', ':'], "-"));
        std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
        file.to_string_lossy().into_owned()
    };
    let nowhere = changed("server:", "https://127.0.0.1:1");
    let unreachable = pipeline.run(&["get", "shop", "--kubeconfig", &nowhere]).await;
    expect(&unreachable, 1, "cannot talk to https://127.0.0.1:1: Connection refused");
    let stranger = changed("token:", "wrong");
    expect(&pipeline.run(&["get", "shop", "--kubeconfig", &stranger]).await, 1, "does not accept the credentials");

    let mut unset = pipeline.command(&["get", "shop"]);
    unset.env_remove("KUBECONFIG");
    expect(&ran(unset).await, 1, "there is no kubeconfig, and no ServiceAccount of a Pod");
}

#[tokio::test]
async fn a_state_nested_200_deep_is_an_error_and_not_a_crash() {
    let pipeline = Pipeline::with_state(&json!({"app": "shop"})).await;
    let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    let patch = format!(r#"{{"spec":{{"state":{{"deep":{deep}}}}}}}"#);
    let mut kubectl = Command::from(pipeline.0.access.kubectl_as(Role::Admin));
    kubectl.args(["patch", "cctx", "shop", "--type", "merge", "-p", &patch, "-n", &pipeline.0.namespace]);
    let patched = ran(kubectl).await;
    assert_eq!(patched.code, 0, "{patched:?}");
    let failed = pipeline.run(&["get", "shop", "state.app"]).await;
    assert_eq!((failed.code, failed.data.as_str()), (1, ""));
    assert!(failed.errors.contains("state may be nested 64 deep"), "{failed:?}");
}
