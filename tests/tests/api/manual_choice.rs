//! manualChoice: choices that are written out, and choices that generators make of data.

use serde_json::{Value, json};

use crate::{
    object::{Kind, event, expect_handler, handler, on_success, with},
    scene::Scene,
};

async fn endpoint(scene: &Scene) {
    let body =
        r#"{"title": "{{handler.title}}", "fields": {{json handler.fields}}, "choices": {{json handler.choices}}}"#;
    scene.endpoint("chat", "/chat", &json!({"bodies": {"manualChoice": body}})).await;
}

fn choose(more: &Value) -> Value {
    let choice = json!({"endpoint": {"name": "chat"}, "title": "Next for {{state.app}}?"});
    on_success(&json!([{"name": "choose", "manualChoice": with(choice, more)}]))
}

#[tokio::test]
async fn choices_are_offered_in_their_order_with_those_that_are_made_of_lists_and_maps() {
    let scene = Scene::new().await;
    endpoint(&scene).await;
    let style = json!({"text": "Abort", "value": "abort:{{state.app}}", "style": "danger",
        "fields": [{"name": "run", "value": "{{event.data.run}}"}]});
    let more = json!({
        "fields": [{"name": "app", "value": "{{state.app}}"}],
        "choices": [
            {"name": "stop", "header": "Stop {{state.app}}", "options": [style]},
            {"name": "wait", "options": [{"text": "Wait", "value": "wait"}]},
        ],
        "choiceGenerators": [
            {
                "name": "of-a-list", "foreach": "$.state.targets", "iterator": "target",
                "template": "go-{{target.id}}:\n  header: {{json target.title}}\n  options:\n  - {text: {{json target.title}}, value: {{target.ring}}}",
            },
            {
                "name": "of-a-map", "foreach": "$.state.rings",
                "template": "{{#if item.open}}- name: ring\n  options:\n  - {text: {{json item.name}}, value: {{json item.name}}, style: primary}{{/if}}",
            },
            {"name": "of-nothing", "foreach": "$.state.absent", "template": "never: {}"},
            {"name": "of-variables", "foreach": "$.variables", "iterator": "text",
             "template": "- {name: variable, options: [{text: {{json text}}, value: x}]}"},
        ],
    });
    let state = json!({
        "app": "shop",
        "targets": [{"id": "eu", "title": "To {{state.secret}}: \"EU\"", "ring": 1}, {"id": "us", "title": "US", "ring": 2}],
        "rings": {"a": {"name": "alpha", "open": true}, "b": {"name": "beta", "open": false}},
        "secret": "s3cret",
    });
    let more = with(choose(&more), &json!({"state": state, "variables": {"image": "{{state.app}}:1"}}));
    scene.create(Kind::Context, "shop", &more).await;
    let mut spec = event("shop", "build=success");
    spec["data"] = json!({"run": 17});
    let done = scene.run("e", &spec).await;
    expect_handler(&done, "choose", "Succeeded", "Delivered", "");
    let option =
        |text: &str, value: &str, style: Value| json!({"text": text, "value": value, "style": style, "fields": {}});
    let mut abort = option("Abort", "abort:shop", json!("danger"));
    abort["fields"] = json!({"run": "17"});
    let title = "To {{state.secret}}: \"EU\"";
    let expected = json!({
        "title": "Next for shop?",
        "fields": {"app": "shop"},
        "choices": [
            {"name": "stop", "header": "Stop shop", "options": [abort]},
            {"name": "wait", "header": null, "options": [option("Wait", "wait", Value::Null)]},
            // What came out of data is not rendered again.
            {"name": "go-eu", "header": title, "options": [option(title, "1", Value::Null)]},
            {"name": "go-us", "header": "US", "options": [option("US", "2", Value::Null)]},
            {"name": "ring", "header": null, "options": [option("alpha", "alpha", json!("primary"))]},
            {"name": "variable", "header": null, "options": [option("shop:1", "x", Value::Null)]},
        ],
    });
    let sent = &scene.receiver.requests_to("/chat")[0].body;
    assert_eq!(*sent, expected, "{sent:#}");
}

#[tokio::test]
async fn choices_that_cannot_be_made_fail_their_handler_and_nothing_is_sent() {
    let scene = Scene::new().await;
    endpoint(&scene).await;
    let generator = |template: &str, foreach: &str| json!({"choiceGenerators": [{"name": "made", "foreach": foreach, "template": template}]});
    let place = "make choices of pipelines.build.eventHandlers.success[choose].manualChoice.choiceGenerators[made]";
    let foreach = "what it finds takes more than the allowed 4194304 bytes; select less";
    for (context, more, expected) in [
        ("text", generator("just a text", "$.state.targets"), "neither a map of choices nor a list of them"),
        ("yaml", generator("{a: [", "$.state.targets"), "its text is not YAML: "),
        ("scalar", generator("x: {}", "$.state.app"), "foreach $.state.app is neither a list nor a map"),
        ("work", generator("x: {}", "$..*"), foreach),
    ] {
        let deep = (0..50).fold(json!(vec![0; 5000]), |inner, _| json!([inner]));
        let state = json!({"state": {"app": "shop", "targets": [1], "deep": deep}});
        scene.create(Kind::Context, context, &with(choose(&more), &state)).await;
        let done = scene.run(context, &event(context, "build=success")).await;
        let choose = handler(&done, "choose");
        assert_eq!((&choose["phase"], &choose["reason"]), (&json!("Failed"), &json!("InvalidChoices")), "{choose:#}");
        let message = choose["message"].as_str().unwrap();
        assert!(message.starts_with(place) && message.contains(expected), "{message}");
    }
    scene.nothing_sent_to("/chat");
}
