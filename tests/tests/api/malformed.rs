//! Objects that were stored before a schema change and cannot be read any more: each says so, and stops no other.

use cicdcontext_tests::cluster::{Cluster, Options, Report, Role};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    object::{Kind, condition, expect_outcome},
    scene::Scene,
};

/// Lets the API server take any spec for a kind, and gives the definition as it was.
async fn relax(definitions: &Api<CustomResourceDefinition>, name: &str) -> Value {
    let before = serde_json::to_value(definitions.get(name).await.unwrap()).unwrap();
    let anything = json!({
        "type": "object", "x-kubernetes-preserve-unknown-fields": true,
        "properties": {
            "spec": {"x-kubernetes-preserve-unknown-fields": true},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    });
    let mut version = before["spec"]["versions"][0].clone();
    version["schema"]["openAPIV3Schema"] = anything;
    version.as_object_mut().unwrap().remove("selectableFields");
    set_versions(definitions, name, &json!([version])).await;
    before["spec"]["versions"].clone()
}

async fn set_versions(definitions: &Api<CustomResourceDefinition>, name: &str, versions: &Value) {
    let patch = json!({ "spec": { "versions": versions } });
    definitions.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

/// Has a cluster of its own, since other tests need the kinds as they are.
#[tokio::test]
async fn a_malformed_object_says_so_and_stops_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { report: Report::silent(), ..Options::in_directory(directory.path()) };
    let cluster = spawn_blocking(|| Cluster::start(options)).await.unwrap().unwrap();
    let mut scene = Scene::on(cluster.access()).await;
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.access().client(Role::Admin).await.unwrap());
    let malformed = [
        (Kind::Context, "cicdcontexts", json!({"pipelines": "none", "state": ["a"]})),
        (Kind::Event, "cicdevents", json!({"contextRef": "shop", "event": {"a": 1}})),
        (Kind::Base, "cicdbases", json!({"settings": [1], "bases": "app"})),
        (Kind::Endpoint, "cicdendpoints", json!({"url": "https://chat.example", "concurrency": "many"})),
    ];
    for (kind, plural, spec) in &malformed {
        let name = format!("{plural}.cicdcontext.io");
        let versions = relax(&definitions, &name).await;
        let object = kind.object("malformed", spec);
        let taken = async || scene.try_create(*kind, object.clone()).await;
        scene.until(&format!("the API server takes a malformed {kind:?}"), taken).await;
        if *kind == Kind::Event {
            scene.create(*kind, "malformed-too", spec).await;
        }
        set_versions(&definitions, &name, &versions).await;
        let refused = async || {
            let again = scene.try_create(*kind, kind.object("again", spec)).await;
            if again.is_ok() {
                scene.delete(*kind, "again").await;
            }
            again.map_or_else(Ok, |created| Err(created.to_string()))
        };
        scene.until(&format!("the API server refuses a malformed {kind:?} again"), refused).await;
    }

    scene.start_operator(&[]).await;
    for (kind, condition_type, part) in [
        (Kind::Context, "Ready", "read spec: invalid type: "),
        (Kind::Base, "Ready", "read spec: invalid type: "),
        (Kind::Endpoint, "Ready", "read spec: invalid type: "),
    ] {
        let object = scene.wait_condition(kind, "malformed", condition_type, "False").await;
        let (_, reason, message) = condition(&object, condition_type);
        assert_eq!(reason, "Malformed", "{object:#}");
        assert!(message.starts_with(part), "{message}");
    }
    // The API server itself refuses each status of such an event: the rule that it cannot be changed does not know its
    // shape. People are told all the same, and one such event does not hide the next.
    for event in ["malformed", "malformed-too"] {
        let told = scene.told(Kind::Event, event, "EventFailed").await;
        assert!(told.starts_with("Malformed: read spec: invalid type: "), "{told}");
    }
    let told = scene.told(Kind::Context, "malformed", "Malformed").await;
    assert!(told.starts_with("read spec: "), "{told}");
    scene.others_work().await;

    // What builds on it is told which one is broken; an event for the context waits and runs once it can be read.
    scene.create(Kind::Context, "heir", &json!({"bases": [{"kind": "CicdBase", "name": "malformed"}]})).await;
    let heir = scene.wait_condition(Kind::Context, "heir", "Ready", "False").await;
    let (_, reason, message) = condition(&heir, "Ready");
    assert_eq!(reason, "BaseNotReady");
    assert!(
        message.starts_with("read CicdBase/malformed, which the bases of CicdContext/heir name: read spec: "),
        "{message}"
    );
    scene.annotate("malformed", "r1", "build=failure").await;
    let waits = scene.taken_in("malformed", "r1").await;
    scene.patch(Kind::Context, "malformed", &json!({"spec": {"state": null, "pipelines": {"build": {}}}})).await;
    let done = scene.finished(crate::object::name(&waits)).await;
    expect_outcome(&done, "Skipped", "True", "NoHandlers", "no handlers are configured for build=failure");

    drop(scene);
    spawn_blocking(|| cluster.stop()).await.unwrap().unwrap();
}
