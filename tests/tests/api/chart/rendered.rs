//! The chart for each set of values of `charts/cicdcontext/ci`: linted, rendered, and accepted by a real API server.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    time::Instant,
};

use cicdcontext_tests::cluster::{Access, Cluster, Environment, Options, Report, Role, workspace};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use tokio::{process::Command, task::spawn_blocking, time::sleep};

use crate::scene::{DEADLINE, POLL};

use super::{
    conform::Schemas,
    helm::{Helm, NAMESPACE, Ran, by_identity, chart, identity, objects, run},
};

/// Just enough of the kinds of the Prometheus operator: names, and that a spec may hold anything.
const MONITORING: [(&str, &str); 2] = [("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules")];

/// Names and paths of the sets of values.
pub(super) fn sets() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = fs::read_dir(chart().join("ci"))
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().trim_end_matches("-values.yaml").to_owned();
            (name, path.to_string_lossy().into_owned())
        })
        .collect();
    found.sort();
    found
}

/// A cluster of its own: its CRDs are nobody else's.
pub(super) async fn cluster(name: &str) -> Cluster {
    let name = format!("{name}-{}", std::process::id());
    let options = Options { report: Report::silent(), ..Options::named(&name) };
    spawn_blocking(|| Cluster::start(options)).await.unwrap().unwrap()
}

/// Stops a cluster and removes its logs.
pub(super) async fn stop(cluster: Cluster) {
    let directory = cluster.directory().to_owned();
    spawn_blocking(|| cluster.stop()).await.unwrap().unwrap();
    fs::remove_dir_all(directory).unwrap();
}

/// Runs kubectl as the administrator.
pub(super) async fn kubectl(access: &Access, arguments: &[&str]) -> Ran {
    run(Command::from(access.kubectl_as(Role::Admin)).args(arguments)).await
}

/// Applies manifests with kubectl.
pub(super) async fn apply(access: &Access, manifests: &str, more: &[&str]) -> Ran {
    let mut file = NamedTempFile::with_suffix(".yaml").unwrap();
    file.write_all(manifests.as_bytes()).unwrap();
    let path = file.path().to_string_lossy();
    kubectl(access, &[&["apply", "--server-side", "--validate=strict", "-f", &path], more].concat()).await
}

/// Waits until the API server serves all kinds that were just applied.
pub(super) async fn kinds_are_served(access: &Access) {
    let begun = Instant::now();
    loop {
        // It ends at once with an error where a CRD has no conditions yet.
        let waited = kubectl(access, &["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]).await;
        if waited.success {
            return;
        }
        assert!(begun.elapsed() < DEADLINE, "{}", waited.errors);
        sleep(POLL).await;
    }
}

fn monitoring() -> String {
    let stubs = MONITORING.map(|(kind, plural)| {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.monitoring.coreos.com")},
            "spec": {
                "group": "monitoring.coreos.com",
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}},
                }],
            },
        })
        .to_string()
    });
    stubs.join("\n---\n")
}

#[tokio::test]
async fn each_set_of_values_is_linted() {
    let helm = Helm::alone().await;
    let chart = chart();
    for (name, path) in sets() {
        let ran = helm.run(&["lint", "--strict", "--values", &path, &chart.to_string_lossy()]).await;
        assert!(ran.success, "{name}: {}{}", ran.output, ran.errors);
        assert!(ran.output.contains("1 chart(s) linted, 0 chart(s) failed"), "{name}: {}", ran.output);
        assert!(!ran.output.contains("[WARNING]"), "{name}: {}", ran.output);
    }
}

#[tokio::test]
async fn an_api_server_accepts_each_set_of_values_without_a_warning() {
    let cluster = cluster("chart-values").await;
    let access = cluster.access();
    let helm = Helm::on(&access).await;
    let crds = workspace().join("deploy/crds");
    kubectl(&access, &["apply", "--server-side", "-k", &crds.to_string_lossy()]).await.printed();
    apply(&access, &monitoring(), &[]).await.printed();
    kinds_are_served(&access).await;
    let sets = sets();
    assert!(sets.len() >= 12, "{sets:?}");
    let mut rendered = Vec::new();
    for (name, path) in &sets {
        rendered.push((name, helm.template(&chart(), &[path], &[]).await.printed()));
    }
    let namespaces: BTreeSet<String> = rendered
        .iter()
        .flat_map(|(_, manifests)| objects(manifests))
        .filter_map(|object| object["metadata"]["namespace"].as_str().map(str::to_owned))
        .filter(|namespace| namespace != "default")
        .collect();
    let namespaces: Vec<String> = namespaces
        .iter()
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string())
        .collect();
    apply(&access, &namespaces.join("\n---\n"), &[]).await.printed();
    // A Pod is refused where its account is not there, and in a dry run it never is.
    let accounts = rendered.iter().flat_map(|(_, manifests)| objects(manifests));
    let accounts = accounts.filter(|object| object["kind"] == "ServiceAccount");
    let accounts: BTreeMap<String, String> = accounts.map(|object| (identity(&object), object.to_string())).collect();
    let accounts: Vec<String> = accounts.into_values().collect();
    apply(&access, &accounts.join("\n---\n"), &[]).await.printed();
    let schemas = Schemas::of(&access).await;
    let accept = async |(name, manifests): &(&String, String)| {
        let expected: BTreeSet<String> = by_identity(objects(manifests)).into_keys().collect();
        let ran = schemas.check(manifests).await;
        assert!(ran.success, "{name}: kubeconform: {}{}", ran.output, ran.errors);
        let summary = format!("{} resources found in 1 file - Valid: {}, Invalid: 0", expected.len(), expected.len());
        assert!(ran.output.contains(&summary), "{name}: {} of {summary}", ran.output);
        // Of CRDs that are there already, the labels and annotations change hands.
        let ran = apply(&access, manifests, &["--dry-run=server", "--force-conflicts"]).await;
        assert!(ran.success, "{name}: {}", ran.errors);
        assert_eq!(ran.errors, "", "{name}: no warnings");
        let applied = ran.output.lines().filter(|line| line.ends_with("serverside-applied (server dry run)")).count();
        assert_eq!(applied, expected.len(), "{name}: {}", ran.output);
    };
    stream::iter(&rendered).map(accept).buffer_unordered(2).collect::<()>().await;
    stop(cluster).await;
}

