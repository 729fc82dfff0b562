//! A quota that refuses events: the annotations stay, people are told, the API server is not flooded, and the events run
//! when the quota allows them.

use std::time::{Duration, Instant};

use cicdcontext_tests::gate::fault::Asked;
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::{
    object::{Kind, event, expect_outcome},
    scene::Scene,
};

const COUNT: &str = "count/cicdevents.cicdcontext.io";

fn quotas(scene: &Scene) -> Api<ResourceQuota> {
    Api::namespaced(scene.client.clone(), &scene.namespace)
}

/// Allows so many events. The controller that else writes the status need not run.
async fn allow(scene: &Scene, events: usize) {
    let hard = json!({COUNT: events.to_string()});
    let spec = json!({"metadata": {"name": "events"}, "spec": {"hard": hard}});
    let quota: ResourceQuota = serde_json::from_value(spec.clone()).unwrap();
    if quotas(scene).get_opt("events").await.unwrap().is_none() {
        quotas(scene).create(&PostParams::default(), &quota).await.unwrap();
    }
    let parameters = PatchParams::default();
    quotas(scene).patch("events", &parameters, &Patch::Merge(&spec)).await.unwrap();
    let status = json!({"status": {"hard": hard, "used": {COUNT: "0"}}});
    quotas(scene).patch_status("events", &parameters, &Patch::Merge(&status)).await.unwrap();
}

/// Waits until the API server goes by a quota that allows nothing.
async fn nothing_is_allowed(scene: &Scene) {
    let probe = serde_json::from_value(Kind::Event.object("probe", &event("shop", "build=started"))).unwrap();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let refused = async || match scene.api(Kind::Event).create(&dry, &probe).await {
        Err(kube::Error::Api(status)) if status.message.contains("exceeded quota") => Ok(()),
        other => Err(format!("{other:?}")),
    };
    scene.until("the quota is in force; is the admission plugin ResourceQuota on?", refused).await;
}

fn is_creation(asked: &Asked) -> bool {
    asked.is("POST", "/cicdevents")
}

#[tokio::test]
async fn events_that_a_quota_refuses_keep_their_annotations_and_run_when_it_is_raised() {
    const ATTEMPTS: usize = 4;
    let mut scene = Scene::without_operator().await;
    scene.shop().await;
    allow(&scene, 0).await;
    nothing_is_allowed(&scene).await;
    let gate = scene.gate().await;
    scene.start_operator_behind(&gate, &[]).await;
    let begun = Instant::now();
    for id in ["r1", "r2"] {
        scene.annotate("shop", id, "build=success").await;
    }
    let told = scene.told(Kind::Context, "shop", "EventRefused").await;
    assert!(told.starts_with("create the CicdEvent of annotation event.cicdcontext.io/r1: "), "{told}");
    assert!(told.contains("exceeded quota: events, requested: count/cicdevents.cicdcontext.io=1, used: "), "{told}");
    assert!(
        told.ends_with("; the annotation stays, and it is tried again at growing distances of up to 30 s"),
        "{told}"
    );

    // Whatever else happens to the context meanwhile does not make it more urgent.
    let mut patches = 0;
    let attempts = async || {
        patches += 1;
        scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"patches": patches}}})).await;
        let attempts = gate.asked_for(is_creation);
        if attempts.len() >= ATTEMPTS && patches >= 20 { Ok(attempts) } else { Err(format!("{attempts:?}")) }
    };
    let attempts = scene.until("it is tried again", attempts).await;
    let took = attempts[ATTEMPTS - 1].at - attempts[0].at;
    assert!(took >= Duration::from_secs(1), "{ATTEMPTS} attempts within {took:?}");
    // 0.2, 0.4, 0.8 ... seconds, each at least doubled: not more than these fit into the time.
    let most = 2 + (begun.elapsed().as_millis() / 200 + 1).ilog2() as usize;
    assert!(attempts.len() <= most, "{} attempts within {:?}, {most} may be", attempts.len(), begun.elapsed());
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    for id in ["r1", "r2"] {
        let annotation = format!("event.cicdcontext.io/{id}");
        assert_eq!(context["metadata"]["annotations"][&annotation], "build=success", "{context:#}");
    }
    scene.nothing_sent_to("/chat");
    assert_eq!(scene.list(Kind::Event).await.len(), 0);

    allow(&scene, 2).await;
    for id in ["r1", "r2"] {
        let done = scene.finished_annotation("shop", id).await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    }
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
    assert_eq!(quotas(&scene).get("events").await.unwrap().status.unwrap().used.unwrap()[COUNT].0, "2");
}
