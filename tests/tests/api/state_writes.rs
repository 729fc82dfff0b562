//! State writes: applied once, in order, all that wait together; refused ones say why.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{
    object::{Kind, condition, event, expect_condition, on_success},
    scene::Scene,
};

fn write(context: &str, changes: &Value) -> Value {
    json!({"contextRef": {"name": context}, "changes": changes})
}

async fn applied(scene: &Scene) {
    let gone = async || {
        let left = scene.list(Kind::StateWrite).await;
        if left.is_empty() { Ok(()) } else { Err(format!("{} are left: {:#}", left.len(), left[0])) }
    };
    scene.until("all state writes are gone", gone).await;
}

/// 8 writers of 20 keys each below one parent and 8 that append 20 items each to one list, all at once, while a pipeline
/// patches the same context.
async fn storm(scene: &Scene) {
    let create = async |index: usize| {
        for step in 0..20 {
            let changes = if index < 8 {
                json!([{"path": format!("state.keys.k{index}-{step}"), "value": step}])
            } else {
                json!([{"path": "state.list", "op": "Append", "value": format!("{index}-{step}")}])
            };
            scene.create(Kind::StateWrite, &format!("w{index}-{step}"), &write("shop", &changes)).await;
        }
    };
    let patch = async {
        for count in 0..40 {
            scene.patch(Kind::Context, "shop", &json!({"spec": {"state": {"plain": count}}})).await;
        }
    };
    tokio::join!(join_all((0..16).map(create)), patch);
}

async fn expect_all(scene: &Scene) {
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    let state = &context["spec"]["state"];
    assert_eq!(state["plain"], 39);
    assert_eq!(state["keys"].as_object().unwrap().len(), 160);
    let list = state["list"].as_array().unwrap();
    assert_eq!(list.len(), 160);
    for index in 8..16 {
        let of_one: Vec<_> =
            list.iter().filter(|item| item.as_str().unwrap().starts_with(&format!("{index}-"))).collect();
        let expected: Vec<_> = (0..20).map(|step| json!(format!("{index}-{step}"))).collect();
        assert_eq!(of_one, expected.iter().collect::<Vec<_>>(), "in the order of their creation, each once");
    }
}

#[tokio::test]
async fn of_320_writes_at_once_none_is_lost_and_none_is_made_twice() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &json!({})).await;
    storm(&scene).await;
    applied(&scene).await;
    expect_all(&scene).await;
}

#[tokio::test]
async fn of_320_writes_none_is_lost_or_made_twice_though_the_operator_is_killed_meanwhile() {
    let mut scene = Scene::without_operator().await;
    scene.create(Kind::Context, "shop", &json!({})).await;
    storm(&scene).await;
    // Whatever instant is hit: some are applied and deleted, some applied and not yet deleted, some neither.
    for left in [300, 200, 100] {
        scene.start_operator(&[]).await;
        let fewer = async || {
            let count = scene.list(Kind::StateWrite).await.len();
            if count < left { Ok(()) } else { Err(format!("{count} are left")) }
        };
        scene.until("some state writes are gone", fewer).await;
        scene.kill_operator().await;
    }
    scene.start_operator(&[]).await;
    applied(&scene).await;
    expect_all(&scene).await;
}

#[tokio::test]
async fn a_refused_write_says_why_and_holds_up_nobody() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &json!({"state": {"app": "shop"}})).await;
    let mut guarded = write("shop", &json!([{"path": "state.a", "value": 1}]));
    guarded["preconditions"] = json!([{"path": "state.app", "equals": "store"}]);
    scene.create(Kind::StateWrite, "guarded", &guarded).await;
    scene.create(Kind::StateWrite, "through", &write("shop", &json!([{"path": "state.app.x", "value": 1}]))).await;
    let mut foreign = write("shop", &json!([{"path": "state.a", "value": 1}]));
    foreign["contextRef"]["uid"] = json!("former");
    scene.create(Kind::StateWrite, "foreign", &foreign).await;
    scene.create(Kind::StateWrite, "fine", &write("shop", &json!([{"path": "state.fine", "value": null}]))).await;

    let fine = scene.wait(Kind::StateWrite, "fine", "is gone", Value::is_null);
    let refused = |name: &'static str| scene.wait_condition(Kind::StateWrite, name, "Applied", "False");
    let (_, guarded, through, foreign) = tokio::join!(fine, refused("guarded"), refused("through"), refused("foreign"));
    let (_, reason, message) = condition(&guarded, "Applied");
    assert_eq!(reason, "ChangeRefused");
    assert!(message.contains("state.app") && message.contains("store"), "{message}");
    let (_, reason, message) = condition(&through, "Applied");
    assert_eq!(reason, "ChangeRefused");
    assert!(message.contains("state.app"), "{message}");
    let (_, reason, _) = condition(&foreign, "Applied");
    assert_eq!(reason, "StaleOwner");
    assert_eq!(
        scene.told(Kind::StateWrite, "guarded", "StateWriteRefused").await,
        format!("ChangeRefused: {}", condition(&guarded, "Applied").2)
    );
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"], json!({"app": "shop", "fine": null}));
}

