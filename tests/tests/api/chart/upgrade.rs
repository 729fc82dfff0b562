//! Releases over their life: installed as an older version of the chart, upgraded, rolled back, removed and adopted. Each
//! test has a cluster of its own. Nothing runs there, so Pods are not waited for: `tests/tests/e2e` does that.

use std::{fs, path::Path, time::Instant};

use cicdcontext_tests::cluster::Access;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{
    helm::{Helm, NAMESPACE, chart, objects},
    rendered::{apply, cluster, kinds_are_served, kubectl, stop},
};
use crate::scene::{DEADLINE, POLL};

/// A release of this size is far from the 1 MiB that a Secret may hold.
const RELEASE_LIMIT: usize = 900 * 1024;

/// Makes the chart as it might have been before: a field less in a CRD, and a value that had another name.
pub(super) fn chart_before() -> TempDir {
    let before = tempfile::tempdir().unwrap();
    copy(&chart(), before.path());
    let mut found = 0;
    edit(before.path(), &mut |name, text| match name {
        "Chart.yaml" => text.replace("ersion: 0.1.0", "ersion: 0.0.9"),
        "values.yaml" => text.replace("\nreplicas: ", "\nreplicaCount: "),
        "values.schema.json" => text.replace("\"replicas\":", "\"replicaCount\":"),
        "cicdcontexts.cicdcontext.io.yaml" => {
            let mut definition: Value = serde_saphyr::from_str(&text).unwrap();
            let fields = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
            let fields = definition.pointer_mut(fields).unwrap().as_object_mut().unwrap();
            fields.remove("eventHistoryLimit").expect("the field is there now");
            serde_saphyr::to_string(&definition).unwrap()
        }
        _ => {
            found += usize::from(text.contains(".Values.replicas"));
            text.replace(".Values.replicas", ".Values.replicaCount")
        }
    });
    assert!(found >= 2, "replicas are in the Deployment and in the PodDisruptionBudget");
    before
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

fn edit(folder: &Path, change: &mut impl FnMut(&str, String) -> String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            edit(&path, change);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, change(&path.file_name().unwrap().to_string_lossy(), text)).unwrap();
        }
    }
}

/// What a user made: it has to outlive whatever is done with the release.
const OF_A_USER: &str = r#"
apiVersion: cicdcontext.io/v1alpha1
kind: CicdContext
metadata: {name: shop, namespace: default}
spec: {state: {version: "1.4.2", deep: {list: [1, null]}}}
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdEndpoint
metadata: {name: chat, namespace: default}
spec: {url: "https://chat.example"}
"#;

/// Whether an API server knows the field that the older chart lacks; a strict dry run tells it.
async fn knows_the_field(access: &Access) -> bool {
    let context = json!({
        "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext",
        "metadata": {"name": "tried", "namespace": "default"}, "spec": {"eventHistoryLimit": 7},
    });
    let ran = apply(access, &context.to_string(), &["--dry-run=server"]).await;
    assert!(ran.success || ran.errors.contains("eventHistoryLimit"), "{}", ran.errors);
    ran.success
}

/// Waits until it does, or does not: an API server takes a moment to serve a changed CRD.
pub(super) async fn until_the_field_is_known(access: &Access, known: bool) {
    let begun = Instant::now();
    while knows_the_field(access).await != known {
        assert!(begun.elapsed() < DEADLINE, "spec.eventHistoryLimit: known is not {known}");
        sleep(POLL).await;
    }
}

async fn get(access: &Access, what: &[&str]) -> Value {
    let printed = kubectl(access, &[&["get", "-o", "json"], what].concat()).await.printed();
    serde_json::from_str(&printed).unwrap()
}

/// The user's objects with their identities and specs, which nothing may touch.
async fn of_the_user(access: &Access) -> Vec<Value> {
    let found = get(access, &["-n", "default", "cicdcontexts,cicdendpoints"]).await;
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| json!([item["kind"], item["metadata"]["uid"], item["spec"]])).collect()
}

/// Creates them, once the kinds are served.
pub(super) async fn create_objects_of_a_user(access: &Access) {
    kinds_are_served(access).await;
    apply(access, OF_A_USER, &[]).await.printed();
}

/// Sizes of the Secrets in which Helm keeps its releases, in bytes as the API server counts them.
async fn release_sizes(access: &Access) -> Vec<usize> {
    let secrets = get(access, &["-n", NAMESPACE, "secrets", "-l", "owner=helm"]).await;
    let sizes = secrets["items"].as_array().unwrap().iter().map(|secret| {
        // Base64 of what counts.
        secret["data"]["release"].as_str().unwrap().len() / 4 * 3
    });
    sizes.collect()
}

/// `helm VERB cicdcontext CHART --namespace cicdcontext-system`, with more arguments.
async fn release(helm: &Helm, verb: &str, chart: &Path, more: &[&str]) -> super::helm::Ran {
    let chart = chart.to_string_lossy();
    helm.run(&[&[verb, "cicdcontext", &chart, "--namespace", NAMESPACE], more].concat()).await
}

