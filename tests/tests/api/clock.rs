//! An operator whose machine has the wrong time, ten minutes ahead or behind: everything that has to do with time goes by
//! the API server's clock, or by a clock that only goes forward.

use std::time::Duration;

use axum::http::HeaderMap;
use cicdcontext_tests::shifted_clock::ShiftedClock;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::{
    object::{Kind, condition, event, expect_outcome, notify, on_success, tells, with},
    scene::Scene,
};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Far less than any clock here is off, and long enough for a machine that is busy.
const NOW: SignedDuration = SignedDuration::from_secs(60);

fn clock(seconds: i64) -> ShiftedClock {
    ShiftedClock::ahead(seconds).unwrap_or_else(|error| panic!("{error}"))
}

/// Fails unless this is a time of right now.
#[track_caller]
fn expect_now(time: &Value, what: &str) {
    let text = time.as_str().unwrap_or_else(|| panic!("{what}: {time}"));
    let parsed: Timestamp = text.parse().unwrap();
    let off = Timestamp::now().duration_since(parsed);
    assert!(off.abs() < NOW, "{what} is {text}, which is {off:#} ago");
}

/// How far the process is ahead by the times in its own log: what shows that the clock is shifted at all.
fn ahead_by_its_log(scene: &Scene) -> SignedDuration {
    let log = scene.log();
    let line: Value = serde_json::from_str(log.lines().next_back().unwrap()).unwrap();
    let time: Timestamp = line["timestamp"].as_str().unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    time.duration_since(Timestamp::now())
}

#[tokio::test]
async fn what_is_sent_and_written_has_the_time_of_the_api_server() {
    // Two hours would make an event stale whose createdAt is by the wrong clock.
    for seconds in [600, -600, -7200] {
        let clock = clock(seconds);
        let mut scene = Scene::without_operator().await;
        scene.secret("signing", &json!({"key": KEY})).await;
        let keys = json!([{"secretKeyRef": {"name": "signing", "key": "key"}}]);
        scene.endpoint("chat", "/chat", &json!({"signing": {"keys": keys}})).await;
        let handlers = json!([notify("tell", "chat", "built"), notify("fail", "missing", "built")]);
        scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
        scene.start_operator_with(&clock.variables(), &[]).await;
        let off = ahead_by_its_log(&scene);
        assert!(
            (off - SignedDuration::from_secs(seconds)).abs() < NOW,
            "the clock is to be {seconds} s ahead: {off:#}"
        );

        scene.annotate("shop", "r1", "build=success").await;
        let arrived = scene.arrived("/chat", 1).await;
        let headers: HeaderMap = arrived[0].headers.clone();
        let sent = arrived[0].header("webhook-timestamp").parse().map(Timestamp::from_second);
        expect_now(&json!(sent.unwrap().unwrap().to_string()), "webhook-timestamp");
        // The published library refuses what is more than five minutes old or new.
        let verified = Webhook::new(KEY).unwrap().verify(arrived[0].text.as_bytes(), &headers);
        assert!(verified.is_ok(), "{verified:?}");

        let made = scene.taken_in("shop", "r1").await;
        expect_now(&made["spec"]["createdAt"], "createdAt");
        let seen = scene.wait(Kind::Event, crate::object::name(&made), "is begun", |event| {
            event["status"]["startTime"].is_string()
        });
        let seen = seen.await;
        expect_now(&seen["status"]["startTime"], "startTime");
        expect_now(&seen["status"]["conditions"][0]["lastTransitionTime"], "lastTransitionTime");
        let ready = scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
        expect_now(&ready["status"]["conditions"][0]["lastTransitionTime"], "lastTransitionTime of the context");

        // Something that people are told of.
        scene.annotate("shop", "r2", "none").await;
        scene.told(Kind::Context, "shop", "BadAnnotation").await;
        for told in scene.kubernetes_events().await {
            expect_now(&json!(told.event_time), "eventTime of a Kubernetes Event");
        }
    }
}

#[tokio::test]
async fn an_event_waits_for_its_context_neither_shorter_nor_longer() {
    for seconds in [600, -600] {
        let clock = clock(seconds);
        let mut scene = Scene::without_operator().await;
        scene.start_operator_with(&clock.variables(), &["--unknown-context-grace=8s"]).await;
        scene.create(Kind::Event, "e", &event("nowhere", "build=success")).await;
        let waits = scene.wait(Kind::Event, "e", "has a status", |event| event["status"]["phase"].is_string()).await;
        assert_eq!(waits["status"]["phase"], "Pending", "{seconds} s ahead, it waits: {waits:#}");
        let changes = json!([{"path": "state.x", "value": 1}]);
        scene.create(Kind::StateWrite, "w", &json!({"contextRef": {"name": "nowhere"}, "changes": changes})).await;
        let done = scene.finished("e").await;
        assert_eq!(condition(&done, "Finished").1, "ContextNotFound", "{done:#}");
        let refused = scene.wait_condition(Kind::StateWrite, "w", "Applied", "False").await;
        assert_eq!(condition(&refused, "Applied").1, "ContextNotFound", "{refused:#}");
    }
}

