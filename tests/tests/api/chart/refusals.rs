//! Values that the schema refuses, and what Helm says then: a person has to see which value it was and what would be right.

use serde_json::{Value, json};

use super::helm::{Helm, chart};

/// Renders with values on top of the defaults and returns what Helm complains about.
async fn refused(helm: &Helm, name: &str, values: &Value) -> String {
    let file = helm.values(name, values);
    let ran = helm.template(&chart(), &[&file], &[]).await;
    assert!(!ran.success, "{values} is accepted");
    ran.errors
}

#[tokio::test]
async fn a_bad_value_is_refused_by_its_name_with_what_would_be_right() {
    let helm = Helm::alone().await;
    let cases = [
        (json!({"replicaCount": 3}), "at '': additional properties 'replicaCount' not allowed"),
        (json!({"image": {"pullpolicy": "Never"}}), "at '/image': additional properties 'pullpolicy' not allowed"),
        (
            json!({"image": {"pullPolicy": "Sometimes"}}),
            "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
        ),
        (json!({"image": {"tag": 1.5}}), "at '/image/tag': got number, want string"),
        (
            json!({"image": {"digest": "sha256:abc"}}),
            "at '/image/digest': 'sha256:abc' does not match pattern '^$|^sha256:[0-9a-f]{64}$'",
        ),
        (
            json!({"image": {"registry": "https://registry.example"}}),
            "at '/image/registry': 'https://registry.example'",
        ),
        (json!({"replicas": "2"}), "at '/replicas': got string, want integer"),
        (json!({"replicas": 17}), "at '/replicas': maximum: got 17, want 16"),
        (
            json!({"fullnameOverride": "Cicd_Operator"}),
            "at '/fullnameOverride': 'Cicd_Operator' does not match pattern",
        ),
        (json!({"commonLabels": {"exempt": true}}), "at '/commonLabels/exempt': got boolean, want string"),
        (json!({"watchNamespaces": "team-a"}), "at '/watchNamespaces': got string, want array"),
        (json!({"watchNamespaces": ["Team A"]}), "at '/watchNamespaces/0': 'Team A' does not match pattern"),
        (
            json!({"pipelineServiceAccounts": [{"name": "bot"}]}),
            "at '/pipelineServiceAccounts/0': missing property 'namespace'",
        ),
        (
            json!({"proxies": [{"name": "out", "url": "http://user:secret@proxy.example:3128"}]}),
            "at '/proxies/0/url': 'http://user:secret@proxy.example:3128' does not match pattern",
        ),
        (json!({"crds": {"enabled": "yes"}}), "at '/crds/enabled': got string, want boolean"),
        (json!({"log": {"format": "xml"}}), "at '/log/format': value must be one of 'json', 'text'"),
        (
            json!({"metrics": {"service": {"port": 65536}}}),
            "at '/metrics/service/port': maximum: got 65,536, want 65,535",
        ),
        (json!({"egress": {"allow": "10.0.0.0/8"}}), "at '/egress/allow': got string, want array"),
        (json!({"extraEnv": {"A": "b"}}), "at '/extraEnv': got object, want array"),
        (json!({"enabled": "true"}), "at '/enabled': got string, want boolean"),
    ];
    for (number, (values, message)) in cases.iter().enumerate() {
        let errors = refused(&helm, &format!("bad-{number}"), values).await;
        assert!(errors.contains("values don't meet the specifications of the schema"), "{values}: {errors}");
        assert!(errors.contains(message), "{values}: {errors}");
    }
}

#[tokio::test]
async fn without_an_account_of_its_own_the_chart_asks_for_the_name_of_one() {
    let helm = Helm::alone().await;
    let errors = refused(&helm, "nameless", &json!({"serviceAccount": {"create": false}})).await;
    let message = "serviceAccount.name: name an existing ServiceAccount, since serviceAccount.create is false";
    assert!(errors.contains(message), "{errors}");
}

#[tokio::test]
async fn an_older_cluster_is_refused_by_its_version() {
    let helm = Helm::alone().await;
    let chart = chart();
    let ran = helm.run(&["template", "cicdcontext", &chart.to_string_lossy(), "--kube-version=1.32.9"]).await;
    assert!(!ran.success);
    let message = "chart requires kubeVersion: >=1.33.0-0 which is incompatible with Kubernetes v1.32.9";
    assert!(ran.errors.contains(message), "{}", ran.errors);
}
