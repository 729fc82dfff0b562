//! What holds for handlers of all types: their order, `if`, `onFailure`, `enabled`.

use cicdcontext_tests::receiver::Answer;
use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, handler, notify, on_success, with},
    scene::Scene,
};

#[tokio::test]
async fn handlers_run_in_their_order_and_each_sees_what_those_before_it_wrote() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let count = |name: &str| {
        json!({"name": name, "setValues": [
            {"path": "state.log", "op": "Append", "template": "{{handler.name}} after {{length state.log}}"},
            {"path": "state.flags.{{handler.name}}", "value": false},
        ]})
    };
    let all = json!([
        count("z-first"),
        notify("m-second", "chat", "{{state.log.[0]}}, {{state.flags.z-first}}"),
        count("a-third"),
        notify("fourth", "chat", "{{join state.log ', '}}"),
    ]);
    scene.create(Kind::Context, "shop", &with(on_success(&all), &json!({"state": {"log": []}}))).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "4 of 4 handlers ran");
    let names: Vec<_> = done["status"]["handlers"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["z-first", "m-second", "a-third", "fourth"]);
    assert_eq!(handler(&done, "z-first")["paths"], json!(["state.log", "state.flags.z-first"]));
    let texts: Vec<_> = scene.receiver.requests_to("/chat").iter().map(|sent| sent.body["text"].clone()).collect();
    assert_eq!(texts, ["z-first after 0, false", "z-first after 0, a-third after 1"]);
}

#[tokio::test]
async fn a_handler_whose_if_is_not_true_is_skipped_and_its_text_is_shown() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let mut handlers = Vec::new();
    for (name, condition) in [
        ("blank", "{{state.absent}}"),
        ("false", " {{state.no}}\n"),
        ("upper", "FALSE"),
        ("zero", "{{state.zero}}"),
        ("null", "null"),
        ("none", "None"),
        ("list", "{{state.list}}"),
        ("text", "{{state.tag}}"),
    ] {
        let mut handler = notify(name, "chat", "{{handler.name}}");
        handler["if"] = json!(condition);
        handlers.push(handler);
    }
    let mut broken = notify("broken", "chat", "x");
    broken["if"] = json!("{{fromJson state.tag}}");
    handlers.push(broken);
    let state = json!({"state": {"no": false, "zero": 0, "tag": "v1", "list": []}});
    scene.create(Kind::Context, "shop", &with(on_success(&json!(handlers)), &state)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    for (name, shown) in
        [("blank", ""), ("false", "false"), ("upper", "FALSE"), ("zero", "0"), ("null", "null"), ("none", "None")]
    {
        expect_handler(&done, name, "Skipped", "ConditionNotMet", &format!("its if gave {shown:?}"));
        assert_eq!(handler(&done, name)["if"], shown, "{name}");
    }
    expect_handler(&done, "list", "Succeeded", "Delivered", "");
    expect_handler(&done, "text", "Succeeded", "Delivered", "");
    let broken = handler(&done, "broken");
    assert_eq!((&broken["phase"], &broken["reason"]), (&json!("Failed"), &json!("TemplateError")), "{broken:#}");
    let message = broken["message"].as_str().unwrap();
    let place = "render `pipelines.build.eventHandlers.success[broken].if` at line 1, column 1: ";
    assert!(message.starts_with(place), "{message}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 2);
}

#[tokio::test]
async fn a_failure_stops_those_behind_it_only_if_it_says_so() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.endpoint("closed", "/closed", &json!({})).await;
    scene.receiver.answer("/closed", Answer::json(410, &json!({})));
    let mut stops = notify("stops", "closed", "x");
    stops["onFailure"] = json!("Stop");
    let refused = json!({"name": "refused", "setValues": [{"path": "state.tag.x", "value": 1}]});
    let all = json!([
        notify("fails", "closed", "x"),
        refused,
        notify("goes-on", "chat", "on"),
        stops,
        notify("never", "chat", "x")
    ]);
    scene.create(Kind::Context, "shop", &with(on_success(&all), &json!({"state": {"tag": "1.4"}}))).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    let gone = "closed answered with status 410";
    expect_handler(&done, "fails", "Failed", "NotFound", gone);
    assert_eq!(handler(&done, "refused")["reason"], "ChangeRefused");
    expect_handler(&done, "goes-on", "Succeeded", "Delivered", "");
    expect_handler(&done, "stops", "Failed", "NotFound", gone);
    expect_handler(&done, "never", "Skipped", "Stopped", "stops failed and says onFailure: Stop");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn a_handler_that_is_switched_off_does_not_run_and_is_not_shown() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let base = on_success(&json!([notify("loud", "chat", "loud"), notify("quiet", "chat", "quiet")]));
    scene.create(Kind::Base, "platform", &base).await;
    let off = with(
        on_success(&json!([{"name": "loud", "enabled": false}])),
        &json!({"bases": [{"kind": "CicdBase", "name": "platform"}]}),
    );
    scene.create(Kind::Context, "shop", &off).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    expect_handler(&done, "quiet", "Succeeded", "Delivered", "");
    let sent = scene.receiver.requests_to("/chat");
    assert_eq!((sent.len(), &sent[0].body), (1, &json!({"text": "quiet"})));
}
