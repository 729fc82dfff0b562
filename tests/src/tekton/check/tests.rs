use std::path::Path;

use cicdcontext_cli::arguments::Arguments;
use clap::Parser;

use super::*;
use crate::{
    cluster::workspace,
    tekton::{Given, Run, StartError},
};

/// The manifests of this project.
fn ours() -> Catalog {
    Catalog::read(&workspace().join("deploy/tekton")).unwrap()
}

fn faults(manifests: &str) -> Vec<String> {
    let mut catalog = Catalog::default();
    catalog.add("the test", manifests).unwrap();
    check(&catalog).iter().map(ToString::to_string).collect()
}

const SECURE: &str = "{allowPrivilegeEscalation: false, runAsNonRoot: true, readOnlyRootFilesystem: true, \
                      capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}";

/// A Task with a description, whose spec goes on with `more` and whose step has `args`.
fn task(more: &str, args: &str) -> String {
    format!(
        "{{kind: Task, metadata: {{name: t}}, spec: {{description: d, {more} \
         steps: [{{name: s, image: i, command: [cicdctl], args: {args}, securityContext: {SECURE}}}]}}}}\n"
    )
}

#[test]
fn the_manifests_of_deploy_declare_what_they_use_and_use_what_they_declare() {
    let catalog = ours();
    let faults = check(&catalog);
    assert!(faults.is_empty(), "{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    for verb in ["init", "get", "set", "load", "event"] {
        let name = format!("cicd-{verb}");
        assert!(catalog.task(&name).is_some() && catalog.step_action(&name).is_some(), "{name}");
    }
    let kinds: BTreeSet<_> = catalog.documents().iter().filter_map(|document| document["kind"].as_str()).collect();
    for kind in ["Pipeline", "TriggerBinding", "TriggerTemplate", "EventListener", "RoleBinding", "ServiceAccount"] {
        assert!(kinds.contains(kind), "{kind}");
    }
}

#[test]
fn a_kustomization_leaves_no_manifest_out() {
    for (folder, others) in [("", vec!["cluster-bases.yaml"]), ("triggers", vec![])] {
        let folder = workspace().join("deploy/tekton").join(folder);
        let text = std::fs::read_to_string(folder.join("kustomization.yaml")).unwrap();
        let mut files = vec![folder.clone()];
        if others.len() == 1 {
            files.extend([folder.join("tasks"), folder.join("stepactions")]);
        }
        for file in files.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
            let path = file.unwrap().path();
            let relative = path.strip_prefix(&folder).unwrap().display().to_string();
            let is_one = path.extension().is_some_and(|extension| extension == "yaml");
            if is_one && relative != "kustomization.yaml" && !others.contains(&relative.as_str()) {
                assert!(text.contains(&format!("  - {relative}\n")), "{relative} is not in {}", folder.display());
            }
        }
    }
}

