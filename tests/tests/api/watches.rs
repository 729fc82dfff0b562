//! Watches that expire, end, or fall silent: nothing is lost, what went away meanwhile is forgotten, and the API server
//! is not flooded with new ones.

use std::time::Duration;

use cicdcontext_tests::gate::{
    Gate,
    fault::{Asked, Fault, Reply},
    watches::Break,
};
use serde_json::json;

use crate::{
    object::{Kind, event, expect_outcome, tells},
    scene::Scene,
};

/// The kinds whose watches are looked at.
const KINDS: [&str; 3] = ["cicdcontexts", "cicdevents", "cicdstatewrites"];

fn unavailable() -> Fault {
    Fault::Refused(Reply::status(503, "ServiceUnavailable", "the server is currently unable to handle the request"))
}

fn is_list_or_watch(asked: &Asked) -> bool {
    KINDS.iter().any(|kind| asked.is_list_of(kind) || asked.is_watch_of(kind))
}

/// A scene with the contexts `shop` and `gone`, whose operator works behind the gate.
async fn begun(flags: &[&str]) -> (Scene, Gate) {
    let mut scene = Scene::without_operator().await;
    scene.shop().await;
    scene.create(Kind::Context, "gone", &tells("chat", "gone")).await;
    let gate = scene.gate().await;
    scene.start_operator_behind(&gate, flags).await;
    for context in ["shop", "gone"] {
        scene.wait_condition(Kind::Context, context, "Ready", "True").await;
    }
    (scene, gate)
}

/// Does something to each watched kind: what the operator must find when it sees again.
async fn meanwhile(scene: &Scene) {
    scene.delete(Kind::Context, "gone").await;
    scene.annotate("shop", "r1", "build=success").await;
    scene.create(Kind::Event, "e1", &event("shop", "build=success")).await;
    let changes = json!([{"path": "state.written", "value": true}]);
    scene.create(Kind::StateWrite, "w1", &json!({"contextRef": {"name": "shop"}, "changes": changes})).await;
}

/// Fails unless all of that is found and done, once.
async fn expect_caught_up(scene: &Scene) {
    let done = scene.finished("e1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    let done = scene.finished_annotation("shop", "r1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    scene.wait(Kind::StateWrite, "w1", "is gone", serde_json::Value::is_null).await;
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"]["written"], true);
    let known = async || match scene.metric(r#"cicdcontext_cached_objects{kind="CicdContext"}"#).await {
        1 => Ok(()),
        other => Err(format!("{other} contexts are known")),
    };
    scene.until("the context that is gone is forgotten", known).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
    scene.others_work().await;
}

#[tokio::test]
async fn after_an_event_410_gone_everything_is_listed_anew_and_what_went_away_is_forgotten() {
    let (scene, gate) = begun(&[]).await;
    gate.faults(|asked| is_list_or_watch(asked).then(unavailable));
    let before = gate.asked().len();
    gate.break_watches(Break::Gone);
    meanwhile(&scene).await;
    gate.mend();
    expect_caught_up(&scene).await;
    for kind in KINDS {
        let lists = gate.asked().iter().skip(before).filter(|asked| asked.is_list_of(kind)).count();
        assert!(lists >= 1, "{kind} are listed anew");
        assert!(lists <= 8, "{lists} lists of {kind}");
    }
}

/// The other form of it: a watch that is refused from the start.
#[tokio::test]
async fn a_watch_that_is_answered_with_410_gone_leads_to_a_new_list() {
    let (scene, gate) = begun(&[]).await;
    let mut listed = std::collections::BTreeSet::new();
    gate.faults(move |asked| {
        let kind = KINDS.iter().find(|kind| asked.is_list_of(kind) || asked.is_watch_of(kind))?;
        if !asked.is_watch() {
            listed.insert(*kind);
        }
        let gone = || Fault::Refused(Reply::status(410, "Expired", "too old resource version: 1 (2)"));
        (!listed.contains(kind)).then(gone)
    });
    gate.break_watches(Break::Closed);
    meanwhile(&scene).await;
    expect_caught_up(&scene).await;
}

#[tokio::test]
async fn watches_that_end_again_and_again_are_not_started_anew_in_a_hot_loop() {
    const STARTS: usize = 5;
    let (scene, gate) = begun(&[]).await;
    let ended = |asked: &Asked| asked.is_watch().then(|| Fault::Refused(Reply::ended_watch()));
    gate.faults(ended);
    gate.break_watches(Break::Closed);
    meanwhile(&scene).await;
    let starts = async || {
        // The first one of each is the watch that was broken.
        let starts = gate.asked_for(|asked| asked.is_watch_of("cicdcontexts")).split_off(1);
        if starts.len() >= STARTS { Ok(starts) } else { Err(format!("{starts:?}")) }
    };
    let starts = scene.until("watches are started anew", starts).await;
    let took = starts[STARTS - 1].at - starts[0].at;
    assert!(took >= Duration::from_secs(1), "{STARTS} watches of one kind within {took:?}");
    assert!(starts.len() < 3 * STARTS, "{} watches of one kind", starts.len());
    gate.mend();
    expect_caught_up(&scene).await;
}

#[tokio::test]
async fn a_watch_on_which_nothing_comes_any_more_is_given_up() {
    let (scene, gate) = begun(&["--watch-timeout=3s"]).await;
    gate.break_watches(Break::Silent);
    meanwhile(&scene).await;
    expect_caught_up(&scene).await;
}

#[tokio::test]
async fn a_list_that_is_never_answered_is_given_up() {
    let (scene, gate) = begun(&["--watch-timeout=3s"]).await;
    let mut silent = std::collections::BTreeSet::new();
    gate.faults(move |asked| {
        let kind = KINDS.iter().find(|kind| asked.is_list_of(kind))?;
        silent.insert(*kind).then_some(Fault::Silent)
    });
    gate.break_watches(Break::Gone);
    meanwhile(&scene).await;
    expect_caught_up(&scene).await;
}
