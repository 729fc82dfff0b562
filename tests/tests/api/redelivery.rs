//! Sending again by hand, with the annotation `redeliver.cicdcontext.io/<id>: <handler or *>`.

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_condition, expect_handler, expect_outcome, handler, notify, on_success, tells},
    scene::{
        Scene,
        deliveries::{expect_one_delivery, patient},
    },
};

/// A scene in which the delivery of event `e` has failed for good. More answers follow.
async fn failed(answers: impl IntoIterator<Item = Answer>) -> Scene {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.receiver.answers("/chat", [Answer::json(500, &json!({}))].into_iter().chain(answers));
    scene.create(Kind::Context, "shop", &tells("chat", "built {{event.id}}")).await;
    let failed = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&failed, "tell", "Failed", "ServerError", "chat answered with status 500");
    scene
}

#[tokio::test]
async fn a_delivery_that_failed_is_sent_again_with_its_id_and_bytes_when_somebody_asks_for_it() {
    let scene = failed([Answer::default().held()]).await;
    let before = scene.get(Kind::Event, "e").await.unwrap();
    scene.redeliver("e", "r1", "tell").await;
    scene.arrived("/chat", 2).await;
    let again = scene.get(Kind::Event, "e").await.unwrap();
    assert_eq!((&again["status"]["phase"], again["status"].get("completionTime")), (&json!("Retrying"), None));
    assert_eq!(handler(&again, "tell")["redeliveries"][0], "r1");
    let message = "1 of 1 handlers wait: tell: annotation redeliver.cicdcontext.io/r1 asks for it";
    expect_condition(&again, "Finished", "False", "Retrying", message);
    scene.receiver.release();
    let done = scene.finished("e").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!((&handler(&done, "tell")["attempts"], done["status"].get("requests")), (&json!(2), None));
    let completed = |event: &Value| event["status"]["completionTime"].as_str().unwrap().to_owned();
    assert!(completed(&done) >= completed(&before), "{done:#}");
    expect_one_delivery(&done, "tell", &scene.receiver.requests_to("/chat"));
    let told = scene.told(Kind::Event, "e", "Redelivery").await;
    assert_eq!(told, "redeliver.cicdcontext.io/r1: tell sent again, of CicdContext shop");
}

#[tokio::test]
async fn a_star_sends_everything_again_that_failed_after_it_was_rendered_and_nothing_else() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.endpoint("log", "/log", &json!({})).await;
    scene.receiver.answers("/chat", [Answer::json(500, &json!({})), Answer::json(404, &json!({}))]);
    let handlers = json!([
        notify("first", "chat", "first"),
        notify("fine", "log", "fine"),
        notify("second", "chat", "second"),
        notify("broken", "chat", "{{join 1 2 3}}"),
    ]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let before = scene.run("e", &event("shop", "build=success")).await;
    assert_eq!(before["status"]["requests"].as_array().map(Vec::len), Some(2), "{before:#}");
    scene.redeliver("e", "all", "*").await;
    let done = scene.finished("e").await;
    for name in ["first", "second"] {
        expect_handler(&done, name, "Succeeded", "Delivered", "");
        assert_eq!(handler(&done, name)["attempts"], 2);
    }
    assert_eq!(handler(&done, "broken"), handler(&before, "broken"));
    assert_eq!((&done["status"]["phase"], done["status"].get("requests")), (&json!("Failed"), None));
    assert_eq!((scene.receiver.requests_to("/chat").len(), scene.receiver.requests_to("/log").len()), (4, 1));
    let told = scene.told(Kind::Event, "e", "Redelivery").await;
    assert_eq!(told, "redeliver.cicdcontext.io/all: first, second sent again, of CicdContext shop");
}

#[tokio::test]
async fn what_cannot_be_sent_again_is_told_and_changes_nothing() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let handlers = json!([notify("fine", "chat", "fine"), notify("broken", "chat", "{{join 1 2 3}}")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    let before = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&before, "fine", "Succeeded", "Delivered", "");
    assert_eq!(handler(&before, "broken")["phase"], "Failed", "{before:#}");
    let only = "only what ended Failed or Unknown after it was rendered can be sent again";
    let kept = format!("no request of it is kept; {only}");
    for (id, asked, problem) in [
        ("r1", "fine", format!("redeliver fine: it is Succeeded, and {kept}")),
        ("r2", "broken", format!("redeliver broken: it is Failed, and {kept}")),
        (
            "r3",
            "nobody",
            "redeliver \"nobody\": the event has no handler of this name; write one of fine, broken, or *".to_owned(),
        ),
        ("r4", "*", format!("redeliver *: no request of the event's handlers is kept; {only}")),
    ] {
        let after = scene.redeliver("e", id, asked).await;
        assert_eq!(after["status"], before["status"], "{asked}");
        let told = format!("redeliver.cicdcontext.io/{id}: {problem}");
        let look = async || {
            let all = scene.all_told(Kind::Event, "e").await;
            let found = all.iter().any(|(reason, note)| reason == "NothingToRedeliver" && *note == told);
            if found { Ok(()) } else { Err(format!("{all:#?}")) }
        };
        scene.until(&format!("{told} is told"), look).await;
    }
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
}

#[tokio::test]
async fn the_same_redelivery_sends_once_however_often_it_is_asked_for() {
    let scene = failed([Answer::json(500, &json!({}))]).await;
    scene.redeliver("e", "r1", "tell").await;
    let failed = scene.wait(Kind::Event, "e", "has failed again", |event| {
        event["status"]["phase"] == "Failed" && handler(event, "tell")["attempts"] == 2
    });
    let failed = failed.await;
    // A GitOps tool puts it back.
    let after = scene.redeliver("e", "r1", "tell").await;
    assert_eq!(after["status"], failed["status"]);
    scene.redeliver("e", "r2", "tell").await;
    scene.finished("e").await;
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 3, "one by itself, one for each redelivery: {arrived:?}");
}

#[tokio::test]
async fn a_delivery_that_waits_is_tried_at_once_when_somebody_asks_for_it() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &patient()).await;
    let hour = Answer::json(503, &json!({})).header("retry-after", "3600");
    scene.receiver.answers("/chat", [hour]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.in_phase("e", "tell", "Waiting").await;
    scene.redeliver("e", "now", "tell").await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    expect_one_delivery(&done, "tell", &scene.receiver.requests_to("/chat"));
}

#[tokio::test]
async fn what_was_asked_for_while_nobody_looked_is_sent_when_somebody_does() {
    let mut scene = failed([]).await;
    scene.kill_operator().await;
    scene.patch(Kind::Event, "e", &json!({"metadata": {"annotations": {"redeliver.cicdcontext.io/r1": "*"}}})).await;
    scene.start_operator(&[]).await;
    scene.arrived("/chat", 2).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
}
