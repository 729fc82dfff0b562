//! Files as a place, played on manifests in a folder with a receiver on loopback.

mod contexts;
mod deliveries;
mod events;
mod interrupted;

use cicdcontext_crds::{CicdEvent, EventPhase, conditions, vocabulary::condition};
use cicdcontext_engine::state::{ChangeSet, Path, PlainChange};
use serde_json::{Value, json};

use super::testing::Scene;
use crate::{
    arguments::Via,
    source::{Change, Contexts},
};

fn hook(name: &str, more: &Value) -> Value {
    let mut handler =
        json!({"name": name, "webhook": {"endpoint": {"name": "chat"}, "body": "{\"v\": \"{{state.version}}\"}"}});
    handler["webhook"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    handler
}

fn reason(event: &CicdEvent) -> String {
    let status = event.status.clone().unwrap();
    let why = conditions::get(&status.conditions, condition::SUCCEEDED).unwrap();
    format!("{:?} {}: {}", status.phase, why.reason, why.message)
}

fn is_waiting(event: &CicdEvent) -> bool {
    event.status.as_ref().is_some_and(|status| status.phase == EventPhase::Retrying)
}

async fn set(scene: &Scene, path: &str, value: Value) {
    let set = ChangeSet { changes: vec![PlainChange::set(Path::parse(path).unwrap(), value)], ..ChangeSet::default() };
    let change = Change { set, via: Via::Auto, timeout: std::time::Duration::from_mins(1) };
    scene.open().change("shop", &change).await.unwrap();
}
