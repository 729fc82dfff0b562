//! The chart as a dependency of another one, as platforms bundle it.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::helm::{Helm, NAMESPACE, by_identity, chart, objects};

/// A chart that depends on this project's, as many times as there are names.
async fn parent(helm: &Helm, names: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("platform");
    fs::create_dir(&path).unwrap();
    let dependencies: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({
                "name": "cicdcontext", "version": "0.1.0", "repository": format!("file://{}", chart().display()),
                "alias": name, "condition": format!("{name}.enabled"),
            })
        })
        .collect();
    let about = json!({"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": dependencies});
    fs::write(path.join("Chart.yaml"), about.to_string()).unwrap();
    helm.run(&["dependency", "update", &path.to_string_lossy()]).await.printed();
    (folder, path)
}

#[tokio::test]
async fn a_parent_chart_switches_it_on_and_off_and_shares_global_values() {
    let helm = Helm::alone().await;
    let (_folder, path) = parent(&helm, &["cicdcontext"]).await;
    let render = async |name: &str, values: Value| {
        let file = helm.values(name, &values);
        helm.template(&path, &[&file], &[]).await
    };
    let global = json!({"imageRegistry": "registry.example", "deep": {"anything": [1, null]}});
    let on = render("on", json!({"global": global, "cicdcontext": {"enabled": true, "replicas": 1}})).await.printed();
    let on = by_identity(objects(&on));
    assert_eq!(on[&format!("Deployment/{NAMESPACE}/cicdcontext")]["spec"]["replicas"], 1);
    assert_eq!(on.keys().filter(|identity| identity.starts_with("CustomResourceDefinition/")).count(), 6);
    let off = render("off", json!({"global": global, "cicdcontext": {"enabled": false}})).await.printed();
    assert_eq!(objects(&off), Vec::<Value>::new());
    let wrong = render("wrong", json!({"cicdcontext": {"replica": 1}})).await;
    assert!(!wrong.success);
    assert!(wrong.errors.contains("at '': additional properties 'replica' not allowed"), "{}", wrong.errors);
}

#[tokio::test]
async fn a_parent_chart_may_hold_two_of_them_that_share_kinds_and_roles() {
    let helm = Helm::alone().await;
    let (_folder, path) = parent(&helm, &["blue", "green"]).await;
    let second = json!({"crds": {"enabled": false}, "rbac": {"userRoles": false}, "watchNamespaces": ["green"]});
    let values = helm.values("two", &json!({"blue": {"watchNamespaces": ["blue"]}, "green": second}));
    let both = by_identity(objects(&helm.template(&path, &[&values], &[]).await.printed()));
    let operators: BTreeSet<&str> =
        both.keys().filter_map(|identity| identity.strip_prefix("Deployment/cicdcontext-system/")).collect();
    assert_eq!(operators, BTreeSet::from(["cicdcontext-blue", "cicdcontext-green"]));
    let instance = |name: &str| {
        let deployment = &both[&format!("Deployment/{NAMESPACE}/{name}")];
        (
            deployment["spec"]["selector"].clone(),
            deployment["spec"]["template"]["spec"]["containers"][0]["args"].clone(),
        )
    };
    assert_ne!(instance("cicdcontext-blue").0, instance("cicdcontext-green").0, "each Deployment has its own Pods");
    assert_eq!(instance("cicdcontext-green").1[1], "--instance=cicdcontext-green");
}
