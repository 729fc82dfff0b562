//! Deliveries that wait, and redeliveries: what tests of both look at.

use std::sync::Arc;

use cicdcontext_tests::receiver::Arrived;
use serde_json::{Value, json};

use super::Scene;
use crate::object::{Kind, handler, uid};

/// Endpoint fields: three attempts, as soon after one another as can be.
pub(crate) fn three_attempts() -> Value {
    json!({"retry": {"maxAttempts": 3, "initialDelaySeconds": 1, "maxDelaySeconds": 1}})
}

/// Endpoint fields: another attempt not before the receiver's Retry-After, and no other limit.
pub(crate) fn patient() -> Value {
    json!({"retry": {"maxAttempts": 8, "initialDelaySeconds": 1, "maxDelaySeconds": 3600}})
}

impl Scene {
    /// Waits until a handler of an event is in a phase.
    pub(crate) async fn in_phase(&self, event: &str, name: &str, phase: &str) -> Value {
        self.wait(Kind::Event, event, &format!("has handler {name} {phase}"), |event| {
            let handlers = event["status"]["handlers"].as_array().into_iter().flatten();
            handlers.into_iter().any(|handler| handler["name"] == name && handler["phase"] == phase)
        })
        .await
    }

    /// Waits until a handler of an event waits for a reason.
    pub(crate) async fn waiting_for(&self, event: &str, name: &str, reason: &str) -> Value {
        self.wait(Kind::Event, event, &format!("has handler {name} waiting: {reason}"), |event| {
            let handlers = event["status"]["handlers"].as_array().into_iter().flatten();
            let waits = |one: &Value| one["name"] == name && one["phase"] == "Waiting" && one["reason"] == reason;
            handlers.into_iter().any(waits)
        })
        .await
    }

    /// Asks for a redelivery, and waits until that is taken in.
    pub(crate) async fn redeliver(&self, event: &str, id: &str, handler: &str) -> Value {
        let annotation = format!("redeliver.cicdcontext.io/{id}");
        self.patch(Kind::Event, event, &json!({"metadata": {"annotations": {&annotation: handler}}})).await;
        let gone = |event: &Value| event.is_object() && event["metadata"]["annotations"].get(&annotation).is_none();
        self.wait(Kind::Event, event, &format!("has no annotation {annotation}"), gone).await
    }
}

/// The events' names in the order in which their requests arrived: bodies are `{"text": "<event>"}`.
pub(crate) fn texts(arrived: &[Arc<Arrived>]) -> Vec<String> {
    arrived.iter().map(|request| request.body["text"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Fails unless all of these are the same delivery: one webhook-id, and the same bytes.
#[track_caller]
pub(crate) fn expect_one_delivery(event: &Value, name: &str, arrived: &[Arc<Arrived>]) {
    let id = handler(event, name)["webhookId"].as_str().expect("the handler has a webhookId");
    for request in arrived {
        assert_eq!((request.header("webhook-id"), request.header("idempotency-key")), (id, id), "{}", uid(event));
        assert_eq!(request.text, arrived[0].text);
    }
}
