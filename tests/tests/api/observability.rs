//! What can be seen from outside of deliveries: metrics, log lines and Kubernetes Events.

use std::net::TcpListener;

use cicdcontext_tests::receiver::Answer;
use serde_json::{Value, json};

use crate::{
    object::{Kind, event, handler, notify, on_success},
    scene::Scene,
};

/// Part of every name and text that a tenant chooses here.
const CANARY: &str = "canary";

/// One event with a delivery that succeeds, one that does so at the second attempt, one that is given up, and one that waits.
async fn four_deliveries(scene: &Scene) -> Value {
    let retry = json!({"retry": {"maxAttempts": 2, "initialDelaySeconds": 1, "maxDelaySeconds": 1}});
    scene.endpoint("canary-good", "/good", &json!({})).await;
    scene.endpoint("canary-flaky", "/flaky", &retry).await;
    scene.endpoint("canary-dead", "/dead", &json!({})).await;
    scene.endpoint("canary-held", "/held", &json!({"suspend": true})).await;
    scene.receiver.answers("/flaky", [Answer::text(500, CANARY), Answer::text(200, "")]);
    scene.receiver.answer("/dead", Answer::text(503, CANARY));
    let handlers: Vec<Value> = ["good", "flaky", "dead", "held"]
        .map(|name| notify(&format!("canary-to-{name}"), &format!("canary-{name}"), "canary says so"))
        .into();
    scene.create(Kind::Context, "canary-shop", &on_success(&Value::Array(handlers))).await;
    // Nothing of this may become a label, whatever it looks like.
    scene.annotate("canary-shop", "canary-odd", "canary=\"} 1\ncicdcontext_canary 1").await;
    scene.finished_annotation("canary-shop", "canary-odd").await;
    scene.create(Kind::Event, "canary-e", &event("canary-shop", "build=success")).await;
    let settled = |event: &Value| {
        let phase = |name: &str| handler_phase(event, name);
        phase("canary-to-flaky") == "Succeeded" && phase("canary-to-dead") == "Failed"
    };
    scene.wait(Kind::Event, "canary-e", "has only one delivery that waits", settled).await
}

fn handler_phase(event: &Value, name: &str) -> String {
    let handlers = event["status"]["handlers"].as_array().cloned().unwrap_or_default();
    let found = handlers.iter().find(|handler| handler["name"] == name).cloned().unwrap_or_default();
    found["phase"].as_str().unwrap_or_default().to_owned()
}

/// The value of a sample, if it is shown.
fn sample(text: &str, sample: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' ')?.parse().ok())
}