#[tokio::test]
async fn an_upgrade_brings_new_fields_and_a_rollback_or_removal_leaves_what_users_made() {
    let cluster = cluster("chart-upgrade").await;
    let access = cluster.access();
    let helm = Helm::on(&access).await;
    let before = chart_before();
    let three = ["--create-namespace", "--set", "replicaCount=3"];
    release(&helm, "install", before.path(), &three).await.printed();
    create_objects_of_a_user(&access).await;
    let made = of_the_user(&access).await;
    assert_eq!(made.len(), 2);
    until_the_field_is_known(&access, false).await;

    // A value that has another name now is refused by its old one, before anything is changed.
    let refused = release(&helm, "upgrade", &chart(), &["--reset-then-reuse-values"]).await;
    assert!(!refused.success);
    let message = "at '': additional properties 'replicaCount' not allowed";
    assert!(refused.errors.contains(message), "{}", refused.errors);
    assert_eq!(release_sizes(&access).await.len(), 1, "no second revision");
    assert!(!knows_the_field(&access).await);

    release(&helm, "upgrade", &chart(), &["--set", "replicas=3"]).await.printed();
    until_the_field_is_known(&access, true).await;
    let deployment = ["-n", NAMESPACE, "deployment", "cicdcontext"];
    assert_eq!(get(&access, &deployment).await["spec"]["replicas"], 3);
    assert_eq!(of_the_user(&access).await, made);

    // What an older version does not know is hidden, and there again after the next upgrade if nothing was written.
    let limit = r#"{"spec": {"eventHistoryLimit": 7}}"#;
    kubectl(&access, &["-n", "default", "patch", "cicdcontext", "shop", "--type=merge", "-p", limit]).await.printed();
    helm.run(&["rollback", "cicdcontext", "1", "--namespace", NAMESPACE]).await.printed();
    until_the_field_is_known(&access, false).await;
    assert_eq!(of_the_user(&access).await, made, "as if the field had never been there");
    release(&helm, "upgrade", &chart(), &["--reset-values"]).await.printed();
    until_the_field_is_known(&access, true).await;
    let context = get(&access, &["-n", "default", "cicdcontext", "shop"]).await;
    assert_eq!(context["spec"]["eventHistoryLimit"], 7);

    let sizes = release_sizes(&access).await;
    assert_eq!(sizes.len(), 4, "one for each revision");
    assert!(sizes.iter().all(|size| *size < RELEASE_LIMIT), "{sizes:?}");
    println!("Secrets of releases: {sizes:?} bytes");

    helm.run(&["uninstall", "cicdcontext", "--namespace", NAMESPACE]).await.printed();
    let left = kubectl(&access, &["get", "deployments,clusterroles", "-A", "-o", "name"]).await.printed();
    assert!(!left.contains("cicd"), "{left}");
    let uids = |objects: &[Value]| objects.iter().map(|object| object[1].clone()).collect::<Vec<_>>();
    assert_eq!(uids(&of_the_user(&access).await), uids(&made));
    until_the_field_is_known(&access, true).await;

    // CRDs that stayed are the next release's.
    release(&helm, "install", &chart(), &[]).await.printed();
    assert_eq!(uids(&of_the_user(&access).await), uids(&made));
    stop(cluster).await;
}

#[tokio::test]
async fn without_keep_a_removal_takes_kinds_and_with_them_objects_away() {
    let cluster = cluster("chart-not-kept").await;
    let access = cluster.access();
    let helm = Helm::on(&access).await;
    release(&helm, "install", &chart(), &["--create-namespace", "--set", "crds.keep=false"]).await.printed();
    create_objects_of_a_user(&access).await;
    helm.run(&["uninstall", "cicdcontext", "--namespace", NAMESPACE]).await.printed();
    // Going or gone. When a kind ends this soon after its beginning, an API server may leave it in between for minutes.
    let kinds = get(&access, &["crd"]).await;
    let stays =
        |kind: &&Value| kind["spec"]["group"] == "cicdcontext.io" && kind["metadata"]["deletionTimestamp"].is_null();
    let left: Vec<&Value> = kinds["items"].as_array().unwrap().iter().filter(stays).collect();
    assert!(left.is_empty(), "{left:#?}");
    stop(cluster).await;
}

#[tokio::test]
async fn kinds_that_kubectl_applied_are_adopted_with_all_their_objects() {
    let cluster = cluster("chart-adoption").await;
    let access = cluster.access();
    let helm = Helm::on(&access).await;
    // Older ones, so that something has to change; without --server-side, as most people type it.
    let before = chart_before();
    let rendered = helm.template(before.path(), &[], &["--no-hooks"]).await.printed();
    let mut definitions = Vec::new();
    for mut object in objects(&rendered) {
        if object["kind"] == "CustomResourceDefinition" {
            object["metadata"] = json!({"name": object["metadata"]["name"]});
            definitions.push(object.to_string());
        }
    }
    assert_eq!(definitions.len(), 6);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crds.yaml");
    fs::write(&file, definitions.join("\n---\n")).unwrap();
    kubectl(&access, &["apply", "-f", &file.to_string_lossy()]).await.printed();
    create_objects_of_a_user(&access).await;
    let made = of_the_user(&access).await;

    let refused = release(&helm, "install", &chart(), &["--create-namespace"]).await;
    assert!(!refused.success);
    let message = "exists and cannot be imported into the current release: invalid ownership metadata";
    assert!(refused.errors.contains(message), "{}", refused.errors);

    let adopt = ["--create-namespace", "--take-ownership", "--force-conflicts"];
    release(&helm, "install", &chart(), &adopt).await.printed();
    until_the_field_is_known(&access, true).await;
    assert_eq!(of_the_user(&access).await, made);
    let definition = get(&access, &["crd", "cicdcontexts.cicdcontext.io"]).await;
    assert_eq!(definition["metadata"]["annotations"]["meta.helm.sh/release-name"], "cicdcontext");
    assert_eq!(definition["metadata"]["annotations"]["helm.sh/resource-policy"], "keep");
    stop(cluster).await;
}
