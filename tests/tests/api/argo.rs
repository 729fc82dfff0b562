//! deploy/argo: the templates for Argo Workflows as processes, with the very command and arguments that Argo would start, and
//! what Argo CD makes of real objects, asked with the libraries that Argo CD has (`tests/argo`).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Stdio,
};

use cicdcontext_cli::arguments::Arguments;
use cicdcontext_tests::cluster::{Role, workspace};
use clap::Parser;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command, sync::OnceCell};

use crate::{
    cli::bind_pipeline,
    object::{Kind, event, on_success, tells, with},
    page::{kubeconfig, programs},
    scene::Scene,
};

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace().join("deploy/argo").join(path)).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn templates() -> Vec<Value> {
    let template: Value = serde_saphyr::from_str(&read("workflows/templates.yaml")).unwrap();
    list(&template["spec"]["templates"]).to_vec()
}

/// The variables that a text names, as in `inputs.parameters.path`.
fn variables(text: &str) -> BTreeSet<String> {
    text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().to_owned()).collect()
}

/// A template with the values of a run.
fn put_in(template: &Value, given: &[(&str, &str)]) -> Value {
    let mut text = template["container"].to_string().replace("{{workflow.uid}}", "uid-1");
    for parameter in list(&template["inputs"]["parameters"]) {
        let name = parameter["name"].as_str().unwrap();
        let value = given.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
        let value = value.or_else(|| parameter["value"].as_str()).unwrap_or_else(|| panic!("{name} is not given"));
        // As Argo does it: in the template's JSON, with the value escaped for that.
        let escaped = json!(value).to_string();
        text = text.replace(&format!("{{{{inputs.parameters.{name}}}}}"), escaped.trim_matches('"'));
    }
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_templates_declare_what_they_use_and_use_what_they_declare_and_cicdctl_understands_them() {
    let mut verbs = Vec::new();
    for template in templates() {
        let name = template["name"].as_str().unwrap();
        let container = &template["container"];
        let used = variables(&container.to_string());
        let inputs = list(&template["inputs"]["parameters"]);
        let mut declared: BTreeSet<_> =
            inputs.iter().map(|input| format!("inputs.parameters.{}", input["name"].as_str().unwrap())).collect();
        if used.contains("workflow.uid") {
            declared.insert("workflow.uid".to_owned());
        }
        assert_eq!(used, declared, "{name}");
        let context = &container["securityContext"];
        assert_eq!(context["runAsNonRoot"], true, "{name}");
        assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{name}");
        let args: Vec<_> = list(&container["args"]).iter().map(|arg| arg.as_str().unwrap()).collect();
        for output in list(&template["outputs"]["parameters"]) {
            let path = output["valueFrom"]["path"].as_str().unwrap();
            assert!(args.iter().any(|arg| arg.ends_with(&format!("={path}"))), "{name} writes {path}");
            assert_eq!(container["volumeMounts"][0]["mountPath"], "/tmp", "{name}: the root cannot be written");
        }
        let given = [
            ("context", "shop"),
            ("base", "CicdBase/shop"),
            ("version", "1"),
            ("event", "a=b"),
            ("path", "state.a"),
            ("value", "--x"),
        ];
        let container = put_in(&template, &given);
        let line = list(&container["command"]).iter().chain(list(&container["args"])).map(|arg| arg.as_str().unwrap());
        let line: Vec<_> = line.collect();
        Arguments::try_parse_from(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
        verbs.push(name.to_owned());
    }
    assert_eq!(verbs, ["init", "get", "set", "load", "event"].map(|verb| format!("cicd-{verb}")));
}

/// Runs a template as a process; gives its output parameters.
async fn run(
    scene: &Scene,
    kubeconfig: &Path,
    name: &str,
    given: &[(&str, &str)],
) -> Result<BTreeMap<String, String>, String> {
    let all = templates();
    let template = all.iter().find(|template| template["name"] == name).unwrap();
    let container = put_in(template, given);
    let folder = tempfile::tempdir().unwrap();
    let inside = |arg: &Value| arg.as_str().unwrap().replace("=/tmp/", &format!("={}/", folder.path().display()));
    let mut command = Command::new(programs().join(container["command"][0].as_str().unwrap()));
    command.args(list(&container["args"]).iter().map(inside)).env_clear().env("KUBECONFIG", kubeconfig);
    for variable in list(&container["env"]) {
        command.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
    }
    let ended = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    if !ended.status.success() {
        return Err(format!("{}: {}\n{}", ended.status, String::from_utf8_lossy(&ended.stderr), scene.log()));
    }
    let file = |path: &str| folder.path().join(path.trim_start_matches("/tmp/"));
    let output = |output: &Value| {
        let path = output["valueFrom"]["path"].as_str().unwrap();
        (output["name"].as_str().unwrap().to_owned(), std::fs::read_to_string(file(path)).unwrap())
    };
    Ok(list(&template["outputs"]["parameters"]).iter().map(output).collect())
}

#[tokio::test]
async fn the_templates_do_their_work_with_the_rights_of_a_pipeline() {
    let scene = Scene::new().await;
    bind_pipeline(&scene).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let handler = json!([{"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": "{{state.title}}: {{event.data.message}}"}}]);
    scene.create(Kind::Base, "shop", &on_success(&handler)).await;
    let pipeline = kubeconfig(&scene, Role::Pipeline).await;
    let context = ("context", "shop");
    let beginning = [context, ("base", "CicdBase/shop"), ("version", "1.4.2")];
    let begun = async || run(&scene, &pipeline, "cicd-init", &beginning).await;
    scene.until("the run begins", begun).await;
    run(&scene, &pipeline, "cicd-init", &beginning).await.expect("the same Workflow keeps it");
    let title = "a \"b\"\n$(touch x) `id`";
    run(&scene, &pipeline, "cicd-set", &[context, ("path", "state.title"), ("value", title)]).await.unwrap();
    let value = run(&scene, &pipeline, "cicd-get", &[context, ("path", "state.title")]).await.unwrap();
    assert_eq!(value, BTreeMap::from([("value".to_owned(), title.to_owned())]));
    let all = run(&scene, &pipeline, "cicd-load", &[context]).await.unwrap();
    assert_eq!(serde_json::from_str::<Value>(&all["json"]).unwrap(), json!({"version": "1.4.2", "title": title}));
    for _ in 0..2 {
        let fire = [context, ("event", "build=success"), ("text", "it's done")];
        run(&scene, &pipeline, "cicd-event", &fire).await.unwrap();
    }
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 1, "a step that runs again fires nothing");
    assert_eq!(arrived[0].body, json!({"text": format!("{title}: it's done")}));
}

