//! Generators: run by a handler, by an annotation and by a CicdEvent.

use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, expect_outcome, handler, name, notify, with},
    scene::Scene,
};

fn configuration() -> Value {
    let dockerfile = json!([
        {"name": "base", "set": [{"path": "state.build.base", "value": "alpine"}]},
        {"name": "never", "if": "{{state.none}}", "set": [{"path": "state.never", "value": true}]},
        {"name": "image", "if": "{{state.build.base}}", "set": [
            {"path": "state.build.image", "template": "{{state.build.base}}:{{event.data.tag}}"},
            {"path": "state.builds", "op": "Add", "template": "{{state.build.base}}"},
        ]},
    ]);
    let generate = |generator: Value| json!({"name": "make", "generate": generator});
    let show = notify("show", "chat", "{{state.build.image}}");
    json!({"pipelines": {
        "build": {
            "eventHandlers": {
                "success": [generate(json!({"generator": "dockerfile"})), show],
                "unknown": [generate(json!({"generator": "none"}))],
            },
            "generators": {"dockerfile": dockerfile},
        },
        "deploy": {"eventHandlers": {"success": [generate(json!({"pipeline": "build", "generator": "dockerfile"}))]}},
    }})
}

async fn state(scene: &Scene) -> Value {
    scene.get(Kind::Context, "shop").await.unwrap()["spec"]["state"].clone()
}

#[tokio::test]
async fn a_handler_runs_a_generator_of_its_own_pipeline_or_of_another() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &with(configuration(), &json!({"state": {}}))).await;
    let mut spec = event("shop", "build=success");
    spec["data"] = json!({"tag": 3});
    let done = scene.run("own", &spec).await;
    expect_handler(&done, "make", "Succeeded", "StateWritten", "");
    assert_eq!(handler(&done, "make")["paths"], json!(["state.build.base", "state.build.image", "state.builds"]));
    assert_eq!(scene.receiver.requests_to("/chat")[0].body, json!({"text": "alpine:3"}));
    assert_eq!(state(&scene).await, json!({"build": {"base": "alpine", "image": "alpine:3"}, "builds": ["alpine"]}));

    spec = event("shop", "deploy=success");
    spec["data"] = json!({"tag": 4});
    let done = scene.run("other", &spec).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(state(&scene).await, json!({"build": {"base": "alpine", "image": "alpine:4"}, "builds": ["alpine"]}));

    let done = scene.run("unknown", &event("shop", "build=unknown")).await;
    let message = "run generator build.none: the pipeline has no such generator; the generators are: dockerfile";
    expect_handler(&done, "make", "Failed", "UnknownGenerator", message);
}

#[tokio::test]
async fn an_annotation_runs_a_generator_once() {
    let scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.create(Kind::Context, "shop", &with(configuration(), &json!({"state": {}}))).await;
    let key = "generate.cicdcontext.io/r17";
    for (key, value) in [(key, "build.dockerfile"), ("generate.cicdcontext.io/bad", "build")] {
        scene.patch(Kind::Context, "shop", &json!({"metadata": {"annotations": {key: value}}})).await;
    }
    let gone = |object: &Value| {
        let annotations = &object["metadata"]["annotations"];
        annotations.get(key).is_none() && annotations.get("generate.cicdcontext.io/bad").is_none()
    };
    scene.wait(Kind::Context, "shop", "has no generate annotations", gone).await;
    let events = scene.events_of("shop", "r17").await;
    assert_eq!(events.len(), 1, "{events:#?}");
    let made = scene.finished(name(&events[0])).await;
    assert_eq!((&made["spec"]["pipeline"], &made["spec"]["generate"]), (&json!("build"), &json!("dockerfile")));
    expect_outcome(&made, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    expect_handler(&made, "dockerfile", "Succeeded", "StateWritten", "");
    assert_eq!(state(&scene).await, json!({"build": {"base": "alpine", "image": "alpine:"}, "builds": ["alpine"]}));
    scene.nothing_sent_to("/chat");
    let bad = scene.events_of("shop", "bad").await;
    let bad = scene.finished(name(&bad[0])).await;
    assert_eq!(crate::object::condition(&bad, "Succeeded").1, "BadAnnotation", "{bad:#}");
}

#[tokio::test]
async fn an_event_runs_a_generator_and_an_unknown_one_is_named_with_those_that_there_are() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &with(configuration(), &json!({"state": {"builds": ["debian"]}}))).await;
    let spec = |generator: &str| {
        json!({"contextRef": {"name": "shop"}, "pipeline": "build", "generate": generator, "data": {"tag": 5},
               "set": [{"path": "state.by", "value": "set"}]})
    };
    let done = scene.run("known", &spec("dockerfile")).await;
    expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
    assert_eq!(done["status"]["paths"], json!(["state.by"]));
    let expected =
        json!({"build": {"base": "alpine", "image": "alpine:5"}, "builds": ["debian", "alpine"], "by": "set"});
    assert_eq!(state(&scene).await, expected);
    let done = scene.run("unknown", &spec("docker")).await;
    let message = r#"pipeline "build" has no generator "docker"; the generators are: dockerfile"#;
    expect_outcome(&done, "Failed", "False", "UnknownGenerator", message);
}
