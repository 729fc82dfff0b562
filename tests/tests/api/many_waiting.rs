//! Many deliveries that wait at once, and are then let go: nothing is lost, and memory stays small.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use serde_json::json;

use crate::{
    object::{Kind, event, tells, with},
    scene::{Scene, deliveries::texts},
};

/// What 10,000 waiting deliveries may take: they are known to the API server, and here only as places in line.
const MEMORY_OF_10_000: u64 = 50 * 1024 * 1024;
/// How many requests the test itself has under way at the API server.
const CREATORS: usize = 16;

/// Starts the operator anew, and gives its memory when it knows everything.
async fn memory_of_a_new_one(scene: &mut Scene) -> u64 {
    scene.kill_operator().await;
    scene.start_operator(&[]).await;
    scene.operator_memory()
}

/// Lets `contexts` times `events` deliveries wait, and go.
async fn wait_and_go(contexts: usize, events: usize, patience: Duration) {
    let mut scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({"suspend": true, "concurrency": 16})).await;
    for context in 0..contexts {
        let keeps = json!({"eventHistoryLimit": 1000});
        let spec = with(tells("chat", "{{context.name}} {{event.data}}"), &keeps);
        scene.create(Kind::Context, &format!("c{context}"), &spec).await;
    }
    let (before, begun) = (memory_of_a_new_one(&mut scene).await, Instant::now());
    let shared = &scene;
    let create = |context: usize| async move {
        for number in 0..events {
            let name = format!("c{context}");
            let spec = with(event(&name, "build=success"), &json!({"data": number}));
            shared.create(Kind::Event, &format!("{name}-{number}"), &spec).await;
        }
    };
    stream::iter(0..contexts).for_each_concurrent(CREATORS, create).await;
    let created = begun.elapsed();
    let all = contexts * events;
    // Those of a context have their turns one after the other.
    let last_is = async |context: usize, phase: &str| {
        let name = format!("c{context}-{}", events - 1);
        let found = scene.get(Kind::Event, &name).await.unwrap();
        if found["status"]["phase"] == phase { Ok(()) } else { Err(format!("{found:#}")) }
    };
    for context in 0..contexts {
        scene.until_within(patience, "all wait", || last_is(context, "Retrying")).await;
    }
    let (waiting, worked) = (begun.elapsed(), scene.operator_memory());
    let grown = memory_of_a_new_one(&mut scene).await.saturating_sub(before);
    scene.nothing_sent_to("/chat");
    let begun = Instant::now();

    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"suspend": false}})).await;
    scene.receiver.wait_for("/chat", all, patience).await.unwrap();
    for context in 0..contexts {
        scene.finished(&format!("c{context}-{}", events - 1)).await;
    }
    println!(
        "{all} deliveries: created in {created:.1?}, all wait after {waiting:.1?}, all delivered {:.1?} after that; \
         memory of a new process {} KiB, of one that let them wait {} KiB, of a new one that finds them waiting {} KiB more",
        begun.elapsed(),
        before / 1024,
        worked / 1024,
        grown / 1024,
    );
    let arrived = scene.receiver.requests_to("/chat");
    let mut ids: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for request in &arrived {
        ids.entry(&request.text).or_default().insert(request.header("webhook-id"));
    }
    assert_eq!(ids.len(), all, "each delivery arrived");
    assert!(ids.values().all(|ids| ids.len() == 1), "under one id: {ids:?}");
    let order = texts(&arrived);
    for context in 0..contexts {
        let prefix = format!("c{context} ");
        let numbers: Vec<usize> =
            order.iter().filter_map(|text| text.strip_prefix(&prefix)).map(|number| number.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "c{context}: {numbers:?}");
    }
    assert!(scene.receiver.most_at_once() <= 16);
    let allowed = MEMORY_OF_10_000 * u64::try_from(all).unwrap() / 10_000;
    // The events themselves are in the cache, too, and a process keeps what it had while it listed them.
    let slack = 8 * 1024 * 1024;
    assert!(grown < allowed + slack, "{all} waiting deliveries took {grown} bytes, and {allowed} were allowed");
}

#[tokio::test]
async fn three_hundred_deliveries_wait_at_once_and_all_arrive_in_order() {
    wait_and_go(10, 30, Duration::from_mins(1)).await;
}
