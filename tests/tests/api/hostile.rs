//! Tenants who mean harm, or just ask for too much: they hurt themselves, not the operator and not others.

use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, notify, on_success, with},
    scene::Scene,
};

#[tokio::test]
async fn a_context_whose_events_wait_costs_nothing_while_they_do() {
    let scene = Scene::new().await;
    scene.shop_with(&json!({"suspend": true})).await;
    for name in ["e1", "e2", "e3"] {
        scene.create(Kind::Event, name, &event("shop", "build=success")).await;
    }
    let pending = |found: &Value| found["status"]["phase"] == "Pending";
    scene.wait(Kind::Event, "e1", "waits", pending).await;
    // Other work shows that time passes; were the waiting events looked at in a loop, there would be hundreds of turns.
    for _ in 0..3 {
        scene.others_work().await;
    }
    let line = "cicdcontext_reconciles_total{kind=\"event\"}";
    let before = scene.metric(line).await;
    for _ in 0..3 {
        scene.others_work().await;
    }
    let turns = scene.metric(line).await - before;
    assert!(turns < 60, "{turns} turns for three events of other contexts");
    scene.patch(Kind::Context, "shop", &json!({"spec": {"suspend": null}})).await;
    for name in ["e1", "e2", "e3"] {
        scene.finished(name).await;
    }
    assert_eq!(scene.receiver.requests_to("/chat").len(), 3);
}

#[tokio::test]
async fn a_change_that_the_api_server_can_never_store_is_refused_and_what_was_sent_is_not_sent_again() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    // The object is near the largest that is stored at all, so that a state within its own limit does not fit any more.
    let double = json!({"name": "double", "setValues": [
        {"path": "state.more", "template": "{{state.text}}"}, {"path": "state.most", "template": "{{state.text}}"},
    ]});
    let spec = with(
        on_success(&json!([notify("tell", "chat", "once"), double])),
        &json!({"settings": {"ballast": "x".repeat(1_250_000)}, "state": {"text": "y".repeat(150_000)}}),
    );
    scene.create(Kind::Context, "shop", &spec).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    let message = done["status"]["handlers"][1]["message"].as_str().unwrap();
    assert!(message.starts_with("the API server refuses the patch of the CicdContext: "), "{message}");
    assert_eq!(done["status"]["handlers"][1]["reason"], "ChangeRefused");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    scene.others_work().await;
}

#[tokio::test]
async fn an_event_that_waited_with_a_context_does_not_run_on_another_of_its_name() {
    let scene = Scene::new().await;
    scene.shop_with(&json!({"suspend": true})).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.wait(Kind::Event, "e", "waits", |found| found["status"]["phase"] == "Pending").await;
    scene.delete(Kind::Context, "shop").await;
    let spec = with(crate::object::tells("chat", "built"), &json!({"state": {"tag": "1.5"}}));
    scene.create(Kind::Context, "shop", &spec).await;
    let ended = |found: &Value| found.is_null() || found["status"]["phase"] != "Pending";
    let done = scene.wait(Kind::Event, "e", "ends, or is gone with its context", ended).await;
    if done.is_object() {
        let reason = done["status"]["conditions"][0]["reason"].as_str().unwrap();
        assert!(["StaleOwner", "ContextDeleted"].contains(&reason), "{done:#}");
    }
    scene.others_work().await;
    scene.nothing_sent_to("/chat");
}

#[tokio::test]
async fn an_event_that_is_deleted_before_its_turn_is_told_of() {
    let scene = Scene::new().await;
    scene.shop_with(&json!({"suspend": true})).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.wait(Kind::Event, "e", "waits", |found| found["status"]["phase"] == "Pending").await;
    scene.delete(Kind::Event, "e").await;
    let told = scene.told(Kind::Event, "e", "EventCancelled").await;
    assert_eq!(told, "EventDeleted: it was deleted before it was finished; what was not sent yet is not sent");
    scene.others_work().await;
}

#[tokio::test]
async fn templates_that_burn_all_their_fuel_do_not_keep_others_from_their_turn() {
    let scene = Scene::new().await;
    let list: Vec<u32> = (0..2000).collect();
    let burn = "{{#each state.list}}{{#each ../state.list}}{{/each}}{{/each}}";
    let handlers: Vec<Value> = (0..20)
        .map(|index| json!({"name": format!("h{index}"), "if": burn, "setValues": [{"path": "state.x", "value": 1}]}))
        .collect();
    let spec = with(on_success(&json!(handlers)), &json!({"state": {"list": list}}));
    scene.create(Kind::Context, "burns", &spec).await;
    scene.create(Kind::Event, "burns", &event("burns", "build=success")).await;
    scene.others_work().await;
    let done = scene.finished("burns").await;
    let first = &done["status"]["handlers"][0];
    assert_eq!(first["reason"], "TemplateError", "{first}");
    let message = first["message"].as_str().unwrap();
    assert!(message.contains("steps"), "the bound is named: {message}");
    assert_eq!(done["status"]["phase"], "Failed");
}

