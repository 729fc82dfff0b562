//! Golden bodies, as each service documents them.

use serde_json::{Value, json};

use super::*;
use crate::template::{Engine, Escape, Library, Seed, Source};

/// What would break a body that was put together as text.
const NASTY: &str = "a \"quoted\" \\ line\nand {{state}} @everyone";

fn rendered(template: &str, handler: &Value) -> Value {
    let root = json!({
        "context": {"name": "shop-stage", "namespace": "shop", "uid": "u"},
        "pipeline": {"name": "build"},
        "event": {"id": "17", "name": "success", "time": "2026-01-02T03:04:05Z", "data": {}},
        "state": {},
        "handler": handler,
    });
    let seed = Seed::new("event", "2026-01-02T03:04:05Z".parse().unwrap());
    let library = Library::default();
    let template = library.compile(&Source::new("preset", template, Engine::Handlebars)).unwrap();
    let text = template.render(&library, &root, &seed, Escape::JsonString).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn notify(fields: &Value) -> Value {
    json!({"name": "tell", "type": "notify", "message": NASTY, "fields": fields})
}

fn choice(fields: &Value) -> Value {
    let option =
        |text: &str, value: &str, style: Value| json!({"text": text, "value": value, "style": style, "fields": {}});
    json!({"name": "ask", "type": "manualChoice", "title": "Deploy \"1.4\"?", "fields": fields, "choices": [
        {"name": "where", "header": "Where to?", "options": [
            option("live", "https://ci.example/go?to=live&x=1", json!("primary")),
            option("never", "stop", json!("danger")),
            option("later", "l\"ater", json!("green")),
        ]},
        {"name": "empty", "header": null, "options": []},
    ]})
}

#[test]
fn slack_takes_a_text_with_channel_and_thread() {
    let bodies = bodies(Preset::Slack);
    assert_eq!(rendered(bodies.notify, &notify(&json!({}))), json!({"text": NASTY}), "an incoming webhook");
    assert_eq!(
        rendered(bodies.notify, &notify(&json!({"channel": "#ci", "run": "42 \"x\"", "thread_ts": "1700.1"}))),
        json!({"channel": "#ci", "thread_ts": "1700.1", "text": format!("{NASTY}\n*run*: 42 \"x\"")}),
        "chat.postMessage"
    );
    assert_eq!(
        rendered(bodies.respond, &notify(&json!({}))),
        json!({"replace_original": true, "text": NASTY}),
        "a response_url"
    );
    let beside = json!({"replace_original": "false", "thread_ts": "1700.1"});
    let answer = json!({"replace_original": false, "thread_ts": "1700.1", "text": NASTY});
    assert_eq!(rendered(bodies.respond, &notify(&beside)), answer);
}

#[test]
fn slack_shows_choices_as_buttons() {
    let button = |number: usize, text: &str, value: &str| {
        json!({"type": "button", "action_id": format!("where.{number}"), "value": value,
               "text": {"type": "plain_text", "text": text}})
    };
    let styled = |mut button: Value, style: &str| {
        button["style"] = json!(style);
        button
    };
    let section = |text: &str| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    assert_eq!(
        rendered(bodies(Preset::Slack).manual_choice, &choice(&json!({"channel": "C0", "app": "shop"}))),
        json!({
            "channel": "C0",
            "text": "Deploy \"1.4\"?",
            "blocks": [
                section("Deploy \"1.4\"?\n*app*: shop"),
                section("Where to?"),
                {"type": "actions", "block_id": "where", "elements": [
                    styled(button(0, "live", "https://ci.example/go?to=live&x=1"), "primary"),
                    styled(button(1, "never", "stop"), "danger"),
                    // Slack knows no other style, and refuses a message that has one.
                    button(2, "later", "l\"ater"),
                ]},
            ],
        })
    );
}

fn card(body: &Value) -> Value {
    json!({"type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard",
                    "version": "1.4", "body": body},
    }]})
}

#[test]
fn teams_takes_an_adaptive_card() {
    let text = json!({"type": "TextBlock", "text": NASTY, "wrap": true});
    let bodies = bodies(Preset::Teams);
    assert_eq!(rendered(bodies.notify, &notify(&json!({}))), card(&json!([text])));
    let facts =
        json!({"type": "FactSet", "facts": [{"title": "app", "value": "shop"}, {"title": "run", "value": "42"}]});
    let fields = json!({"app": "shop", "run": "42"});
    assert_eq!(rendered(bodies.respond, &notify(&fields)), card(&json!([text, facts])));
    let link = json!({"type": "ActionSet", "actions": [{
        "type": "Action.OpenUrl", "style": "positive", "title": "live", "url": "https://ci.example/go?to=live&x=1",
    }]});
    let block = |text: &str| json!({"type": "TextBlock", "text": text, "wrap": true});
    let title = json!({"type": "TextBlock", "text": "Deploy \"1.4\"?", "weight": "Bolder", "wrap": true});
    assert_eq!(
        rendered(bodies.manual_choice, &choice(&fields)),
        card(&json!([
            title,
            facts,
            block("Where to?"),
            link,
            block("never: stop"),
            block("later: l\"ater"),
            block("empty"),
        ]))
    );
}

#[test]
fn discord_takes_content_and_embeds_and_mentions_nobody() {
    let bodies = bodies(Preset::Discord);
    let nobody = json!({"parse": []});
    assert_eq!(rendered(bodies.notify, &notify(&json!({}))), json!({"allowed_mentions": nobody, "content": NASTY}));
    assert_eq!(
        rendered(bodies.respond, &notify(&json!({"app": "shop", "run": "42"}))),
        json!({"allowed_mentions": nobody, "content": NASTY, "embeds": [{"fields": [
            {"name": "app", "value": "shop", "inline": true}, {"name": "run", "value": "42", "inline": true},
        ]}]})
    );
    assert_eq!(
        rendered(bodies.manual_choice, &choice(&json!({"app": "shop"}))),
        json!({
            "allowed_mentions": nobody,
            "content": "Deploy \"1.4\"?\n**app**: shop",
            "embeds": [
                {"title": "Where to?",
                 "description": "[live](https://ci.example/go?to=live&x=1)\nnever: stop\nlater: l\"ater"},
                {"title": "empty", "description": ""},
            ],
        })
    );
}

#[test]
fn generic_and_tekton_get_an_object_with_the_attributes_of_a_cloud_event() {
    for preset in [Preset::Generic, Preset::TektonTrigger] {
        let bodies = bodies(preset);
        let mut expected = json!({
            "specversion": "1.0", "type": "io.cicdcontext.notify", "id": "17", "time": "2026-01-02T03:04:05Z",
            "source": "/namespaces/shop/cicdcontexts/shop-stage", "namespace": "shop", "context": "shop-stage",
            "pipeline": "build", "event": "success", "handler": "tell", "message": NASTY, "fields": {"run": "42"},
        });
        assert_eq!(rendered(bodies.notify, &notify(&json!({"run": "42"}))), expected);
        let asked = choice(&json!({"run": "42"}));
        let object = expected.as_object_mut().unwrap();
        object.remove("message");
        object.extend(
            [("type", json!("io.cicdcontext.manualChoice")), ("handler", json!("ask"))].map(|(k, v)| (k.to_owned(), v)),
        );
        object.insert("title".to_owned(), asked["title"].clone());
        object.insert("choices".to_owned(), asked["choices"].clone());
        assert_eq!(rendered(bodies.manual_choice, &asked), expected);
    }
}
