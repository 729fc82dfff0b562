mod interrupted;

use std::fs;

use cicdcontext_crds::{CicdEvent, EventPhase, HandlerPhase, conditions, vocabulary::condition};
use cicdcontext_engine::state::{ChangeSet, Path, PlainChange};
use futures::StreamExt;
use serde_json::{Value, json};

use super::{
    Files, FilesOptions,
    folder::crash,
    testing::{Answer, CANARY, Scene},
};
use crate::{
    arguments::Via,
    source::{Change, Configuration, Context, Contexts, Events},
};

fn hook(name: &str, more: &Value) -> Value {
    let mut handler =
        json!({"name": name, "webhook": {"endpoint": {"name": "chat"}, "body": "{\"v\": \"{{state.version}}\"}"}});
    handler["webhook"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    handler
}

fn reason(event: &CicdEvent) -> String {
    let status = event.status.clone().unwrap();
    let why = conditions::get(&status.conditions, condition::SUCCEEDED).unwrap();
    format!("{:?} {}: {}", status.phase, why.reason, why.message)
}

fn is_waiting(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| status.phase == EventPhase::Retrying)
}

async fn set(scene: &Scene, path: &str, value: Value) {
    let set = ChangeSet { changes: vec![PlainChange::set(Path::parse(path).unwrap(), value)], ..ChangeSet::default() };
    let change = Change { set, via: Via::Auto, timeout: std::time::Duration::from_mins(1) };
    scene.open().change("shop", &change).await.unwrap();
}