#[test]
fn parameters_are_declared_used_and_of_the_right_type() {
    let params = "params: [{name: one, description: d}, {name: many, description: d, type: array}],";
    assert_eq!(faults(&task(params, r#"[$(params.one), "$(params.many[*])", "a$(params.many[0])"]"#)), [""; 0]);
    let list = "parameter many is a list: write $(params.many[*]) alone as an item of a list";
    for (arg, expected) in [
        ("$(params.none)", "no parameter none is declared"),
        ("$(params.one[*])", "parameter one is a text, not a list"),
        ("$(params.many)", list),
        ("a$(params.many[*])", list),
        ("$(params['one'])", "there is no such variable in a Task"),
        ("$(parameters.one)", "there is no such variable in a Task"),
    ] {
        let found = faults(&task(params, &format!(r#"[$(params.one), "$(params.many[*])", "{arg}"]"#)));
        let variable = arg.trim_start_matches('a');
        assert_eq!(found, [format!("Task/t spec.steps[0].args[2]: {variable}: {expected}")]);
    }
    let found = faults(&task(params, "[x]"));
    assert_eq!(found, ["one", "many"].map(|name| format!("Task/t spec.params.{name}: is declared and never used")));
    let env =
        task(params, r#"[$(params.one), "$(params.many[*])"]"#).replace("image: i", r#"image: "$(params.many[*])""#);
    assert_eq!(faults(&env), [format!("Task/t spec.steps[0].image: $(params.many[*]): {list}")]);
    let defaults = "params: [{name: one, description: d, default: [a]}, {name: two, default: $(context.taskRun.uid)}],";
    assert_eq!(
        faults(&task(defaults, "[$(params.one), $(params.two)]")),
        [
            "Task/t spec.params.two: has no description",
            "Task/t spec.params: $(context.taskRun.uid): nothing is put in there",
            "Task/t spec.params.one: its default is of another type",
        ]
    );
}

#[test]
fn results_workspaces_and_contexts_are_declared_and_used() {
    let more = "results: [{name: r, description: d}], workspaces: [{name: w, description: d}],";
    let all = "[$(results.r.path), $(workspaces.w.path), $(context.taskRun.uid)]";
    assert_eq!(faults(&task(more, all)), [""; 0]);
    assert_eq!(
        faults(&task(
            more,
            "[$(results.x.path), $(workspaces.x.path), $(context.pipelineRun.uid), $(step.results.r.path)]"
        )),
        [
            "Task/t spec.steps[0].args[0]: $(results.x.path): no result x is declared",
            "Task/t spec.steps[0].args[1]: $(workspaces.x.path): no workspace x is declared",
            "Task/t spec.steps[0].args[2]: $(context.pipelineRun.uid): there is no such variable in a Task",
            "Task/t spec.steps[0].args[3]: $(step.results.r.path): there is no such variable in a Task",
            "Task/t spec.results.r: is declared and never written",
            "Task/t spec.workspaces.w: is declared and never used",
        ]
    );
}

#[test]
fn a_step_action_knows_neither_its_run_nor_workspaces() {
    let action = format!(
        "{{kind: StepAction, metadata: {{name: a}}, spec: {{description: d, results: [{{name: r, description: d}}], image: i, \
         command: [cicdctl], securityContext: {SECURE}, \
         args: [$(results.r.path), $(context.taskRun.uid), $(workspaces.w.path), $(step.results.r.path)]}}}}"
    );
    assert_eq!(
        faults(&action),
        [
            "StepAction/a spec.args[0]: $(results.r.path): a StepAction writes to $(step.results.r.path)",
            "StepAction/a spec.args[1]: $(context.taskRun.uid): nothing says that a StepAction knows its run: take it as a parameter",
            "StepAction/a spec.args[2]: $(workspaces.w.path): a StepAction has no workspaces: take the path as a parameter",
        ]
    );
}

#[test]
fn scripts_and_containers_with_rights_are_refused() {
    let open = "{kind: Task, metadata: {name: t}, spec: {description: d, steps: [{name: s, image: i, script: x}]}}";
    let lacks = |rule: &str| format!("Task/t spec.steps[0].securityContext: lacks {rule}");
    assert_eq!(
        faults(open),
        [
            "Task/t spec.steps[0]: has a script: texts that are put in there are run".to_owned(),
            "Task/t spec.steps[0]: has no command: what the image starts is not known".to_owned(),
            lacks("allowPrivilegeEscalation: false"),
            lacks("capabilities: {drop: [ALL]}"),
            lacks("runAsNonRoot: true"),
            lacks("seccompProfile: {type: RuntimeDefault}"),
        ]
    );
    let writable = task("", "[x]").replace("readOnlyRootFilesystem: true, ", "");
    assert_eq!(faults(&writable), [lacks("readOnlyRootFilesystem: true")]);
}

/// The five Tasks and StepActions of this project, and a manifest.
fn beside_ours(manifest: &str) -> Vec<String> {
    let mut catalog = ours();
    catalog.add("the test", manifest).unwrap();
    check(&catalog).iter().map(ToString::to_string).collect()
}

#[test]
fn a_step_passes_what_its_step_action_needs_and_reads_results_of_steps_before_it() {
    let manifest = "
kind: Task
metadata: {name: t}
spec:
  description: d
  results: [{name: r, description: d, value: $(steps.read.results.other)}]
  steps:
    - name: early
      ref: {name: cicd-set}
      params: [{name: context, value: $(steps.read.results.value)}, {name: changes, value: a}, {name: color, value: a}]
    - {name: read, ref: {name: cicd-get}, params: [{name: path, value: state.a}, {name: path, value: state.b}]}
    - {name: none, ref: {name: cicd-none}}
    - {name: late, ref: {name: cicd-load}, params: [{name: context, value: $(steps.late.results.value)}]}
";
    assert_eq!(
        beside_ours(manifest),
        [
            "Task/t spec.results[0].value: $(steps.read.results.other): StepAction cicd-get has no result other",
            "Task/t spec.steps[0].params[0].value: $(steps.read.results.value): step read has not run then",
            "Task/t spec.steps[3].params[0].value: $(steps.late.results.value): step late has not run then",
            "Task/t spec.steps[0]: parameter changes of cicd-set is of another type",
            "Task/t spec.steps[0]: cicd-set has no parameter color",
            "Task/t spec.steps[1]: cicd-get needs the parameter context",
            "Task/t spec.steps[1]: parameter path is passed twice",
            "Task/t spec.steps[2]: there is no StepAction cicd-none",
        ]
    );
}

#[test]
fn a_pipeline_passes_what_its_tasks_need_and_uses_results_that_there_are() {
    let manifest = r#"
kind: Pipeline
metadata: {name: p}
spec:
  description: d
  params: [{name: a, description: d}, {name: unused, description: d}, {name: many, description: d, type: array}]
  results: [{name: r, description: d, value: $(tasks.read.results.other)}]
  tasks:
    - name: read
      taskRef: {name: cicd-get}
      runAfter: [read]
      params: [{name: context, value: $(tasks.read.results.value)}, {name: options, value: $(params.a)}]
    - name: load
      taskRef: {name: cicd-load}
      params: [{name: context, value: $(params.b)}, {name: paths, value: "$(params.many[*])"}]
    - name: when
      taskRef: {name: cicd-none}
      when: [{input: $(tasks.status), operator: in, values: [$(context.taskRun.uid)]}]
    - name: other
      taskRef: {name: cicd-set}
      workspaces: [{name: files, workspace: files}]
      params: [{name: context, value: $(tasks.gone.results.value)}, {name: changes, value: [a]}]
  finally:
    - name: report
      taskSpec: {steps: []}
      when: [{input: $(tasks.gone.status), operator: in, values: [$(tasks.read.status)]}]
"#;
    let expected = [
        "spec.tasks[0]: cicd-get needs the parameter path",
        "spec.tasks[0]: parameter options of cicd-get is of another type",
        "spec.tasks[0]: runAfter \"read\": there is no such other task",
        "spec.tasks[0].params[0].value: $(tasks.read.results.value): a task waits for itself",
        "spec.tasks[1]: cicd-load needs the workspace files",
        "spec.tasks[1].params[0].value: $(params.b): no parameter b is declared",
        "spec.tasks[2]: there is no Task cicd-none",
        "spec.tasks[2].when[0].input: $(tasks.status): a status is known in finally only",
        "spec.tasks[2].when[0].values[0]: $(context.taskRun.uid): there is no such variable in a Pipeline",
        "spec.tasks[3]: cicd-set has no workspace \"files\"",
        "spec.tasks[3].params[0].value: $(tasks.gone.results.value): there is no task gone",
        "spec.finally[0]: names no Task",
        "spec.finally[0].when[0].input: $(tasks.gone.status): there is no task gone",
        "spec.results[0].value: $(tasks.read.results.other): Task cicd-get has no result other",
        "spec.params.unused: is declared and never used",
    ];
    assert_eq!(beside_ours(manifest), expected.map(|fault| format!("Pipeline/p {fault}")));
}

#[test]
fn triggers_bind_what_their_template_needs_and_start_a_complete_task() {
    let manifest = "
kind: TriggerBinding
metadata: {name: b}
spec: {params: [{name: a, value: $(body.a)}, {name: b, value: $(params.b)}, {name: c, value: fixed}]}
---
kind: TriggerTemplate
metadata: {name: t}
spec:
  params: [{name: a}, {name: d}]
  resourcetemplates:
    - kind: TaskRun
      metadata: {name: fixed}
      spec: {taskRef: {name: cicd-event}, params: [{name: context, value: $(tt.params.x)}, {name: event, value: $(params.a)}]}
    - {kind: Pod, metadata: {generateName: $(tt.params.a)}}
---
kind: EventListener
metadata: {name: l}
spec: {triggers: [{bindings: [{ref: b}, {ref: none}], template: {ref: t}}, {interceptors: [{}], template: {ref: none}}]}
---
kind: TaskRun
metadata: {generateName: r-}
spec: {taskRef: {name: cicd-get}, params: [{name: context, value: $(tt.params.x)}, {name: path, value: state}]}
";
    assert_eq!(
        beside_ours(manifest),
        [
            "TriggerBinding/b spec.params.b: $(params.b): a binding reads body, header, extensions and context.eventID",
            "TriggerBinding/b spec.params.c: reads nothing of the request",
            "TriggerTemplate/t spec.resourcetemplates[0].spec.params[0].value: $(tt.params.x): no parameter x is declared",
            "TriggerTemplate/t spec.resourcetemplates[0].spec.params[1].value: $(params.a): a template knows $(tt.params.NAME) only",
            "TriggerTemplate/t spec.params.d: is declared and never used",
            "TriggerTemplate/t spec.resourcetemplates[0]: has no generateName: the second request would find the name taken",
            "TriggerTemplate/t spec.resourcetemplates[1]: \"Pod\" is no kind that is checked",
            "EventListener/l spec.triggers[0]: there is no TriggerBinding none",
            "EventListener/l spec.triggers[0]: no binding has the parameter d of TriggerTemplate t",
            "EventListener/l spec.triggers[0]: TriggerTemplate t has no parameter b",
            "EventListener/l spec.triggers[0]: TriggerTemplate t has no parameter c",
            "EventListener/l spec.triggers[0]: has no interceptor: it takes requests of anybody",
            "EventListener/l spec.triggers[1]: there is no TriggerTemplate none",
            "TaskRun/r- spec.params[0].value: $(tt.params.x): nothing is put in there",
        ]
    );
}

/// A run of a test, with these parameters.
fn run<'r>(given: &'r [(&'r str, Given)]) -> Run<'r> {
    let workspaces = &[("files", "/workspace/files")];
    let workspaces = Box::leak(Box::new(workspaces.map(|(name, path)| (name, Path::new(path)))));
    Run { uid: "uid-1", name: "run", namespace: "team", folder: Path::new("/tekton"), workspaces, given }
}

/// Each Task with parameters that people would give.
fn samples() -> Vec<(&'static str, Vec<(&'static str, Given)>)> {
    let shop = || ("context", Given::from("shop"));
    vec![
        ("cicd-init", vec![shop(), ("options", ["--base=CicdBase/shop", "--ttl=7d", "--set=state.a=$(x) --y"].into())]),
        ("cicd-init", vec![shop()]),
        ("cicd-get", vec![shop(), ("path", "-x".into()), ("options", ["--default=nobody"].into())]),
        (
            "cicd-set",
            vec![shop(), ("changes", ["state.a=--b", "--state.c=d"].into()), ("options", ["--unset=state.e"].into())],
        ),
        ("cicd-load", vec![shop()]),
        ("cicd-load", vec![shop(), ("paths", ["state.a", "state.b"].into()), ("options", ["--prefix=SHOP_"].into())]),
        ("cicd-event", vec![shop(), ("event", "build=success".into())]),
        ("cicd-event", vec![shop(), ("event", "build=success".into()), ("wait", Given::List(vec![]))]),
        (
            "cicd-example-build",
            vec![shop(), ("changes", ["state.a=b"].into()), ("image", "i".into()), ("command", ["make", "all"].into())],
        ),
    ]
}

#[test]
fn cicdctl_understands_the_arguments_of_every_task_and_step_action() {
    let catalog = ours();
    let mut understood = BTreeSet::new();
    for (task, given) in samples() {
        for container in catalog.start(task, &run(&given)).unwrap().containers {
            if container.command == ["cicdctl"] {
                let line: Vec<&String> = container.command.iter().chain(&container.args).collect();
                Arguments::try_parse_from(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
                understood.insert(container.args[0].clone());
            }
        }
    }
    assert_eq!(understood.into_iter().collect::<Vec<_>>(), ["event", "get", "init", "load", "set"]);
    // A StepAction runs the same command as the Task of its name, but for where files are.
    for action in catalog.units().iter().filter(|unit| unit.kind == crate::tekton::UnitKind::StepAction) {
        let task = catalog.task(&action.name).unwrap();
        let common =
            |args: &[String]| args.iter().map(|arg| arg.split("$(").next().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(common(&action.steps[0].args), common(&task.steps[0].args), "{}", action.name);
    }
}

#[test]
fn a_started_task_has_the_values_of_its_run_and_nothing_in_them_is_read_again() {
    let catalog = ours();
    let given = [
        ("context", Given::from("$(params.path)")),
        ("path", "a b; $(context.taskRun.uid)".into()),
        ("options", ["--default=", "$(params.context)"].into()),
    ];
    let started = catalog.start("cicd-get", &run(&given)).unwrap();
    let [container] = started.containers.as_slice() else { panic!("{started:?}") };
    assert_eq!(container.image, "localhost/cicdcontext/cicdctl:0.1.0");
    assert_eq!(
        container.args,
        [
            "get",
            "--name=$(params.path)",
            "--to=/tekton/results/value",
            "--default=",
            "$(params.context)",
            "--",
            "a b; $(context.taskRun.uid)"
        ]
    );
    assert_eq!(started.results, [("value".to_owned(), "/tekton/results/value".into())]);
    let given = [("context", Given::from("shop")), ("event", "a=b".into())];
    let event = catalog.start("cicd-event", &run(&given)).unwrap();
    assert_eq!(event.containers[0].env, [("CICD_RUN_UID".to_owned(), "uid-1".to_owned())]);
    assert_eq!(event.containers[0].args, ["event", "--name=shop", "--wait", "--timeout=5m", "--", "a=b"]);
    let (_, given) = samples().pop().unwrap();
    let build = catalog.start("cicd-example-build", &run(&given)).unwrap();
    let file = "/tekton/steps/step-version/results/value";
    assert_eq!(build.results, [("version".to_owned(), file.into())]);
    assert_eq!(build.containers[0].args[2], format!("--to={file}"));
    assert_eq!(build.containers[2].command, ["make", "all"]);
}

#[test]
fn a_task_that_tekton_would_not_start_is_not_started() {
    let catalog = ours();
    let failed = |task: &str, given: &[(&str, Given)]| catalog.start(task, &run(given)).unwrap_err().to_string();
    let shop = || ("context", Given::from("shop"));
    assert_eq!(failed("none", &[]), "start Task none: there is none of this name");
    assert_eq!(failed("cicd-get", &[shop()]), "start cicd-get: parameter path has no default and is not given");
    assert_eq!(failed("cicd-init", &[shop(), ("x", "y".into())]), "start cicd-init: there is no parameter x");
    let wrong = failed("cicd-set", &[shop(), ("changes", "a".into())]);
    assert_eq!(wrong, "start cicd-set: parameter changes is of another type");
    let given = [shop()];
    let unbound = catalog.start("cicd-load", &Run { workspaces: &[], ..run(&given) });
    let variable = "$(workspaces.files.path)".to_owned();
    assert_eq!(unbound, Err(StartError::NoValue { unit: "cicd-load".to_owned(), variable }));
}