#[tokio::test]
async fn a_configuration_with_too_much_template_text_is_refused_with_its_size() {
    let scene = Scene::new().await;
    let long = "x".repeat(60_000);
    let spec = json!({"variables": {"a": long, "b": long, "c": long, "d": long, "e": long}});
    scene.create(Kind::Context, "heavy", &spec).await;
    let found = scene.wait_condition(Kind::Context, "heavy", "Ready", "False").await;
    let message = "read the templates of CicdContext/heavy: they have 300000 bytes in all, at most 262144 are allowed; \
                   remove what this context does not need";
    crate::object::expect_condition(&found, "Ready", "False", "InvalidConfiguration", message);
    scene.others_work().await;
}

#[tokio::test]
async fn killed_again_and_again_the_operator_neither_doubles_nor_reorders_what_events_append() {
    let mut scene = Scene::new().await;
    let log = json!([
        {"name": "log", "setValues": [{"path": "state.log", "op": "Append", "template": "{{event.data.n}}"}]},
        notify("tell", "chat", "{{event.data.n}}"),
    ]);
    scene.endpoint("chat", "/chat", &json!({})).await;
    let contexts = ["a", "b", "c"];
    for context in contexts {
        scene.create(Kind::Context, context, &on_success(&log)).await;
    }
    for n in 0..8 {
        for context in contexts {
            let mut spec = event(context, "build=success");
            spec["data"] = json!({"n": n});
            scene.create(Kind::Event, &format!("{context}-{n}"), &spec).await;
        }
        // Killed at whatever instant this is; nothing waits for anything.
        if n % 2 == 1 {
            scene.kill_operator().await;
            scene.start_operator(&[]).await;
        }
    }
    for context in contexts {
        for n in 0..8 {
            let done = scene.finished(&format!("{context}-{n}")).await;
            expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
        }
        let found = scene.get(Kind::Context, context).await.unwrap();
        let expected: Vec<String> = (0..8).map(|n| n.to_string()).collect();
        assert_eq!(found["spec"]["state"]["log"], json!(expected), "{context}");
    }
}

#[tokio::test]
async fn an_annotation_whose_event_is_refused_stays_and_becomes_one_as_soon_as_it_may() {
    let scene = Scene::new().await;
    scene.shop().await;
    let policy = format!("no-events-{}", scene.namespace);
    scene.forbid_events(&policy).await;
    let probe = event("shop", "build=started");
    let refused = async || {
        let tried = scene.try_create(Kind::Event, Kind::Event.object("probe", &probe)).await;
        if tried.is_ok() {
            scene.delete(Kind::Event, "probe").await;
        }
        tried.map_or_else(Ok, |_| Err("the policy is not in force yet".to_owned()))
    };
    let message = scene.until("events are refused", refused).await;
    assert!(message.contains("no events here"), "{message}");

    scene.annotate("shop", "r1", "build=success").await;
    let told = scene.told(Kind::Context, "shop", "EventRefused").await;
    assert!(told.starts_with("create the CicdEvent of annotation event.cicdcontext.io/r1: "), "{told}");
    assert!(told.contains("no events here"), "{told}");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["metadata"]["annotations"]["event.cicdcontext.io/r1"], "build=success");
    scene.nothing_sent_to("/chat");

    scene.allow_events(&policy).await;
    let done = scene.finished_annotation("shop", "r1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn a_ledger_that_a_tenant_spoils_is_written_anew_and_told_of() {
    let scene = Scene::new().await;
    scene.shop().await;
    let spoiled = json!({"metadata": {"annotations": {"cicdcontext.io/applied": "none of your business"}}});
    scene.patch(Kind::Context, "shop", &spoiled).await;
    scene.annotate("shop", "r1", "build=success").await;
    let done = scene.finished_annotation("shop", "r1").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    let told = scene.told(Kind::Context, "shop", "LedgerUnreadable").await;
    assert!(told.starts_with("annotation cicdcontext.io/applied was changed by somebody"), "{told}");
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let ledger = context["metadata"]["annotations"]["cicdcontext.io/applied"].as_str().unwrap();
    assert!(ledger.contains(context["metadata"]["uid"].as_str().unwrap()), "{ledger}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}
