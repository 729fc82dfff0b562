//! The phases, in their order.

use cicdcontext_tests::tekton::Given;
use serde_json::{Value, json};

use crate::{
    burst,
    helm::{self, NAMESPACE},
    installed, receiver,
    stage::Stage,
    steps::Steps,
};

/// Where the pipelines and their contexts are.
const SHOP: &str = "shop";

/// Users of Pods of which neither an image nor the node knows anything, as OpenShift gives them.
const RANDOM_USER: u32 = 1_000_720_013;
const OTHER_USER: u32 = 1_000_720_999;

pub(crate) async fn play(stage: &Stage) {
    stage.phase("installing the chart with Helm, in a restricted namespace");
    installed::install(stage).await;

    stage.phase("starting a receiver behind https with its own certificate authority");
    stage.restricted_namespace(SHOP).await;
    receiver::start(stage, SHOP).await;
    stage.apply(SHOP, &base().to_string()).await;

    stage.phase("running a pipeline's steps as Pods, as the Tekton tasks have them");
    pipeline(stage).await;

    stage.phase("deleting the leader's Pod in the middle of a burst of events");
    burst::survive(stage, SHOP, "deletion", async {
        let former = installed::leader(stage).await;
        stage.kubectl(&["delete", "pod", &former, "--namespace", NAMESPACE, "--wait=false"]).await;
        let next = installed::holder(stage, "another leader", |holder| installed::pod_of(holder) != former).await;
        stage.tell(&format!("{former} is deleted, {next} leads"));
    })
    .await;
    installed::replicas_are_ready(stage, 2).await;

    stage.phase("killing the leader's process in the middle of a burst of events");
    burst::survive(stage, SHOP, "kill", async {
        let former = installed::holder(stage, "a leader", |_| true).await;
        installed::kill_process(stage, &installed::pod_of(&former)).await;
        let next = installed::holder(stage, "another leader", |holder| holder != former).await;
        stage.tell(&format!("{former} is killed, {next} leads"));
    })
    .await;
    installed::replicas_are_ready(stage, 2).await;

    stage.phase("upgrading the release in the middle of a burst of events");
    burst::survive(stage, SHOP, "upgrade", async {
        helm::upgrade(stage, &["replicas=3", "log.format=text"]).await;
        stage.tell("upgraded");
    })
    .await;
    installed::replicas_are_ready(stage, 3).await;

    stage.phase("running the chart's own test");
    let told = helm::test(stage).await;
    assert!(told.contains("Succeeded"), "{told}");

    stage.phase("removing the release, and installing it again over what users have");
    removal(stage).await;
}

/// What the shop's contexts are configured with.
fn base() -> Value {
    json!({
        "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdBase", "metadata": {"name": "shop"},
        "spec": {"pipelines": {
            "build": {"eventHandlers": {"success": [
                {"name": "deploy", "webhook": {
                    "endpoint": {"name": "ci"}, "path": "/build",
                    "body": "{\"context\": {{json context.name}}, \"image\": {{json state.image}}, \"seconds\": {{json event.data.seconds}}}",
                    "capture": [{"path": "state.deploy.run", "fromPath": "$.body.run.id"}],
                }},
            ]}},
            "burst": {"eventHandlers": {"tick": [
                {"name": "tell", "webhook": {
                    "endpoint": {"name": "ci"}, "path": "/burst",
                    "body": "{\"context\": {{json context.name}}, \"number\": {{json event.data.number}}}",
                    "capture": [{"path": "state.last", "fromPath": "$.body.run.id"}],
                }},
                {"name": "record", "setValues": [
                    {"path": "state.seen", "op": "Append", "fromPath": "$.event.data.number"},
                ]},
            ]}},
        }},
    })
}

fn text(text: &str) -> Given {
    Given::Text(text.to_owned())
}

fn list(items: &[&str]) -> Given {
    Given::List(items.iter().map(ToString::to_string).collect())
}

