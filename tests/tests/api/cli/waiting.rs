//! `cicdctl wait`: for values, conditions and events, of a context that is there or comes.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::process::Command;

use super::{Pipeline, expect, program, ran};
use crate::object::Kind;

/// Writes a condition of a context as the operator would.
async fn is_ready(pipeline: &Pipeline, context: &str, status: &str) {
    let condition = json!({"type": "Ready", "status": status, "reason": "BaseNotFound", "message": "no base",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let patch: Value = json!({"status": {"conditions": [condition]}});
    let contexts = pipeline.0.api(Kind::Context);
    contexts.patch_status(context, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

#[tokio::test]
async fn a_context_that_comes_is_waited_for_until_all_holds() {
    let pipeline = Pipeline::with_state(&json!({"a": {"b": 1.0}, "t": "x"})).await;
    pipeline.ok(&["wait", "shop", "--for", "state.a.b:=1", "--for", "state.t=x", "--for", "state.a"]).await;

    let line = ["wait", "later", "--for", "state.a=yes", "--for", "condition=Ready", "--timeout", "30s"];
    let come = async {
        pipeline.0.create(Kind::Context, "later", &json!({"state": {"a": "no"}})).await;
        is_ready(&pipeline, "later", "False").await;
        pipeline.ok(&["wait", "later", "--for", "condition=Ready=False"]).await;
        pipeline.ok(&["set", "later", "state.a=yes"]).await;
        is_ready(&pipeline, "later", "True").await;
    };
    let (waited, ()) = tokio::join!(pipeline.run(&line), come);
    assert_eq!((waited.code, waited.data.as_str()), (0, ""), "{waited:?}");
    assert!(waited.errors.lines().all(|line| line.starts_with("wait for later: ")), "{waited:?}");
}

#[tokio::test]
async fn an_event_is_waited_for_before_it_is_fired_and_its_failure_is_exit_5() {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let line = ["wait", "shop", "--for", "event=r1", "--timeout", "30s"];
    let fire = async {
        pipeline.ok(&["event", "shop", "build=success", "--id", "r1"]).await;
        pipeline.handle("Succeeded", "True", "Succeeded").await;
    };
    let (waited, ()) = tokio::join!(pipeline.run(&line), fire);
    assert_eq!((waited.code, waited.data.as_str()), (0, ""), "{waited:?}");
    let event = pipeline.handle("Failed", "False", "HandlerFailed").await;
    let failed = pipeline.run(&line).await;
    expect(&failed, 5, &format!("event {event}: Failed: HandlerFailed: as told"));
}

#[tokio::test]
async fn what_is_missing_after_the_timeout_is_one_line_and_exit_124() {
    let pipeline = Pipeline::with_state(&json!({"a": "no"})).await;
    is_ready(&pipeline, "shop", "False").await;
    let short = |awaited: &'static [&'static str]| {
        let line: Vec<&str> = ["wait", "shop", "--timeout", "300ms"].iter().chain(awaited).copied().collect();
        let pipeline = &pipeline;
        async move { pipeline.run(&line).await }
    };
    let missing = short(&["--for", "state.a=yes", "--for", "state.b", "--for", "condition=Ready", "--for", "event=e"]);
    expect(
        &missing.await,
        124,
        "wait for CicdContext shop: not within 0.3 s: state.a: expected \"yes\", found \"no\"; state.b: expected a value, \
         found nothing; condition Ready: expected True, found False (BaseNotFound: no base); event e: it is not there\n",
    );
    let nobody = pipeline.run(&["wait", "nobody", "--for", "state.a", "--timeout", "300ms"]).await;
    expect(&nobody, 124, "there is no CicdContext nobody");
    expect(
        &short(&["--for", "state.a", "--as", "x"]).await,
        1,
        "the ClusterRole cicd-pipeline grants what cicdctl needs",
    );
    expect(&short(&["--for", "event=e", "--as", "x"]).await, 1, "the ClusterRole cicd-pipeline grants");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_waited_for() {
    let kubeconfig = tempfile::NamedTempFile::new().unwrap();
    let named = |kind: &str, value: Value| json!([{"name": "none", kind: value}]);
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "none",
        "clusters": named("cluster", json!({"server": "https://127.0.0.1:1"})), "users": named("user", json!({})),
        "contexts": named("context", json!({"cluster": "none", "user": "none"})),
    });
    std::fs::write(kubeconfig.path(), text.to_string()).unwrap();
    for line in [
        &["wait", "shop", "--for", "state.a"][..],
        &["wait", "shop", "--for", "event=e"],
        &["events", "--watch"],
        &["events", "shop", "e", "--watch"],
        &["redeliver", "shop", "e", "--wait"],
        &["generate", "shop", "build.image"],
    ] {
        let mut command = Command::new(program());
        command.args(line).env_clear().env("KUBECONFIG", kubeconfig.path());
        expect(&ran(command).await, 1, "cannot talk to https://127.0.0.1:1: Connection refused");
    }
}
