//! Deliveries that are tried again: what is sent, what the event says meanwhile and in the end, and what goes on.

use std::time::Duration;

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_condition, expect_handler, expect_outcome, handler, notify, on_success, tells, with},
    scene::{
        Scene,
        deliveries::{expect_one_delivery, patient, three_attempts},
    },
};

/// No such answer helps before so many seconds are over.
fn busy(seconds: u32) -> Answer {
    Answer::json(500, &json!({})).header("retry-after", &seconds.to_string())
}

#[tokio::test]
async fn a_delivery_that_fails_twice_is_sent_three_times_under_one_id_while_everything_else_goes_on() {
    let scene = Scene::new().await;
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    scene.secret("signing", &json!({"key": key})).await;
    let signing = json!({"signing": {"keys": [{"secretKeyRef": {"name": "signing", "key": "key"}}]}});
    scene.endpoint("chat", "/chat", &with(signing, &patient())).await;
    scene.endpoint("log", "/log", &json!({})).await;
    scene.receiver.answers("/chat", [busy(2), busy(1), Answer::json(200, &json!({"ts": "17.4"}))]);
    let mut tell = notify("tell", "chat", "built {{state.tag}}");
    tell["notify"]["capture"] = json!([{"path": "state.ts", "fromPath": "$.body.ts"}]);
    let after = notify("after", "log", "after {{event.id}}");
    let mut spec = with(on_success(&json!([tell, after])), &json!({"state": {"tag": "1.4"}}));
    spec["pipelines"]["test"] = json!({"eventHandlers": {"success": [after]}});
    scene.create(Kind::Context, "shop", &spec).await;
    scene.create(Kind::Event, "first", &event("shop", "build=success")).await;

    let waits = scene.in_phase("first", "tell", "Waiting").await;
    let message = "chat answered with status 500";
    expect_handler(&waits, "tell", "Waiting", "ServerError", message);
    assert_eq!((&waits["status"]["phase"], &handler(&waits, "tell")["attempts"]), (&json!("Retrying"), &json!(1)));
    assert!(handler(&waits, "tell")["nextAttemptTime"].is_string(), "{waits:#}");
    expect_handler(&waits, "after", "Succeeded", "Delivered", "");
    let waiting = format!("1 of 2 handlers wait: tell: {message}");
    expect_condition(&waits, "Finished", "False", "Retrying", &waiting);
    expect_condition(&waits, "Succeeded", "False", "Retrying", &waiting);
    assert_eq!(waits["status"]["requests"][0]["handler"], "tell", "{waits:#}");
    assert_eq!((waits["status"].get("completionTime"), &waits["status"]["requests"][1]), (None, &Value::Null));
    // What is sent again is what was rendered, whatever the state says by now.
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"tag": "2.0"}}})).await;
    let next = scene.run("next", &event("shop", "test=success")).await;
    expect_outcome(&next, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    let still = scene.get(Kind::Event, "first").await.unwrap();
    assert_eq!(still["status"]["phase"], "Retrying", "the next event did not wait for it");
    assert_eq!(scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"], json!({"tag": "2.0"}));

    let done = scene.finished("first").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    assert_eq!(handler(&done, "tell")["attempts"], 3);
    assert_eq!((done["status"].get("requests"), handler(&done, "tell").get("nextAttemptTime")), (None, None));
    let state = scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"].clone();
    assert_eq!(state, json!({"tag": "2.0", "ts": "17.4"}), "captured late");
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.len(), 3, "{arrived:?}");
    assert_eq!(arrived[0].body, json!({"text": "built 1.4"}));
    expect_one_delivery(&done, "tell", &arrived);
    let verifier = standardwebhooks::Webhook::new(key).unwrap();
    for pair in arrived.windows(2) {
        for header in ["webhook-timestamp", "webhook-signature"] {
            assert_ne!(pair[0].header(header), pair[1].header(header), "{header} is fresh");
        }
        verifier.verify(pair[1].text.as_bytes(), &pair[1].headers).unwrap();
    }
    assert_eq!(scene.receiver.requests_to("/log").len(), 2);
}

#[tokio::test]
async fn a_delivery_is_given_up_after_as_many_attempts_as_the_endpoint_says() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &three_attempts()).await;
    scene.receiver.answer("/chat", Answer::json(503, &json!({})));
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    let message = "chat answered with status 503; given up after attempt 3 of 3";
    expect_handler(&done, "tell", "Failed", "ServerError", message);
    expect_outcome(&done, "Failed", "False", "HandlerFailed", &format!("1 of 1 handlers failed: tell: {message}"));
    assert_eq!(done["status"]["requests"][0]["handler"], "tell", "it can be sent again: {done:#}");
    assert!(done["status"]["completionTime"].is_string());
    assert_eq!(scene.receiver.requests_to("/chat").len(), 3);
}

