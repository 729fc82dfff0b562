//! The commands that README tells a newcomer to type, typed.

use cicdcontext_tests::{
    cluster::{Role, workspace},
    receiver::Answer,
};
use serde_json::json;

use crate::{object::Kind, page::type_in, scene::Scene};

/// The commands of a section of README, without those that install the operator: a test has its own, and the whole-node suite
/// installs it with these.
fn commands(section: &str) -> Vec<String> {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let text = readme.split("\n## ").find(|text| text.starts_with(section)).expect("README has the section");
    let typed = text.lines().filter_map(|line| line.strip_prefix("$ "));
    let installs = |line: &str| ["make ", "sudo ctr ", "helm "].iter().any(|program| line.starts_with(program));
    typed.filter(|line| !installs(line)).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_commands_for_a_cluster_of_your_own_work_in_their_order() {
    let scene = Scene::new().await;
    scene.receiver.answer("/chat", Answer::json(200, &json!({"ok": true, "ts": "1700000000.0001"})));
    let mut commands = commands("On a cluster of your own");
    commands.extend(self::commands("The command line"));
    assert!(commands.len() >= 10, "{commands:#?}");
    // The test's own namespace, and the loopback receiver in the place of one that has TLS.
    let url = json!({"spec": {"url": scene.receiver.url("/chat"), "allowHttp": true}}).to_string();
    for command in commands {
        let command = command
            .replace("create namespace shop", &format!("get namespace {}", scene.namespace))
            .replace("-n shop ", &format!("-n {} ", scene.namespace))
            .replace(r#"{"spec": {"url": "https://receiver.example"}}"#, &url);
        let ran = type_in(&scene, &scene.access.kubeconfig(Role::Admin), &command, None).await;
        assert!(ran.success, "{command}\n{}", ran.output);
    }
    let arrived = scene.arrived("/chat", 2).await;
    assert!(arrived.iter().any(|request| request.body.to_string().contains("shop 1.4.2")), "{arrived:?}");
    let context = scene.get(Kind::Context, "shop-stage").await.unwrap();
    assert_eq!(context["spec"]["state"]["git"]["run"], 17);
    scene.delete(Kind::ClusterBase, "sample-platform").await;
}
