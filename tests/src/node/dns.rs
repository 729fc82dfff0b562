//! DNS for the names of Services: CoreDNS as a Deployment of one Pod.

use super::{
    components::{DNS_ADDRESS, DOMAIN},
    images::DNS,
};

/// The namespace of everything here.
pub(super) const NAMESPACE: &str = "kube-system";
/// The name of everything here.
pub(super) const NAME: &str = "dns";

/// What is applied.
pub(super) fn manifest() -> String {
    format!(
        r#"apiVersion: v1
kind: ServiceAccount
metadata: {{name: {NAME}, namespace: {NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {NAME}}}
rules:
- {{apiGroups: [""], resources: [services, pods, namespaces], verbs: [list, watch]}}
- {{apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {NAME}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {NAME}}}
subjects: [{{kind: ServiceAccount, name: {NAME}, namespace: {NAMESPACE}}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: {NAME}, namespace: {NAMESPACE}}}
data:
  # Not port 53: the Pod has no capability to listen there. A name that is not the cluster's does not exist.
  Corefile: |
    .:5353 {{
      errors
      ready :8181
      kubernetes {DOMAIN}
      cache 5
    }}
---
apiVersion: v1
kind: Service
metadata: {{name: {NAME}, namespace: {NAMESPACE}}}
spec:
  clusterIP: {DNS_ADDRESS}
  selector: {{app: {NAME}}}
  ports:
  - {{name: udp, port: 53, targetPort: 5353, protocol: UDP}}
  - {{name: tcp, port: 53, targetPort: 5353}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {NAME}, namespace: {NAMESPACE}}}
spec:
  selector: {{matchLabels: {{app: {NAME}}}}}
  template:
    metadata: {{labels: {{app: {NAME}}}}}
    spec:
      serviceAccountName: {NAME}
      dnsPolicy: Default
      containers:
      - name: {NAME}
        image: {DNS}
        imagePullPolicy: Never
        args: [-conf, /etc/dns/Corefile]
        volumeMounts: [{{name: settings, mountPath: /etc/dns}}]
        readinessProbe: {{httpGet: {{port: 8181, path: /ready}}, periodSeconds: 1}}
      volumes: [{{name: settings, configMap: {{name: {NAME}}}}}]
"#
    )
}
