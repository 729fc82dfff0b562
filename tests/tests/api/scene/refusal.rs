//! An API server that refuses events in one namespace, as a quota or a policy of the cluster may.

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use serde_json::json;

use super::Scene;

impl Scene {
    /// Lets nobody create events in this namespace. It takes a moment until it is in force.
    pub(crate) async fn forbid_events(&self, policy: &str) {
        let rule = json!({
            "apiGroups": ["cicdcontext.io"], "apiVersions": ["*"], "resources": ["cicdevents"], "operations": ["CREATE"],
        });
        let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": self.namespace}});
        let object: ValidatingAdmissionPolicy = serde_json::from_value(json!({
            "metadata": {"name": policy},
            "spec": {
                "matchConstraints": {"resourceRules": [rule], "namespaceSelector": selector},
                "validations": [{"expression": "false", "message": "no events here"}],
            },
        }))
        .unwrap();
        let binding: ValidatingAdmissionPolicyBinding = serde_json::from_value(json!({
            "metadata": {"name": policy}, "spec": {"policyName": policy, "validationActions": ["Deny"]},
        }))
        .unwrap();
        let parameters = PostParams::default();
        Api::all(self.client.clone()).create(&parameters, &object).await.unwrap();
        Api::all(self.client.clone()).create(&parameters, &binding).await.unwrap();
    }

    /// Takes it back.
    pub(crate) async fn allow_events(&self, policy: &str) {
        let parameters = DeleteParams::default();
        let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(self.client.clone());
        drop(bindings.delete(policy, &parameters).await.unwrap());
        let policies: Api<ValidatingAdmissionPolicy> = Api::all(self.client.clone());
        drop(policies.delete(policy, &parameters).await.unwrap());
    }
}
