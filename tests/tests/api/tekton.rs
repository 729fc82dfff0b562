//! deploy/tekton: its manifests on an API server that has Tekton's CRDs, and its Tasks as processes, with the very command and
//! arguments that Tekton would start, against the API server and an operator.

use std::{
    collections::BTreeMap,
    env,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
};

use cicdcontext_tests::{
    cluster::{Role, workspace},
    tekton::{Catalog, Given, Index, Run, references},
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{ListParams, PostParams},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    cli::bind_pipeline,
    object::Kind,
    page::{kubeconfig, programs, type_in},
    scene::Scene,
};

/// Where Tekton's CRDs are, if not beside the project.
const FOLDER: &str = "TEKTON_CRDS";

/// Says that a test does nothing. Not by `eprintln!`: of a test that does not fail, that is never shown.
fn skipped(test: &str, reason: &str) {
    std::io::stderr().write_all(format!("SKIPPED: {test}: {reason}\n").as_bytes()).unwrap();
}

/// Tekton's CRDs on the API server, or why they are not.
async fn install_tekton(scene: &Scene) -> Result<(), String> {
    let folder = env::var_os(FOLDER).map_or_else(|| workspace().join("../shared/tekton"), PathBuf::from);
    if !folder.is_dir() {
        return Err(format!("{} is not there, and ${FOLDER} names no other folder", folder.display()));
    }
    let definitions: Api<CustomResourceDefinition> = Api::all(scene.client.clone());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let mut definition: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        // Nobody answers at Tekton's webhook here.
        definition["spec"]["conversion"] = json!({"strategy": "None"});
        let definition: CustomResourceDefinition = serde_json::from_value(definition).unwrap();
        names.push(definition.metadata.name.clone().unwrap());
        match definitions.create(&PostParams::default(), &definition).await {
            // They are there already: another test was quicker, or the cluster has Tekton.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            created => drop(created.unwrap()),
        }
    }
    let established = async || {
        let all = definitions.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let ready = |definition: &CustomResourceDefinition| {
            let conditions = definition.status.as_ref().and_then(|status| status.conditions.as_ref());
            conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Established" && one.status == "True"))
        };
        let waiting =
            |name: &&String| !all.items.iter().any(|found| found.metadata.name.as_ref() == Some(*name) && ready(found));
        names.iter().find(waiting).map_or(Ok(()), |name| Err(format!("{name} is not established")))
    };
    scene.until("Tekton's kinds are served", established).await;
    Ok(())
}

/// An overlay of deploy/tekton in the scene's namespace, as README.md says to write one.
fn overlay(scene: &Scene) -> TempDir {
    let folder = tempfile::tempdir_in(workspace().join("target/integration")).unwrap();
    let text = format!("namespace: {}\nresources: [../../../deploy/tekton]\n", scene.namespace);
    std::fs::write(folder.path().join("kustomization.yaml"), text).unwrap();
    folder
}