/// A build: begin a run, write, fire and wait, read what the answer left, load it into files.
async fn pipeline(stage: &Stage) {
    let steps = Steps::prepare(stage, SHOP).await;
    let context = ("context", text("shop-17"));
    let options = list(&["--base=CicdBase/shop", "--set=state.version=1.4.2"]);
    steps.run("cicd-init", "build-init", None, &[context.clone(), ("options", options)]).await;
    stage.tell("cicd-init made the context");

    let changes = list(&["state.image=registry.example/shop:1.4.2", "state.tags:=[\"1.4.2\",\"latest\"]"]);
    steps.run("cicd-set", "build-set", Some(RANDOM_USER), &[context.clone(), ("changes", changes)]).await;
    stage.tell("cicd-set wrote, under a user that nobody knows");

    let event = [context.clone(), ("event", text("build=success")), ("options", list(&["--data=seconds=42"]))];
    let left = steps.run("cicd-event", "build-event", None, &event).await;
    let requests = receiver::requests(stage, SHOP).await;
    assert_eq!(requests.len(), 1, "{requests:#?}");
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("POST", "/hooks/build"));
    let expected = json!({"context": "shop-17", "image": "registry.example/shop:1.4.2", "seconds": "42"});
    assert_eq!(requests[0].json(), expected);
    stage.tell("cicd-event waited for its delivery over https");

    // Tekton tries a TaskRun again under the same UID.
    let again = steps.run("cicd-event", "build-event", None, &event).await;
    assert_eq!(receiver::requests(stage, SHOP).await.len(), 1, "first {left:?}, then {again:?}");
    stage.tell("tried again it was not delivered a second time");

    let path = ("path", text("state.deploy.run"));
    let got = steps.run("cicd-get", "build-get", Some(OTHER_USER), &[context.clone(), path]).await;
    assert_eq!(got.results["value"], "run-1", "it printed {}", got.printed);
    stage.tell("cicd-get read what was captured from the answer");

    let loaded = steps.run("cicd-load", "build-load", Some(RANDOM_USER), &[context]).await;
    let written: Value = serde_json::from_str(&loaded.files["state.json"]).unwrap();
    assert_eq!(written["tags"], json!(["1.4.2", "latest"]), "{written:#}");
    assert!(loaded.files["state.sh"].contains("1.4.2"), "{loaded:?}");
    stage.tell("cicd-load wrote the state into files");
}

/// Contexts, configuration and kinds are their users': they outlive a release, and the next one goes on with them.
async fn removal(stage: &Stage) {
    let before = stage.get(&["cctx", "shop-17", "--namespace", SHOP]).await;
    helm::uninstall(stage).await;
    installed::replicas_are_ready(stage, 0).await;
    let kinds = stage.get(&["crd"]).await;
    let kinds =
        kinds["items"].as_array().unwrap().iter().filter(|kind| kind["spec"]["group"] == "cicdcontext.io").count();
    assert_eq!(kinds, 6, "all kinds are still there");
    let after = stage.get(&["cctx", "shop-17", "--namespace", SHOP]).await;
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["spec"], before["spec"]);
    for kind in ["cicdendpoint/ci", "cicdbase/shop"] {
        stage.get(&[kind, "--namespace", SHOP]).await;
    }
    stage.tell("the release is gone, and everything of its users is there");

    receiver::forget(stage, SHOP).await;
    helm::install(stage).await;
    installed::replicas_are_ready(stage, 2).await;
    let steps = Steps::prepare(stage, SHOP).await;
    let given = [("context", text("shop-17")), ("event", text("build=success"))];
    steps.run("cicd-event", "second-build", Some(OTHER_USER), &given).await;
    assert_eq!(receiver::requests(stage, SHOP).await.len(), 1, "only the new event is delivered");
    stage.tell("installed again, it delivers for the old context");
}
