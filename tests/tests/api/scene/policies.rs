//! The admission policies of `deploy/admission`, in force in the namespace of one scene and nowhere else.

use cicdcontext_tests::cluster::workspace;
use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use kube::{
    Api, Resource,
    api::{DeleteParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::Scene;

/// A policy of `deploy/admission`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Policy {
    Status,
    Configure,
}

impl Policy {
    const fn file(self) -> &'static str {
        match self {
            Self::Status => "status.yaml",
            Self::Configure => "configure/configure.yaml",
        }
    }
}

impl Scene {
    /// The name of a policy in this scene: it is the cluster's, as is that of every other test.
    pub(crate) fn policy_name(&self, policy: Policy) -> String {
        format!("{}-{policy:?}", self.namespace).to_lowercase()
    }

    /// Creates a policy for this namespace alone. It takes a moment until it is in force.
    pub(crate) async fn introduce(&self, policy: Policy) {
        let path = workspace().join("deploy/admission").join(policy.file());
        let text = std::fs::read_to_string(&path).unwrap();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let [mut rule, mut binding] = <[Value; 2]>::try_from(documents).unwrap();
        let name = json!(self.policy_name(policy));
        rule["metadata"]["name"] = name.clone();
        binding["metadata"]["name"] = name.clone();
        binding["spec"]["policyName"] = name;
        let selector = json!({"matchLabels": {"kubernetes.io/metadata.name": self.namespace}});
        binding["spec"]["matchResources"] = json!({ "namespaceSelector": selector });
        self.create_in_cluster::<ValidatingAdmissionPolicy>(rule).await;
        self.create_in_cluster::<ValidatingAdmissionPolicyBinding>(binding).await;
    }

    /// Takes a policy back.
    pub(crate) async fn withdraw(&self, policy: Policy) {
        let (name, parameters) = (self.policy_name(policy), DeleteParams::default());
        let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(self.client.clone());
        drop(bindings.delete(&name, &parameters).await.unwrap());
        let policies: Api<ValidatingAdmissionPolicy> = Api::all(self.client.clone());
        drop(policies.delete(&name, &parameters).await.unwrap());
    }

    async fn create_in_cluster<K>(&self, object: Value)
    where
        K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        let object: K = serde_json::from_value(object).unwrap();
        Api::<K>::all(self.client.clone()).create(&PostParams::default(), &object).await.unwrap();
    }
}