#[tokio::test]
async fn tekton_accepts_the_manifests_and_runs_of_them_and_refuses_broken_ones() {
    let scene = Scene::without_operator().await;
    if let Err(reason) = install_tekton(&scene).await {
        skipped("tekton_accepts_the_manifests_and_runs_of_them_and_refuses_broken_ones", &reason);
        return;
    }
    let admin = kubeconfig(&scene, Role::Admin).await;
    let folder = overlay(&scene);
    let apply = format!("kubectl apply --server-side --validate=strict -k {}", folder.path().display());
    // The server may be published a moment before its kinds are discovered.
    let applied = async || {
        let ran = type_in(&scene, &admin, &apply, None).await;
        if ran.success { Ok(ran.output) } else { Err(ran.output) }
    };
    let output = scene.until("deploy/tekton is applied", applied).await;
    for object in ["task.tekton.dev/cicd-load", "stepaction.tekton.dev/cicd-event", "pipeline.tekton.dev/cicd-example"]
    {
        assert!(output.contains(&format!("{object} serverside-applied")), "{output}");
    }
    let create = "kubectl create --dry-run=server --validate=strict -f -";
    for run in [
        "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {generateName: r-}, spec: {serviceAccountName: cicd-steps, \
         taskRef: {name: cicd-set}, params: [{name: context, value: shop}, {name: changes, value: ['state.a=b']}]}}",
        "{apiVersion: tekton.dev/v1, kind: PipelineRun, metadata: {generateName: r-}, spec: {pipelineRef: {name: cicd-example}, \
         taskRunTemplate: {serviceAccountName: cicd-steps}, params: [{name: context, value: shop}, \
         {name: base, value: CicdBase/shop}, {name: version, value: 1.4.2}, {name: build-command, value: [make, all]}]}}",
    ] {
        let ran = type_in(&scene, &admin, create, Some(run)).await;
        assert!(ran.success && ran.output.contains("created (server dry run)"), "{run}: {}", ran.output);
    }
    for (broken, expected) in [
        (
            "{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: t}, spec: {steps: [{name: s, comand: [a]}]}}",
            r#"unknown field "spec.steps[0].comand""#,
        ),
        (
            "{apiVersion: tekton.dev/v1, kind: Task, metadata: {name: t}, spec: {steps: [{name: s, args: a}]}}",
            "spec.steps[0].args: Invalid value",
        ),
        (
            "{apiVersion: tekton.dev/v1beta1, kind: StepAction, metadata: {name: t}, spec: {image: i, workspaces: []}}",
            r#"unknown field "spec.workspaces""#,
        ),
        (
            "{apiVersion: tekton.dev/v1, kind: Pipeline, metadata: {name: t}, spec: {tasks: [{name: s, taskref: {name: a}}]}}",
            r#"unknown field "spec.tasks[0].taskref""#,
        ),
        (
            "{apiVersion: tekton.dev/v1, kind: TaskRun, metadata: {name: t}, spec: {serviceAccount: a}}",
            r#"unknown field "spec.serviceAccount""#,
        ),
    ] {
        let ran = type_in(&scene, &admin, create, Some(broken)).await;
        assert!(!ran.success && ran.output.contains(expected), "{broken}: {}", ran.output);
    }
}

#[tokio::test]
async fn the_service_account_of_deploy_tekton_may_do_what_the_tasks_do_in_its_namespace_only() {
    let scene = Scene::without_operator().await;
    let admin = kubeconfig(&scene, Role::Admin).await;
    let folder = overlay(&scene);
    let only = "kubectl apply --server-side -f -";
    let rendered = type_in(&scene, &admin, &format!("kubectl kustomize {}", folder.path().display()), None).await;
    let wanted = ["kind: ServiceAccount\n", "kind: RoleBinding\n"];
    let documents: Vec<_> =
        rendered.output.split("---\n").filter(|one| wanted.iter().any(|kind| one.contains(kind))).collect();
    assert_eq!(documents.len(), 2, "{}", rendered.output);
    let ran = type_in(&scene, &admin, only, Some(&documents.join("---\n"))).await;
    assert!(ran.success, "{}", ran.output);
    let account = format!("system:serviceaccount:{}:cicd-steps", scene.namespace);
    let may = async |what: &str| {
        let command = format!("kubectl auth can-i {what} --as {account}");
        type_in(&scene, &admin, &command, None).await.output.lines().last().unwrap_or_default().to_owned()
    };
    // The authorizer learns of a binding through a watch of its own.
    let bound = async || if may("create cicdcontexts").await == "yes" { Ok(()) } else { Err("not yet".to_owned()) };
    scene.until("the ServiceAccount may create contexts", bound).await;
    for (what, expected) in [
        ("patch cicdcontexts", "yes"),
        ("create cicdevents", "yes"),
        ("create cicdstatewrites", "yes"),
        ("get cicdbases", "yes"),
        ("patch cicdbases", "no"),
        ("get secrets", "no"),
        ("delete cicdcontexts", "no"),
        ("create cicdcontexts -n default", "no"),
    ] {
        assert_eq!(may(what).await, expected, "{what}");
    }
}

/// Runs Tasks as Tekton would, as processes with the rights of a pipeline.
pub(crate) struct Runner<'s> {
    scene: &'s Scene,
    kubeconfig: PathBuf,
    catalog: Catalog,
    /// Stands for the file system of the Pods.
    folder: TempDir,
}

