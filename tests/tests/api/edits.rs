//! Configuration that is edited while an event is handled: the event goes on with what it began with, the next one has
//! the new.

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, notify, on_success},
    scene::Scene,
};

/// Two handlers, the first of which is held by the receiver.
fn handlers(second: &str) -> Value {
    json!([notify("first", "first", "1"), notify("second", "second", second)])
}

#[tokio::test]
async fn an_event_goes_on_with_the_base_that_it_began_with_and_the_next_one_has_the_edited_one() {
    let scene = Scene::new().await;
    scene.receiver.answers("/first", [Answer::default().held()]);
    scene.endpoint("first", "/first", &json!({})).await;
    scene.endpoint("second", "/second", &json!({})).await;
    scene.create(Kind::Base, "app", &on_success(&handlers("old {{settings.tag}}"))).await;
    scene.patch(Kind::Base, "app", &json!({"spec": {"settings": {"tag": "1"}}})).await;
    scene.create(Kind::Context, "shop", &json!({"bases": [{"kind": "CicdBase", "name": "app"}]})).await;
    let before = scene.wait_condition(Kind::Context, "shop", "Ready", "True").await;
    scene.create(Kind::Event, "e1", &event("shop", "build=success")).await;
    scene.arrived("/first", 1).await;

    // Another message, another setting, and a third handler.
    let mut edited = handlers("new {{settings.tag}}");
    edited.as_array_mut().unwrap().push(notify("third", "second", "third"));
    let mut spec = on_success(&edited);
    spec["settings"] = json!({"tag": "2"});
    scene.patch(Kind::Base, "app", &json!({"spec": spec})).await;
    // Another context of the same base shows that the edit is known.
    scene.create(Kind::Context, "other", &json!({"bases": [{"kind": "CicdBase", "name": "app"}]})).await;
    let other = scene.wait_condition(Kind::Context, "other", "Ready", "True").await;
    assert_ne!(other["status"]["configurationHash"], before["status"]["configurationHash"]);
    scene.run("probe", &event("other", "build=success")).await;
    scene.receiver.release();

    let done = scene.finished("e1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    expect_handler(&done, "second", "Succeeded", "Delivered", "");
    let done = scene.run("e2", &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "3 of 3 handlers ran");
    let sent = scene.receiver.requests_to("/second");
    let texts: Vec<&str> = sent.iter().map(|sent| sent.body["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["new 2", "third", "old 1", "new 2", "third"]);
}

#[tokio::test]
async fn an_event_whose_base_is_deleted_while_it_is_handled_ends_and_the_next_one_waits() {
    let scene = Scene::new().await;
    scene.receiver.answers("/first", [Answer::default().held()]);
    scene.endpoint("first", "/first", &json!({})).await;
    scene.endpoint("second", "/second", &json!({})).await;
    scene.create(Kind::Base, "app", &on_success(&handlers("2"))).await;
    scene.create(Kind::Context, "shop", &json!({"bases": [{"kind": "CicdBase", "name": "app"}]})).await;
    scene.create(Kind::Event, "e1", &event("shop", "build=success")).await;
    scene.arrived("/first", 1).await;
    scene.delete(Kind::Base, "app").await;
    scene.wait_condition(Kind::Context, "shop", "Ready", "False").await;
    scene.create(Kind::Event, "e2", &event("shop", "build=success")).await;
    scene.receiver.release();
    let done = scene.finished("e1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let waits = scene.wait(Kind::Event, "e2", "is Pending", |event| event["status"]["phase"] == "Pending").await;
    assert_eq!(waits["status"]["conditions"][0]["reason"], "ContextNotReady", "{waits:#}");
    assert_eq!(scene.receiver.requests_to("/second").len(), 1);
    scene.create(Kind::Base, "app", &on_success(&handlers("3"))).await;
    scene.finished("e2").await;
    assert_eq!(scene.receiver.requests_to("/second")[1].body, json!({"text": "3"}));
}
