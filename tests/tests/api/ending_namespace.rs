//! A namespace whose deletion has begun: nothing can be created there any more, and the operator does not try for ever
//! in a hot loop.

use std::time::Duration;

use cicdcontext_tests::gate::fault::Asked;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::DeleteParams};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event},
    scene::Scene,
};

#[tokio::test]
async fn in_a_namespace_that_is_being_deleted_nothing_is_tried_in_a_hot_loop() {
    const ATTEMPTS: usize = 4;
    let mut scene = Scene::without_operator().await;
    scene.shop().await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene
        .create(
            Kind::StateWrite,
            "w",
            &json!({
                "contextRef": {"name": "shop"}, "changes": [{"path": "state.written", "value": true}],
            }),
        )
        .await;
    // As long as somebody has something to do in it, it stays; without a controller manager it stays anyway.
    let hold = json!({"metadata": {"finalizers": ["cicdcontext.test/hold"]}});
    scene.patch(Kind::Endpoint, "chat", &hold).await;
    let namespaces: Api<Namespace> = Api::all(scene.client.clone());
    scene.annotate("shop", "r1", "build=success").await;
    drop(namespaces.delete(&scene.namespace, &DeleteParams::default()).await.unwrap());
    let probe = Kind::Event.object("probe", &event("shop", "build=success"));
    let refused = async || match scene.try_create(Kind::Event, probe.clone()).await {
        Err(message) => Ok(message),
        Ok(_) => Err("it was created".to_owned()),
    };
    let message = scene.until("nothing can be created any more", refused).await;
    assert!(message.contains("because it is being terminated"), "{message}");

    let gate = scene.gate().await;
    scene.start_operator_behind(&gate, &[]).await;
    let is_creation = |asked: &Asked| asked.is("POST", "/cicdevents");
    let tried = async || {
        let gone = scene.get(Kind::Context, "shop").await.is_none();
        let attempts = gate.asked_for(is_creation);
        if gone || attempts.len() >= ATTEMPTS { Ok(attempts) } else { Err(format!("{attempts:?}")) }
    };
    let attempts = scene.until("creating the event of the annotation is tried again", tried).await;
    if let [first, .., last] = attempts.as_slice()
        && attempts.len() >= ATTEMPTS
    {
        let took = last.at - first.at;
        assert!(took >= Duration::from_secs(1), "{} attempts within {took:?}", attempts.len());
    }
    // What is there already comes to its end, or goes with the namespace.
    let ended = |event: &Value| event.is_null() || event["status"]["completionTime"].is_string();
    scene.wait(Kind::Event, "e", "is finished or gone", ended).await;
    scene.wait(Kind::StateWrite, "w", "is gone", Value::is_null).await;
    let all = gate.asked_for(Asked::is_write);
    assert!(all.len() < 60, "{} writes: {:?}", all.len(), all.iter().map(|asked| &asked.path).collect::<Vec<_>>());
    scene.patch(Kind::Endpoint, "chat", &json!({"metadata": {"finalizers": null}})).await;
}