impl<'s> Runner<'s> {
    /// For a scene, whose pipeline's user may do what cicd-pipeline says.
    pub(crate) async fn new(scene: &'s Scene) -> Self {
        Self {
            kubeconfig: kubeconfig(scene, Role::Pipeline).await,
            catalog: Catalog::read(&workspace().join("deploy/tekton")).unwrap(),
            folder: tempfile::tempdir().unwrap(),
            scene,
        }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// Runs a Task; gives its results, or the exit code and output of the step that failed.
    pub(crate) async fn run(
        &self,
        task: &str,
        uid: &str,
        given: &[(&str, Given)],
    ) -> Result<BTreeMap<String, String>, (i32, String)> {
        let files = self.path("workspace");
        let run = Run {
            uid,
            name: "run",
            namespace: &self.scene.namespace,
            folder: &self.path("tekton"),
            workspaces: &[("files", &files)],
            given,
        };
        let started = self.catalog.start(task, &run).unwrap_or_else(|error| panic!("{error}"));
        std::fs::create_dir_all(&files).unwrap();
        std::fs::create_dir_all(self.path("tekton/results")).unwrap();
        for (_, file) in &started.results {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        }
        for container in &started.containers {
            // The folder that all steps share.
            let inside = |text: &String| text.replace("=/workspace/", &format!("={}/", files.display()));
            let mut line = container.command.iter().chain(&container.args).map(inside);
            let mut command = Command::new(self.program(&line.next().unwrap()));
            command.args(line).env_clear().env("KUBECONFIG", &self.kubeconfig).current_dir(&files);
            command.envs(container.env.iter().map(|(name, value)| (name, value)));
            let ended = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
            if !ended.status.success() {
                let output = [ended.stdout, ended.stderr].concat();
                return Err((ended.status.code().unwrap_or(-1), String::from_utf8_lossy(&output).into_owned()));
            }
        }
        let read = |(name, file): &(String, PathBuf)| (name.clone(), std::fs::read_to_string(file).unwrap());
        Ok(started.results.iter().map(read).collect())
    }

    /// What the images have.
    fn program(&self, name: &str) -> PathBuf {
        match name {
            "cicdctl" => programs().join(name),
            "kubectl" => self.scene.access.kubectl(),
            other => panic!("no image is known that has {other}"),
        }
    }
}

/// A scene with a base whose handlers tell a chat of `build` what happened, and a runner.
async fn shop(scene: &Scene) -> Runner<'_> {
    bind_pipeline(scene).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let tell = |message: &str| json!([{"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": message}}]);
    let handlers = json!({"pipelines": {"build": {"eventHandlers": {
        "success": tell("built {{state.image}}, {{event.data.image}}"),
        "failure": tell("{{event.data.pipelineRun}} failed"),
    }}}});
    scene.create(Kind::Base, "shop", &handlers).await;
    Runner::new(scene).await
}

#[tokio::test]
async fn each_task_does_its_work_with_untrusted_texts_and_the_rights_of_a_pipeline() {
    let scene = Scene::new().await;
    let runner = shop(&scene).await;
    let context = || ("context", Given::from("shop"));
    let nothing = BTreeMap::new();
    let beginning = |version: &str| {
        [context(), ("options", ["--base=CicdBase/shop", &format!("--set=state.version={version}")].into())]
    };
    // The authorizer learns of the binding through a watch of its own.
    let begun =
        async || runner.run("cicd-init", "uid-1", &beginning("1.4.2")).await.map_err(|error| format!("{error:?}"));
    assert_eq!(scene.until("the run begins", begun).await, nothing);
    assert_eq!(
        runner.run("cicd-init", "uid-1", &beginning("1.4.3")).await,
        Ok(nothing.clone()),
        "the TaskRun is retried"
    );
    let (code, output) = runner.run("cicd-init", "uid-2", &beginning("1.4.4")).await.unwrap_err();
    assert_eq!(code, 4, "another run: {output}");
    let untrusted = "$(touch x); `id` '\"\n--unset=state.version $(params.context) {{state.version}} é";
    let changes = [&format!("state.title={untrusted}"), "state.passed:=128", "state.zones{}:=[\"eu\", \"us\"]"];
    runner.run("cicd-set", "uid-3", &[context(), ("changes", changes.into())]).await.unwrap();
    let only_if = [context(), ("changes", ["state.a=b"].into()), ("options", ["--if=state.version=2"].into())];
    assert_eq!(runner.run("cicd-set", "uid-3", &only_if).await.unwrap_err().0, 4);
    for (path, options, expected) in [
        ("state.title", vec![], untrusted),
        ("state.passed", vec![], "128"),
        ("state.zones", vec![], r#"["eu","us"]"#),
        ("state.reviewer", vec!["--default=nobody".to_owned()], "nobody"),
    ] {
        let given = [context(), ("path", path.into()), ("options", Given::List(options))];
        let results = runner.run("cicd-get", "uid-4", &given).await;
        assert_eq!(results, Ok(BTreeMap::from([("value".to_owned(), expected.to_owned())])));
    }
    let missing = runner.run("cicd-get", "uid-4", &[context(), ("path", "state.reviewer".into())]).await;
    assert_eq!(missing.unwrap_err().0, 3);
    runner.run("cicd-load", "uid-5", &[context(), ("paths", ["state.version", "state.passed"].into())]).await.unwrap();
    let read = |file: &str| std::fs::read_to_string(runner.path("workspace").join(file)).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&read("state.json")).unwrap(),
        json!({"state.version": "1.4.2", "state.passed": 128})
    );
    assert_eq!(read("state.sh").lines().count(), 2);
    assert!(read("state.env").contains("1.4.2"));
    let data = format!("--data=image={untrusted}");
    let event = [context(), ("event", "build=success".into()), ("options", ["--set=state.image=shop:1", &data].into())];
    for _ in 0..2 {
        // The second time is a retry of the same TaskRun.
        runner.run("cicd-event", "uid-6", &event).await.unwrap();
    }
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert_eq!(arrived[0].body, json!({"text": format!("built shop:1, {untrusted}")}));
    let state = &scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"];
    assert_eq!(state["title"], untrusted);
    assert_eq!(state["version"], "1.4.2");
    let untouched: Vec<_> =
        std::fs::read_dir(runner.path("workspace")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(untouched.len(), 3, "nothing else was written: {untouched:?}");
}

