//! An API server that has too much to do and says so: 429 with Retry-After, as priority and fairness answers. What was
//! asked for is done once, late, and without a flood of requests.

use std::{collections::BTreeSet, time::Duration};

use cicdcontext_tests::gate::fault::{Asked, Fault, Reply};
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_outcome, notify, on_success},
    scene::Scene,
};

/// Each way in is used so often.
const EACH: usize = 4;

/// A context `shop` whose events append their id, tell `/chat`, and append `told`.
async fn shop(scene: &Scene) {
    scene.endpoint("chat", "/chat", &json!({})).await;
    let log = json!([{"path": "state.log", "op": "Append", "template": "{{event.id}}"}]);
    let mut tell = notify("tell", "chat", "{{event.id}}");
    tell["notify"]["capture"] = json!([{"path": "state.told", "op": "Append", "template": "{{event.id}}"}]);
    let spec = on_success(&json!([{"name": "log", "setValues": log}, tell]));
    scene.create(Kind::Context, "shop", &spec).await;
}

/// A state write that appends its own name.
async fn write(scene: &Scene, name: &str) {
    let changes = json!([{"path": "state.written", "op": "Append", "value": name}]);
    scene.create(Kind::StateWrite, name, &json!({"contextRef": {"name": "shop"}, "changes": changes})).await;
}

/// The items of a list of the state, each of which must be there once.
fn once(state: &Value, list: &str) -> BTreeSet<String> {
    let items = state[list].as_array().cloned().unwrap_or_default();
    let items: Vec<String> = items.iter().map(|item| item.as_str().unwrap().to_owned()).collect();
    let set = BTreeSet::from_iter(items.clone());
    assert_eq!(set.len(), items.len(), "{list} has something twice: {items:?}");
    set
}

fn names(prefixes: &[&str]) -> BTreeSet<String> {
    let names = prefixes.iter().flat_map(|prefix| (0..EACH).map(move |number| format!("{prefix}{number}")));
    names.collect()
}

/// Whether it concerns our kinds: neither the Lease nor what people are told.
fn is_ours(asked: &Asked) -> bool {
    asked.path.starts_with("/apis/cicdcontext.io/")
}

/// Uses each way in, waits until all is done, and fails unless each thing was done once.
async fn everything_is_done_once(scene: &Scene) {
    for number in 0..EACH {
        scene.annotate("shop", &format!("r{number}"), "build=success").await;
        scene.create(Kind::Event, &format!("e{number}"), &event("shop", "build=success")).await;
        write(scene, &format!("w{number}")).await;
    }
    for number in 0..EACH {
        let done = scene.finished_annotation("shop", &format!("r{number}")).await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
        let done = scene.finished(&format!("e{number}")).await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
        scene.wait(Kind::StateWrite, &format!("w{number}"), "is gone", Value::is_null).await;
    }
    let state = scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"].clone();
    assert_eq!(once(&state, "log"), names(&["r", "e"]), "{state:#}");
    assert_eq!(once(&state, "told"), names(&["r", "e"]), "{state:#}");
    assert_eq!(once(&state, "written"), names(&["w"]), "{state:#}");
    let sent: BTreeSet<_> = scene.receiver.requests_to("/chat").iter().map(|sent| sent.body.to_string()).collect();
    assert_eq!(sent.len(), 2 * EACH, "{sent:?}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2 * EACH, "an answer of the API server repeats no delivery");
}

#[tokio::test]
async fn while_every_third_request_is_refused_with_429_all_is_done_once_and_with_few_more_requests() {
    let mut scene = Scene::without_operator().await;
    shop(&scene).await;
    let gate = scene.gate().await;
    let mut number = 0;
    gate.faults(move |asked| {
        number += usize::from(is_ours(asked));
        let text = number % 2 == 0;
        let reply = if text { Reply::too_many_requests() } else { Reply::too_many_requests_as_status() };
        (is_ours(asked) && number.is_multiple_of(3)).then_some(Fault::Refused(reply))
    });
    scene.start_operator_behind(&gate, &[]).await;
    everything_is_done_once(&scene).await;
    let (all, most) = (gate.asked_for(is_ours).len(), 40 * EACH);
    assert!(all <= most, "{all} requests for {} things to do, {most} are enough", 3 * EACH);
}

/// How often in a row a request is refused, and how long its attempts must take at least.
const REFUSALS: usize = 4;
const AT_LEAST: Duration = Duration::from_millis(600);

/// A kind of request.
type Kindred = fn(&Asked) -> bool;

/// Kinds of write, and how each is known.
const WRITES: [(&str, Kindred); 5] = [
    ("create an event", |asked| asked.is("POST", "/cicdevents")),
    ("write state", |asked| asked.is("PATCH", "/cicdcontexts/shop") && asked.body.contains("/spec/state")),
    ("write the status of an event", |asked| {
        asked.method == "PATCH" && asked.path.contains("/cicdevents/") && asked.path.ends_with("/status")
    }),
    ("write the status of a context", |asked| asked.is("PATCH", "/cicdcontexts/shop/status")),
    ("delete a state write", |asked| asked.method == "DELETE" && asked.path.contains("/cicdstatewrites/")),
];

#[tokio::test]
async fn a_write_that_is_refused_with_429_again_and_again_is_not_repeated_in_a_hot_loop() {
    for (what, is_it) in WRITES {
        let mut scene = Scene::without_operator().await;
        shop(&scene).await;
        let gate = scene.gate().await;
        let mut refused = 0;
        gate.faults(move |asked| {
            refused += usize::from(is_it(asked));
            let refuse = is_it(asked) && refused <= REFUSALS;
            refuse.then(|| Fault::Refused(Reply::too_many_requests()))
        });
        scene.start_operator_behind(&gate, &[]).await;
        scene.annotate("shop", "r0", "build=success").await;
        write(&scene, "w0").await;
        let done = scene.finished_annotation("shop", "r0").await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
        scene.wait(Kind::StateWrite, "w0", "is gone", Value::is_null).await;
        let enough = async || {
            let attempts = gate.asked_for(is_it);
            if attempts.len() > REFUSALS { Ok(attempts) } else { Err(format!("{what}: {attempts:?}")) }
        };
        let attempts = scene.until("it is tried once more", enough).await;
        let took = attempts[REFUSALS].at - attempts[0].at;
        assert!(took >= AT_LEAST, "{what}: {} attempts within {took:?}", REFUSALS + 1);
        let state = scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"].clone();
        assert_eq!(state, json!({"log": ["r0"], "told": ["r0"], "written": ["w0"]}), "{what}");
        assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "{what}");
    }
}
