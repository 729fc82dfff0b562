//! What must hold when all is finished, wherever an operator was killed before.

use std::{collections::BTreeMap, sync::Arc};

use cicdcontext_tests::receiver::Arrived;
use serde_json::{Value, json};

use super::scenario::{EVENT, Guarantee, Scenario};
use crate::{
    object::{Kind, condition, expect_outcome, is, name},
    scene::Scene,
};

/// Handlers that send, and where to.
const SENDERS: [(&str, &str); 2] = [("first", "/chat"), ("second", "/mail")];

/// Fails unless everything is as promised, now and after one more event. Gives how often each request arrived, and
/// `state.log`.
pub(super) async fn check(scene: &Scene, scenario: Scenario, guarantee: Guarantee) -> (BTreeMap<String, usize>, Value) {
    let arrivals = arrivals(scene, scenario, guarantee);
    objects(scene, scenario, guarantee).await;
    let log = state(scene, scenario, guarantee).await;
    scenario.go_on(scene).await;
    assert_eq!(arrivals, self::arrivals(scene, scenario, guarantee), "something was sent again, after it was finished");
    if scenario.state().is_some() {
        went_on(scene, guarantee, &log).await;
    }
    (arrivals, log)
}

/// Requests: how many of each, and that they are one and the same.
fn arrivals(scene: &Scene, scenario: Scenario, guarantee: Guarantee) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut known = 0;
    for id in scenario.events() {
        for (handler, path) in SENDERS {
            let prefix = format!("{id} ");
            let is_of =
                |request: &Arc<Arrived>| request.body["text"].as_str().is_some_and(|text| text.starts_with(&prefix));
            let arrived: Vec<_> = scene.receiver.requests_to(path).into_iter().filter(is_of).collect();
            // What was refused did not arrive in the eyes of the receiver.
            let taken = arrived.iter().filter(|request| request.answered == 200).count();
            match guarantee {
                Guarantee::AtLeastOnce => assert!(taken > 0, "{handler} of {id} was lost"),
                // Each time that somebody asks for it, and a refusal is final.
                Guarantee::AtMostOnce => {
                    assert!(
                        taken <= 1 && arrived.len() - taken <= 1,
                        "{handler} of {id} was doubled: {}",
                        shown(&arrived)
                    );
                }
            }
            for request in &arrived {
                let first = arrived[0].header("webhook-id");
                assert!(!first.is_empty(), "a request without webhook-id: {}", shown(&arrived));
                let ids = (request.header("webhook-id"), request.header("idempotency-key"));
                assert_eq!(ids, (first, first), "{handler} of {id} has several ids: {}", shown(&arrived));
                assert_eq!(request.body, arrived[0].body, "{handler} of {id} is not the same again");
            }
            known += arrived.len();
            counts.insert(format!("{id}/{handler}"), taken);
        }
    }
    let of_next = |request: &&Arc<Arrived>| request.body["text"].as_str().is_some_and(|text| text.starts_with("next "));
    let all = scene.receiver.requests();
    assert_eq!(
        known + all.iter().filter(of_next).count(),
        all.len(),
        "requests that nobody asked for: {}",
        shown(&all)
    );
    counts
}

fn shown(requests: &[Arc<Arrived>]) -> String {
    let one = |request: &Arc<Arrived>| format!("{} {} {}", request.path, request.header("webhook-id"), request.text);
    requests.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Events are finished, annotations and state writes gone.
async fn objects(scene: &Scene, scenario: Scenario, guarantee: Guarantee) {
    let events = scene.list(Kind::Event).await;
    let left = match scenario {
        Scenario::Annotation | Scenario::Object | Scenario::StateWrites | Scenario::Retried | Scenario::Redelivered => {
            1
        }
        Scenario::History | Scenario::Restored | Scenario::Idle => 0,
    };
    assert_eq!(events.len(), left, "{events:#?}");
    for event in &events {
        match guarantee {
            Guarantee::AtLeastOnce => expect_outcome(event, "Succeeded", "True", "Succeeded", "3 of 3 handlers ran"),
            Guarantee::AtMostOnce => {
                let (_, reason, _) = condition(event, "Finished");
                assert!(["Succeeded", "OutcomeUnknown"].contains(&reason.as_str()), "{event:#}");
            }
        }
        let handlers = event["status"]["handlers"].as_array().cloned().unwrap_or_default();
        let ended = |handler: &Value| {
            ["Succeeded", "Failed", "Skipped", "Unknown"].contains(&handler["phase"].as_str().unwrap_or_default())
        };
        assert!(is(event, "Finished", "True") && handlers.len() == 3 && handlers.iter().all(ended), "stuck: {event:#}");
    }
    if let Some(context) = scene.get(Kind::Context, "shop").await {
        let annotations = context["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
        let event = format!("event.cicdcontext.io/{EVENT}");
        assert!(!annotations.contains_key(&event), "the annotation is still there: {context:#}");
    }
    let writes = scene.list(Kind::StateWrite).await;
    let names: Vec<&str> = writes.iter().map(name).collect();
    assert_eq!(names, scenario.refused(), "state writes that are still there: {writes:#?}");
}

/// The state is what was written, each change once.
async fn state(scene: &Scene, scenario: Scenario, guarantee: Guarantee) -> Value {
    let context = scene.get(Kind::Context, "shop").await;
    let Some(mut expected) = scenario.state() else {
        assert_eq!(context, None, "the context is still there");
        return Value::Null;
    };
    let mut state = context.unwrap()["spec"]["state"].clone();
    let log = state["log"].clone();
    if guarantee == Guarantee::AtMostOnce {
        // What an answer was to bring about is not there if the answer was lost.
        let twice = log.as_array().unwrap().iter().filter(|entry| **entry == "told").count() > scenario.events().len();
        assert!(!twice, "captured twice: {log}");
        for state in [&mut state, &mut expected] {
            state.as_object_mut().unwrap().remove("ts");
            state["log"].as_array_mut().unwrap().retain(|entry| *entry != "told");
        }
    }
    assert_eq!(state, expected);
    log
}

/// After one more event its own effects, and no former ones, wait in the ledger, and the state has grown by it alone.
async fn went_on(scene: &Scene, guarantee: Guarantee, before: &Value) {
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let ledger = context["metadata"]["annotations"]["cicdcontext.io/applied"].as_str().unwrap();
    let ledger: Value = serde_json::from_str(ledger).unwrap();
    let done = ledger["done"].as_array().map_or(0, Vec::len);
    assert!(done <= 2, "the ledger keeps what is acknowledged: {ledger}");
    let mut expected = before.as_array().unwrap().clone();
    expected.extend([json!("built"), json!("told")]);
    assert_eq!(context["spec"]["state"]["log"], Value::Array(expected), "{}", guarantee.name());
}