#[tokio::test]
async fn a_retried_create_of_a_write_that_was_applied_is_deleted_unapplied() {
    let scene = Scene::new().await;
    scene.create(Kind::Context, "shop", &json!({})).await;
    let append = write("shop", &json!([{"path": "state.list", "op": "Append", "value": "once"}]));
    for _ in 0..3 {
        scene.create(Kind::StateWrite, "retried", &append).await;
        scene.wait(Kind::StateWrite, "retried", "is gone", Value::is_null).await;
    }
    let other = write("shop", &json!([{"path": "state.list", "op": "Append", "value": "other"}]));
    scene.create(Kind::StateWrite, "retried", &other).await;
    scene.wait(Kind::StateWrite, "retried", "is gone", Value::is_null).await;
    let context = scene.get(Kind::Context, "shop").await.unwrap();
    assert_eq!(context["spec"]["state"]["list"], json!(["once", "other"]), "the name counts together with the content");
}

#[tokio::test]
async fn a_write_without_a_context_waits_for_it_and_is_refused_after_the_grace_period() {
    let scene = Scene::with_flags(&["--unknown-context-grace", "2s"]).await;
    scene.create(Kind::StateWrite, "early", &write("shop", &json!([{"path": "state.a", "value": 1}]))).await;
    scene.create(Kind::Context, "shop", &json!({})).await;
    scene.wait(Kind::StateWrite, "early", "is gone", Value::is_null).await;
    scene.create(Kind::StateWrite, "lost", &write("nowhere", &json!([{"path": "state.a", "value": 1}]))).await;
    let lost = scene.wait_condition(Kind::StateWrite, "lost", "Applied", "False").await;
    let message = format!("there is no CicdContext nowhere in namespace {}", scene.namespace);
    expect_condition(&lost, "Applied", "False", "ContextNotFound", &message);
}

#[tokio::test]
async fn a_write_that_was_accepted_before_an_event_is_applied_before_it() {
    let mut scene = Scene::without_operator().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let tell = json!([{"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": "{{state.tag}}"}}]);
    scene.create(Kind::Context, "shop", &on_success(&tell)).await;
    scene.create(Kind::StateWrite, "tag", &write("shop", &json!([{"path": "state.tag", "value": "1.5"}]))).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.start_operator(&[]).await;
    scene.finished("e").await;
    assert_eq!(scene.receiver.requests_to("/chat")[0].body, json!({"text": "1.5"}));
}

#[tokio::test]
async fn an_event_waits_for_all_writes_that_were_accepted_before_it_though_one_patch_does_not_take_them() {
    const WRITES: usize = 300;
    let mut scene = Scene::without_operator().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let message = "{{length state.list}}";
    let tell = json!([{"name": "tell", "notify": {"endpoint": {"name": "chat"}, "message": message}}]);
    scene.create(Kind::Context, "shop", &on_success(&tell)).await;
    let add = write("shop", &json!([{"path": "state.list", "op": "Append", "value": "x"}]));
    let create = async |first: usize| {
        for number in (first..WRITES).step_by(10) {
            scene.create(Kind::StateWrite, &format!("add-{number}"), &add).await;
        }
    };
    join_all((0..10).map(create)).await;
    scene.create(Kind::Event, "e", &event("shop", "build=success")).await;
    scene.start_operator(&[]).await;
    scene.finished("e").await;
    assert_eq!(scene.receiver.requests_to("/chat")[0].body, json!({"text": WRITES.to_string()}));
    applied(&scene).await;
}
