//! Restored backups: contexts with their state, events and state writes are exported, deleted and created again as a
//! backup tool does that, with new UIDs. Nothing that was sent is sent again.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    object::{Kind, condition, event, expect_outcome, is, name, notify, on_success, tells, uid, with},
    scene::Scene,
};

/// What a backup tool keeps, and in which order it restores.
#[derive(Clone, Copy, Debug)]
struct Tool {
    /// Whether ownerReferences come back, with the UIDs of before.
    owners: bool,
    /// Whether the status comes back.
    status: bool,
    /// Whether contexts come before events and state writes.
    contexts_first: bool,
}

impl Tool {
    const ALL: [Self; 8] = {
        let mut all = [Self { owners: false, status: false, contexts_first: false }; 8];
        let mut number = 0;
        while number < 8 {
            all[number] = Self { owners: number & 1 == 1, status: number & 2 == 2, contexts_first: number & 4 == 4 };
            number += 1;
        }
        all
    };

    /// Creates the object again, and its status as a request of its own.
    async fn restore(self, scene: &Scene, kind: Kind, object: &Value) -> Value {
        let mut copy = object.clone();
        let metadata = copy["metadata"].as_object_mut().unwrap();
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation"] {
            metadata.remove(field);
        }
        if !self.owners {
            metadata.remove("ownerReferences");
        }
        let status = copy.as_object_mut().unwrap().remove("status");
        let created = scene.create_object(kind, copy).await;
        if let Some(status) = status.filter(|_| self.status) {
            let patch = Patch::Merge(json!({"status": status}));
            drop(scene.api(kind).patch_status(name(object), &PatchParams::default(), &patch).await.unwrap());
        }
        created
    }
}

/// The objects of one tool's backup.
struct Backup {
    tool: Tool,
    contexts: Vec<Value>,
    events: Vec<Value>,
    state_writes: Vec<Value>,
}

impl Backup {
    async fn delete(&self, scene: &Scene) {
        for (kind, objects) in
            [(Kind::Event, &self.events), (Kind::StateWrite, &self.state_writes), (Kind::Context, &self.contexts)]
        {
            for object in objects {
                scene.delete(kind, name(object)).await;
                scene.wait(kind, name(object), "is gone", Value::is_null).await;
            }
        }
    }

    async fn restore(&self, scene: &Scene) {
        let others = [(Kind::Event, &self.events), (Kind::StateWrite, &self.state_writes)];
        let contexts = [(Kind::Context, &self.contexts)];
        let order: Vec<_> = if self.tool.contexts_first {
            contexts.into_iter().chain(others).collect()
        } else {
            others.into_iter().chain(contexts).collect()
        };
        for (kind, objects) in order {
            for object in objects {
                self.tool.restore(scene, kind, object).await;
            }
        }
    }
}

/// A context and its state write, its events, and what they do: all that a backup finds.
async fn originals(scene: &Scene, number: usize) -> (String, String) {
    let (shop, held) = (format!("shop-{number}"), format!("held-{number}"));
    let append =
        json!({"name": "note", "setValues": [{"path": "state.log", "op": "Append", "template": "{{event.id}}"}]});
    let rejected =
        json!({"pipelines": {"build": {"eventHandlers": {"failure": [notify("tell", "rejects", "failed")]}}}});
    let spec = with(on_success(&json!([append, notify("tell", "chat", "{{event.id}}")])), &rejected);
    let created = scene.create(Kind::Context, &shop, &spec).await;
    scene.create(Kind::Context, &held, &with(spec, &json!({"suspend": true}))).await;

    scene.annotate(&shop, &format!("annotated-{number}"), "build=success").await;
    scene.finished_annotation(&shop, &format!("annotated-{number}")).await;
    scene.run(&format!("done-{number}"), &event(&shop, "build=success")).await;
    scene.run(&format!("failed-{number}"), &event(&shop, "build=failure")).await;
    let mut bound = event(&shop, "build=success");
    bound["contextRef"]["uid"] = json!(uid(&created));
    scene.run(&format!("bound-{number}"), &bound).await;
    scene.create(Kind::Event, &format!("held-{number}"), &event(&held, "build=success")).await;
    scene.wait_condition(Kind::Event, &format!("held-{number}"), "Finished", "False").await;

    let write = |name: &str| json!({"contextRef": {"name": shop}, "changes": [{"path": "state.log", "op": "Append", "value": name}]});
    scene.create(Kind::StateWrite, &format!("applied-{number}"), &write("applied")).await;
    scene.wait(Kind::StateWrite, &format!("applied-{number}"), "is gone", Value::is_null).await;
    let refused = with(write("refused"), &json!({"preconditions": [{"path": "state.never", "exists": true}]}));
    scene.create(Kind::StateWrite, &format!("refused-{number}"), &refused).await;
    scene.wait_condition(Kind::StateWrite, &format!("refused-{number}"), "Applied", "False").await;
    (shop, held)
}

