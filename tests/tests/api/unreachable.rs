//! Endpoints that do not answer: what is sent to them waits, and nothing else does.

use std::net::Ipv4Addr;

use cicdcontext_tests::receiver::{Answer, Receiver, tls::Authority};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    object::{Kind, event, expect_handler, handler, notify, on_success, tells, with},
    scene::{Scene, deliveries::texts},
};

/// Endpoint fields: tried again and again, and given up soon as not answering.
fn impatient() -> Value {
    json!({"timeoutSeconds": 1, "retry": {"maxAttempts": 50, "initialDelaySeconds": 1, "maxDelaySeconds": 1}})
}

fn names() -> Vec<String> {
    (0..4).map(|number| format!("e{number}")).collect()
}

/// A context whose events tell `chat`, which does not answer, and `log`, which does; waits until `chat` is known for it.
async fn with_events(scene: &Scene, unreachable: &str) -> Vec<String> {
    scene.endpoint("log", "/log", &json!({})).await;
    let handlers = json!([notify("tell", "chat", "{{event.id}}"), notify("log", "log", "{{event.id}}")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let names = names();
    scene.create(Kind::Event, &names[0], &event("shop", "build=success")).await;
    let waits = scene.in_phase(&names[0], "tell", "Waiting").await;
    assert_eq!(handler(&waits, "tell")["reason"], unreachable, "{waits:#}");
    names
}

/// Events that begin now wait without an attempt of their own, and their other handlers run.
async fn start_waiting(scene: &Scene, names: &[String]) {
    for name in &names[1..] {
        scene.create(Kind::Event, name, &event("shop", "build=success")).await;
    }
    let message = "the last attempt at chat timed out or found no connection; it is tried with growing pauses";
    for name in &names[1..] {
        let waits = scene
            .wait(Kind::Event, name, "waits or has waited", |event| {
                event["status"]["handlers"][1]["phase"] == "Succeeded"
            })
            .await;
        expect_handler(&waits, "tell", "Waiting", "EndpointUnreachable", message);
        assert_eq!(handler(&waits, "tell").get("attempts"), None, "{waits:#}");
    }
    scene.arrived("/log", names.len()).await;
}

#[tokio::test]
async fn events_for_an_endpoint_that_refuses_connections_wait_and_arrive_in_their_order_when_it_is_there() {
    let scene = Scene::new().await;
    // Nobody listens there until the test does.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    scene.endpoint("chat", "/", &with(json!({"url": format!("http://{address}/")}), &impatient())).await;
    let names = with_events(&scene, "ConnectFailed").await;
    start_waiting(&scene, &names).await;

    let there = Receiver::start_at(address).await.unwrap();
    for name in &names {
        let done = scene.finished(name).await;
        expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    }
    let mut order = texts(&there.requests_to("/"));
    // The first one's attempt is a retry, whose time is its own.
    order.retain(|text| text != "e0");
    assert_eq!(order, names[1..]);
}

#[tokio::test]
async fn events_for_an_endpoint_that_hangs_wait_and_arrive_in_their_order_when_it_answers() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &impatient()).await;
    scene.receiver.answer("/chat", Answer::hang());
    let names = with_events(&scene, "Timeout").await;
    start_waiting(&scene, &names).await;
    scene.receiver.answer("/chat", Answer::default());
    for name in &names {
        let done = scene.finished(name).await;
        expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    }
    let mut order = texts(&scene.receiver.requests_to("/chat"));
    // Attempts that hung are not the last of their events.
    order.reverse();
    let mut last: Vec<String> = Vec::new();
    for text in order.into_iter().filter(|text| text != "e0") {
        if !last.contains(&text) {
            last.push(text);
        }
    }
    last.reverse();
    assert_eq!(last, names[1..]);
}

#[tokio::test]
async fn what_goes_to_a_plain_url_waits_by_its_origin() {
    let scene = Scene::new().await;
    // Nobody trusts these two, so that no connection is made to either.
    let identity = Authority::new().unwrap().identity(&["127.0.0.1"]).unwrap();
    let (dead, other) = (Receiver::start_tls(&identity).await.unwrap(), Receiver::start_tls(&identity).await.unwrap());
    for (context, url) in [("one", dead.url("/a")), ("two", dead.url("/b")), ("three", other.url("/a"))] {
        let call = json!([{"name": "call", "webhook": {"url": url, "body": "{}"}}]);
        scene.create(Kind::Context, context, &on_success(&call)).await;
    }
    for context in ["one", "two", "three"] {
        scene.create(Kind::Event, context, &event(context, "build=success")).await;
        scene.in_phase(context, "call", "Waiting").await;
    }
    let origin = |receiver: &Receiver| receiver.url("");
    let one = scene.get(Kind::Event, "one").await.unwrap();
    assert_eq!(
        (&handler(&one, "call")["reason"], &handler(&one, "call")["attempts"]),
        (&json!("TlsFailed"), &json!(1))
    );
    assert_eq!(handler(&one, "call")["endpoint"], origin(&dead));
    assert!(handler(&one, "call")["nextAttemptTime"].is_string(), "{one:#}");
    let two = scene.get(Kind::Event, "two").await.unwrap();
    let message = format!(
        "the last attempt at {} timed out or found no connection; it is tried with growing pauses",
        origin(&dead)
    );
    expect_handler(&two, "call", "Waiting", "EndpointUnreachable", &message);
    let three = scene.get(Kind::Event, "three").await.unwrap();
    assert_eq!(handler(&three, "call")["reason"], "TlsFailed", "another origin has a line of its own: {three:#}");
}

#[tokio::test]
async fn what_was_never_tried_is_given_up_when_its_time_is_over_and_its_endpoint_is_still_out_of_reach() {
    let scene = Scene::new().await;
    let closed = Receiver::closed().unwrap();
    let retry = json!({"maxAttempts": 50, "maxElapsedSeconds": 3, "initialDelaySeconds": 2, "maxDelaySeconds": 2});
    let url = format!("http://{}/chat", closed.address().unwrap());
    scene.endpoint("chat", "/chat", &json!({"url": url, "retry": retry})).await;
    // Of contexts whose turns do not depend on each other; one attempt at a time is made, with growing pauses.
    let names: Vec<String> = (0..12).map(|number| format!("c{number}")).collect();
    for name in &names {
        scene.create(Kind::Context, name, &tells("chat", name)).await;
        scene.create(Kind::Event, name, &event(name, "build=success")).await;
    }
    let mut untried = 0;
    for name in &names {
        let done = scene.finished(name).await;
        let told = handler(&done, "tell");
        let message = told["message"].as_str().unwrap();
        assert!(told["phase"] == "Failed" && message.contains("; given up after "), "{told:#}");
        untried += usize::from(told["attempts"].is_null());
        assert_eq!(done["status"]["requests"].as_array().map(Vec::len), Some(1), "it can be sent again: {done:#}");
    }
    assert!(untried > 0, "they did not all have a turn");
    scene.others_work().await;
}