#[tokio::test]
async fn an_event_is_delivered_with_the_secret_and_its_answer_captured_into_the_state() {
    let capture = json!({"capture": [{"path": "state.run", "fromPath": "$.body.id"}]});
    let answer = Answer::Http(200, "", "{\"id\": 7}");
    let remember = json!({"name": "remember", "setValues": [{"path": "state.seen", "template": "{{state.run}}"}]});
    let scene = Scene::new([answer], json!({}), json!([hook("tell", &capture), remember])).await;
    scene.fire("e1").await;
    let seen = scene.watch("e1").await.unwrap();
    assert_eq!(reason(seen.last().unwrap()), "Succeeded Succeeded: 2 of 2 handlers ran");
    assert!(seen.len() > 2, "progress is shown: {seen:?}");
    assert_eq!(scene.state().await, json!({"version": "1.4", "run": 7, "seen": "7"}));
    let arrived = scene.receiver.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].body, "{\"v\": \"1.4\"}");
    assert_eq!(arrived[0].header("authorization"), Some(&*format!("Bearer {CANARY}")));
    assert!(!scene.kept().contains(CANARY), "a Secret is in the state folder");
    let annotations = scene.open().context("shop").await.unwrap().annotations;
    assert!(annotations["cicdcontext.io/applied"].contains(r#""done":[]"#), "{annotations:?}");
}

#[tokio::test]
async fn a_receiver_that_is_not_ready_is_asked_again_with_the_same_id() {
    let busy = Answer::Http(503, "Retry-After: 1\r\n", "");
    let scene = Scene::new([busy], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    let seen = scene.watch("e1").await.unwrap();
    assert!(seen.iter().any(is_waiting), "{seen:?}");
    let handler = &seen.last().unwrap().status.as_ref().unwrap().handlers[0];
    assert_eq!((handler.phase, handler.attempts), (HandlerPhase::Succeeded, Some(2)));
    let arrived = scene.receiver.arrived();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
}

#[tokio::test]
async fn what_still_waits_is_sent_by_the_next_call_with_the_same_bytes_and_before_what_comes_later() {
    let scene = Scene::new([Answer::Http(503, "", "")], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    scene.watch_until("e1", is_waiting).await;
    // Rendered again it would say something else.
    set(&scene, "state.version", json!("2.0")).await;
    scene.edit("\\\"v\\\"", "\\\"w\\\"");
    scene.fire("e2").await;
    assert_eq!(reason(&scene.finish("e2").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    assert_eq!(reason(&scene.finish("e1").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    let arrived = scene.receiver.arrived();
    let mut bodies: Vec<_> = arrived.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(bodies.remove(0), "{\"v\": \"1.4\"}");
    bodies.sort_unstable();
    assert_eq!(bodies, ["{\"v\": \"1.4\"}", "{\"w\": \"2.0\"}"]);
    let again = arrived.iter().rfind(|one| one.body == arrived[0].body).unwrap();
    assert_eq!(arrived[0].header("webhook-id"), again.header("webhook-id"));
}

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
async fn at_most_once_is_not_sent_again_when_the_answer_is_lost() {
    let once = json!({"deliveryGuarantee": "AtMostOnce"});
    let scene = Scene::new([Answer::Lost], once, json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    let event = scene.finish("e1").await;
    assert!(reason(&event).starts_with("Failed OutcomeUnknown: "), "{}", reason(&event));
    assert_eq!(scene.receiver.arrived().len(), 1);
}

#[tokio::test]
async fn at_most_once_is_claimed_before_it_is_sent_and_unknown_to_whoever_finds_the_claim() {
    let once = json!({"deliveryGuarantee": "AtMostOnce"});
    let scene = Scene::new([Answer::Silence], once, json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    tokio::select! {
        _ = scene.finish("e1") => panic!("it does not end"),
        () = scene.receiver.until(1) => {}
    }
    let event = scene.open().event("e1").await.unwrap();
    assert_eq!(event.status.unwrap().handlers[0].phase, HandlerPhase::Sending);
    let event = scene.finish("e1").await;
    assert!(reason(&event).starts_with("Failed OutcomeUnknown: "), "{}", reason(&event));
    assert_eq!(scene.receiver.arrived().len(), 1);
}

/// Plays an event again and again, each time with a process that ends at the next place, and another one that goes on.
/// Gives each scene and how its event ended.
async fn crashed_everywhere(endpoint: Value) -> Vec<(Scene, CicdEvent)> {
    let capture = json!({"capture": [{"path": "state.answers", "op": "Append", "fromPath": "$.body.id"}]});
    let append =
        |name: &str| json!({"name": name, "setValues": [{"path": "state.list", "op": "Append", "value": name}]});
    let mut ends = Vec::new();
    for place in 0.. {
        let answers = (0..3).map(|_| Answer::Http(200, "", "{\"id\": 1}"));
        let handlers = json!([append("a"), hook("tell", &capture), append("b")]);
        let scene = Scene::new(answers, endpoint.clone(), handlers).await;
        let with_set = |event: &mut CicdEvent| {
            event.spec.set =
                serde_json::from_value(json!([{"path": "state.sets", "op": "Append", "value": 1}])).unwrap();
        };
        scene.fire_with("e1", with_set).await;
        crash::at(Some(place));
        let crashed = scene.watch("e1").await;
        let is_ahead = crash::is_ahead();
        crash::at(None);
        if is_ahead {
            assert!(place > 10, "there are more places than {place}");
            return ends;
        }
        assert!(crashed.unwrap_err().to_string().ends_with(": crash"), "at {place}");
        let event = scene.finish("e1").await;
        // Whatever is left of the crash in the ledger goes with the next event.
        scene.fire_with("after", |event| event.spec.pipeline = Some("none".to_owned())).await;
        scene.finish("after").await;
        let annotations = scene.open().context("shop").await.unwrap().annotations;
        let applied = &annotations["cicdcontext.io/applied"];
        assert!(applied.contains(r#""done":[]"#), "at {place}: {applied}");
        ends.push((scene, event));
    }
    ends
}

#[tokio::test]
async fn a_process_that_ends_at_any_moment_loses_nothing_and_writes_nothing_twice() {
    for (place, (scene, event)) in crashed_everywhere(json!({})).await.into_iter().enumerate() {
        assert_eq!(reason(&event), "Succeeded Succeeded: 3 of 3 handlers ran", "at {place}");
        let expected = json!({"version": "1.4", "list": ["a", "b"], "answers": [1], "sets": [1]});
        assert_eq!(scene.state().await, expected, "at {place}");
        let arrived = scene.receiver.arrived();
        assert!((1..=2).contains(&arrived.len()), "at {place}: {arrived:?}");
        assert_eq!(arrived[0].header("webhook-id"), arrived[arrived.len() - 1].header("webhook-id"), "at {place}");
    }
}

#[tokio::test]
async fn a_process_that_ends_at_any_moment_sends_nothing_twice_that_is_to_be_sent_at_most_once() {
    for (place, (scene, event)) in
        crashed_everywhere(json!({"deliveryGuarantee": "AtMostOnce"})).await.into_iter().enumerate()
    {
        assert!(scene.receiver.arrived().len() <= 1, "at {place}");
        let status = event.status.unwrap();
        let phase = status.handlers[1].phase;
        assert!(matches!(phase, HandlerPhase::Succeeded | HandlerPhase::Unknown), "at {place}: {status:?}");
        assert_eq!(scene.state().await["list"], json!(["a", "b"]), "at {place}");
    }
}

#[tokio::test]
async fn what_was_given_up_is_sent_again_when_somebody_asks_for_it() {
    let scene = Scene::new([Answer::Http(400, "", "")], json!({}), json!([hook("tell", &json!({}))])).await;
    scene.fire("e1").await;
    assert!(reason(&scene.finish("e1").await).starts_with("Failed HandlerFailed: "));
    let files = scene.open();
    let error = files.annotate_event("e1", "redeliver.cicdcontext.io/x", "other").await.unwrap_err().to_string();
    assert!(
        error.starts_with("change CicdEvent e1 in namespace default: redeliver \"other\": the event has no"),
        "{error}"
    );
    files.annotate_event("e1", "redeliver.cicdcontext.io/x", "tell").await.unwrap();
    assert_eq!(reason(&scene.finish("e1").await), "Succeeded Succeeded: 1 of 1 handlers ran");
    let arrived = scene.receiver.arrived();
    assert_eq!((arrived.len(), &arrived[0].body), (2, &arrived[1].body));
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
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
async fn a_missing_endpoint_or_secret_is_waited_for_and_found_when_the_manifests_have_it() {
    let scene = Scene::new([], json!({}), json!([hook("tell", &json!({}))])).await;
    for (name, kept, gone) in [
        ("e1", r#""metadata":{"name":"chat"},"spec""#, r#""metadata":{"name":"other"},"spec""#),
        ("e2", r#""stringData":{"token""#, r#""stringData":{"other""#),
    ] {
        scene.edit(kept, gone);
        scene.fire(name).await;
        let files = scene.open();
        let mut changes = files.watch_event(name);
        while !is_waiting(&changes.next().await.unwrap().unwrap().unwrap()) {}
        scene.edit(gone, kept);
        let mut last = None;
        while let Some(seen) = changes.next().await {
            last = seen.unwrap();
        }
        assert_eq!(reason(&last.unwrap()), "Succeeded Succeeded: 1 of 1 handlers ran", "{name}");
    }
    assert_eq!(scene.receiver.arrived().len(), 2);
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
async fn a_context_keeps_its_uid_and_state_while_its_manifest_changes_and_begins_anew_once_it_is_deleted() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let first = scene.open().context("shop").await.unwrap();
    set(&scene, "state.a", json!(1)).await;
    scene.edit("1.4", "9.9");
    let files = scene.open();
    let now = files.context("shop").await.unwrap();
    assert_eq!((now.uid.clone(), &json!(now.state)), (first.uid.clone(), &json!({"version": "1.4", "a": 1})));
    assert_eq!(files.whole_context("shop").await.unwrap().metadata.uid, Some(first.uid.clone()));
    scene.fire("e1").await;
    assert!(files.delete_context("shop", "other").await.is_err());
    files.delete_context("shop", &first.uid).await.unwrap();
    assert!(files.event("e1").await.is_err(), "its events go with it");
    let anew = files.context("shop").await.unwrap();
    assert_ne!(anew.uid, first.uid);
    assert_eq!(json!(anew.state), json!({"version": "9.9"}));
}

#[tokio::test]
async fn a_context_without_a_manifest_can_be_created_changed_and_deleted() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let files = scene.open();
    let context = |name: &str| {
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": {
            "bases": [{"kind": "CicdBase", "name": "app"}], "state": {"a": 1}}}))
        .unwrap()
    };
    files.create_context(&context("run")).await.unwrap();
    for name in ["run", "shop"] {
        let error = files.create_context(&context(name)).await.unwrap_err().to_string();
        assert_eq!(error, format!("create CicdContext {name} in namespace default: it exists already"));
    }
    let uid = files.context("run").await.unwrap().uid;
    let whole = scene.open().whole_context("run").await.unwrap();
    assert_eq!((json!(whole.spec.state), whole.spec.bases.unwrap().len()), (json!({"a": 1}), 1));
    files.delete_context("run", &uid).await.unwrap();
    let error = files.context("run").await.unwrap_err().to_string();
    assert!(
        error.contains("neither a manifest nor the state folder ") && error.contains("has CicdContext \"run\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_watch_of_a_context_tells_its_changes_and_whether_its_configuration_is_ready() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let files = scene.open();
    let mut changes = files.watch_context("shop");
    let ready = |context: &Context| conditions::is_true(&context.conditions, condition::READY);
    let mut next = async || changes.next().await.unwrap().unwrap();
    assert!(ready(&next().await.unwrap()));
    set(&scene, "state.a", json!(1)).await;
    assert_eq!(next().await.unwrap().state.unwrap()["a"], json!(1));
    scene.edit(r#""name":"app"}]"#, r#""name":"gone"}]"#);
    let broken = next().await.unwrap();
    assert!(!ready(&broken) && broken.conditions[0].message.contains("gone"), "{broken:?}");
    files.delete_context("shop", &broken.uid).await.unwrap();
    assert_ne!(next().await.unwrap().uid, broken.uid, "its manifest makes it anew");
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
async fn names_that_no_object_has_lead_nowhere() {
    let scene = Scene::new([], json!({}), json!([])).await;
    scene.fire("e1").await;
    let files = scene.open();
    for name in ["../events/e1", "../../shop/events/e1", "."] {
        assert!(files.event(name).await.is_err(), "{name}");
        assert!(files.context(name).await.is_err(), "{name}");
        assert!(files.events(Some(name)).await.unwrap().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_state_folder_that_cannot_be_written_is_no_hindrance_to_reading() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let options = FilesOptions {
        paths: vec![scene.manifest()],
        state_folder: Some(scene.manifest().join("below-a-file")),
        ..FilesOptions::default()
    };
    let files = Files::open(options).unwrap();
    assert_eq!(json!(files.context("shop").await.unwrap().state), json!({"version": "1.4"}));
}

#[tokio::test]
async fn what_the_manifest_says_is_not_patched() {
    let scene = Scene::new([], json!({}), json!([])).await;
    let files = scene.open();
    let patch = |patch: Value| serde_json::from_value::<Vec<json_patch::PatchOperation>>(patch).unwrap();
    let to_state = patch(json!([
        {"op": "test", "path": "/spec/state/b", "value": null},
        {"op": "add", "path": "/spec/state/b", "value": 2},
        {"op": "test", "path": "/metadata/annotations", "value": null},
        {"op": "add", "path": "/metadata/annotations", "value": {"x": "y"}},
    ]));
    files.patch_context("shop", &to_state).await.unwrap();
    let context = files.context("shop").await.unwrap();
    assert_eq!(
        (json!(context.state), json!(context.annotations)),
        (json!({"version": "1.4", "b": 2}), json!({"x": "y"}))
    );
    let error = files.patch_context("shop", &to_state).await.unwrap_err().to_string();
    assert_eq!(error, "change CicdContext shop in namespace default: somebody else changed it in the meantime");
    let to_spec = patch(json!([{"op": "add", "path": "/spec/suspend", "value": true}]));
    let error = files.patch_context("shop", &to_spec).await.unwrap_err().to_string();
    assert!(error.contains("its manifest is not rewritten") && error.contains("document 1, item 4"), "{error}");
}
