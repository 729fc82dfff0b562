//! The floor: what this API server does with nothing of ours in the way but one watcher. Everything else is compared with
//! what is measured here, in the same run.

use std::time::Duration;

use cicdcontext_crds::CicdEvent;
use futures::StreamExt;
use kube::{
    Api,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams, Preconditions},
    runtime::{
        WatchStreamExt,
        watcher::{self, watcher},
    },
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    error::BenchError,
    load::{self, Load},
    report::{
        Section,
        figure::{Figure, Unit},
    },
    scene::{Scene, Size},
    sink::Sink,
    stage::Stage,
};

/// How many requests are in flight.
const IN_FLIGHT: [usize; 3] = [1, 8, 64];
/// How many events there are whose status is patched in turn: enough of them that nobody waits for another one's patch.
const STATUSES: usize = 128;
const METHOD: &str = "Creates of CicdEvents, patches of their status, as large as the operator writes it, and merge patches of one \
    annotation of 100 CicdContexts in turn; one client, one watcher of events, no operator.";

/// A namespace in which nothing of ours works: events of it stay as they are.
pub(crate) struct Floor {
    scene: Scene,
    /// Steps of pipelines may not write status.
    statuses: Api<CicdEvent>,
    watcher: JoinHandle<()>,
    sequence: std::sync::atomic::AtomicU64,
}

/// What is done, all of it one after the other, and counted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// A create.
    Create,
    /// A status patch of an event that is there.
    Status,
    /// A merge patch of a context.
    Merge,
    /// A create and a delete, which a CicdStateWrite costs at least.
    Passing,
    /// What an event by object costs at least: its create and its status.
    Object,
    /// What an event by annotation costs at least: the annotation, the event's create, the annotation's removal with the
    /// ledger, and the status.
    Annotation,
}

impl Floor {
    /// Creates 100 contexts, and begins to watch events.
    pub(crate) async fn prepare(stage: &Stage, sink: &Sink) -> Result<Self, BenchError> {
        let scene = Scene::build(stage, "floor", sink, &Size::default()).await?;
        let events: Api<CicdEvent> = Api::namespaced(stage.admin.clone(), &scene.namespace);
        let statuses = events.clone();
        // Read and thrown away, as somebody does who only looks on.
        let seen = watcher(events, watcher::Config::default()).default_backoff();
        let watcher = tokio::spawn(async move { seen.for_each(|_| async {}).await });
        Ok(Self { scene, statuses, watcher, sequence: std::sync::atomic::AtomicU64::default() })
    }

    /// Does the same again and again.
    pub(crate) async fn run(&self, cost: Cost, in_flight: usize, window: Duration) -> Result<Load, BenchError> {
        let prepared = match cost {
            Cost::Status => {
                let mut created = Vec::new();
                for _ in 0..STATUSES {
                    created.push(self.create(&self.fresh()).await?);
                }
                created
            }
            _ => Vec::new(),
        };
        load::run(in_flight, window, async |number| {
            let turn = usize::try_from(number).unwrap_or_default();
            let context = turn % self.scene.uids.len();
            match cost {
                Cost::Create => self.create(&self.fresh()).await.map(drop),
                Cost::Status => self.status(&prepared[turn % prepared.len()], false, number).await,
                Cost::Merge => self.merge(context, number).await,
                Cost::Passing => {
                    let created = self.create(&self.fresh()).await?;
                    self.delete(created).await
                }
                Cost::Object => {
                    let created = self.create(&self.fresh()).await?;
                    self.status(&created, true, number).await
                }
                Cost::Annotation => {
                    let event = self.fresh();
                    self.scene.annotate(context, &event).await?;
                    let created = self.create(&event).await?;
                    self.take_away(context, &event).await?;
                    self.status(&created, true, number).await
                }
            }
        })
        .await
    }

    /// How long one create takes.
    pub(crate) async fn one_create(&self) -> Result<Duration, BenchError> {
        let begun = std::time::Instant::now();
        self.create(&self.fresh()).await?;
        Ok(begun.elapsed())
    }

