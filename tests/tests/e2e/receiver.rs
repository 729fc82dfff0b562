//! A receiver Pod behind a Service, over https with a certificate authority of its own.

use std::collections::BTreeMap;

use cicdcontext_tests::node::RECEIVER;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stage::Stage;

/// The Service, and everything that belongs to it.
const NAME: &str = "receiver";

/// A request as the receiver kept it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) status: u16,
}

impl Request {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Starts the receiver, and makes the CicdEndpoint `ci` for it.
pub(crate) async fn start(stage: &Stage, namespace: &str) {
    let host = format!("{NAME}.{namespace}.svc.cluster.local");
    let authority = CertifiedIssuer::self_signed(authority(), KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![host.clone()]).unwrap().signed_by(&key, &authority).unwrap();
    let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME}, "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": certificate.pem(), "tls.key": key.serialize_pem()},
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": {"ca.crt": authority.pem()}},
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME},
            "spec": {"selector": {"app": NAME}, "ports": [
                {"name": "https", "port": 443, "targetPort": 8443},
                {"name": "show", "port": 8080},
            ]},
        },
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "labels": {"app": NAME}},
            "spec": {
                "automountServiceAccountToken": false,
                // A user of which neither the image nor the node knows anything, as OpenShift gives them.
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": 1_000_650_000, "fsGroup": 1_000_650_000,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [{
                    "name": NAME, "image": RECEIVER, "imagePullPolicy": "Never",
                    "securityContext": {
                        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1},
                    "volumeMounts": [{"name": "tls", "mountPath": "/tls", "readOnly": true}],
                }],
                "volumes": [{"name": "tls", "secret": {"secretName": NAME}}],
            },
        },
        {
            "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEndpoint", "metadata": {"name": "ci"},
            "spec": {
                "url": format!("https://{host}/hooks"),
                "tls": {"ca": {"configMapKeyRef": {"name": NAME, "key": "ca.crt"}}},
                "allow": {"pathPrefixes": ["/build", "/burst"]},
                "retry": {"initialDelaySeconds": 1, "maxDelaySeconds": 2},
            },
        },
    ]});
    stage.apply(namespace, &objects.to_string()).await;
    let is_ready = |pod: &Value| crate::stage::is_ready(pod).then_some(());
    stage.until("the receiver", &["pod", NAME, "--namespace", namespace], is_ready).await;
}

fn authority() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, "a company's own authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    parameters
}

/// A path of the receiver's second port, through the API server.
fn shown(namespace: &str, path: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/http:{NAME}:show/proxy/{path}")
}

/// What has arrived.
pub(crate) async fn requests(stage: &Stage, namespace: &str) -> Vec<Request> {
    let answer = stage.kubectl(&["get", "--raw", &shown(namespace, "requests")]).await;
    serde_json::from_str(&answer).unwrap()
}

/// Forgets what has arrived.
pub(crate) async fn forget(stage: &Stage, namespace: &str) {
    stage.kubectl(&["delete", "--raw", &shown(namespace, "requests")]).await;
}

/// Lets the next requests fail.
pub(crate) async fn fail(stage: &Stage, namespace: &str, how_many: usize) {
    let request = axum::http::Request::put(shown(namespace, "failures"));
    let request = request.body(how_many.to_string().into_bytes()).unwrap();
    stage.client.request_text(request).await.unwrap();
}
