//! Runs the scripts of a Tekton Task, an Argo Workflow or a Job as their containers would, without the containers: with
//! what the manifest says of their environment, with the rights of a pipeline, in a folder of their own.

use std::path::Path;

use cicdcontext_tests::tekton::Given;
use serde_json::Value;

use crate::{page::Typist, scene::Scene, tekton::Runner};

/// API groups of the kinds whose scripts are run.
const GROUPS: [&str; 3] = ["tekton.dev/", "argoproj.io/", "batch/"];

/// Whether the scripts of a manifest are to be run; others are applied.
pub(crate) fn is_one(manifest: &str) -> bool {
    let version = manifest.lines().find_map(|line| line.strip_prefix("apiVersion: "));
    version.is_some_and(|version| GROUPS.iter().any(|group| version.starts_with(group)))
}

/// One script, and the environment that its manifest gives it.
#[derive(Debug)]
struct Script {
    text: String,
    variables: Vec<(String, String)>,
}

/// Runs the scripts of a manifest in their order; each has to succeed.
pub(crate) async fn run(scene: &Scene, typist: &Typist<'_>, manifest: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tools")).unwrap();
    let document: Value = serde_saphyr::from_str(manifest).unwrap();
    if document["kind"] == "TaskRun" {
        return task_run(scene, &document).await;
    }
    let scripts = scripts(&document, folder.path());
    assert!(!scripts.is_empty(), "{manifest}\nhas no script");
    for Script { text, variables } in scripts {
        let ran = typist.run(&text, &variables).await;
        assert!(ran.success, "{text}\n{variables:?}\n{}\n{}", ran.output, scene.log());
    }
}

/// Runs a Task of deploy/tekton.
async fn task_run(scene: &Scene, document: &Value) {
    let runner = Runner::new(scene).await;
    let given = list(&document["spec"]["params"]);
    let given: Vec<(&str, Given)> = given
        .iter()
        .map(|given| (given["name"].as_str().unwrap(), serde_json::from_value(given["value"].clone()).unwrap()))
        .collect();
    let task = document["spec"]["taskRef"]["name"].as_str().unwrap();
    // The authorizer learns of the pipeline's rights through a watch of its own; what has run changes nothing again.
    let run = async || runner.run(task, "run-1", &given).await.map_err(|error| format!("{document}: {error:?}"));
    scene.until("the TaskRun succeeds", run).await;
}

fn scripts(document: &Value, folder: &Path) -> Vec<Script> {
    let spec = &document["spec"];
    match document["kind"].as_str() {
        Some("Task") => {
            let shared = list(&spec["stepTemplate"]["env"]);
            let steps = list(&spec["steps"]);
            let script = |step: &Value| Script {
                text: in_folder(step["script"].as_str().unwrap(), folder),
                variables: variables(shared.iter().chain(&list(&step["env"])), &spec["params"], "default", folder),
            };
            steps.iter().map(script).collect()
        }
        Some("Workflow") => {
            let templates = list(&spec["templates"]);
            let script = |template: &Value| {
                let (script, parameters) = (&template["script"], &template["inputs"]["parameters"]);
                let text = script["source"].as_str()?;
                let variables = variables(list(&script["env"]).iter(), parameters, "value", folder);
                Some(Script { text: in_folder(text, folder), variables })
            };
            templates.iter().filter_map(script).collect()
        }
        _ => {
            let containers = list(&spec["template"]["spec"]["containers"]);
            let script = |container: &Value| {
                assert_eq!(container["command"], serde_json::json!(["sh", "-c"]));
                Script {
                    text: in_folder(container["args"][0].as_str().unwrap(), folder),
                    variables: variables(list(&container["env"]).iter(), &Value::Null, "", folder),
                }
            };
            containers.iter().map(script).collect()
        }
    }
}

/// The environment, with the values that a run would put in.
fn variables<'v>(
    entries: impl Iterator<Item = &'v Value>,
    parameters: &Value,
    given: &str,
    folder: &Path,
) -> Vec<(String, String)> {
    let parameters = list(parameters);
    let value = |entry: &Value| match entry["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
        Some(path) if path.contains("completion-index") => "0".to_owned(),
        Some(_) => "job-1".to_owned(),
        None => {
            let mut text = entry["value"].as_str().unwrap().to_owned();
            for uid in ["$(context.taskRun.uid)", "{{workflow.uid}}"] {
                text = text.replace(uid, "run-1");
            }
            for parameter in &parameters {
                let name = parameter["name"].as_str().unwrap();
                let value = parameter[given].as_str().unwrap_or_default();
                for reference in [format!("$(params.{name})"), format!("{{{{inputs.parameters.{name}}}}}")] {
                    text = text.replace(&reference, value);
                }
            }
            if let Some(result) = text.strip_prefix("$(results.").and_then(|rest| rest.strip_suffix(".path)")) {
                text = format!("/{result}");
            }
            in_folder(&text, folder)
        }
    };
    entries.map(|entry| (entry["name"].as_str().unwrap().to_owned(), value(entry))).collect()
}

/// Paths of the container, in the folder.
fn in_folder(text: &str, folder: &Path) -> String {
    let folder = folder.display().to_string();
    let text = text.replace("/tmp/", &format!("{folder}/"));
    if text.starts_with('/') && !text.starts_with(&folder) { format!("{folder}{text}") } else { text }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
