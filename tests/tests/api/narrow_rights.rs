//! An operator with no more than the chart grants where namespaces are watched: a Role in each, and no ClusterRole at all.

use cicdcontext_packaging::rights::definition::{OPERATOR, Rule};
use cicdcontext_tests::cluster::Role;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
    rbac::v1::{Role as RbacRole, RoleBinding},
};
use kube::{
    Api,
    api::PostParams,
    config::{AuthInfo, Kubeconfig},
};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_condition, expect_handler, expect_outcome, notify, on_success, tells},
    scene::Scene,
};

/// A kubeconfig of the ServiceAccount `narrow`, which may do what the chart's Role says in the namespaces of the scenes.
async fn narrow(scenes: &[&Scene]) -> std::path::PathBuf {
    let [first, ..] = scenes else { panic!("no scene") };
    let accounts: Api<ServiceAccount> = Api::namespaced(first.client.clone(), &first.namespace);
    let account = serde_json::from_value(json!({"metadata": {"name": "narrow"}})).unwrap();
    accounts.create(&PostParams::default(), &account).await.unwrap();
    let rule = |rule: &Rule| json!({"apiGroups": [rule.group], "resources": rule.resources, "verbs": rule.verbs});
    let rules: Vec<Value> = OPERATOR.namespaced.iter().chain(OPERATOR.own_namespace).map(rule).collect();
    for scene in scenes {
        let granted: RbacRole =
            serde_json::from_value(json!({"metadata": {"name": "narrow"}, "rules": rules})).unwrap();
        let binding: RoleBinding = serde_json::from_value(json!({
            "metadata": {"name": "narrow"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "narrow"},
            "subjects": [{"kind": "ServiceAccount", "name": "narrow", "namespace": first.namespace}],
        }))
        .unwrap();
        let client = || scene.client.clone();
        Api::namespaced(client(), &scene.namespace).create(&PostParams::default(), &granted).await.unwrap();
        Api::namespaced(client(), &scene.namespace).create(&PostParams::default(), &binding).await.unwrap();
    }
    let spec = TokenRequestSpec { expiration_seconds: Some(600), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
    let answer = accounts.create_token_request("narrow", &PostParams::default(), &request).await.unwrap();
    let token = answer.status.and_then(|status| status.token).expect("a token");

    let mut kubeconfig = Kubeconfig::read_from(first.access.kubeconfig(Role::Operator)).unwrap();
    for user in &mut kubeconfig.auth_infos {
        user.auth_info = Some(AuthInfo { token: Some(token.clone().into()), ..AuthInfo::default() });
    }
    let path = first.access.kubeconfig(Role::Operator).with_file_name(format!("{}.kubeconfig", first.namespace));
    std::fs::write(&path, serde_saphyr::to_string(&kubeconfig).unwrap()).unwrap();
    path
}

#[tokio::test]
async fn with_a_role_in_each_watched_namespace_the_operator_works_and_says_what_it_cannot_know() {
    let platform = Scene::without_operator().await;
    let mut scene = Scene::without_operator().await;
    let kubeconfig = narrow(&[&scene, &platform]).await;
    let flags = ["--watch-namespace", &platform.namespace, "--cluster-bases=false"];
    scene.start_operator_as(kubeconfig, &flags).await;

    // Whoever builds on a ClusterCicdBase is told so, and holds up nobody.
    let base = json!([{"kind": "ClusterCicdBase", "name": "platform"}]);
    scene.create(Kind::Context, "wide", &json!({"bases": base})).await;
    scene.create(Kind::Base, "app", &json!({"bases": base})).await;
    let told = "this operator reads no ClusterCicdBases (it runs with --cluster-bases=false); build on a CicdBase of this \
                namespace";
    for (kind, asked_by) in [(Kind::Context, "CicdContext/wide"), (Kind::Base, "CicdBase/app")] {
        let name = asked_by.split('/').nth(1).unwrap();
        let object = scene.wait_condition(kind, name, "Ready", "False").await;
        let message = format!("read ClusterCicdBase/platform, which the bases of {asked_by} name: {told}");
        expect_condition(&object, "Ready", "False", "BaseNotReady", &message);
    }
    scene.create(Kind::Event, "waits", &event("wide", "build=success")).await;
    scene.others_work().await;

    // Another namespace's endpoint can be used by its name; whether a selector selects ours cannot be known.
    platform.endpoint("chat", "/chat", &json!({"allowedNamespaces": {"names": [scene.namespace]}})).await;
    let labels = json!({"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}});
    platform.endpoint("team", "/team", &json!({"allowedNamespaces": {"selector": labels}})).await;
    let mut elsewhere = ["chat", "team"].map(|endpoint| notify(endpoint, endpoint, "built"));
    for handler in &mut elsewhere {
        handler["notify"]["endpoint"]["namespace"] = json!(platform.namespace);
    }
    scene.create(Kind::Context, "shop", &on_success(&json!(elsewhere))).await;
    let done = scene.run("built", &event("shop", "build=success")).await;
    expect_handler(&done, "chat", "Succeeded", "Delivered", "");
    let message = format!(
        "use CicdEndpoint {}/team: the operator may not get Namespaces, so spec.allowedNamespaces.selector cannot be \
         checked; allow it that, or list the namespace in spec.allowedNamespaces.names",
        platform.namespace
    );
    expect_handler(&done, "team", "Failed", "EndpointNotReady", &message);
    platform.nothing_sent_to("/team");

    // The wide one recovers with its configuration, and what waited is handled.
    scene.endpoint("own", "/own", &json!({})).await;
    let mut own = tells("own", "late");
    own["bases"] = Value::Null;
    scene.patch(Kind::Context, "wide", &json!({ "spec": own })).await;
    let done = scene.finished("waits").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert!(!scene.log().contains("clustercicdbases"), "nothing was asked for that it may not have");
}
