//! Files of the predecessor, converted and applied: the operator sends what the predecessor sent, byte for byte. The files are
//! those of docs/migration.md, which shows the bodies that the predecessor makes of them.

use std::fs;

use cicdcontext_tests::{
    cluster::{Role, workspace},
    receiver::Answer,
};
use serde_json::json;

use crate::{
    page::{Typist, kubeconfig},
    scene::Scene,
};

const SCRIPT: &str = "set -e
cicdctl convert --config config.yaml --secrets secrets.yaml --bases bases --app shop.yaml --cicd-context stage -o manifests
kubectl apply --validate=strict -f manifests/secrets -f manifests
cicdctl init shop-9 --base CicdBase/shop --cicd-context stage \
    --set state.app=shop --set state.version=1.4 --set state.cicdContextDataId=shop-9
cicdctl event shop-9 build=success --wait
cicdctl get shop-9 state.built state.chat.ts";

#[tokio::test]
async fn what_is_converted_sends_the_same_bodies_through_the_operator() {
    let scene = Scene::new().await;
    scene.receiver.answer("/post", Answer::json(200, &json!({"ok": true, "ts": "1700.1"})));
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(workspace().join("docs/migration.md")).unwrap();
    for block in page.split("```yaml\n# ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let mut content = rest.split_once("```").unwrap().0.to_owned();
        for host in ["https://chat.example", "https://start.example"] {
            content = content.replace(host, &scene.receiver.url(""));
        }
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let kubeconfig = kubeconfig(&scene, Role::Admin).await;
    let typist = Typist { scene: &scene, kubeconfig: &kubeconfig };
    let script = format!("cd {}\n{SCRIPT}", folder.path().display());
    let ran = typist.run(&script, &[]).await;
    assert!(ran.success && ran.output.ends_with("shop:1.4\n1700.1\n"), "{}\n{}", ran.output, scene.log());
    let sent: Vec<_> =
        scene.receiver.requests().iter().map(|request| (request.path.clone(), request.text.clone())).collect();
    let expected = [
        ("/post", r##"{"channel": "#builds", "text": "built *shop:1.4*"}"##),
        ("/go", r#"{"run": "shop-9", "image": "shop:1.4"}"#),
    ];
    assert_eq!(sent, expected.map(|(path, body)| (path.to_owned(), body.to_owned())));
    let tokens = scene.receiver.requests();
    assert_eq!((tokens[0].header("authorization"), tokens[1].header("x-key")), ("Bearer chat-token", "start-token"));
}
