//! The drop-in over CicdContexts of a real API server, with the rights of cicd-editor in a namespace of its own for each case.
//!
//! What an object says is put together here once more: the program's own reading is not asked.

use std::collections::BTreeMap;

use cicdcontext_crds::CicdContext;
use cicdcontext_tests::{
    cluster::{Access, Environment, Role},
    installation::{install, kubectl},
};
use kube::{Api, api::ListParams};
use serde_json::{Map, Value};

use crate::{compared, oracle, store::Stores};

/// Annotation with the ID of the run.
const DATA_ID: &str = "cicdcontext.io/data-id";

/// A namespace of one case.
pub(crate) struct Namespace {
    name: String,
    access: Access,
    contexts: Api<CicdContext>,
}

impl Namespace {
    pub(crate) async fn create(access: &Access, number: usize) -> Self {
        let name = format!("migration-{}-{number}", std::process::id());
        kubectl(access, &["create", "namespace", &name]).await.unwrap();
        let user = format!("--user={}", Role::Editor.user());
        kubectl(access, &["-n", &name, "create", "rolebinding", "steps", "--clusterrole=cicd-editor", &user])
            .await
            .unwrap();
        let contexts = Api::namespaced(access.client(Role::Admin).await.unwrap(), &name);
        Self { name, access: access.clone(), contexts }
    }

    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        [
            ("CICDSTATEMGR_STORE", "cluster".to_owned()),
            ("CICDSTATEMGR_NAMESPACE", self.name.clone()),
            ("KUBECONFIG", self.access.kubeconfig(Role::Editor).to_string_lossy().into_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    pub(crate) async fn documents(&self) -> Value {
        let all = self.contexts.list(&ListParams::default()).await.unwrap();
        let documents: Map<String, Value> = all
            .items
            .into_iter()
            .map(|object| {
                assert_eq!(object.spec.suspend, Some(true), "the operator would run its handlers: {object:?}");
                let id = object.metadata.annotations.unwrap()[DATA_ID].clone();
                let mut document = object.spec.configuration.settings.unwrap_or_default();
                document.extend(object.spec.state.map(|state| ("state".to_owned(), Value::Object(state))));
                let values = object.spec.variable_values.unwrap_or_default();
                if !values.is_empty() {
                    let variables = document.entry("variables").or_insert_with(|| Map::new().into());
                    let values = values.into_iter().map(|(name, value)| (name, value.into()));
                    variables.as_object_mut().unwrap().extend(values);
                }
                (id, Value::Object(document))
            })
            .collect();
        Value::Object(documents)
    }

    pub(crate) async fn remove(self) {
        kubectl(&self.access, &["delete", "namespace", &self.name, "--wait=false"]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drop_in_with_cicdcontexts_does_what_the_predecessor_does() {
    let Some(predecessor) = oracle::installed("the drop-in over CicdContexts") else { return };
    let access = Access::from_environment(&Environment::of_this_process()).unwrap();
    install(&access).await.unwrap();
    compared(&predecessor, &Stores::Cluster(access)).await;
}
