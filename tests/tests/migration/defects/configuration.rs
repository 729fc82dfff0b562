//! What the files may say, and what is refused.

use serde_json::json;

use super::desk::Desk;

#[tokio::test]
async fn defect_20_enabled_is_honoured_on_blocks_and_has_to_be_a_boolean() {
    let desk = Desk::with_handlers(json!({
        "notify": {"off": {"enabled": false, "message": "off"}, "on": {"enabled": true, "message": "on"}},
        "trigger-pipeline": {"enabled": "false", "name": "x"},
    }))
    .await;
    desk.init().await;
    let fired = desk.fire().await;
    assert!(fired.failed().contains("trigger-pipeline: `enabled` is a text"), "{fired:?}");
    assert!(fired.errors.contains("docs/migration.md#enabled"), "{fired:?}");
    let sent: Vec<_> = desk.receiver.requests().iter().map(|request| request.body["text"].clone()).collect();
    assert_eq!(sent, ["on"]);
}

#[tokio::test]
async fn defect_23_what_an_anchor_named_is_changed_at_one_place_only() {
    let desk = Desk::with_app("cicd-contexts: {stage: {one: &a {x: old}, two: *a}}").await;
    desk.init().await;
    desk.run(&["--set", "one.x=new"]).await.good();
    assert_eq!((desk.get("one.x").await.as_str(), desk.get("two.x").await.as_str()), ("new", "old"));
}

#[tokio::test]
async fn defect_38_a_trigger_without_a_name_is_refused() {
    for handler in [json!({"if": "1", "args": {"a": "b"}}), json!({"args": {"a": "b"}}), json!({"if": ""})] {
        let desk = Desk::with_handlers(json!({"trigger-pipeline": handler})).await;
        desk.init().await;
        let fired = desk.fire().await;
        assert!(fired.failed().contains("trigger-pipeline") && fired.failed().contains("name"), "{fired:?}");
        assert_eq!(desk.arrived().len(), 0);
    }
}

#[tokio::test]
async fn defect_39_a_bare_on_is_told_and_a_variable_that_cannot_be_rendered_is_an_error() {
    let app = "cicd-contexts: {stage: {pipelines: {build: {event-handlers: {on: {notify: {message: m}}}}}}}";
    let desk = Desk::with_app(app).await;
    let begun = desk.run(&["--init-new", "r"]).await;
    assert!(
        begun.errors.contains("event-handlers.True") && begun.errors.contains("docs/migration.md#yaml"),
        "{begun:?}"
    );
    let desk = Desk::with_app("{variables: {v: \"{{ configData.board.x }}\"}, cicd-contexts: {stage: {}}}").await;
    let refused = desk.run(&["--init-new", "r"]).await;
    assert!(refused.failed().contains("variables.v"), "{refused:?}");
    assert!(!desk.path().join("cache/run.json").exists());
}

#[tokio::test]
async fn defect_41_what_made_it_crash_is_refused_with_its_place_or_works() {
    let desk = Desk::with_handlers(json!({
        "notify": {"if": "1", "team": {"message": "x"}},
        "respond": {"message": "m", "url": "https://a.example", "number": 5},
        "set-values": {"enabled": true, "set": [{"from": "x", "to": "state.done"}]},
        "manual-choice": {"title": "t", "choices": {}, "choice-generators": {
            "each": {"foreach": "state.targets", "iterator": "item", "template": "a: {header: h, options: []}"},
        }},
    }))
    .await;
    let begun = desk.run(&["--init-new", "r", "--set", "state.targets.one=1", "--handle-event", "build=go"]).await;
    assert_eq!(begun.code, 1, "{begun:?}");
    for told in ["go.notify: `if` without `message`", "go.respond: `number` is a number"] {
        assert!(begun.errors.contains(told), "{told}: {begun:?}");
    }
    assert_eq!(desk.arrived(), ["/chat"], "the choices");
    assert_eq!(desk.get("state.done").await, "x");
}
