//! Every example in the help of cicdctl, typed in the order of docs/reference/cicdctl.md, which is that of the help.

use cicdcontext_tests::{
    cluster::{Role, workspace},
    receiver::Answer,
};
use serde_json::json;

use crate::{
    object::Kind,
    page::{Typist, kubeconfig},
    scene::Scene,
};

/// The examples of the page, and how many sections have some.
fn examples() -> (Vec<String>, usize) {
    let page = std::fs::read_to_string(workspace().join("docs/reference/cicdctl.md")).unwrap();
    let commands = page.lines().filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect();
    (commands, page.matches("\n```console\n").count())
}

/// What the examples speak of: a base, an endpoint that works and one that does not, and a context.
async fn prepare(scene: &Scene) {
    scene.receiver.answer("/down", Answer::json(500, &json!({})));
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.endpoint("down", "/down", &json!({})).await;
    let told = |endpoint: &str| json!([{"name": "tell", "notify": {"endpoint": {"name": endpoint}, "message": "{{state.image}}"}}]);
    let pipelines = json!({
        "build": {
            "eventHandlers": {"success": told("chat")},
            "generators": {"tags": [{"name": "latest", "set": [{"path": "state.tags", "op": "Add", "value": "latest"}]}]},
        },
        "deploy": {"eventHandlers": {"success": told("down")}},
    });
    let base = json!({"pipelines": pipelines, "contexts": {"stage": {}}});
    scene.create(Kind::Base, "shop", &base).await;
    let state = json!({
        "image": "shop:4", "phase": "built", "error": "", "tests": {"passed": 1, "skipped": 2},
        "suites": [{"name": "checkout", "ok": true}, {"name": "refund", "ok": false}],
    });
    let context = json!({"context": "stage", "bases": [{"kind": "CicdBase", "name": "shop"}], "state": state});
    scene.create(Kind::Context, "shop", &context).await;
}

#[tokio::test]
async fn every_example_of_the_help_does_what_it_says() {
    let scene = Scene::new().await;
    prepare(&scene).await;
    let kubeconfig = kubeconfig(&scene, Role::Admin).await;
    let typist = Typist { scene: &scene, kubeconfig: &kubeconfig };
    let tools = tempfile::tempdir().unwrap();

    // What `convert` is shown with.
    let old = tempfile::tempdir().unwrap();
    let files = [
        ("config.yaml", "cicdstatemgr: {slack: {url: 'https://chat.example/post'}, templates: {notify: '{}'}}"),
        ("secrets.yaml", "cicdstatemgr: {slack: {token: t}}"),
        ("bases/dock.yaml", "variables: {page: 'https://board.test'}"),
        ("shop.yaml", "{bases: [dock.yaml], cicd-contexts: {stage: {}}}"),
    ];
    std::fs::create_dir(old.path().join("bases")).unwrap();
    for (name, text) in files {
        std::fs::write(old.path().join(name), text).unwrap();
    }

    // What `redeliver` is shown with.
    for id in ["18", "19"] {
        let failed = typist.run(&format!("cicdctl event shop deploy=success --id {id} --wait"), &[]).await;
        assert!(failed.output.contains("HandlerFailed"), "{}", failed.output);
    }
    scene.receiver.answer("/down", Answer::default());

    let (examples, sections) = examples();
    assert!(sections >= 18 && examples.len() >= 30, "{sections} sections, {examples:#?}");
    for example in examples {
        let mut command = example.replace("/tools", &tools.path().display().to_string());
        if example.starts_with("cicdctl convert ") {
            command = format!("cd {} && {command}", old.path().display());
        }
        let ran = typist.run(&command, &[]).await;
        assert!(ran.success, "{example}\n{}\n{}", ran.output, scene.log());
    }
    assert!(tools.path().join("cicdctl").is_file());
    assert!(old.path().join("manifests/base-shop.yaml").is_file());
    // Both events, and each of them again under its id.
    let down = scene.receiver.requests_to("/down");
    let ids: Vec<&str> = down.iter().map(|request| request.header("webhook-id")).collect();
    assert_eq!(ids, [ids[0], ids[1], ids[0], ids[1]]);
    assert!(scene.get(Kind::Context, "shop-1.4.2").await.is_none());
}
