//! Many events at once, and something that happens in the middle of them.

use std::collections::{BTreeMap, BTreeSet};

use kube::{
    Api,
    api::{ApiResource, DynamicObject, PostParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    receiver::{self, Request},
    stage::{DEADLINE, Stage},
};

/// How many contexts have events: their events run side by side.
const CONTEXTS: usize = 5;
/// How many events each has: they run one after the other.
const EVENTS: usize = 40;
/// How many of the first requests the receiver refuses, so that some are repeated by another replica than the first.
const REFUSED: usize = 12;

/// Fires a burst, does something once a third of it has arrived, and expects every event to be delivered as one message.
pub(crate) async fn survive<F: Future<Output = ()>>(stage: &Stage, namespace: &str, name: &str, disturb: F) {
    receiver::forget(stage, namespace).await;
    receiver::fail(stage, namespace, REFUSED).await;
    for context in 0..CONTEXTS {
        let object = json!({
            "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "metadata": {"name": format!("{name}-{context}")},
            "spec": {"bases": [{"kind": "CicdBase", "name": "shop"}], "state": {"seen": []}},
        });
        stage.apply(namespace, &object.to_string()).await;
    }
    let events: Api<DynamicObject> = Api::namespaced_with(stage.client.clone(), namespace, &resource());
    let fire = async {
        for number in 0..EVENTS {
            for context in 0..CONTEXTS {
                let object = json!({
                    "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEvent",
                    "metadata": {"name": format!("{name}-{context}-{number}")},
                    "spec": {
                        "contextRef": {"name": format!("{name}-{context}")}, "pipeline": "burst", "event": "tick",
                        "data": {"number": number},
                    },
                });
                events.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
            }
        }
    };
    let midst = async {
        let arrived = arrived(stage, namespace, CONTEXTS * EVENTS / 3).await;
        stage.tell(&format!("{} of {} events have arrived", successes(&arrived).len(), CONTEXTS * EVENTS));
        disturb.await;
    };
    tokio::join!(fire, midst);
    // Finished events are soon deleted, by the limits of history: what they wrote tells that they are done.
    let is_done = |list: &Value| {
        let of_this = |context: &&Value| context["metadata"]["name"].as_str().is_some_and(|of| of.starts_with(name));
        let contexts: Vec<&Value> = list["items"].as_array()?.iter().filter(of_this).collect();
        let done =
            |context: &Value| context["spec"]["state"]["seen"].as_array().is_some_and(|seen| seen.len() >= EVENTS);
        (contexts.len() == CONTEXTS && contexts.into_iter().all(done)).then_some(())
    };
    stage.until("the end of every event", &["cctx", "--namespace", namespace], is_done).await;
    judge(stage, namespace, name).await;
}

/// Every event arrived, as one message: whatever was sent again carries the id of the first time.
async fn judge(stage: &Stage, namespace: &str, name: &str) {
    let requests = receiver::requests(stage, namespace).await;
    let mut messages: BTreeMap<(String, u64), BTreeSet<&str>> = BTreeMap::new();
    for request in &requests {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/hooks/burst"), "{request:?}");
        let body = request.json();
        let of = (body["context"].as_str().unwrap().to_owned(), body["number"].as_u64().unwrap());
        messages.entry(of).or_default().insert(request.id());
    }
    let expected: BTreeSet<(String, u64)> = (0..CONTEXTS)
        .flat_map(|context| (0..EVENTS as u64).map(move |number| (context, number)))
        .map(|(context, number)| (format!("{name}-{context}"), number))
        .collect();
    let delivered: BTreeSet<(String, u64)> = messages.keys().cloned().collect();
    let lost: Vec<_> = expected.difference(&delivered).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    assert_eq!(delivered, expected);
    let doubled: Vec<_> = messages.iter().filter(|(_, ids)| ids.len() != 1).collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
    let succeeded = successes(&requests);
    assert_eq!(succeeded.len(), expected.len(), "every message was accepted");
    // Written by handlers and captured from answers: each number once, and in the order of the events.
    let numbers: Vec<usize> = (0..EVENTS).collect();
    for context in 0..CONTEXTS {
        let object = stage.get(&["cctx", &format!("{name}-{context}"), "--namespace", namespace]).await;
        let written = &object["spec"]["state"];
        assert_eq!(written["seen"], json!(numbers), "{written:#}");
        assert!(written["last"].as_str().unwrap().starts_with("run-"), "{written:#}");
    }
    let repeated = requests.len() - expected.len();
    stage.tell(&format!(
        "{} events, {} requests: none lost, none doubled, {repeated} sent again",
        expected.len(),
        requests.len()
    ));
}

/// Waits until so many messages have been accepted.
async fn arrived(stage: &Stage, namespace: &str, how_many: usize) -> Vec<Request> {
    let start = Instant::now();
    loop {
        let requests = receiver::requests(stage, namespace).await;
        let succeeded = successes(&requests).len();
        if succeeded >= how_many {
            return requests;
        }
        assert!(start.elapsed() < DEADLINE, "{how_many} messages: only {succeeded} after {} s", DEADLINE.as_secs());
        sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// The ids of the messages that were accepted.
fn successes(requests: &[Request]) -> BTreeSet<&str> {
    requests.iter().filter(|request| request.status == 200).map(Request::id).collect()
}

fn resource() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("cicdcontext.io", "v1alpha1", "CicdEvent"))
}