/// Fails unless each line is what OpenMetrics allows, and each sample is one of a family that was declared before.
fn expect_open_metrics(text: &str) {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    let mut family = String::new();
    for line in body.lines() {
        if let Some(declared) = line.strip_prefix("# ") {
            let mut words = declared.splitn(3, ' ');
            let (word, name) = (words.next().unwrap(), words.next().expect(line));
            assert!(["HELP", "TYPE", "UNIT"].contains(&word), "{line}");
            name.clone_into(&mut family);
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect(line);
        value.parse::<f64>().expect(line);
        let (name, labels) = sample.split_once('{').map_or((sample, ""), |(name, rest)| (name, rest));
        let suffix = name.strip_prefix(&family).unwrap_or_else(|| panic!("{line} is none of {family}"));
        assert!(["", "_total", "_bucket", "_sum", "_count", "_info"].contains(&suffix), "{line}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
        if !labels.is_empty() {
            let labels = labels.strip_suffix('}').expect(line);
            for label in labels.split(',') {
                let (label, value) = label.split_once('=').expect(line);
                let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).expect(line);
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
                assert!(label.bytes().all(plain) && value.bytes().all(plain), "{line}");
            }
        }
    }
}

#[tokio::test]
async fn metrics_tell_how_deliveries_stand_and_nothing_that_a_tenant_chose() {
    let scene = Scene::new().await;
    four_deliveries(&scene).await;
    let expected = [
        (r#"cicdcontext_deliveries_total{phase="Succeeded",reason="Delivered"}"#, 2.0),
        (r#"cicdcontext_deliveries_total{phase="Failed",reason="ServerError"}"#, 1.0),
        (r#"cicdcontext_delivery_attempts_total{result="Succeeded",reason="Delivered"}"#, 2.0),
        (r#"cicdcontext_delivery_attempts_total{result="Failed",reason="ServerError"}"#, 2.0),
        (r#"cicdcontext_delivery_attempt_duration_seconds_count{result="Succeeded"}"#, 2.0),
        (r#"cicdcontext_delivery_attempt_duration_seconds_count{result="Failed"}"#, 2.0),
        ("cicdcontext_delivery_first_attempt_delay_seconds_count", 3.0),
        ("cicdcontext_delivery_attempts_under_way", 0.0),
        ("cicdcontext_delivery_claims", 0.0),
        ("cicdcontext_deliveries_waiting", 1.0),
        ("cicdcontext_leader", 1.0),
        (r#"cicdcontext_annotations_total{result="created"}"#, 1.0),
        ("cicdcontext_events_started_total", 1.0),
        (r#"cicdcontext_events_total{phase="Failed",reason="BadAnnotation"}"#, 1.0),
        (r#"cicdcontext_cached_objects{kind="CicdEndpoint"}"#, 4.0),
        (r#"cicdcontext_cached_objects{kind="CicdEvent"}"#, 2.0),
        (r#"cicdcontext_queue_length{queue="deliveries"}"#, 0.0),
        (r#"cicdcontext_watch_lists_total{kind="CicdEvent"}"#, 1.0),
    ];
    // The status is written before the delivery stands in line.
    let look = async || {
        let text = scene.metrics().await;
        let wrong: Vec<_> = expected
            .iter()
            .map(|(name, value)| (name, value, sample(&text, name)))
            .filter(|(_, value, found)| *found != Some(**value))
            .collect();
        if wrong.is_empty() { Ok(text) } else { Err(format!("{wrong:#?} in {text}")) }
    };
    let text = scene.until("the metrics say how deliveries stand", look).await;
    let oldest = sample(&text, "cicdcontext_deliveries_oldest_waiting_seconds").unwrap();
    assert!(oldest > 0.0 && oldest < 60.0, "{oldest}");
    assert!(sample(&text, r#"cicdcontext_reconcile_duration_seconds_count{kind="event"}"#) >= Some(1.0), "{text}");
    expect_open_metrics(&text);
    for secret in [CANARY, &scene.namespace] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    scene.patch(Kind::Endpoint, "canary-held", &json!({"spec": {"suspend": null}})).await;
    scene.finished("canary-e").await;
    scene.counted("cicdcontext_deliveries_waiting", 0).await;
    let text = scene.metrics().await;
    assert_eq!(sample(&text, "cicdcontext_deliveries_oldest_waiting_seconds"), Some(0.0));
}

#[tokio::test]
async fn the_log_tells_each_delivery_s_story_under_its_webhook_id() {
    let scene = Scene::new().await;
    let done = four_deliveries(&scene).await;
    let story = |name: &str| {
        let id = handler(&done, name)["webhookId"].as_str().unwrap().to_owned();
        let lines = scene.log();
        let lines: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of_it: Vec<Value> = lines.into_iter().filter(|line| line["webhook_id"] == id).collect();
        for line in &of_it {
            let found = ["namespace", "context", "event", "handler", "endpoint"].map(|field| line[field].clone());
            let endpoint = name.replace("-to-", "-");
            assert_eq!(
                found,
                [&scene.namespace, "canary-shop", "canary-e", name, &endpoint].map(Value::from),
                "{line}"
            );
        }
        let short = |line: &Value| {
            let text = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
            format!("{} {}: {} {}", text("level"), text("message"), line["attempt"], text("reason"))
        };
        of_it.iter().map(short).collect::<Vec<_>>()
    };
    let stories: [(&str, &[&str]); 4] = [
        ("canary-to-good", &["INFO attempt made: 1 Delivered", "INFO delivery ended: 1 Delivered"]),
        ("canary-to-dead", &["INFO attempt made: 1 ServerError", "WARN delivery ended: 1 ServerError"]),
        ("canary-to-held", &["INFO delivery waits: 0 Suspended"]),
        (
            "canary-to-flaky",
            &[
                "INFO attempt made: 1 ServerError",
                "WARN delivery waits: 1 ServerError",
                "INFO attempt made: 2 Delivered",
                "INFO delivery ended: 2 Delivered",
            ],
        ),
    ];
    // What is in the status is logged a moment later.
    for (name, expected) in stories {
        let look = async || {
            let told = story(name);
            if told == expected { Ok(()) } else { Err(format!("{told:#?}")) }
        };
        scene.until(&format!("the log tells the story of {name}"), look).await;
    }
    let look = async || {
        let log = scene.log();
        let finished = |line: &Value| line["message"] == "event finished" && line["reason"] == "BadAnnotation";
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let of: Vec<_> = lines.filter(finished).map(|line| line["context"].clone()).collect();
        if of == ["canary-shop"] { Ok(()) } else { Err(format!("{of:?}")) }
    };
    scene.until("the log tells of the event that ended at once", look).await;
}

#[tokio::test]
async fn people_are_told_what_was_given_up_and_how_to_send_it_again() {
    let scene = Scene::new().await;
    four_deliveries(&scene).await;
    let note = scene.told(Kind::Event, "canary-e", "DeliveryGivenUp").await;
    let expected = "handler canary-to-dead of CicdContext canary-shop, to canary-dead: canary-dead answered with status 503; \
        to send it again: kubectl annotate cicdevent canary-e redeliver.cicdcontext.io/ID=canary-to-dead";
    assert_eq!(note, expected);
    scene.receiver.answer("/dead", Answer::text(200, ""));
    let again = json!({"metadata": {"annotations": {"redeliver.cicdcontext.io/now": "canary-to-dead"}}});
    scene.patch(Kind::Event, "canary-e", &again).await;
    let note = scene.told(Kind::Event, "canary-e", "Redelivery").await;
    assert_eq!(note, "redeliver.cicdcontext.io/now: canary-to-dead sent again, of CicdContext canary-shop");
    scene
        .wait(Kind::Event, "canary-e", "is sent again", |event| handler_phase(event, "canary-to-dead") == "Succeeded")
        .await;
    scene.counted("cicdcontext_redeliveries_total", 1).await;
    let all = scene.all_told(Kind::Event, "canary-e").await;
    assert_eq!(all.iter().filter(|(reason, _)| reason == "DeliveryGivenUp").count(), 1, "{all:#?}");
}

#[tokio::test]
async fn people_are_told_once_when_an_endpoint_goes_out_of_reach_and_once_when_it_is_back() {
    let scene = Scene::new().await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let retry = json!({"maxAttempts": 50, "initialDelaySeconds": 1, "maxDelaySeconds": 1});
    scene.endpoint("chat", "/chat", &json!({"url": format!("http://{nobody}/chat"), "retry": retry})).await;
    scene.create(Kind::Context, "shop", &on_success(&json!([notify("tell", "chat", "built")]))).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let note = scene.told(Kind::Endpoint, "chat", "EndpointUnreachable").await;
    let begin = format!(
        "CicdEndpoint {0}/chat cannot be reached, seen by handler tell of CicdContext {0}/shop: ",
        scene.namespace
    );
    assert!(note.starts_with(&begin), "{note}");
    let tried_again = |event: &Value| handler(event, "tell")["attempts"].as_u64() >= Some(2);
    scene.wait(Kind::Event, "e", "is tried again", tried_again).await;
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"url": scene.receiver.url("/chat")}})).await;
    scene.finished("e").await;
    let note = scene.told(Kind::Endpoint, "chat", "EndpointReachable").await;
    assert!(note.ends_with("/shop; what waits for it goes on"), "{note}");
    let all = scene.all_told(Kind::Endpoint, "chat").await;
    assert_eq!(all.iter().filter(|(reason, _)| reason.starts_with("Endpoint")).count(), 2, "{all:#?}");
}

#[tokio::test]
async fn a_label_that_somebody_sets_while_a_delivery_waits_does_not_cost_its_request() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({"suspend": true})).await;
    let spec = on_success(&json!([notify("tell", "chat", "built {{state.tag}}")]));
    scene.create(Kind::Context, "shop", &crate::object::with(spec, &json!({"state": {"tag": "1.4"}}))).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    let waits = |event: &Value| event["status"]["phase"] == "Retrying";
    let waiting = scene.wait(Kind::Event, "e", "waits", waits).await;
    // Not the state but the stored request is what is sent.
    let patch = json!({"spec": {"state": {"tag": "1.5"}}});
    scene.patch(Kind::Context, "shop", &patch).await;
    scene.patch(Kind::Event, "e", &json!({"metadata": {"labels": {"seen": "yes"}}})).await;
    scene.others_work().await;
    let labelled = scene.get(Kind::Event, "e").await.unwrap();
    assert_eq!(labelled["status"]["requests"], waiting["status"]["requests"]);
    scene.patch(Kind::Endpoint, "chat", &json!({"spec": {"suspend": null}})).await;
    let done = scene.finished("e").await;
    assert_eq!(handler(&done, "tell")["phase"], "Succeeded");
    let arrived = scene.receiver.requests_to("/chat");
    assert_eq!(arrived.iter().map(|arrived| arrived.body.clone()).collect::<Vec<_>>(), [json!({"text": "built 1.4"})]);
}
