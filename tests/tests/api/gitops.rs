//! docs/gitops.md, and the samples that it names.

use cicdcontext_tests::cluster::{Role, workspace};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, on_success},
    page::{self, kubeconfig, type_in},
    scene::Scene,
};

#[tokio::test]
async fn the_page_of_gitops() {
    page::with_helm().await;
    let scene = Scene::new().await;
    page::play(&scene, "docs/gitops.md").await;
}

#[tokio::test]
async fn what_the_sample_chart_renders_says_what_it_should() {
    page::with_helm().await;
    let scene = Scene::new().await;
    let admin = kubeconfig(&scene, Role::Admin).await;
    let rendered = type_in(&scene, &admin, "helm template shop deploy/samples/gitops/chart", None).await;
    assert!(rendered.success, "{}", rendered.output);
    let url = format!("url: {}\n  allowHttp: true", scene.receiver.url("/chat"));
    let manifests = rendered.output.replace("url: https://chat.example/post", &url);
    assert_ne!(manifests, rendered.output);
    let ran = type_in(&scene, &admin, "kubectl apply --validate=strict -f -", Some(&manifests)).await;
    assert!(ran.success, "{}", ran.output);
    let spec = json!({"bases": [{"kind": "CicdBase", "name": "shop"}], "state": {"image": "shop:1"}});
    scene.create(Kind::Context, "shop-1", &spec).await;
    let done = scene.run("e", &event("shop-1", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    let text = "built shop:1 for nobody: https://board.example/shop-1";
    assert_eq!(scene.receiver.requests_to("/chat")[0].body, json!({"text": text, "run": "shop-1"}));
}

#[tokio::test]
async fn an_event_that_argo_creates_carries_its_texts_unharmed_and_is_fired_once() {
    let text = std::fs::read_to_string(workspace().join("deploy/argo/workflows/event.yaml")).unwrap();
    let template: Value = serde_saphyr::from_str(&text).unwrap();
    let template = &template["spec"]["templates"][0];
    let by = "a \"b\": {{c}}\n# 'd'";
    let mut manifest = template["resource"]["manifest"].as_str().unwrap().to_owned();
    let name = "pipeline + \"-\" + inputs.parameters.event + \"-\" + workflow.uid";
    let mut put_in = |expression: &str, value: &str| {
        let expression = format!("{{{{=toJson(inputs.parameters.{expression})}}}}");
        assert!(manifest.contains(&expression), "{expression}");
        manifest = manifest.replace(&expression, &json!(value).to_string());
    };
    for (expression, value) in
        [(name, "build-success-uid-1"), ("context", "shop"), ("pipeline", "build"), ("event", "success"), ("by", by)]
    {
        put_in(expression, value);
    }
    assert_eq!(template["inputs"]["parameters"].as_array().unwrap().len(), 4, "all of them were put in");
    assert!(!manifest.replace("{{c}}", "").contains("{{"), "{manifest}");
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let handlers = json!([{"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": "{{event.data.by}}"}}]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let admin = kubeconfig(&scene, Role::Admin).await;
    let flags = template["resource"]["flags"][0].as_str().unwrap();
    let action = template["resource"]["action"].as_str().unwrap();
    for _ in 0..2 {
        let ran = type_in(&scene, &admin, &format!("kubectl {action} {flags} -f -"), Some(&manifest)).await;
        assert!(ran.success, "{}", ran.output);
        scene.finished("build-success-uid-1").await;
    }
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].body, json!({"text": by}));
}
