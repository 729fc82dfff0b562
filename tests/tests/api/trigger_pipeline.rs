//! triggerPipeline: the endpoint's arguments and the handler's, in their order, each a text.

use cicdcontext_tests::receiver::Answer;
use serde_json::json;

use crate::{
    object::{Kind, event, expect_handler, handler, on_success, with},
    scene::Scene,
};

#[tokio::test]
async fn a_pipeline_is_started_with_the_arguments_of_the_endpoint_and_the_handler_in_their_order() {
    let scene = Scene::new().await;
    let args = json!([
        {"name": "pipeline", "value": "{{handler.pipeline}}"},
        {"name": "ref", "value": "main"},
        {"name": "context", "value": "{{context.name}}"},
    ]);
    scene.endpoint("ci", "/runs", &json!({"args": args})).await;
    let body = r#"{"{{handler.pipeline}}": {{json handler.args}}}"#;
    let shaped = json!({"bodies": {"triggerPipeline": body}, "args": [{"name": "b", "value": "1"}]});
    scene.endpoint("shaped", "/shaped", &shaped).await;
    scene.receiver.answer("/runs", Answer::json(201, &json!({"run": {"id": 17}})));
    let start = |name: &str, endpoint: &str| {
        json!({"name": name, "triggerPipeline": {
            "endpoint": {"name": endpoint}, "name": "smoke",
            "args": [
                {"name": "z", "value": "{{state.list}}"},
                {"name": "flag", "value": "{{state.no}}"},
                {"name": "ref", "value": "v{{state.tag}}"},
                {"name": "quoted", "value": "{{state.quoted}}"},
                {"name": "a", "value": ""},
            ],
            "capture": [{"path": "state.runs.{{handler.name}}", "fromPath": "$.body.run.id"}],
        }})
    };
    let state = json!({"state": {"tag": "1.4", "no": false, "list": [1, "x"], "quoted": "\"{{state.tag}}\"\n"}});
    let handlers = on_success(&json!([start("smoke", "ci"), start("shaped", "shaped")]));
    scene.create(Kind::Context, "shop", &with(handlers, &state)).await;
    let done = scene.run("e", &event("shop", "build=success")).await;
    expect_handler(&done, "smoke", "Succeeded", "Delivered", "");
    assert_eq!(handler(&done, "smoke")["paths"], json!(["state.runs.smoke"]));
    assert_eq!(
        scene.receiver.requests_to("/runs")[0].text,
        concat!(
            r#"{"pipeline": "smoke", "ref": "v1.4", "context": "shop", "z": "[1,\"x\"]", "flag": "false", "#,
            r#""quoted": "\"{{state.tag}}\"\n", "a": ""}"#
        )
    );
    let named = |name: &str, value: &str| json!({"name": name, "value": value});
    let shaped = &scene.receiver.requests_to("/shaped")[0].body;
    let list = [
        named("b", "1"),
        named("z", "[1,\"x\"]"),
        named("flag", "false"),
        named("ref", "v1.4"),
        named("quoted", "\"{{state.tag}}\"\n"),
        named("a", ""),
    ];
    assert_eq!(*shaped, json!({"smoke": list}));
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"]["runs"], json!({"smoke": 17}), "the other answer has none");
}
