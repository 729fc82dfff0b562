//! What is sent, how often, and with which bytes.

use cicdcontext_crds::HandlerPhase;
use futures::StreamExt;
use serde_json::json;

use super::{
    super::testing::{Answer, CANARY, Scene},
    hook, is_waiting, reason, set,
};
use crate::source::{Contexts, Events};

#[tokio::test]
async fn an_event_is_delivered_with_the_secret_and_its_answer_captured_into_the_state() {
    let capture = json!({"capture": [{"path": "state.run", "fromPath": "$.body.id"}]});
    let answer = Answer::Http(200, "", "{\"id\": 7}");
    let remember = json!({"name": "remember", "setValues": [{"path": "state.seen", "template": "{{state.run}}"}]});
    let scene = Scene::new([answer], json!({}), json!([hook("tell", &capture), remember])).await;
    scene.fire("e1").await;
    let seen = scene.watch("e1").await.unwrap();
    assert_eq!(reason(seen.last().unwrap()), "Succeeded Succeeded: 2 of 2 handlers ran");
    assert!(seen.len() > 2, "progress is shown: {seen:?}");
    assert_eq!(scene.state().await, json!({"version": "1.4", "run": 7, "seen": "7"}));
    let arrived = scene.receiver.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].body, "{\"v\": \"1.4\"}");
    assert_eq!(arrived[0].header("authorization"), Some(&*format!("Bearer {CANARY}")));
    assert!(!scene.kept().contains(CANARY), "a Secret is in the state folder");
    let annotations = scene.open().context("shop").await.unwrap().annotations;
    assert!(annotations["cicdcontext.io/applied"].contains(r#""done":[]"#), "{annotations:?}");
}

#[tokio::test]
async fn a_receiver_that_is_not_ready_is_asked_again_with_the_same_id() {
    let busy = Answer::Http(503, "Retry-After: 1\r\n", "");
    let scene = Scene::new([busy], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    let seen = scene.watch("e1").await.unwrap();
    assert!(seen.iter().any(is_waiting), "{seen:?}");
    let handler = &seen.last().unwrap().status.as_ref().unwrap().handlers[0];
    assert_eq!((handler.phase, handler.attempts), (HandlerPhase::Succeeded, Some(2)));
    let arrived = scene.receiver.arrived();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
}

#[tokio::test]
async fn what_still_waits_is_sent_by_the_next_call_with_the_same_bytes_and_before_what_comes_later() {
    let scene = Scene::new([Answer::Http(503, "", "")], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    scene.watch_until("e1", is_waiting).await;
    // Rendered again it would say something else.
    set(&scene, "state.version", json!("2.0")).await;
    scene.edit("\\\"v\\\"", "\\\"w\\\"");
    scene.fire("e2").await;
    assert_eq!(reason(&scene.finish("e2").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    assert_eq!(reason(&scene.finish("e1").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    let arrived = scene.receiver.arrived();
    let mut bodies: Vec<_> = arrived.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(bodies.remove(0), "{\"v\": \"1.4\"}");
    bodies.sort_unstable();
    assert_eq!(bodies, ["{\"v\": \"1.4\"}", "{\"w\": \"2.0\"}"]);
    let again = arrived.iter().rfind(|one| one.body == arrived[0].body).unwrap();
    assert_eq!(arrived[0].header("webhook-id"), again.header("webhook-id"));
}

#[tokio::test]
async fn at_most_once_is_not_sent_again_when_the_answer_is_lost() {
    let once = json!({"deliveryGuarantee": "AtMostOnce"});
    let scene = Scene::new([Answer::Lost], once, json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    let event = scene.finish("e1").await;
    assert!(reason(&event).starts_with("Failed OutcomeUnknown: "), "{}", reason(&event));
    assert_eq!(scene.receiver.arrived().len(), 1);
}

#[tokio::test]
async fn what_was_given_up_is_sent_again_when_somebody_asks_for_it() {
    let scene = Scene::new([Answer::Http(400, "", "")], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    assert!(reason(&scene.finish("e1").await).starts_with("Failed HandlerFailed: "));
    let files = scene.open();
    let error = files.annotate_event("e1", "redeliver.cicdcontext.io/x", "other").await.unwrap_err().to_string();
    assert!(
        error.starts_with("change CicdEvent e1 in namespace default: redeliver \"other\": the event has no"),
        "{error}"
    );
    files.annotate_event("e1", "redeliver.cicdcontext.io/x", "tell").await.unwrap();
    assert_eq!(reason(&scene.finish("e1").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    let arrived = scene.receiver.arrived();
    assert_eq!((arrived.len(), &arrived[0].body), (2, &arrived[1].body));
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
}

#[tokio::test]
async fn a_missing_endpoint_or_secret_is_waited_for_and_found_when_the_manifests_have_it() {
    let scene = Scene::new([], json!({}), json!([hook("tell", &json!({}))])).await;
    for (name, kept, gone) in [
        ("e1", r#""metadata":{"name":"chat"},"spec""#, r#""metadata":{"name":"other"},"spec""#),
        ("e2", r#""stringData":{"token""#, r#""stringData":{"other""#),
    ] {
        scene.edit(kept, gone);
        scene.fire(name).await;
        let files = scene.open();
        let mut changes = files.watch_event(name);
        while !is_waiting(&changes.next().await.unwrap().unwrap().unwrap()) {}
        scene.edit(gone, kept);
        let mut last = None;
        while let Some(seen) = changes.next().await {
            last = seen.unwrap();
        }
        assert_eq!(reason(&last.unwrap()), "Succeeded Succeeded: 1 of 1 handlers ran", "{name}");
    }
    assert_eq!(scene.receiver.arrived().len(), 2);
}

#[tokio::test]
async fn a_delivery_through_a_proxy_fails_since_there_is_none() {
    let scene = Scene::new([], json!({"proxy": "out"}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    let event = scene.finish("e1").await;
    let message = event.status.unwrap().handlers[0].message.clone().unwrap();
    assert!(message.ends_with("use spec.proxy: there is no proxy \"out\"; known are none"), "{message}");
    assert_eq!(scene.receiver.arrived().len(), 0);
}
