//! The order of events, and whether one runs at all.

use std::fs;

use futures::StreamExt;
use serde_json::json;

use super::{
    super::{
        contexts::LOOK_AGAIN,
        testing::{Answer, Scene},
    },
    hook, is_waiting, reason,
};
use crate::source::{Contexts, Events};

#[tokio::test]
async fn an_event_that_nobody_waited_for_runs_before_the_next_one() {
    let note = |name: &str| json!({"name": name, "setValues": [{"path": "state.order", "op": "Append", "template": "{{event.id}}"}]});
    let scene = Scene::new([], json!({}), json!([note("note")])).await;
    for name in ["b", "a", "c"] {
        scene.fire(name).await;
    }
    scene.finish("a").await;
    assert_eq!(scene.state().await["order"], json!(["b", "a"]));
    scene.finish("c").await;
    assert_eq!(scene.state().await["order"], json!(["b", "a", "c"]));
    let names: Vec<_> =
        scene.open().events(Some("shop")).await.unwrap().into_iter().map(|one| one.metadata.name).collect();
    assert_eq!(names, [Some("b".to_owned()), Some("a".to_owned()), Some("c".to_owned())]);
}

#[tokio::test]
async fn what_waits_of_a_context_that_is_deleted_is_gone_and_not_sent() {
    let busy = || Answer::Http(503, "", "");
    let scene = Scene::new([busy(), busy(), busy()], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    let files = scene.open();
    let mut changes = files.watch_event("e1");
    while !is_waiting(&changes.next().await.unwrap().unwrap().unwrap()) {}
    let uid = scene.open().context("shop").await.unwrap().uid;
    scene.open().delete_context("shop", &uid).await.unwrap();
    let sent = scene.receiver.arrived().len();
    while changes.next().await.unwrap().unwrap().is_some() {}
    assert!(scene.receiver.arrived().len() <= sent + 1, "an attempt that was under way, at most");
    assert_eq!(fs::read_dir(scene.folder.path().join(".cicdctl/default")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_event_of_a_former_context_of_this_name_does_not_run() {
    let scene = Scene::new([], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire_with("e1", |event| event.spec.context_ref.uid = Some("former".to_owned())).await;
    assert!(reason(&scene.finish("e1").await).starts_with("Skipped StaleOwner: "));
    assert_eq!(scene.receiver.arrived().len(), 0);
}

#[tokio::test]
async fn a_generator_runs_and_a_dry_run_sends_and_writes_nothing() {
    let scene = Scene::new([], json!({}), json!([hook("tell", &json!({}))])).await;
    scene
        .fire_with("g", |event| {
            event.spec.event = None;
            event.spec.generate = Some("tags".to_owned());
        })
        .await;
    assert_eq!(reason(&scene.finish("g").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    scene.fire_with("dry", |event| event.spec.dry_run = Some(true)).await;
    let event = scene.finish("dry").await;
    assert_eq!(reason(&event), "Succeeded DryRun: dry run, nothing was sent or written: 1 of 1 handlers ran");
    let request = event.status.unwrap().handlers[0].request.clone().unwrap();
    assert!(request.contains("authorization: ***") && request.ends_with("{\"v\": \"1.4\"}"), "{request}");
    assert_eq!(scene.receiver.arrived().len(), 0);
    assert_eq!(scene.state().await, json!({"version": "1.4", "tags": ["x"]}));
}

#[tokio::test]
async fn a_context_that_is_not_ready_is_an_error_at_once_and_its_event_runs_when_it_is() {
    let scene = Scene::new([], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.edit(r#""name":"app"}]"#, r#""name":"gone"}]"#);
    scene.fire("e1").await;
    let error = scene.watch("e1").await.unwrap_err().to_string();
    assert!(
        error.starts_with("carry out CicdEvent e1 in namespace default: the CicdContext shop is not ready: ")
            && error.contains("gone")
            && error.ends_with("the event waits for that to change"),
        "{error}"
    );
    scene.edit(r#""name":"gone"}]"#, r#""name":"app"}]"#);
    assert_eq!(reason(&scene.finish("e1").await), "Succeeded Succeeded: 1 of 1 handlers ran");
}

#[tokio::test]
async fn a_watch_of_all_events_tells_each_and_its_changes() {
    let scene = Scene::new([], json!({}), json!([])).await;
    scene.fire("e1").await;
    let files = scene.open();
    let mut changes = files.watch_events(Some("shop"));
    let mut next = async || changes.next().await.unwrap().unwrap();
    assert_eq!(next().await.status, None);
    scene.finish("e1").await;
    assert!(reason(&next().await).starts_with("Skipped NoHandlers"));
    scene.fire("e2").await;
    assert_eq!(next().await.metadata.name.as_deref(), Some("e2"));
}

#[tokio::test]
async fn whoever_only_looks_sees_what_others_do_and_delivers_nothing() {
    let scene = Scene::new([], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    let files = scene.open();
    let mut seen = files.observe_event("e1");
    assert_eq!(seen.next().await.unwrap().unwrap().unwrap().status, None);
    let mut all = files.watch_events(Some("shop"));
    all.next().await.unwrap().unwrap();
    files.events(Some("shop")).await.unwrap();
    // It looks again, and again there is nothing new.
    assert!(tokio::time::timeout(LOOK_AGAIN * 3, seen.next()).await.is_err());
    assert_eq!(scene.receiver.arrived().len(), 0);
    scene.finish("e1").await;
    let event = seen.next().await.unwrap().unwrap().unwrap();
    assert_eq!(reason(&event), "Succeeded Succeeded: 1 of 1 handlers ran");
    let uid = files.context("shop").await.unwrap().uid;
    files.delete_context("shop", &uid).await.unwrap();
    assert_eq!(seen.next().await.unwrap().unwrap(), None);
    assert!(seen.next().await.is_none());
}
