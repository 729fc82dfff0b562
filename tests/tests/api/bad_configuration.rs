//! Configuration that cannot be used: the context, or the event, says what is wrong and what would be right.

use serde_json::{Value, json};

use crate::{
    object::{
        Kind, event, expect_condition, expect_handler, expect_outcome, is, name, notify, on_success, tells, with,
    },
    scene::Scene,
};

const PENDING: &str = "the CicdContext is not ready: ";

/// Waits until the context is not ready for this reason, and checks its message and the Kubernetes Event.
async fn expect_not_ready(scene: &Scene, context: &str, reason: &str, message: &str) {
    let found = scene.wait_condition(Kind::Context, context, "Ready", "False").await;
    expect_condition(&found, "Ready", "False", reason, message);
    assert_eq!(scene.told(Kind::Context, context, reason).await, message);
}

/// Creates an event and waits until it waits for its context's configuration.
async fn expect_waits(scene: &Scene, context: &str, message: &str) {
    scene.create(Kind::Event, "waits", &event(context, "build=success")).await;
    let waits = |event: &Value| !event["status"]["phase"].is_null();
    let found = scene.wait(Kind::Event, "waits", "has a status", waits).await;
    assert_eq!(found["status"]["phase"], "Pending", "{found:#}");
    expect_condition(&found, "Finished", "False", "ContextNotReady", &format!("{PENDING}{message}"));
    expect_condition(&found, "Succeeded", "False", "ContextNotReady", &format!("{PENDING}{message}"));
}

#[tokio::test]
async fn an_unknown_pipeline_fails_the_event_and_lists_those_that_there_are() {
    let scene = Scene::new().await;
    scene.shop().await;
    let done = scene.run("e", &event("shop", "biuld=success")).await;
    let message = r#"pipeline "biuld" is not configured; the pipelines are: build"#;
    expect_outcome(&done, "Failed", "False", "UnknownPipeline", message);
    assert_eq!(scene.told(Kind::Event, "e", "EventFailed").await, format!("UnknownPipeline: {message}"));
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn an_event_that_nobody_listens_to_is_skipped_and_no_failure() {
    let scene = Scene::new().await;
    scene.shop().await;
    let done = scene.run("e", &event("shop", "build=failure")).await;
    let message = "no handlers are configured for build=failure";
    expect_outcome(&done, "Skipped", "True", "NoHandlers", message);
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
    assert_eq!(scene.all_told(Kind::Event, "e").await, [], "it is the ordinary case and needs no Kubernetes Event");
}

#[tokio::test]
async fn an_unknown_selected_context_is_named_with_those_that_there_are() {
    let scene = Scene::new().await;
    scene.shop_with(&json!({"context": "staging", "contexts": {"stage": {}, "prod": {}}})).await;
    let message = "select context \"staging\" for CicdContext/shop: known are prod, stage; correct spec.context, or add \
                   the entry to contexts of a base";
    expect_not_ready(&scene, "shop", "UnknownSelectedContext", message).await;
    expect_waits(&scene, "shop", message).await;
    scene.nothing_sent_to("/chat");
    scene.others_work().await;

    scene.patch(Kind::Context, "shop", &json!({"spec": {"context": "stage"}})).await;
    let done = scene.finished("waits").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn a_missing_base_holds_events_until_it_appears() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let spec = json!({"bases": [{"kind": "CicdBase", "name": "app"}], "state": {"tag": "1.4"}});
    scene.create(Kind::Context, "shop", &spec).await;
    let message = "find CicdBase/app, which the bases of CicdContext/shop name: it does not exist; create it, or \
                   correct spec.bases";
    expect_not_ready(&scene, "shop", "BaseNotFound", message).await;
    expect_waits(&scene, "shop", message).await;
    scene.nothing_sent_to("/chat");
    scene.others_work().await;

    scene.create(Kind::Base, "app", &tells("chat", "built {{state.tag}}")).await;
    let done = scene.finished("waits").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(scene.arrived("/chat", 1).await[0].body, json!({"text": "built 1.4"}));
    let ready = scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
    expect_condition(&ready, "Ready", "True", "Resolved", "");
}

#[tokio::test]
async fn a_cluster_wide_base_that_is_missing_and_then_appears_is_used() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let base = format!("{}-platform", scene.namespace);
    scene.create(Kind::Context, "shop", &json!({"bases": [{"kind": "ClusterCicdBase", "name": base}]})).await;
    let message = format!(
        "find ClusterCicdBase/{base}, which the bases of CicdContext/shop name: it does not exist; create it, or \
         correct spec.bases"
    );
    expect_not_ready(&scene, "shop", "BaseNotFound", &message).await;
    scene.create(Kind::ClusterBase, &base, &tells("chat", "built")).await;
    scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
}

#[tokio::test]
async fn bases_in_a_circle_are_named_in_their_order() {
    let scene = Scene::new().await;
    let builds_on = |other: &str| json!({"bases": [{"kind": "CicdBase", "name": other}]});
    scene.create(Kind::Base, "app", &builds_on("team")).await;
    scene.create(Kind::Base, "team", &builds_on("app")).await;
    scene.create(Kind::Context, "shop", &builds_on("app")).await;
    let message = "order the bases: they refer to each other in a circle: CicdBase/app -> CicdBase/team -> \
                   CicdBase/app; remove one of these references";
    expect_not_ready(&scene, "shop", "BaseCycle", message).await;
    expect_waits(&scene, "shop", message).await;
    let base = scene.wait_condition(Kind::Base, "team", "Ready", "False").await;
    assert!(is(&base, "Ready", "False"), "{base:#}");
    scene.others_work().await;

    scene
        .patch(Kind::Base, "team", &with(json!({"spec": tells("chat", "x")}), &json!({"spec": {"bases": null}})))
        .await;
    scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
}