/// Objects and annotations that nobody has looked at when the backup is made.
async fn unseen(scene: &Scene, number: usize, shop: &str) {
    let context = scene.get(Kind::Context, shop).await.unwrap();
    scene.annotate(shop, &format!("late-{number}"), "build=success").await;
    let reference = json!({"contextRef": {"name": shop, "uid": uid(&context)}});
    let bound = with(event(shop, "build=success"), &reference);
    scene.create(Kind::Event, &format!("unseen-{number}"), &bound).await;
    let change = json!({"changes": [{"path": "state.log", "op": "Append", "value": "unseen"}]});
    scene.create(Kind::StateWrite, &format!("unseen-{number}"), &with(reference, &change)).await;
}

/// What belongs to the contexts, as it stands.
async fn export(scene: &Scene, tool: Tool, contexts: &[String]) -> Backup {
    let of_ours = |object: &Value| contexts.iter().any(|context| object["spec"]["contextRef"]["name"] == **context);
    let mut backup = Backup { tool, contexts: Vec::new(), events: Vec::new(), state_writes: Vec::new() };
    for context in contexts {
        backup.contexts.push(scene.get(Kind::Context, context).await.unwrap());
    }
    backup.events.extend(scene.list(Kind::Event).await.into_iter().filter(of_ours));
    backup.state_writes.extend(scene.list(Kind::StateWrite).await.into_iter().filter(of_ours));
    backup
}

/// Reasons with which a restored event may end: nothing is sent with any of them. `seen` says whether the operator saw
/// it being restored.
fn reasons(tool: Tool, event: &Value, seen: bool) -> Vec<String> {
    let mut reasons = vec!["StaleOwner".to_owned(), "AlreadyRun".to_owned()];
    if seen && !tool.contexts_first {
        // Of an event that names the UID of its context, and is there before it.
        reasons.push("ContextDeleted".to_owned());
    }
    if tool.status && is(event, "Finished", "True") {
        // It is left as it was: always if nobody could see it without its status.
        let (_, reason, _) = condition(event, "Succeeded");
        if !seen {
            reasons.clear();
        }
        reasons.push(reason);
    }
    reasons
}

