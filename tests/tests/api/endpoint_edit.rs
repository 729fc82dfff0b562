//! Endpoints and Secrets that come, go and change while deliveries wait for them.

use cicdcontext_tests::receiver::Answer;
use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, handler, notify, on_success, tells, with},
    scene::{
        Scene,
        deliveries::{expect_one_delivery, patient, three_attempts},
    },
};

/// An answer that does not help before two seconds are over: time to change something.
fn busy() -> Answer {
    Answer::json(503, &json!({})).header("retry-after", "2")
}

#[tokio::test]
async fn a_handler_whose_endpoint_is_missing_is_rendered_once_when_it_appears() {
    let scene = Scene::new().await;
    let spec = with(tells("chat", "built {{state.tag}}"), &json!({"state": {"tag": "1.4"}}));
    scene.create(Kind::Context, "shop", &spec).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let waits = scene.in_phase("e", "tell", "Waiting").await;
    let message = "find CicdEndpoint chat: there is none of this name";
    expect_handler(&waits, "tell", "Waiting", "EndpointNotFound", message);
    assert_eq!((handler(&waits, "tell").get("attempts"), waits["status"].get("requests")), (None, None), "{waits:#}");
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"tag": "2.0"}}})).await;
    scene.receiver.answers("/chat", [busy()]);
    scene.endpoint("chat", "/chat", &patient()).await;
    scene.waiting_for("e", "tell", "ServerError").await;
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"tag": "3.0"}}})).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(handler(&done, "tell")["attempts"], 2);
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived[0].body, json!({"text": "built 2.0"}), "rendered when the endpoint was there");
    expect_one_delivery(&done, "tell", &arrived);
}

#[tokio::test]
async fn an_endpoint_that_is_deleted_between_attempts_is_waited_for_and_the_one_created_again_is_used() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/old", &patient()).await;
    scene.receiver.answers("/old", [busy()]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let waits = scene.in_phase("e", "tell", "Waiting").await;
    scene.delete(Kind::Endpoint, "chat").await;
    // Another delivery tells when the time of the first one is long over.
    scene.endpoint("other", "/other", &patient()).await;
    scene.receiver.answers("/other", [Answer::json(503, &json!({})).header("retry-after", "3")]);
    scene.create(Kind::Context, "other", &tells("other", "built")).await;
    scene.run("other", &event("other", "build=success")).await;
    let still = scene.get(Kind::Event, "e").await.unwrap();
    assert_eq!(still["status"]["phase"], "Retrying", "{still:#}");
    assert_eq!(handler(&still, "tell")["attempts"], handler(&waits, "tell")["attempts"]);

    scene.endpoint("chat", "/new", &patient()).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    let (old, new) = (scene.receiver.requests_to("/old"), scene.receiver.requests_to("/new"));
    assert_eq!((old.len(), new.len()), (1, 1));
    expect_one_delivery(&done, "tell", &[&old[..], &new[..]].concat());
}

#[tokio::test]
async fn an_endpoint_that_is_edited_between_attempts_says_where_the_next_one_goes_and_with_which_headers() {
    let scene = Scene::new().await;
    let run = |value: &str| json!({"headers": [{"name": "X-Fixed", "value": value}]});
    scene.endpoint("chat", "/old", &with(patient(), &run("old"))).await;
    scene.secret("chat", &json!({"token": "abcdef"})).await;
    scene.receiver.answers("/old", [busy()]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.in_phase("e", "tell", "Waiting").await;
    let bearer = json!({"auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}}});
    let edited = with(json!({"url": scene.receiver.url("/new"), "bodies": {"notify": "\"other\""}}), &bearer);
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": edited})).await;
    let done = scene.finished("e").await;
    let (old, new) = (scene.receiver.requests_to("/old"), scene.receiver.requests_to("/new"));
    assert_eq!((old.len(), new.len()), (1, 1));
    assert_eq!((old[0].header("authorization"), new[0].header("authorization")), ("", "Bearer abcdef"));
    assert_eq!(new[0].header("x-fixed"), "old", "templates were rendered once");
    expect_one_delivery(&done, "tell", &[&old[..], &new[..]].concat());
}

#[tokio::test]
async fn a_secret_that_is_deleted_between_attempts_is_waited_for_and_the_new_one_is_used() {
    let scene = Scene::new().await;
    let bearer = json!({"auth": {"bearer": {"secretKeyRef": {"name": "chat", "key": "token"}}}});
    let often = json!({"retry": {"maxAttempts": 50, "initialDelaySeconds": 1, "maxDelaySeconds": 2}});
    scene.endpoint("chat", "/chat", &with(bearer, &often)).await;
    scene.secret("chat", &json!({"token": "first-token"})).await;
    scene.receiver.answers("/chat", [busy()]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.in_phase("e", "tell", "Waiting").await;
    scene.delete(Kind::Secret, "chat").await;
    let waits = scene.waiting_for("e", "tell", "SecretNotFound").await;
    let message = "use CicdEndpoint chat: read Secret chat: it does not exist in the endpoint's namespace";
    expect_handler(&waits, "tell", "Waiting", "SecretNotFound", message);
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1);
    scene.secret("chat", &json!({"token": "second-token"})).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    let arrived = scene.receiver.requests_to("/chat");
    let tokens: Vec<_> = arrived.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(tokens, ["Bearer first-token", "Bearer second-token"]);
    expect_one_delivery(&done, "tell", &arrived);
}

#[tokio::test]
async fn a_handler_that_was_taken_out_of_the_configuration_is_still_sent_again_and_one_behind_it_is_not_begun() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &three_attempts()).await;
    scene.receiver.answers("/chat", [busy()]);
    let tell = with(notify("tell", "chat", "built"), &json!({"onFailure": "Stop"}));
    let handlers = json!([tell, notify("after", "chat", "after")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.in_phase("e", "tell", "Waiting").await;
    scene.patch(Kind::Context, "shop", &json!({"spec": on_success(&json!([notify("new", "chat", "new")]))})).await;
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    expect_handler(&done, "after", "Skipped", "Removed", "the configuration does not have it any more");
    expect_one_delivery(&done, "tell", &scene.receiver.requests_to("/chat"));
}

#[tokio::test]
async fn an_endpoint_that_is_edited_in_the_middle_of_an_event_is_what_the_next_handler_uses() {
    let scene = Scene::new().await;
    scene.endpoint("log", "/log", &json!({})).await;
    scene.endpoint("chat", "/old", &json!({})).await;
    scene.receiver.answer("/log", Answer::default().held());
    let handlers = json!([notify("log", "log", "log"), notify("tell", "chat", "tell")]);
    scene.create(Kind::Context, "shop", &on_success(&handlers)).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.arrived("/log", 1).await;
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"url": scene.receiver.url("/new")}})).await;
    scene.wait(Kind::Endpoint, "chat", "is seen", |chat| chat["status"]["observedGeneration"] == 2).await;
    scene.receiver.release();
    let done = scene.finished("e").await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    scene.nothing_sent_to("/old");
    assert_eq!(scene.receiver.requests_to("/new").len(), 1);
}