#[tokio::test]
async fn a_type_clash_names_both_sources_and_the_path() {
    let scene = Scene::new().await;
    scene.create(Kind::Base, "app", &json!({"settings": {"chat": {"channel": "#ci"}}})).await;
    let spec = json!({"bases": [{"kind": "CicdBase", "name": "app"}], "settings": {"chat": "#ci"}});
    scene.create(Kind::Context, "shop", &spec).await;
    let message = "merge settings.chat: is a map in CicdBase/app and a text in CicdContext/shop; give it one type, or \
                   remove the inherited value with unset";
    expect_not_ready(&scene, "shop", "TypeClash", message).await;
    expect_waits(&scene, "shop", message).await;
    let stalled = scene.wait_condition(Kind::Context, "shop", "Stalled", "True").await;
    expect_condition(&stalled, "Stalled", "True", "TypeClash", message);
    scene.others_work().await;

    scene.patch(Kind::Context, "shop", &json!({"spec": {"unset": ["settings.chat"]}})).await;
    let ready = scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
    expect_condition(&ready, "Stalled", "False", "Resolved", "");
}

#[tokio::test]
async fn a_template_that_does_not_compile_fails_its_handler_alone_with_line_and_column() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let handlers = json!([
        notify("broken", "chat", "built\n  {{#if state.tag}}"),
        notify("helper", "chat", "{{uper state.tag}}"),
        notify("sound", "chat", "built {{state.tag}}"),
    ]);
    let spec = with(on_success(&handlers), &json!({"state": {"tag": "1.4"}}));
    scene.create(Kind::Context, "shop", &spec).await;
    let context = scene.wait_condition(Kind::Context, "shop", "Ready", "False").await;
    let (_, reason, message) = crate::object::condition(&context, "Ready");
    assert_eq!(reason, "InvalidTemplate");
    let place = "`pipelines.build.eventHandlers.success[broken].notify.message` at line 2, column 3";
    assert!(message.starts_with(&format!("compile {place}")), "{message}");
    assert!(message.ends_with("; handlers that do not use it run all the same"), "{message}");

    let done = scene.run("e", &event("shop", "build=success")).await;
    assert_eq!(done["status"]["phase"], "Failed", "{done:#}");
    let broken = crate::object::handler(&done, "broken");
    assert_eq!((&broken["phase"], &broken["reason"]), (&json!("Failed"), &json!("TemplateError")));
    assert!(broken["message"].as_str().unwrap().starts_with(&format!("compile {place}")), "{broken}");
    let helper = crate::object::handler(&done, "helper")["message"].as_str().unwrap();
    assert!(helper.contains("at line 1, column 1: there is no helper `uper`"), "{helper}");
    expect_handler(&done, "sound", "Succeeded", "Delivered", "");
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.iter().map(|request| request.body["text"].as_str().unwrap()).collect::<Vec<_>>(), ["built 1.4"]);
    let told = scene.told(Kind::Event, "e", "EventFailed").await;
    assert!(told.starts_with("HandlerFailed: 2 of 3 handlers failed: broken: compile `pipelines.build."), "{told}");
    scene.others_work().await;
}

#[tokio::test]
async fn state_nested_200_levels_is_reported_and_stalls_nobody() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let nested = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
    let object = Kind::Context.object("deep", &tells("chat", "built")).to_string();
    // As text: this is deeper than the JSON reader of this test goes.
    let object = object.replacen(r#""spec":{"#, &format!(r#""spec":{{"state":{nested},"#), 1);
    scene.create_text(Kind::Context, object).await;

    let read = "read spec: it is nested deeper than 127 levels";
    let status = scene.deep_status("deep", "TooDeep").await;
    for kind in ["Ready", "StateValid"] {
        expect_condition(&status, kind, "False", "TooDeep", read);
    }
    assert_eq!(scene.told(Kind::Context, "deep", "TooDeep").await, read);
    scene.create(Kind::Event, "waits", &event("deep", "build=success")).await;
    let waits = scene.wait(Kind::Event, "waits", "has a status", |event| !event["status"].is_null()).await;
    expect_condition(&waits, "Finished", "False", "ContextNotReady", &format!("{PENDING}{read}"));
    scene.nothing_sent_to("/chat");
    scene.others_work().await;

    let flat = [("op", json!("replace")), ("path", json!("/spec/state")), ("value", json!({"a": 1}))];
    scene.json_patch(Kind::Context, "deep", &json!([Value::from_iter(flat)])).await.unwrap();
    let done = scene.finished("waits").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(name(&done), "waits");
}

#[tokio::test]
async fn state_over_its_depth_that_can_be_read_is_reported_and_handlers_see_it() {
    let scene = Scene::new().await;
    let nested = (0..70).fold(json!(1), |inner, _| json!({ "a": inner }));
    scene.shop_with(&json!({"state": {"deep": nested}})).await;
    let context = scene.wait_condition(Kind::Context, "shop", "StateValid", "False").await;
    let (_, reason, message) = crate::object::condition(&context, "StateValid");
    assert_eq!(reason, "TooDeep");
    assert!(message.contains("64"), "{message}");
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
}
