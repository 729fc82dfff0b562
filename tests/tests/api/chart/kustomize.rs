//! `deploy/` is the chart for those who use kustomize: the same objects, but for what is Helm's own.

use cicdcontext_tests::cluster::{Access, Environment, workspace};
use serde_json::{Value, json};

use super::{
    helm::{Helm, by_identity, chart, objects},
    rendered::kubectl,
};

/// Labels and annotations that say which release of which chart an object belongs to.
const OF_HELM: [&str; 5] = [
    "helm.sh/chart",
    "helm.sh/resource-policy",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
];

/// Takes them away, wherever they are: in metadata, in selectors, and in what is made of a template. And says in one way
/// what can be said in several: whole numbers, and rules of roles in any order.
fn without_helm(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !OF_HELM.contains(&name.as_str()));
            map.values_mut().for_each(without_helm);
            map.retain(|name, value| name != "annotations" || *value != json!({}));
            if let Some(Value::Array(rules)) = map.get_mut("rules") {
                rules.sort_by_key(ToString::to_string);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(without_helm),
        Value::Number(number) => {
            // kustomize writes 60.0 as 60.
            let whole = number.as_f64().filter(|float| float.fract() == 0.0).map(|float| format!("{float:.0}"));
            *value = whole.map_or_else(|| value.clone(), Value::String);
        }
        _ => {}
    }
}

#[tokio::test]
async fn the_kustomize_base_is_the_chart_of_the_name_cicd_operator() {
    let helm = Helm::alone().await;
    let values = helm.values("named", &json!({"fullnameOverride": "cicd-operator"}));
    let rendered = helm.template(&chart(), &[&values], &["--no-hooks"]).await.printed();
    let access = Access::from_environment(&Environment::of_this_process()).unwrap();
    let deploy = workspace().join("deploy");
    let base = kubectl(&access, &["kustomize", &deploy.to_string_lossy()]).await.printed();

    let prepare = |manifests: &str| {
        let mut objects = by_identity(objects(manifests));
        objects.values_mut().for_each(without_helm);
        objects
    };
    let (mut base, chart) = (prepare(&base), prepare(&rendered));
    // Helm makes the namespace by itself (--create-namespace).
    let namespace = base.remove("Namespace//cicdcontext-system").expect("kustomize makes the namespace");
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    assert_eq!(base.keys().collect::<Vec<_>>(), chart.keys().collect::<Vec<_>>());
    for (identity, object) in &chart {
        assert!(base[identity] == *object, "{identity}: deploy/ has\n{:#}\nthe chart has\n{object:#}", base[identity]);
    }
}