#[tokio::test]
async fn the_task_for_kubectl_alone_writes_state_and_fires_an_event_once() {
    let scene = Scene::new().await;
    let runner = shop(&scene).await;
    let base = json!({"bases": [{"kind": "CicdBase", "name": "shop"}], "state": {"old": 1}});
    scene.create(Kind::Context, "shop", &base).await;
    let state = r#"{"image": "shop:1.4.2 \"it's\"", "old": null}"#;
    let given = [
        ("context", Given::from("shop")),
        ("state", state.into()),
        ("event", "build=failure".into()),
        ("image", "registry.example/kubectl".into()),
    ];
    let run = async || runner.run("cicd-kubectl", "8a4c0f6e-uid", &given).await.map_err(|error| format!("{error:?}"));
    scene.until("the Task runs", run).await;
    let arrived = scene.arrived("/chat", 1).await;
    assert_eq!(arrived[0].body, json!({"text": " failed"}));
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"], json!({"image": "shop:1.4.2 \"it's\""}));
    run().await.unwrap();
    let done = scene.taken_in("shop", "8a4c0f6e-uid").await;
    assert_eq!(done["spec"]["event"], "failure");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

/// Puts the values of a PipelineRun into what a Pipeline passes to a task.
fn put_in(
    value: &Given,
    params: &BTreeMap<String, Given>,
    results: &BTreeMap<String, BTreeMap<String, String>>,
) -> Given {
    let text = |text: &str| {
        let mut put_in = text.to_owned();
        for found in references(text) {
            let path: Vec<&str> = found.path.iter().map(String::as_str).collect();
            let value = match path.as_slice() {
                ["params", name] => match &params[*name] {
                    Given::Text(value) => value.clone(),
                    Given::List(_) => panic!("{text}: a list"),
                },
                ["tasks", task, "results", result] => results[*task][*result].clone(),
                ["context", "pipelineRun", "name"] => "shop-1".to_owned(),
                _ => panic!("{text}"),
            };
            put_in = put_in.replace(&found.text, &value);
        }
        put_in
    };
    match value {
        Given::Text(one) => Given::Text(text(one)),
        Given::List(items) => Given::List(
            items
                .iter()
                .flat_map(|item| match references(item).as_slice() {
                    [all] if all.index == Index::All => match &params[&all.path[1]] {
                        Given::List(list) => list.clone(),
                        Given::Text(_) => panic!("{item}: a text"),
                    },
                    _ => vec![text(item)],
                })
                .collect(),
        ),
    }
}

