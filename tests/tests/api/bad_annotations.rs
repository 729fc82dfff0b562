//! Event annotations that cannot be understood: each becomes an event that says what is wrong with it.

use serde_json::{Value, json};

use crate::{
    object::{Kind, expect_outcome, name},
    scene::Scene,
};

/// Fires an annotation that is refused, and checks that everybody who looks learns why.
async fn expect_refused(scene: &Scene, id: &str, value: &str, problem: &str) -> Value {
    scene.annotate("shop", id, value).await;
    let event = scene.finished_annotation("shop", id).await;
    expect_outcome(&event, "Failed", "False", "BadAnnotation", problem);
    assert_eq!(event["spec"]["raw"], value, "what was written is kept: {event:#}");
    let told = scene.told(Kind::Event, name(&event), "EventFailed").await;
    assert_eq!(told, format!("BadAnnotation: {problem}"));
    event
}

#[tokio::test]
async fn an_annotation_that_is_neither_pipeline_and_event_nor_json_fails_visibly() {
    let scene = Scene::new().await;
    scene.shop().await;
    let problem = "read annotation 'built it': write pipeline=event, or a JSON object";
    expect_refused(&scene, "r1", "built it", problem).await;
    let told = scene.told(Kind::Context, "shop", "BadAnnotation").await;
    assert_eq!(told, format!("annotation event.cicdcontext.io/r1: {problem}"));
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn json_of_a_wrong_shape_fails_visibly_and_says_what_would_be_right() {
    let scene = Scene::new().await;
    scene.shop().await;
    let cases = [
        (r#"{"pipeline": "build""#, "read annotation as JSON: EOF while parsing an object at line 1 column 20"),
        (r#"{"event": "success"}"#, "read annotation: key pipeline is missing; write a name as text"),
        (r#"{"pipeline": "build", "event": 7}"#, "read annotation: key event holds the number 7; write a name as text"),
        (
            r#"{"pipeline": "build", "event": "success", "dta": {}}"#,
            "read annotation: unknown key dta; there are pipeline, event, data, vars, varsFrom, set",
        ),
        (
            r#"{"pipeline": "build", "event": "success", "set": [{"path": "state.a", "op": "append", "value": 1}]}"#,
            "read annotation: key set[0].op holds the text 'append'; write one of Set, Append, Add, Unset and Clear as text",
        ),
        (
            r#"{"pipeline": "build pipe", "event": "success"}"#,
            "read annotation: pipeline 'build pipe' is not a name; write 1 to 63 letters, digits, _ and -",
        ),
        (
            r#"["build", "success"]"#,
            r#"read annotation '["build", "success"]': write pipeline=event, or a JSON object"#,
        ),
    ];
    for (number, (value, problem)) in cases.into_iter().enumerate() {
        expect_refused(&scene, &format!("r{number}"), value, problem).await;
    }
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn an_annotation_over_32_kib_fails_and_keeps_its_beginning() {
    let scene = Scene::new().await;
    scene.shop().await;
    let value = format!(r#"{{"pipeline": "build", "event": "success", "data": "{}"}}"#, "x".repeat(32 * 1024));
    scene.annotate("shop", "large", &value).await;
    let event = scene.finished_annotation("shop", "large").await;
    let problem = format!(
        "read annotation: it has {} bytes, at most 32768 are allowed; put large data into state or create a CicdEvent",
        value.len()
    );
    expect_outcome(&event, "Failed", "False", "BadAnnotation", &problem);
    assert_eq!(event["spec"]["raw"], value[..4096]);
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}

#[tokio::test]
async fn a_wrong_path_in_an_event_fails_it_before_anything_is_sent() {
    let scene = Scene::new().await;
    scene.shop().await;
    let value = json!({
        "pipeline": "build", "event": "success", "set": [{"path": "stat.a", "value": 1}],
    });
    scene.annotate("shop", "r1", &value.to_string()).await;
    let event = scene.finished_annotation("shop", "r1").await;
    assert_eq!(event["status"]["phase"], "Failed", "{event:#}");
    let (_, reason, message) = crate::object::condition(&event, "Succeeded");
    assert_eq!(reason, "InvalidEvent");
    assert!(message.starts_with("spec.set[0]: "), "{message}");
    scene.nothing_sent_to("/chat");
    scene.others_work().await;
}
