//! Limits of an endpoint hold at the receiver, for all that use it together.

use std::time::Duration;

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, on_success, tells, with},
    scene::{Scene, deliveries::texts},
};

#[tokio::test]
async fn an_endpoint_takes_no_more_at_once_than_it_says_and_each_context_keeps_its_order() {
    let mut scene = Scene::without_operator().await;
    let other = Scene::without_operator().await;
    let shared = json!({"concurrency": 2, "allowedNamespaces": {"names": [other.namespace]}});
    scene.endpoint("chat", "/chat", &shared).await;
    scene.receiver.answer("/chat", Answer::default().after(Duration::from_millis(20)));
    let reference = json!({"name": "chat", "namespace": scene.namespace});
    let message = "{{context.name}} {{event.data}}";
    let tell = json!([{"name": "tell", "notify": {"endpoint": reference, "message": message}}]);
    scene.create(Kind::Context, "a", &tells("chat", message)).await;
    other.create(Kind::Context, "b", &on_success(&tell)).await;
    other.create(Kind::Context, "c", &on_success(&tell)).await;
    scene.start_operator(&["--watch-namespace", &other.namespace]).await;
    let mut events = Vec::new();
    for number in 0..20 {
        for (home, context) in [(&scene, "a"), (&other, "b"), (&other, "c")] {
            let name = format!("{context}-{number}");
            let spec = with(event(context, "build=success"), &json!({"data": number}));
            home.create(Kind::Event, &name, &spec).await;
            events.push((home, name));
        }
    }
    for (home, name) in events {
        let done = home.finished(&name).await;
        expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    }
    let order = texts(&scene.receiver.requests_to("/chat"));
    assert_eq!(order.len(), 60, "each arrived once: {order:?}");
    for context in ["a", "b", "c"] {
        let of_context: Vec<&String> = order.iter().filter(|text| text.starts_with(context)).collect();
        let expected: Vec<String> = (0..20).map(|number| format!("{context} {number}")).collect();
        assert_eq!(of_context, expected.iter().collect::<Vec<_>>());
    }
    assert_eq!(scene.receiver.most_at_once(), 2, "as many as allowed, and no more");
}

/// Three contexts' events at an endpoint that is suspended until all of them wait.
async fn waiting_at(scene: &Scene, endpoint: &Value, contexts: usize, events: usize) -> Vec<String> {
    scene.endpoint("chat", "/chat", &with(json!({"suspend": true}), endpoint)).await;
    let mut names = Vec::new();
    for context in 0..contexts {
        let spec = tells("chat", "{{context.name}} {{event.data}}");
        scene.create(Kind::Context, &format!("c{context}"), &spec).await;
        for number in 0..events {
            let name = format!("c{context}-{number}");
            let spec = with(event(&format!("c{context}"), "build=success"), &json!({"data": number}));
            scene.create(Kind::Event, &name, &spec).await;
            names.push(name);
        }
    }
    for name in &names {
        scene.waiting_for(name, "tell", "Suspended").await;
    }
    names
}

fn expect_order(order: &[String], contexts: usize, events: usize) {
    assert_eq!(order.len(), contexts * events, "each arrived once: {order:?}");
    for context in 0..contexts {
        let context = format!("c{context} ");
        let of_context: Vec<&String> = order.iter().filter(|text| text.starts_with(&context)).collect();
        let expected: Vec<String> = (0..events).map(|number| format!("{context}{number}")).collect();
        assert_eq!(of_context, expected.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn what_waited_leaves_in_the_order_of_each_contexts_events_although_several_are_under_way_at_once() {
    let scene = Scene::new().await;
    let names = waiting_at(&scene, &json!({"concurrency": 8}), 3, 10).await;
    scene.receiver.answer("/chat", Answer::default().after(Duration::from_millis(20)));
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"suspend": false}})).await;
    for name in &names {
        scene.finished(name).await;
    }
    expect_order(&texts(&scene.receiver.requests_to("/chat")), 3, 10);
    assert!(scene.receiver.most_at_once() > 1, "contexts do not wait for each other");
}

#[tokio::test]
async fn a_rate_holds_at_the_receiver_in_every_second() {
    let scene = Scene::new().await;
    let names = waiting_at(&scene, &json!({"rateLimit": {"requests": 5, "perSeconds": 1}}), 3, 6).await;
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"suspend": false}})).await;
    for name in &names {
        scene.finished(name).await;
    }
    let arrived = scene.receiver.requests_to("/chat");
    expect_order(&texts(&arrived), 3, 6);
    // What leaves in order a second apart may arrive a little closer: the first one's way (a look at the event and its
    // context, a new connection) may take longer than that of the sixth.
    let way = Duration::from_millis(250);
    for six in arrived.windows(6) {
        let span = six[5].at - six[0].at;
        assert!(span + way >= Duration::from_secs(1), "six requests within {span:?}");
    }
    let all = arrived[17].at - arrived[0].at;
    assert!(all + way >= Duration::from_secs(3), "18 requests take more than three seconds: {all:?}");
}

#[tokio::test]
async fn what_waited_for_a_limit_leaves_in_its_order_after_a_restart() {
    let mut scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({"concurrency": 1, "timeoutSeconds": 60})).await;
    scene.receiver.answers("/chat", [Answer::hang()]);
    scene.create(Kind::Context, "first", &tells("chat", "first")).await;
    scene.create(Kind::Event, "first", &event("first", "build=success")).await;
    scene.arrived("/chat", 1).await;
    scene.create(Kind::Context, "shop", &tells("chat", "{{event.id}}")).await;
    // Their names do not sort as they were created.
    let names = ["m", "z", "b", "y", "a"];
    for name in names {
        scene.create(Kind::Event, name, &event("shop", "build=success")).await;
    }
    let message = "as many requests to chat are under way as it takes (concurrency)";
    for name in names {
        let waits = scene.in_phase(name, "tell", "Waiting").await;
        expect_handler(&waits, "tell", "Waiting", "Limited", message);
    }
    scene.kill_operator().await;
    scene.start_operator(&[]).await;
    for name in names {
        let done = scene.finished(name).await;
        expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    }
    let mut order = texts(&scene.receiver.requests_to("/chat"));
    order.retain(|text| text != "first");
    assert_eq!(order, names);
    scene.receiver.release();
}