#[tokio::test]
async fn a_restored_backup_sends_nothing_again_whatever_the_tool_keeps_and_whichever_comes_first() {
    let mut scene = Scene::new().await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    scene.endpoint("rejects", "/rejects", &json!({})).await;
    scene.receiver.answer("/rejects", cicdcontext_tests::receiver::Answer::json(400, &json!({})));
    let mut names = Vec::new();
    for number in 0..Tool::ALL.len() {
        names.push(originals(&scene, number).await);
    }
    // The backup is made while nobody works.
    scene.stop_operator().await;
    for (number, (shop, _)) in names.iter().enumerate() {
        unseen(&scene, number, shop).await;
    }
    let mut backups = Vec::new();
    for (tool, (shop, held)) in Tool::ALL.into_iter().zip(&names) {
        let backup = export(&scene, tool, &[shop.clone(), held.clone()]).await;
        assert_eq!((backup.events.len(), backup.state_writes.len()), (6, 2), "{tool:?}");
        backups.push(backup);
    }
    for backup in &backups {
        backup.delete(&scene).await;
    }
    let sent = scene.receiver.requests().len();
    assert_eq!(sent, 4 * Tool::ALL.len(), "four of each context's events were sent");
    // Half of it comes back while nobody works, half under the eyes of the operator.
    for backup in backups.iter().step_by(2) {
        backup.restore(&scene).await;
    }
    scene.start_operator(&[]).await;
    for backup in backups.iter().skip(1).step_by(2) {
        backup.restore(&scene).await;
    }

    for (number, backup) in backups.iter().enumerate() {
        for original in &backup.events {
            let now = scene.finished(name(original)).await;
            let (_, reason, _) = condition(&now, "Succeeded");
            let reasons = reasons(backup.tool, original, number % 2 == 1);
            assert!(reasons.contains(&reason), "{:?}, {reasons:?}: {now:#}", backup.tool);
        }
        for original in &backup.state_writes {
            scene.wait_condition(Kind::StateWrite, name(original), "Applied", "False").await;
        }
        let (shop, held) = &names[number];
        // Whatever was held back, or came with an annotation, had been sent before this.
        scene.patch(Kind::Context, held, &json!({"spec": {"suspend": false}})).await;
        for context in [shop, held] {
            scene.annotate(context, &format!("new-{number}-{context}"), "build=success").await;
            let done = scene.finished_annotation(context, &format!("new-{number}-{context}")).await;
            expect_outcome(&done, "Succeeded", "True", "Succeeded", "2 of 2 handlers ran");
        }
        let context = scene.get(Kind::Context, shop).await.unwrap();
        let mut log = backup.contexts[0]["spec"]["state"]["log"].clone();
        log.as_array_mut().unwrap().push(json!(format!("new-{number}-{shop}")));
        assert_eq!(context["spec"]["state"]["log"], log, "{:?}: the state of before and what is new", backup.tool);
        let late = format!("event.cicdcontext.io/late-{number}");
        assert!(context["metadata"]["annotations"].get(&late).is_none(), "{context:#}");
    }
    assert_eq!(scene.receiver.requests().len(), sent + 2 * Tool::ALL.len(), "only what is new was sent");
    scene.others_work().await;
}

#[tokio::test]
async fn an_event_that_history_deleted_is_not_sent_again_when_it_is_restored_beside_its_living_context() {
    let scene = Scene::with_flags(&["--event-minimum-age", "3s"]).await;
    scene.endpoint("chat", "/chat", &json!({})).await;
    let spec = with(tells("chat", "{{event.id}}"), &json!({"eventHistoryLimit": 0}));
    let context = scene.create(Kind::Context, "shop", &spec).await;
    let mut exported = Vec::new();
    for (number, tool) in Tool::ALL.into_iter().take(4).enumerate() {
        let mut bound = event("shop", "build=success");
        // Every other one is of a creator who says whose it is, and so carries no note of the operator.
        if number % 2 == 0 {
            bound["contextRef"]["uid"] = json!(uid(&context));
        }
        exported.push((tool, scene.run(&format!("e-{number}"), &bound).await));
    }
    for (_, event) in &exported {
        scene.wait(Kind::Event, name(event), "is gone", Value::is_null).await;
    }
    // What comes back is to be looked at.
    scene.patch(Kind::Context, "shop", &json!({"spec": {"eventHistoryLimit": 20}})).await;
    for (tool, event) in &exported {
        tool.restore(&scene, Kind::Event, event).await;
    }
    for (tool, event) in &exported {
        let now = scene.finished(name(event)).await;
        let (_, reason, _) = condition(&now, "Succeeded");
        let reasons = reasons(Tool { contexts_first: true, ..*tool }, event, true);
        assert!(reasons.contains(&reason), "{tool:?}, {reasons:?}: {now:#}");
    }
    scene.run("new", &event("shop", "build=success")).await;
    assert_eq!(scene.receiver.requests_to("/chat").len(), exported.len() + 1);
}

#[tokio::test]
async fn an_event_that_names_its_context_s_uid_is_not_sent_again_when_it_is_restored_beside_its_living_context() {
    let scene = Scene::new().await;
    let context = scene.shop().await;
    let mut bound = event("shop", "build=success");
    bound["contextRef"]["uid"] = json!(uid(&context));
    let original = scene.run("e", &bound).await;
    scene.delete(Kind::Event, "e").await;
    scene.wait(Kind::Event, "e", "is gone", Value::is_null).await;
    let tool = Tool { owners: true, status: false, contexts_first: true };
    tool.restore(&scene, Kind::Event, &original).await;
    let now = scene.finished("e").await;
    let (_, reason, _) = condition(&now, "Succeeded");
    assert!(["StaleOwner", "AlreadyRun"].contains(&reason.as_str()), "{now:#}");
    assert_eq!(scene.receiver.requests_to("/chat").len(), 1, "the original's");
}
