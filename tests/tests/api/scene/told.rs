//! Kubernetes Events: what the operator told people.

use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};

use super::Scene;
use crate::object::Kind;

impl Scene {
    /// Waits until a Kubernetes Event of this reason was written about an object, and gives its note.
    pub(crate) async fn told(&self, kind: Kind, name: &str, reason: &str) -> String {
        let what = format!("a Kubernetes Event {reason} was written about {kind:?} {name}");
        let look = async || {
            let all = self.all_told(kind, name).await;
            let found = all.iter().find(|(known, _)| known == reason);
            found.map(|(_, note)| note.clone()).ok_or_else(|| format!("{all:#?}"))
        };
        self.until(&what, look).await
    }

    /// Reasons and notes of all Kubernetes Events about an object.
    pub(crate) async fn all_told(&self, kind: Kind, name: &str) -> Vec<(String, String)> {
        let kind = kind.resource().kind;
        let about = |event: &Event| {
            let regarding = event.regarding.clone().unwrap_or_default();
            regarding.name.as_deref() == Some(name) && regarding.kind.as_deref() == Some(&kind)
        };
        let all = self.kubernetes_events().await.into_iter().filter(about);
        all.map(|event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default())).collect()
    }

    /// All Kubernetes Events of the namespace.
    pub(crate) async fn kubernetes_events(&self) -> Vec<Event> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        api.list(&ListParams::default()).await.unwrap().items
    }
}