#[tokio::test]
async fn the_pipeline_runs_from_its_beginning_to_its_report() {
    let scene = Scene::new().await;
    let runner = shop(&scene).await;
    let pipeline = runner.catalog.documents().iter().find(|document| document["kind"] == "Pipeline").unwrap();
    let mut params: BTreeMap<String, Given> = BTreeMap::new();
    for parameter in pipeline["spec"]["params"].as_array().unwrap() {
        let name = parameter["name"].as_str().unwrap();
        let value = match name {
            "context" => json!("shop-1.4.2"),
            "base" => json!("CicdBase/shop"),
            "version" => json!("1.4.2"),
            _ => parameter["default"].clone(),
        };
        params.insert(name.to_owned(), serde_json::from_value(value).unwrap());
    }
    let mut results = BTreeMap::new();
    let all = ["tasks", "finally"].map(|field| pipeline["spec"][field].as_array().unwrap());
    for (index, task) in all.into_iter().flatten().enumerate() {
        let passed = task["params"].as_array().unwrap().iter().map(|passed| {
            let value: Given = serde_json::from_value(passed["value"].clone()).unwrap();
            (passed["name"].as_str().unwrap(), put_in(&value, &params, &results))
        });
        let passed: Vec<_> = passed.collect();
        let (name, of) = (task["name"].as_str().unwrap(), task["taskRef"]["name"].as_str().unwrap());
        let uid = format!("uid-{index}");
        let run = async || runner.run(of, &uid, &passed).await.map_err(|error| format!("{error:?}"));
        let written = scene.until(&format!("task {name} runs"), run).await;
        results.insert(name.to_owned(), written);
    }
    let arrived = scene.arrived("/chat", 2).await;
    let texts: Vec<_> = arrived.iter().map(|arrived| arrived.body["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["built registry.example/shop:1.4.2, registry.example/shop:1.4.2", "shop-1 failed"]);
    assert_eq!(results["build"], BTreeMap::from([("version".to_owned(), "1.4.2".to_owned())]));
    assert_eq!(results["image"]["value"], "registry.example/shop:1.4.2");
    let loaded = Path::new("state.json");
    let loaded = std::fs::read_to_string(runner.path("workspace").join(loaded)).unwrap();
    let loaded: Value = serde_json::from_str(&loaded).unwrap();
    assert_eq!(loaded, json!({"version": "1.4.2", "pipelineRun": "shop-1", "phase": "building"}));
}

#[tokio::test]
async fn an_answered_choice_becomes_one_event_however_often_it_is_sent() {
    let scene = Scene::new().await;
    bind_pipeline(&scene).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let message = "{{event.data.by}} chose {{event.data.value}}";
    let handlers = json!([{"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": message}}]);
    let pipelines = json!({"pipelines": {"release": {"eventHandlers": {"chosen": handlers}}}});
    scene.create(Kind::Context, "shop", &pipelines).await;
    let runner = Runner::new(&scene).await;
    let of = |kind: &str| {
        let all = runner.catalog.documents().iter();
        all.filter(|document| document["kind"] == kind).map(|document| &document["spec"]).next().unwrap()
    };
    let body = json!({"context": "shop", "value": "deploy:eu", "by": "ada@team", "id": "1700.1"});
    // As Tekton Triggers does it: the binding takes values out of the body, the template puts them into a TaskRun.
    let mut run = of("TriggerTemplate")["resourcetemplates"][0].to_string();
    for bound in of("TriggerBinding")["params"].as_array().unwrap() {
        let from = &references(bound["value"].as_str().unwrap())[0].path[1];
        let value = body[from].as_str().unwrap_or_else(|| panic!("the answer has {from}"));
        run = run.replace(&format!("$(tt.params.{})", bound["name"].as_str().unwrap()), value);
    }
    let run: Value = serde_json::from_str(&run).unwrap();
    let task = run["spec"]["taskRef"]["name"].as_str().unwrap();
    let params = run["spec"]["params"].as_array().unwrap().iter();
    let given =
        params.map(|given| (given["name"].as_str().unwrap(), serde_json::from_value(given["value"].clone()).unwrap()));
    let given: Vec<(&str, Given)> = given.collect();
    for uid in ["uid-1", "uid-2"] {
        let started = async || runner.run(task, uid, &given).await.map_err(|error| format!("{error:?}"));
        scene.until("the TaskRun hands the event over", started).await;
    }
    scene.arrived("/chat", 1).await;
    assert_eq!(scene.list(Kind::Event).await.len(), 1);
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].body, json!({"text": "ada@team chose deploy:eu"}));
}
