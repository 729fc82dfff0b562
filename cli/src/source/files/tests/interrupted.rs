//! Processes that end in the middle: by a crash, or since nobody waited any longer.

use cicdcontext_crds::{CicdEvent, EventPhase, HandlerPhase, HandlerStatus};
use serde_json::{Value, json};

use super::{
    super::{
        folder::crash,
        testing::{Answer, Scene},
    },
    hook, reason, set,
};
use crate::source::{Contexts, Events};

/// Watches an event until so many requests have come in all, and no longer.
async fn cut_off(scene: &Scene, name: &str, requests: usize) {
    tokio::select! {
        _ = scene.finish(name) => panic!("it does not end"),
        () = scene.receiver.until(requests) => {}
    }
}

async fn handler(scene: &Scene, name: &str) -> HandlerStatus {
    scene.open().event(name).await.unwrap().status.unwrap().handlers[0].clone()
}

/// As if the time of its next attempt had come.
async fn make_due(scene: &Scene, name: &str) {
    let files = scene.open();
    let event = files.event(name).await.unwrap();
    let past = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
    let put = |event: &mut CicdEvent| {
        event.status.as_mut().unwrap().handlers[0].next_attempt_time = Some(past);
        Ok(())
    };
    files.change_event(&event, put).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_attempt_that_is_cut_off_counts_and_the_next_one_sends_the_same_bytes_until_all_are_used() {
    let retry = json!({"retry": {"maxAttempts": 2, "initialDelaySeconds": 1, "maxDelaySeconds": 1}});
    let answers = [Answer::Silence, Answer::Http(200, "", "{}"), Answer::Http(200, "", "{}"), Answer::Silence];
    let scene = Scene::new(answers, retry, json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    cut_off(&scene, "e1", 1).await;
    let begun = handler(&scene, "e1").await;
    assert_eq!((begun.phase, begun.attempts), (HandlerPhase::Sending, Some(1)));
    // Rendered again it would say something else.
    set(&scene, "state.version", json!("2.0")).await;
    scene.fire("e2").await;
    assert_eq!(reason(&scene.finish("e2").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    let waiting = handler(&scene, "e1").await;
    assert_eq!((waiting.phase, waiting.attempts), (HandlerPhase::Waiting, Some(1)));
    assert_eq!(waiting.reason.as_deref(), Some("OutcomeUnknown"));
    assert_eq!(waiting.message.as_deref(), Some("attempt 1 was cut off before it was answered"));
    // It may keep its next attempt waiting too, and that comes after what was not tried yet.
    make_due(&scene, "e1").await;
    scene.fire("e3").await;
    assert_eq!(reason(&scene.finish("e3").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    assert_eq!(handler(&scene, "e1").await.phase, HandlerPhase::Waiting);
    cut_off(&scene, "e1", 4).await;
    let event = scene.finish("e1").await;
    let status = event.status.unwrap();
    let given_up = &status.handlers[0];
    assert_eq!((status.phase, given_up.phase), (EventPhase::Failed, HandlerPhase::Failed));
    assert_eq!(given_up.attempts, Some(2));
    let told = "attempt 2 was cut off before it was answered; given up after attempt 2 of 2";
    assert_eq!(given_up.message.as_deref(), Some(told));
    let arrived = scene.receiver.arrived();
    assert_eq!((arrived.len(), arrived[0].body.as_str()), (4, "{\"v\": \"1.4\"}"));
    assert_eq!((&arrived[1].body, &arrived[2].body), (&"{\"v\": \"2.0\"}".to_owned(), &arrived[1].body));
    assert_eq!(arrived[0].body, arrived[3].body);
    assert_eq!(arrived[0].header("webhook-id"), arrived[3].header("webhook-id"));
}

#[tokio::test]
async fn what_was_given_up_since_it_was_cut_off_can_be_sent_again() {
    let retry = json!({"retry": {"maxAttempts": 1}});
    let scene = Scene::new([Answer::Silence], retry, json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    cut_off(&scene, "e1", 1).await;
    let event = scene.finish("e1").await;
    let message = event.status.unwrap().handlers[0].message.clone();
    assert_eq!(message.as_deref(), Some("attempt 1 was cut off before it was answered"));
    scene.open().annotate_event("e1", "redeliver.cicdcontext.io/x", "*").await.unwrap();
    assert_eq!(reason(&scene.finish("e1").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    let arrived = scene.receiver.arrived();
    assert_eq!((arrived.len(), &arrived[0].body), (2, &arrived[1].body));
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
}

#[tokio::test]
async fn at_most_once_is_claimed_before_it_is_sent_and_unknown_to_whoever_finds_the_claim() {
    let once = json!({"deliveryGuarantee": "AtMostOnce"});
    let scene = Scene::new([Answer::Silence], once, json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    tokio::select! {
        _ = scene.finish("e1") => panic!("it does not end"),
        () = scene.receiver.until(1) => {}
    }
    let event = scene.open().event("e1").await.unwrap();
    assert_eq!(event.status.unwrap().handlers[0].phase, HandlerPhase::Sending);
    let event = scene.finish("e1").await;
    assert!(reason(&event).starts_with("Failed OutcomeUnknown: "), "{}", reason(&event));
    assert_eq!(scene.receiver.arrived().len(), 1);
}

/// Plays an event again and again, each time with a process that ends at the next place, and another one that goes on.
/// Gives each scene and how its event ended.
async fn crashed_everywhere(endpoint: Value) -> Vec<(Scene, CicdEvent)> {
    let capture = json!({"capture": [{"path": "state.answers", "op": "Append", "fromPath": "$.body.id"}]});
    let append =
        |name: &str| json!({"name": name, "setValues": [{"path": "state.list", "op": "Append", "value": name}]});
    let mut ends = Vec::new();
    for place in 0.. {
        let answers = (0..3).map(|_| Answer::Http(200, "", "{\"id\": 1}"));
        let handlers = json!([append("a"), hook("tell", &capture), append("b")]);
        let scene = Scene::new(answers, endpoint.clone(), handlers).await;
        let with_set = |event: &mut CicdEvent| {
            event.spec.set =
                serde_json::from_value(json!([{"path": "state.sets", "op": "Append", "value": 1}])).unwrap();
        };
        scene.fire_with("e1", with_set).await;
        crash::at(Some(place));
        let crashed = scene.watch("e1").await;
        let is_ahead = crash::is_ahead();
        crash::at(None);
        if is_ahead {
            assert!(place > 10, "there are more places than {place}");
            return ends;
        }
        assert!(crashed.unwrap_err().to_string().ends_with(": crash"), "at {place}");
        let event = scene.finish("e1").await;
        // Whatever is left of the crash in the ledger goes with the next event.
        scene.fire_with("after", |event| event.spec.pipeline = Some("none".to_owned())).await;
        scene.finish("after").await;
        let annotations = scene.open().context("shop").await.unwrap().annotations;
        let applied = &annotations["cicdcontext.io/applied"];
        assert!(applied.contains(r#""done":[]"#), "at {place}: {applied}");
        ends.push((scene, event));
    }
    ends
}

#[tokio::test]
async fn a_process_that_ends_at_any_moment_loses_nothing_and_writes_nothing_twice() {
    for (place, (scene, event)) in crashed_everywhere(json!({})).await.into_iter().enumerate() {
        assert_eq!(reason(&event), "Succeeded Succeeded: 3 of 3 handlers ran", "at {place}");
        let expected = json!({"version": "1.4", "list": ["a", "b"], "answers": [1], "sets": [1]});
        assert_eq!(scene.state().await, expected, "at {place}");
        let arrived = scene.receiver.arrived();
        assert!((1..=2).contains(&arrived.len()), "at {place}: {arrived:?}");
        assert_eq!(arrived[0].header("webhook-id"), arrived[arrived.len() - 1].header("webhook-id"), "at {place}");
    }
}

#[tokio::test]
async fn a_process_that_ends_at_any_moment_sends_nothing_twice_that_is_to_be_sent_at_most_once() {
    for (place, (scene, event)) in
        crashed_everywhere(json!({"deliveryGuarantee": "AtMostOnce"})).await.into_iter().enumerate()
    {
        assert!(scene.receiver.arrived().len() <= 1, "at {place}");
        let status = event.status.unwrap();
        let phase = status.handlers[1].phase;
        assert!(matches!(phase, HandlerPhase::Succeeded | HandlerPhase::Unknown), "at {place}: {status:?}");
        assert_eq!(scene.state().await["list"], json!(["a", "b"]), "at {place}");
    }
}
