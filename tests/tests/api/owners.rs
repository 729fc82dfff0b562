//! Owners under the admission plugin OwnerReferencesPermissionEnforcement, which is on in some clusters and in ours: who
//! says whose an object is needs rights for it. All other tests run with it, too.

use cicdcontext_tests::cluster::Role;
use k8s_openapi::api::rbac::v1::{Role as RbacRole, RoleBinding};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, uid},
    scene::Scene,
};

/// Lets the viewer of the namespace change events, but not delete them.
async fn viewer_may_patch_events(scene: &Scene) {
    let role: RbacRole = serde_json::from_value(json!({
        "metadata": {"name": "patcher"},
        "rules": [{"apiGroups": ["cicdcontext.io"], "resources": ["cicdevents"], "verbs": ["get", "patch"]}],
    }))
    .unwrap();
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": {"name": "patcher"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": Role::Viewer.user()}],
    }))
    .unwrap();
    let parameters = PostParams::default();
    Api::namespaced(scene.client.clone(), &scene.namespace).create(&parameters, &role).await.unwrap();
    Api::namespaced(scene.client.clone(), &scene.namespace).create(&parameters, &binding).await.unwrap();
}

#[track_caller]
fn expect_owned(event: &Value, context: &Value) {
    let owners = json!([{
        "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "name": "shop", "uid": uid(context),
    }]);
    assert_eq!(event["metadata"]["ownerReferences"], owners, "{event:#}");
}

#[tokio::test]
async fn events_get_their_owner_though_setting_one_needs_rights_here() {
    let scene = Scene::new().await;
    let context = scene.shop().await;
    // The plugin is on: whoever may not delete an event may not say whose it is.
    viewer_may_patch_events(&scene).await;
    scene.create(Kind::Event, "probe", &event("shop", "build=started")).await;
    let client = scene.access.client(Role::Viewer).await.unwrap();
    let api: Api<DynamicObject> = Api::namespaced_with(client, &scene.namespace, &Kind::Event.resource());
    let foreign =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "5b3b7a2c-6f0d-4e57-9c0f-1a2b3c4d5e6f"});
    let patch = json!({"metadata": {"ownerReferences": [foreign]}});
    let refused = async || match api.patch("probe", &PatchParams::default(), &Patch::Merge(&patch)).await {
        // Until the role is known.
        Err(kube::Error::Api(status)) if status.message.contains("cannot patch resource") => Err(status.message),
        other => Ok(other),
    };
    let refused = scene.until("the viewer may patch events", refused).await;
    let message = refused.map(drop).unwrap_err().to_string();
    assert!(
        message.contains("cannot set an ownerRef on a resource you can't delete"),
        "is OwnerReferencesPermissionEnforcement on? {message}"
    );

    scene.annotate("shop", "r1", "build=success").await;
    let done = scene.finished_annotation("shop", "r1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    expect_owned(&done, &context);
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    expect_owned(&done, &context);
    assert_eq!(done["metadata"]["annotations"]["cicdcontext.io/event-uid"], uid(&done), "{done:#}");
}