/// A context `shop` that keeps one finished event, and three of them, finished by an operator with the right time.
async fn history(scene: &mut Scene) {
    scene.endpoint("chat", "/chat", &json!({})).await;
    let spec = with(tells("chat", "built"), &json!({"eventHistoryLimit": 1, "ttlSecondsAfterLastActivity": 120}));
    scene.create(Kind::Context, "shop", &spec).await;
    scene.start_operator(&["--event-minimum-age=10m"]).await;
    for name in ["e1", "e2", "e3"] {
        scene.run(name, &event("shop", "build=success")).await;
    }
    scene.kill_operator().await;
}

/// Waits until history has looked at everything that the operator found at its start.
async fn history_has_looked(scene: &Scene) {
    let looked = async || match scene.metric("cicdcontext_reconciles_total{kind=\"history\"}").await {
        0 => Err("history has not looked yet".to_owned()),
        _ => Ok(()),
    };
    scene.until("history has looked", looked).await;
}

#[tokio::test]
async fn history_takes_nothing_too_early_if_the_clock_is_ahead() {
    let clock = clock(600);
    let mut scene = Scene::without_operator().await;
    history(&mut scene).await;
    scene.start_operator_with(&clock.variables(), &["--event-minimum-age=2m"]).await;
    history_has_looked(&scene).await;
    // Its events have come to their end behind what history did.
    scene.others_work().await;
    assert_eq!(scene.metric("cicdcontext_history_deleted_total{kind=\"event\"}").await, 0);
    assert_eq!(scene.metric("cicdcontext_history_deleted_total{kind=\"context\"}").await, 0);
    for name in ["e1", "e2", "e3"] {
        assert!(scene.get(Kind::Event, name).await.is_some(), "{name} is younger than two minutes");
    }
    assert!(scene.get(Kind::Context, "shop").await.is_some());
}

#[tokio::test]
async fn history_takes_nothing_too_late_if_the_clock_is_behind() {
    let clock = clock(-600);
    let mut scene = Scene::without_operator().await;
    history(&mut scene).await;
    scene.start_operator_with(&clock.variables(), &["--event-minimum-age=2s"]).await;
    for name in ["e1", "e2"] {
        scene.wait(Kind::Event, name, "is gone", Value::is_null).await;
    }
    assert!(scene.get(Kind::Event, "e3").await.is_some(), "one is kept");
    // A copy of one that went is not run again.
    scene.create(Kind::Event, "e1", &event("shop", "build=success")).await;
    let again = scene.finished("e1").await;
    let message = "an event of this name ran before; give each event a name of its own";
    expect_outcome(&again, "Skipped", "False", "AlreadyRun", message);
}

#[tokio::test]
async fn of_two_replicas_whose_clocks_are_twenty_minutes_apart_one_leads_until_it_is_gone() {
    const SHORT: [&str; 3] =
        ["--leader-elect-lease-duration=6s", "--leader-elect-renew-deadline=5s", "--leader-elect-retry-period=500ms"];
    // Longer than the lease: who compared its times with a clock would have taken it by then.
    const WATCHED: Duration = Duration::from_secs(8);
    for first_is in [600, -600] {
        let (one, other) = (clock(first_is), clock(-first_is));
        let scene = Scene::without_operator().await;
        scene.shop().await;
        let first = scene.start_replica_with(&one.variables(), "first", &SHORT).await;
        let _second = scene.start_replica_with(&other.variables(), "second", &SHORT).await;
        let begun = std::time::Instant::now();
        let mut renewals = std::collections::BTreeSet::new();
        let renewed = async || {
            let lease = scene.lease().await;
            assert!(lease.holder_identity.as_ref().is_some_and(|holder| holder.starts_with("first_")), "{lease:?}");
            renewals.insert(lease.renew_time.map(|time| time.0));
            if begun.elapsed() > WATCHED && renewals.len() > 3 { Ok(()) } else { Err(format!("{renewals:?}")) }
        };
        scene.until("the first one has renewed its Lease for longer than that lasts", renewed).await;
        scene.run("e1", &event("shop", "build=success")).await;
        first.kill().await.unwrap();
        assert_eq!(scene.leads("second").await.lease_transitions, Some(2));
        scene.run("e2", &event("shop", "build=success")).await;
        assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
    }
}