    fn fresh(&self) -> String {
        format!("floor-{}", self.sequence.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    async fn create(&self, name: &str) -> Result<ObjectMeta, BenchError> {
        let created = self.scene.events.create(&PostParams::default(), &self.scene.event(0, name)).await;
        created.map(|event| event.metadata).map_err(BenchError::kubernetes(format!("create cev/{name}")))
    }

    async fn merge(&self, context: usize, number: u64) -> Result<(), BenchError> {
        self.scene.patch(context, &json!({"metadata": {"annotations": {"floor": number.to_string()}}})).await
    }

    /// As the operator writes it; `exactly` on top of that very version.
    async fn status(&self, event: &ObjectMeta, exactly: bool, number: u64) -> Result<(), BenchError> {
        let name = event.name.as_deref().unwrap_or_default();
        let mut operations = vec![json!({"op": "test", "path": "/metadata/uid", "value": event.uid})];
        if exactly {
            operations
                .push(json!({"op": "test", "path": "/metadata/resourceVersion", "value": event.resource_version}));
        }
        operations.push(json!({"op": "add", "path": "/status", "value": status(number)}));
        // Written above as the type has it.
        let patch: json_patch::Patch = serde_json::from_value(operations.into()).unwrap_or_default();
        let patched = self.statuses.patch_status(name, &PatchParams::default(), &Patch::<()>::Json(patch)).await;
        patched.map(drop).map_err(BenchError::kubernetes(format!("patch the status of cev/{name}")))
    }

    /// As the operator deletes: only this very object.
    async fn delete(&self, event: ObjectMeta) -> Result<(), BenchError> {
        let name = event.name.unwrap_or_default();
        let exactly = Preconditions { uid: event.uid, resource_version: None };
        let deleted = self.statuses.delete(&name, &DeleteParams::background().preconditions(exactly)).await;
        deleted.map(drop).map_err(BenchError::kubernetes(format!("delete cev/{name}")))
    }

    async fn take_away(&self, context: usize, id: &str) -> Result<(), BenchError> {
        let ledger = json!({"ids": [format!("{id}:0d3ba0a0-2a8b-4d5e-9d2e-4f4f4a7c8b1e")]}).to_string();
        let annotations = json!({format!("event.cicdcontext.io/{id}"): null, "cicdcontext.io/applied": ledger});
        self.scene.patch(context, &json!({"metadata": {"annotations": annotations}})).await
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

/// A status as large as that of an event whose one handler succeeded.
fn status(number: u64) -> Value {
    let time = "2026-01-01T00:00:00Z";
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": "Succeeded", "message": "1 handler succeeded",
            "lastTransitionTime": time, "observedGeneration": 1})
    };
    json!({
        "phase": "Succeeded", "order": number, "startTime": time, "completionTime": time, "observedGeneration": 1,
        "conditions": [condition("Finished"), condition("Succeeded")],
        "handlers": [{"name": "tell-0", "type": "notify", "phase": "Succeeded", "attempts": 1, "httpStatus": 200,
            "durationMs": 1, "webhookId": "msg_0d3ba0a02a8b4d5e9d2e4f4f4a7c8b1e", "endpoint": "sink"}],
    })
}

/// Measures each kind of write with 1, 8 and 64 in flight.
pub(crate) async fn measure(stage: &Stage, floor: &Floor) -> Result<Section, BenchError> {
    let mut section = Section::new("floor", "Floor: this API server without us", METHOD);
    let (window, repetitions) = (stage.length.window(1, 3), stage.length.pick(1, 3));
    let kinds = [("creates", Cost::Create), ("status patches", Cost::Status), ("merge patches", Cost::Merge)];
    for in_flight in IN_FLIGHT {
        let mut rows = [const { Vec::new() }; 3];
        // In turn, so that whatever else the machine does meets all alike.
        for _ in 0..repetitions {
            for (row, (_, cost)) in rows.iter_mut().zip(kinds) {
                row.push(floor.run(cost, in_flight, window).await?);
            }
        }
        for (row, (what, _)) in rows.iter().zip(kinds) {
            let at = |figure: Figure| figure.at(format!("{in_flight} in flight"), load::number(in_flight));
            let durations: Vec<Duration> = row.iter().flat_map(|load| load.durations.iter().copied()).collect();
            section.push(at(Figure::of(what, Unit::PerSecond, row.iter().map(Load::per_second))));
            section.push(at(Figure::percentile(format!("{what}, p50"), &durations, 50)));
            section.push(at(Figure::percentile(format!("{what}, p99"), &durations, 99)));
        }
    }
    Ok(section)
}