/// The program that asks with Argo CD's libraries.
async fn argo() -> &'static Path {
    static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
    let build = async || {
        let program = workspace().join("target/integration/argo");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(&program).arg(".").current_dir(workspace().join("tests/argo"));
        let built = go.output().await.expect("Go builds tests/argo, as it builds the control plane");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        program
    };
    PROGRAM.get_or_init(build).await
}

async fn ask(arguments: &[&str], object: &Value) -> Value {
    let mut command = Command::new(argo().await);
    command.args(arguments).current_dir(workspace().join("deploy/argo/cd")).kill_on_drop(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(object.to_string().as_bytes()).await.unwrap();
    let ended = child.wait_with_output().await.unwrap();
    assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

/// Health and message of an object.
async fn health(kind: &str, object: &Value) -> (String, String) {
    let answer = ask(&["health", &format!("health/{kind}.lua")], object).await;
    let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("message"))
}

#[tokio::test]
async fn argo_cd_shows_the_health_of_contexts() {
    let scene = Scene::new().await;
    scene.shop().await;
    let told = async |name: &str, reached: &str| {
        let object = scene.wait(Kind::Context, name, reached, |object| object.to_string().contains(reached)).await;
        health("cicdcontext", &object).await
    };
    assert_eq!(told("shop", "Resolved").await.0, "Healthy");
    let schema = json!({"stateSchema": {"properties": {"a": {"type": "string"}}}, "state": {"a": 1}});
    scene.create(Kind::Context, "invalid", &schema).await;
    let (status, message) = told("invalid", "SchemaViolated").await;
    assert!(status == "Degraded" && message.contains("state.a"), "{status} {message}");
    scene.create(Kind::Context, "early", &json!({"bases": [{"kind": "CicdBase", "name": "late"}]})).await;
    let (status, message) = told("early", "BaseNotFound").await;
    assert!(status == "Progressing" && message.contains("late"), "{status} {message}");
    let unknown = json!({"context": "stage", "contexts": {"prod": {}}});
    scene.create(Kind::Context, "unknown", &unknown).await;
    let (status, message) = told("unknown", "UnknownSelectedContext").await;
    assert!(status == "Degraded" && message.contains("stage"), "{status} {message}");
    scene.create(Kind::Context, "waits", &json!({"suspend": true})).await;
    assert_eq!(told("waits", "Resolved").await.0, "Suspended");
    let new = Scene::without_operator().await;
    let created = new.create(Kind::Context, "new", &json!({})).await;
    let nobody = "the operator has not looked at it yet".to_owned();
    assert_eq!(health("cicdcontext", &created).await, ("Progressing".to_owned(), nobody));
    let mut ending = created;
    ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(health("cicdcontext", &ending).await, ("Progressing".to_owned(), "is being deleted".to_owned()));
}

#[tokio::test]
async fn argo_cd_shows_the_health_of_events() {
    let scene = Scene::new().await;
    scene.shop().await;
    let mut patient = tells("slow", "x");
    patient["state"] = json!({});
    scene.endpoint("slow", "/slow", &json!({"retry": {"maxAttempts": 5}})).await;
    scene.receiver.answer("/slow", cicdcontext_tests::receiver::Answer::text(503, "later"));
    scene.create(Kind::Context, "slow", &patient).await;
    scene.create(Kind::Context, "waits", &with(tells("chat", "x"), &json!({"suspend": true}))).await;
    for (name, context, what, phase, expected) in [
        ("good", "shop", "build=success", "Succeeded", "Healthy"),
        ("skipped", "shop", "build=unknown", "Skipped", "Healthy"),
        ("bad", "shop", "nothing=success", "Failed", "Degraded"),
        ("retrying", "slow", "build=success", "Retrying", "Progressing"),
        ("suspended", "waits", "build=success", "Suspended", "Suspended"),
        ("early", "absent", "build=success", "ContextNotFound", "Progressing"),
    ] {
        scene.create(Kind::Event, name, &event(context, what)).await;
        let reached = |object: &Value| object["status"].to_string().contains(&format!("\"{phase}\""));
        let object = scene.wait(Kind::Event, name, phase, reached).await;
        let (status, message) = health("cicdevent", &object).await;
        assert_eq!(status, expected, "{object:#}");
        assert!(!message.is_empty(), "{object:#}");
    }
    let running = json!({"metadata": {}, "status": {"phase": "Running"}});
    assert_eq!(health("cicdevent", &running).await, ("Progressing".to_owned(), "Running".to_owned()));
    let nobody = ("Progressing".to_owned(), "its turn has not come".to_owned());
    assert_eq!(health("cicdevent", &json!({"metadata": {}})).await, nobody);
}

#[tokio::test]
async fn argo_cd_ignores_what_belongs_to_the_run_and_nothing_else() {
    let settings: Value = serde_saphyr::from_str(&read("cd/argocd-cm.yaml")).unwrap();
    for kind in ["Context", "Event"] {
        let check = &settings["data"][format!("resource.customizations.health.cicdcontext.io_Cicd{kind}")];
        assert_eq!(check.as_str().unwrap(), read(&format!("cd/health/cicd{}.lua", kind.to_lowercase())), "{kind}");
    }
    let ignored =
        settings["data"]["resource.customizations.ignoreDifferences.cicdcontext.io_CicdContext"].as_str().unwrap();
    let ignored: Value = serde_saphyr::from_str(ignored).unwrap();
    let scene = Scene::new().await;
    scene.shop().await;
    scene.annotate("shop", "17", "build=success").await;
    scene.finished_annotation("shop", "17").await;
    let mut object = scene
        .wait(Kind::Context, "shop", "has a ledger", |object| object.to_string().contains("cicdcontext.io/applied"))
        .await;
    object["metadata"]["annotations"]["event.cicdcontext.io/18"] = json!("build=success");
    object["metadata"]["annotations"]["cicdcontext.io/run-uid"] = json!("uid-1");
    object["metadata"]["annotations"]["team.example/owner"] = json!("shop");
    let before = object.clone();
    for pointer in list(&ignored["jsonPointers"]) {
        let (parent, key) = pointer.as_str().unwrap().rsplit_once('/').unwrap();
        let key = key.replace("~1", "/");
        let removed = object.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(&key);
        assert!(removed.is_some(), "{pointer} is there");
    }
    for path in list(&ignored["jqPathExpressions"]) {
        object = ask(&["ignore", path.as_str().unwrap()], &object).await;
    }
    let mut expected = before;
    expected["spec"].as_object_mut().unwrap().remove("state");
    expected["metadata"]["annotations"] = json!({"team.example/owner": "shop"});
    assert_eq!(object, expected);
    let bare = json!({"metadata": {"name": "shop"}});
    assert_eq!(ask(&["ignore", ignored["jqPathExpressions"][0].as_str().unwrap()], &bare).await, bare);
}