#[tokio::test]
async fn kubeconform_sees_a_misspelt_field_and_a_kind_without_a_schema() {
    let access = Access::from_environment(&Environment::of_this_process()).unwrap();
    let schemas = Schemas::of(&access).await;
    let helm = Helm::alone().await;
    let manifests = helm.template(&chart(), &[], &[]).await.printed();
    for (right, wrong) in [
        ("enableServiceLinks: false", "enableServiceLink: false"),
        ("replicas: 2", "replicas: two"),
        ("ttlSecondsAfterLastActivity: 3600", "ttlSecondsAfterLastActivities: 3600"),
        ("kind: PodDisruptionBudget", "kind: PodDisruptionBudgets"),
        ("publishNotReadyAddresses: true", "publishNotReadyAddresses: true\n  publishNotReadyAddresses: true"),
    ] {
        assert!(manifests.contains(right), "{right}");
        let ran = schemas.check(&manifests.replace(right, wrong)).await;
        assert!(!ran.success, "{wrong}: {}", ran.output);
    }
}

/// The rendered objects of a set of values, by kind, namespace and name.
async fn set(helm: &Helm, name: &str) -> BTreeMap<String, Value> {
    let (_, path) = sets().into_iter().find(|(known, _)| known == name).expect("the set is there");
    by_identity(objects(&helm.template(&chart(), &[&path], &[]).await.printed()))
}

#[tokio::test]
async fn values_are_where_they_should_be() {
    let helm = Helm::alone().await;
    let deployment = format!("Deployment/{NAMESPACE}/cicdcontext");

    let images = set(&helm, "registry").await;
    let container = &images[&deployment]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "registry.example:5000/platform/mirror/cicdcontext-operator:0.1.0-rc.1");
    let digest = set(&helm, "digest").await;
    let container = &digest[&deployment]["spec"]["template"]["spec"]["containers"][0];
    let sum = "0123456789abcdef".repeat(4);
    assert_eq!(container["image"], format!("cicdcontext/operator@sha256:{sum}"));

    let labelled = set(&helm, "labels").await;
    for (identity, object) in &labelled {
        assert_eq!(object["metadata"]["labels"]["cost-center"], "0815", "{identity}");
        assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/name"], "reflexes", "{identity}");
    }

    let network = set(&helm, "network").await;
    let arguments = network[&deployment]["spec"]["template"]["spec"]["containers"][0]["args"].clone();
    let expected = json!([
        "run",
        "--instance=cicdcontext",
        "--egress-allow=10.20.0.0/16:8443",
        "--egress-allow=*.chat.svc.cluster.example",
        "--egress-allow=[fd00::1]:443",
        "--egress-deny=10.20.30.0/24",
        "--egress-deny=admin.example",
        "--proxy=outside=http://proxy.example:3128",
        "--proxy-credentials=outside=/etc/cicdcontext/proxies/outside/userinfo",
        "--proxy=plain=https://other-proxy.example:3129",
        "--cluster-domain=cluster.example",
    ]);
    assert_eq!(arguments, expected);

    let disruption =
        |objects: &BTreeMap<String, Value>| objects.keys().any(|identity| identity.starts_with("PodDisruptionBudget/"));
    assert!(disruption(&set(&helm, "default").await));
    assert!(!disruption(&set(&helm, "one-replica").await), "it would only keep the node from being drained");

    for (identity, object) in set(&helm, "policies").await {
        if object["kind"] == "CustomResourceDefinition" {
            let annotations = &object["metadata"]["annotations"];
            assert_eq!(annotations["helm.sh/resource-policy"], Value::Null, "{identity}");
            assert_eq!(annotations["kustomize.toolkit.fluxcd.io/substitute"], "disabled", "{identity}");
        }
    }
}

#[tokio::test]
async fn the_default_is_the_operator_its_rights_and_kinds_that_stay() {
    let helm = Helm::alone().await;
    let objects = set(&helm, "default").await;
    let kinds = objects.values().filter(|object| object["kind"] == "CustomResourceDefinition");
    let kept = kinds.filter(|object| object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep").count();
    assert_eq!(kept, 6);
    for identity in ["Deployment", "ServiceAccount", "PodDisruptionBudget"] {
        assert!(objects.contains_key(&format!("{identity}/{NAMESPACE}/cicdcontext")), "{identity}");
    }
    for role in ["cicd-viewer", "cicd-pipeline", "cicd-editor", "cicd-endpoint-editor"] {
        assert!(objects.contains_key(&format!("ClusterRole//{role}")), "{role}");
    }
    assert!(!objects.keys().any(|identity| identity.starts_with("NetworkPolicy/")), "off by default");
    let pod = &objects[&format!("Deployment/{NAMESPACE}/cicdcontext")]["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
}
