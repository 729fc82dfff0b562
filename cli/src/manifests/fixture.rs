//! Manifests of a small shop, for tests.

use serde_json::{Value, json};

use crate::source::files::{Manifests, Seen};

/// In namespace `team`: a context `shop`, what it inherits, and where it sends to.
const SHOP: &str = r##"
apiVersion: cicdcontext.io/v1alpha1
kind: ClusterCicdBase
metadata: {name: platform}
spec:
  settings: {channel: "#ci", dashboard: https://ci.example}
  partials: {mark: "!"}
  pipelines:
    build:
      settings: {speed: fast}
      eventHandlers:
        success:
          - name: tell
            notify: {endpoint: {name: chat}, message: "built {{state.app}} {{event.data.tag}}{{> mark}}"}
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdBase
metadata: {name: base}
spec:
  bases: [{kind: ClusterCicdBase, name: platform}]
  variables: {image: "{{state.app}}:{{state.version}}"}
  pipelines:
    build:
      eventHandlers:
        success:
          - name: tell
            notify: {fields: [{name: Image, value: "{{variables.image}}"}]}
          - name: record
            setValues: [{path: state.image, template: "{{variables.image}}"}]
          - name: deploy
            if: "{{state.image}}"
            webhook:
              endpoint: {name: ci}
              path: /runs/{{state.app}}
              body: '{"image": "{{state.image}}"}'
              capture: [{path: state.run.id, fromPath: $.body.id}]
          - name: follow
            notify: {endpoint: {name: chat}, message: "run {{state.run.id}}"}
          - name: promote
            if: "{{settings.promoteTo}}"
            setValues: [{path: state.promoted, value: true}]
  contexts:
    stage: {settings: {channel: "#stage"}}
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdEndpoint
metadata: {name: chat}
spec:
  url: https://chat.example/api
  auth: {bearer: {secretKeyRef: {name: chat, key: token}}}
  bodies:
    notify: |
      {
        "channel": "{{settings.channel}}",
        "text": "{{handler.message}}"
      }
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdEndpoint
metadata: {name: ci}
spec:
  url: https://ci.example
  allow: {pathPrefixes: [/runs]}
---
apiVersion: cicdcontext.io/v1alpha1
kind: CicdContext
metadata: {name: shop, uid: u1}
spec:
  context: stage
  bases: [{kind: CicdBase, name: base}]
  state: {app: shop, version: "1.4"}
---
apiVersion: v1
kind: Secret
metadata: {name: chat}
stringData: {token: never-shown}
"##;

/// The namespace of what names none.
pub(crate) const TEAM: &str = "team";

/// The documents of the shop.
pub(crate) fn documents() -> Vec<Value> {
    serde_saphyr::from_multiple(SHOP).unwrap()
}

/// Manifests, and a view of namespace `team` of them.
pub(crate) struct Shop(Manifests);

impl Shop {
    /// Manifests of these objects.
    pub(crate) fn of(objects: &[Value]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        std::fs::write(folder.path().join("shop.json"), list.to_string()).unwrap();
        Self(Manifests::read(&[folder.path().to_owned()], TEAM).unwrap())
    }

    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen { manifests: &self.0, namespace: TEAM }
    }
}

/// The shop.
pub(crate) fn shop() -> Shop {
    Shop::of(&documents())
}

/// The shop, with one object changed: `kind/name`, and what to do with it.
pub(crate) fn shop_with(object: &str, change: impl FnOnce(&mut Value)) -> Shop {
    let mut documents = documents();
    let title =
        |value: &Value| format!("{}/{}", value["kind"].as_str().unwrap(), value["metadata"]["name"].as_str().unwrap());
    change(documents.iter_mut().find(|value| title(value) == object).unwrap());
    Shop::of(&documents)
}