#[tokio::test]
async fn a_delivery_is_given_up_when_its_time_is_over() {
    let scene = Scene::new().await;
    let two_seconds = json!({"retry": {"maxAttempts": 50, "maxElapsedSeconds": 2, "initialDelaySeconds": 1}});
    scene.endpoint("chat", "/chat", &two_seconds).await;
    scene.receiver.answer("/chat", Answer::json(503, &json!({})));
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    let arrived = scene.receiver.requests_to("/chat");
    let message = handler(&done, "tell")["message"].as_str().unwrap();
    let end = format!(" s and {} attempts (2 s are allowed)", arrived.len());
    assert!(message.starts_with("chat answered with status 503; given up after "), "{message}");
    assert!(message.ends_with(&end), "{message}");
    assert!(arrived.len() > 1 && done["status"]["requests"][0]["handler"] == "tell", "{done:#}");
    let span = arrived.last().unwrap().at - arrived[0].at;
    // Attempts begin at full seconds, so that the last one may be up to one late.
    assert!(span < Duration::from_secs(5), "{span:?}");
}

#[tokio::test]
async fn an_answer_that_means_no_is_asked_for_again_only_if_retry_when_says_so() {
    let scene = Scene::new().await;
    let judged = json!({"successWhen": "{{body.ok}}", "retryWhen": "{{body.busy}}"});
    scene.endpoint("chat", "/chat", &with(judged, &three_attempts())).await;
    let no = |busy: bool| Answer::json(200, &json!({"ok": false, "busy": busy}));
    scene.receiver.answers("/chat", [no(true), no(true), Answer::json(200, &json!({"ok": true})), no(true), no(false)]);
    scene.create(Kind::Context, "shop", &tells("chat", "built")).await;
    let done = scene.run("again", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Succeeded", "Delivered", "");
    assert_eq!(handler(&done, "tell")["attempts"], 3);
    expect_one_delivery(&done, "tell", &scene.receiver.requests_to("/chat"));

    let done = scene.run("final", &event("shop", "build=success")).await;
    let message = "chat answered with status 200, and its spec.successWhen gave \"false\"";
    expect_handler(&done, "tell", "Failed", "NotSuccessful", message);
    assert_eq!(handler(&done, "tell")["attempts"], 2, "the second answer was final: {done:#}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 5);
}

#[tokio::test]
async fn handlers_behind_one_that_says_stop_wait_for_its_final_result() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &three_attempts()).await;
    scene.endpoint("log", "/log", &json!({})).await;
    let refusal = || Answer::json(500, &json!({}));
    let bad = Answer::json(400, &json!({}));
    scene.receiver.answers("/chat", [busy(1), Answer::default(), refusal(), bad]);
    let tell = with(notify("tell", "chat", "built"), &json!({"onFailure": "Stop"}));
    let after = notify("after", "log", "after {{event.id}} with {{state.tag}}");
    let handlers = on_success(&json!([tell, after]));
    scene.create(Kind::Context, "shop", &with(handlers, &json!({"state": {"tag": "1.4"}}))).await;
    scene.create(Kind::Event, "good", &event("shop", "build=success")).await;
    let waits = scene.in_phase("good", "tell", "Waiting").await;
    assert_eq!(handler(&waits, "after").get("reason"), None, "{waits:#}");
    assert!(scene.receiver.requests_to("/log").is_empty());
    // Each handler sees the state of the moment in which it starts.
    scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"tag": "2.0"}}})).await;
    let done = scene.finished("good").await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
    let after = scene.receiver.requests_to("/log");
    assert_eq!(after[0].body, json!({"text": "after good with 2.0"}));
    assert!(after[0].at > scene.receiver.requests_to("/chat")[1].at, "after the final result");

    let done = scene.run("bad", &event("shop", "build=success")).await;
    expect_handler(&done, "tell", "Failed", "Rejected", "chat answered with status 400");
    expect_handler(&done, "after", "Skipped", "Stopped", "tell failed and says onFailure: Stop");
    assert_eq!(handler(&done, "tell")["attempts"], 2);
    assert_eq!(scene.receiver.requests_to("/log").len(), 1, "nothing was sent after the failure");
}

/// Text that does not compress.
fn noise(bytes: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = 88_172_645_463_325_252_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(LETTERS[usize::try_from(state >> 58).unwrap()])
    };
    (0..bytes).map(|_| letter()).collect()
}

#[tokio::test]
async fn requests_that_find_no_room_in_the_event_fail_and_the_others_are_delivered_later() {
    let scene = Scene::new().await;
    let raw = json!({"bodies": {"notify": r#"{"text": "{{handler.name}}{{state.noise}}"}"#}});
    scene.endpoint("chat", "/chat", &with(raw, &patient())).await;
    let refuse = |number: usize| if number < 5 { busy(1) } else { Answer::default() };
    let mut seen = 0;
    scene.receiver.program("/chat", move |_| {
        seen += 1;
        refuse(seen)
    });
    let handlers: Value = ["a", "b", "c", "d"].map(|name| notify(name, "chat", "")).into();
    let state = json!({"state": {"noise": noise(250 * 1024)}});
    scene.create(Kind::Context, "shop", &with(on_success(&handlers), &state)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    for name in ["a", "b", "c"] {
        expect_handler(&done, name, "Succeeded", "Delivered", "");
    }
    let refused = handler(&done, "d");
    assert_eq!(
        (&refused["phase"], &refused["reason"]),
        (&json!("Failed"), &json!("RequestTooLargeToKeep")),
        "{done:#}"
    );
    let message = refused["message"].as_str().unwrap();
    let begin = "chat answered with status 500; keep the request to send it later: it takes ";
    assert!(message.starts_with(begin) && message.contains("may have 786432 in all, of which "), "{message}");
    assert_eq!(done["status"].get("requests"), None, "what cannot be kept is not there");
}
