//! Configuration tried before it is used: `explain`, `render` and `validate` with the rights of a pipeline.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::DeleteParams;

use super::*;

/// A context `trial` that inherits from a base, which sends to `chat`.
async fn trial(bases: &Value) -> Pipeline {
    let pipeline = Pipeline::with_state(&json!({})).await;
    let scene = &pipeline.0;
    let message = "built {{state.app}} {{event.data.tag}}";
    let handler =
        json!({"name": "tell", "if": "{{state.app}}", "notify": {"endpoint": {"name": "chat"}, "message": message}});
    let block = json!({
        "settings": {"channel": "#ci"},
        "contexts": {"stage": {"settings": {"channel": "#stage"}}},
        "pipelines": {"build": {"settings": {"speed": "fast"}, "eventHandlers": {"success": [handler]}}},
    });
    scene.create(Kind::Base, "shop", &block).await;
    let endpoint = json!({
        "url": "https://chat.example/api", "auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}},
        "bodies": {"notify": "{\"channel\": \"{{settings.channel}}\", \"text\": \"{{handler.message}}\"}"},
    });
    scene.create(Kind::Endpoint, "chat", &endpoint).await;
    let spec = json!({"context": "stage", "bases": bases, "state": {"app": "shop"}});
    scene.create(Kind::Context, "trial", &spec).await;
    pipeline
}

fn own_base() -> Value {
    json!([{"kind": "CicdBase", "name": "shop"}])
}

#[tokio::test]
async fn explain_tells_a_pipeline_what_an_event_would_do_and_reads_no_secret() {
    let pipeline = trial(&own_base()).await;
    let text = pipeline.ok(&["explain", "trial", "build=success"]).await;
    for part in [
        "build=success of CicdContext/trial: Succeeded: 1 of 1 handlers ran\n",
        "\n1. tell (notify): Succeeded\n   from: CicdBase/shop\n   if: \"shop\"\n   endpoint: chat\n   POST https://chat.example/api\n",
        "\n     authorization: ***\n",
        "\n     {\"channel\": \"#stage\", \"text\": \"built shop \"}\n",
        "\n   blank: event.data.tag\n",
        "\n   settings.channel from contexts.stage of CicdBase/shop\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let told = pipeline.ok(&["explain", "trial", "build=success", "--data", "tag=v1", "-o", "json"]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["handlers"][0]["request"]["body"], "{\"channel\": \"#stage\", \"text\": \"built shop v1\"}");
    assert_eq!(told["handlers"][0]["egress"]["verdict"], "CheckedWhenSent");
    // The API server may have opened its storage of events only now.
    let events = pipeline.0.api(Kind::Event);
    let list = async || events.list(&ListParams::default()).await.map_err(|error| error.to_string());
    let events = pipeline.0.until("events can be listed", list).await;
    assert!(events.items.is_empty(), "nothing is fired: {events:?}");
    let failing = pipeline.run(&["explain", "trial", "deploy=success"]).await;
    assert_eq!(failing.code, 5, "{failing:?}");
    assert_eq!(pipeline.run(&["explain", "nothing", "build=success"]).await.code, 6);
}

#[tokio::test]
async fn render_prints_byte_for_byte_and_validate_finds_what_is_wrong() {
    let pipeline = trial(&own_base()).await;
    let template = "{{state.app}} {{settings.channel}} {{pipeline.settings.speed}}";
    assert_eq!(pipeline.ok(&["render", "trial", "--pipeline", "build", template]).await, "shop #stage fast");
    let broken = pipeline.run(&["render", "trial", "\n {{first 5}}"]).await;
    assert_eq!((broken.code, broken.data.as_str()), (1, ""));
    assert!(broken.errors.starts_with("error: render `template` at line 2, column 2: "), "{broken:?}");
    let fine = pipeline.run(&["validate", "trial"]).await;
    assert_eq!((fine.code, fine.data.as_str(), fine.errors.as_str()), (0, "", "validate: nothing wrong in 1 object\n"));
    pipeline.0.delete(Kind::Endpoint, "chat").await;
    let wrong = pipeline.run(&["validate", "trial"]).await;
    let namespace = &pipeline.0.namespace;
    let line = format!(
        "CicdContext/trial: pipelines.build.eventHandlers.success[tell]: there is no CicdEndpoint chat in namespace {namespace}\n"
    );
    assert_eq!((wrong.code, wrong.data), (1, line));
}

#[tokio::test]
async fn a_base_for_all_namespaces_needs_a_cluster_role_binding_and_the_error_says_so() {
    let pipeline = trial(&own_base()).await;
    let scene = &pipeline.0;
    let base = format!("trial-{}", scene.namespace);
    scene.create(Kind::ClusterBase, &base, &json!({"settings": {"dashboard": "https://ci.example"}})).await;
    scene.remove_later(&base);
    let bases = json!([{"kind": "ClusterCicdBase", "name": base}, {"kind": "CicdBase", "name": "shop"}]);
    scene.patch(Kind::Context, "trial", &json!({"spec": {"bases": bases}})).await;
    let render = ["render", "trial", "{{settings.dashboard}} {{settings.channel}}"];
    let refused = pipeline.run(&render).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.errors.starts_with(&format!("error: get ClusterCicdBase {base}: ")), "{refused:?}");
    assert!(refused.errors.contains("bind the ClusterRole cicd-pipeline with a ClusterRoleBinding"), "{refused:?}");
    // Only this one base: tests beside this one have their own ideas of what a pipeline may read.
    let roles: Api<ClusterRole> = Api::all(scene.client.clone());
    let bindings: Api<ClusterRoleBinding> = Api::all(scene.client.clone());
    let role: ClusterRole = serde_json::from_value(json!({
        "metadata": {"name": base},
        "rules": [{"apiGroups": ["cicdcontext.io"], "resources": ["clustercicdbases"], "resourceNames": [base], "verbs": ["get"]}],
    }))
    .unwrap();
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": {"name": base},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": base},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": Role::Pipeline.user()}],
    }))
    .unwrap();
    roles.create(&PostParams::default(), &role).await.unwrap();
    bindings.create(&PostParams::default(), &binding).await.unwrap();
    let rendered = async || {
        let ran = pipeline.run(&render).await;
        if ran.code == 0 { Ok(ran.data) } else { Err(format!("{ran:?}")) }
    };
    assert_eq!(scene.until("the pipeline may read the base", rendered).await, "https://ci.example #stage");
    bindings.delete(&base, &DeleteParams::default()).await.unwrap();
    roles.delete(&base, &DeleteParams::default()).await.unwrap();
}
