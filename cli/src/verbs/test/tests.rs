use std::io;

use super::*;
use crate::source::files::DEFAULT_NAMESPACE;
use crate::{
    arguments::GlobalArguments,
    console::Recorded,
    environment::Environment,
    exit::Exit,
    manifests::fixture::{TEAM, shop},
};

/// What is printed and noted, and how it ended.
async fn tested(file: &str) -> (String, String, Result<(), Failure>) {
    let (data, notes) = (Recorded::default(), Recorded::default());
    let mut console = Console::new(data.clone(), notes.clone());
    let tests = expectation::read(file).unwrap();
    let result = run(shop().seen().manifests, TEAM, &tests, &mut console).await;
    (data.text(), notes.text(), result)
}

const GOOD: &str = r##"
tests:
  - name: a build is told and deployed
    context: shop
    state: {version: "1.5", extra: null}
    event: {pipeline: build, event: success, data: {tag: v1}}
    responses:
      deploy: {status: 201, headers: {X-A: b}, body: {id: 7}}
    expect:
      phase: Succeeded
      handlers:
        tell: {request: {method: POST, url: "https://chat.example/api", headers: {Authorization: "***", x-none: null},
               body: {channel: "#stage", text: "built shop v1!"}}}
        deploy: {phase: Succeeded, request: {path: /runs/shop, bodySubset: {image: "shop:1.5"}}}
        follow: {request: {bodySubset: {text: run 7}}}
        promote: {phase: Skipped, reason: ConditionNotMet}
      requests:
        - {handler: tell}
        - {handler: deploy, method: POST}
        - {handler: follow, url: "https://chat.example/api"}
      state:
        exact: {app: shop, version: "1.5", image: "shop:1.5", run: {id: 7}}
        missing: [state.promoted]
  - name: a context that stands here
    context:
      pipelines: {p: {eventHandlers: {e: [{name: now, setValues: [{path: state.at, template: "{{event.time}} {{random 8}}"}]}]}}}
      state: {a: 1, b: 2}
    state: {c: 3}
    replaceState: true
    event: {pipeline: p, event: e}
    expect: {state: {subset: {c: 3}, missing: [state.a]}}
"##;

#[tokio::test]
async fn what_is_as_expected_is_ok() {
    let (data, notes, result) = tested(GOOD).await;
    assert_eq!(data, "ok      a build is told and deployed\nok      a context that stands here\n");
    result.unwrap();
    assert_eq!(notes, "test: 2 of 2 tests ok\n");
}

#[tokio::test]
async fn each_difference_is_told_and_the_exit_code_is_1() {
    let file = r##"
tests:
  - name: wrong in every way
    context: shop
    event: {pipeline: build, event: success}
    responses: {deploy: {status: 503}}
    expect:
      phase: Succeeded
      handlers:
        tell: {request: {method: PUT, body: {channel: "#ci", text: "built shop !"}}}
        record: {request: {method: POST}}
        deploy: {phase: Succeeded}
        nobody: {phase: Failed}
      requests: [{handler: deploy}]
      state: {subset: {image: "shop:1.5", run: {id: 1}}, missing: [state.app]}
"##;
    let (data, _, result) = tested(file).await;
    let failure = result.unwrap_err();
    assert_eq!((failure.exit(), failure.to_string().as_str()), (Exit::Failed, "test: 1 of 1 tests failed"));
    let expected = "\
FAILED  wrong in every way
  phase
    expected: \"Succeeded\"
    actual:   \"Failed\"
  the event: 1 of 5 handlers failed: deploy: ci answered with status 503
  handlers.deploy.phase
    expected: \"Succeeded\"
    actual:   \"Failed: ci answered with status 503\"
  handlers.nobody: the event has no such handler; there are tell, record, deploy, follow, promote
  handlers.record.request: no request was sent
  handlers.tell.request.method
    expected: \"PUT\"
    actual:   \"POST\"
  handlers.tell.request.body.channel
    expected: \"#ci\"
    actual:   \"#stage\"
  requests[0].handler
    expected: \"deploy\"
    actual:   \"tell\"
  requests[1]
    expected: nothing
    actual:   \"POST https://ci.example/runs/shop from deploy\"
  requests[2]
    expected: nothing
    actual:   \"POST https://chat.example/api from follow\"
  state.image
    expected: \"shop:1.5\"
    actual:   \"shop:1.4\"
  state.run
    expected: {\"id\":1}
    actual:   nothing
  state.app
    expected: nothing
    actual:   \"shop\"
";
    assert_eq!(data, expected);
}

#[tokio::test]
async fn what_cannot_be_played_is_told_with_its_place() {
    for (test, expected) in [
        (
            "context: other, event: {pipeline: build, event: success}",
            "context: no manifest has CicdContext \"other\"; ",
        ),
        ("context: {contex: a}, event: {pipeline: build, event: success}", "context: unknown field \"contex\""),
        (
            "context: shop, event: {pipeline: build, event: success, vars: {settings.a: 1}}",
            "event: spec.vars: settings.a: ",
        ),
        (
            "context: shop, event: {pipeline: build, event: success}, responses: {tel: {}}",
            "responses.tel: no handler of this name sent a request; ",
        ),
    ] {
        let (data, ..) = tested(&format!("tests: [{{name: a, {test}, expect: {{phase: Succeeded}}}}]")).await;
        assert!(data.starts_with(&format!("FAILED  a\n  {expected}")), "{data}");
    }
}

#[tokio::test]
async fn without_manifests_nothing_is_tested() {
    let global = GlobalArguments::default();
    let setting = Setting { global: &global, environment: &Environment::default() };
    let arguments = TestArguments { files: vec![PathBuf::from("x.yaml")], ..TestArguments::default() };
    let failure = command(&arguments, setting, &mut Console::new(io::sink(), io::sink())).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage);
    assert_eq!(
        failure.to_string(),
        "test: name the manifests with -f PATH; tests never look at a cluster, so that they give the same everywhere"
    );
}

#[test]
fn a_filter_that_nothing_passes_and_a_wrong_file_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.yaml");
    fs::write(&file, GOOD).unwrap();
    let here = [folder.path().to_owned()];
    assert_eq!(gathered(&here, Some("told")).unwrap().len(), 1);
    assert_eq!(
        gathered(&here, Some("nothing")).unwrap_err().to_string(),
        "test: no name of 2 tests contains \"nothing\"; leave out --filter to run all"
    );
    fs::write(&file, "tests: [{name: 1}]").unwrap();
    let failure = gathered(&here, None).unwrap_err();
    assert!(failure.to_string().starts_with(&format!("read {}: ", file.display())), "{failure}");
    assert_eq!(failure.exit(), Exit::Failed);
    assert!(gathered(&[folder.path().join("none")], None).is_err());
}

#[tokio::test]
async fn the_tests_of_the_sample_pass() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/samples/release");
    let manifests = Manifests::read(std::slice::from_ref(&sample), DEFAULT_NAMESPACE).unwrap();
    let tests = gathered(&[sample.join("tests")], None).unwrap();
    assert!(tests.len() >= 3, "{}", tests.len());
    let data = Recorded::default();
    let result = run(&manifests, DEFAULT_NAMESPACE, &tests, &mut Console::new(data.clone(), io::sink())).await;
    assert!(result.is_ok(), "{}", data.text());
}
