//! What one scenario plays in: a namespace of its own with a receiver, and objects that are created at a time when
//! nothing is done to anybody.

use cicdcontext_crds::{CicdContext, CicdEndpoint};
use cicdcontext_tests::{cluster::Role, installation::kubectl, receiver::Receiver};
use kube::{Api, Client, Resource, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{error::ChaosError, stage::Stage, workload};

/// The place that requests of [`Ground::appending_contexts`] go to.
pub(crate) const CHAT: &str = "/chat";

/// A namespace with a receiver.
pub(crate) struct Ground<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) namespace: String,
    pub(crate) receiver: Receiver,
}

impl<'a> Ground<'a> {
    /// Creates the namespace `name`, in which pipelines have their rights.
    pub(crate) async fn new(stage: &'a Stage, name: &str) -> Result<Self, ChaosError> {
        kubectl(&stage.access, &["create", "namespace", name]).await?;
        let user = format!("--user={}", Role::Pipeline.user());
        let bind = ["-n", name, "create", "rolebinding", "steps", "--clusterrole=cicd-pipeline", &user];
        kubectl(&stage.access, &bind).await?;
        let receiver = Receiver::start().await.map_err(ChaosError::io("listen on", "loopback"))?;
        Ok(Self { stage, namespace: name.to_owned(), receiver })
    }

    /// Requests for objects of a kind, with all rights.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.stage.admin.clone(), &self.namespace)
    }

    /// A client with the rights of a step of a pipeline.
    pub(crate) fn pipeline(&self) -> Client {
        self.stage.pipeline.clone()
    }

    /// Creates an endpoint that leads to a path of the receiver and sends `{"text": <message>}`.
    pub(crate) async fn endpoint(&self, name: &str, path: &str, more: Value) -> Result<(), ChaosError> {
        let mut spec = json!({
            "url": self.receiver.url(path), "allowHttp": true,
            "bodies": {"notify": r#"{"text": "{{handler.message}}"}"#},
        });
        if let (Value::Object(spec), Value::Object(more)) = (&mut spec, more) {
            spec.extend(more);
        }
        self.create::<CicdEndpoint>(name, &spec).await
    }

    /// Creates a context with these handlers for events of its pipeline `build`.
    pub(crate) async fn context(&self, name: &str, event_handlers: &Value) -> Result<(), ChaosError> {
        let spec = json!({
            // What is looked at in the end must not be deleted before.
            "eventHistoryLimit": 1000, "failedEventHistoryLimit": 1000,
            "pipelines": {"build": {"eventHandlers": event_handlers}},
        });
        self.create::<CicdContext>(name, &spec).await
    }

    /// Contexts whose events `build=success` append their id to `state.noted`, tell it to the receiver, and append it
    /// to `state.told` with the answer.
    pub(crate) async fn appending_contexts(&self, names: &[String]) -> Result<(), ChaosError> {
        self.endpoint("chat", CHAT, json!({})).await?;
        for name in names {
            self.context(name, &json!({"success": [note(), tell("chat")]})).await?;
        }
        Ok(())
    }

    async fn create<K>(&self, name: &str, spec: &Value) -> Result<(), ChaosError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
        K: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        let created = workload::create::<K>(&self.stage.admin, &self.namespace, name, spec).await;
        created.map_err(ChaosError::kubernetes(format!("create {}/{name}", K::kind(&()))))
    }
}

/// A handler that appends the event's id to `state.noted`.
pub(crate) fn note() -> Value {
    json!({"name": "note", "setValues": [{"path": "state.noted", "op": "Append", "template": "{{event.id}}"}]})
}

/// A handler that tells context and id of the event to an endpoint, and appends the id to `state.told` then.
pub(crate) fn tell(endpoint: &str) -> Value {
    json!({"name": "tell", "notify": {
        "endpoint": {"name": endpoint}, "message": "{{context.name}} {{event.id}}",
        "capture": [{"path": "state.told", "op": "Append", "template": "{{event.id}}"}],
    }})
}
