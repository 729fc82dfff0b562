//! Measurements: printed for people, never asserted, since machines differ. Each stands in a file of its own.

mod latency;
mod memory;
mod size;
mod writes;

use std::thread;

use cicdcontext_crds::{CicdContext, CicdEvent, CicdEventSpec, ContextReference, Time};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    error::DemoError,
    events::Events,
    kubectl::Invocation,
    output::heading,
    scene::Scene,
    services::{MEASURE_PATH, Services},
};

/// Everything that the measurements share.
struct Bench<'a> {
    scene: &'a Scene,
    client: Client,
    contexts: Api<CicdContext>,
    events: Api<CicdEvent>,
    follow: Events,
}

/// Measures everything and prints it.
pub(crate) async fn measure(scene: &Scene, runs: usize) -> Result<(), DemoError> {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    heading(&format!("Measurements on this machine: {cores} cores, {} build", scene.build()));
    let bench = Bench::new(scene).await?;
    latency::measure(&bench, runs.max(1)).await?;
    writes::measure(&bench).await?;
    memory::measure(&bench).await?;
    size::measure();
    Ok(())
}

impl<'a> Bench<'a> {
    async fn new(scene: &'a Scene) -> Result<Self, DemoError> {
        let client = scene.client().await?;
        let bench = Self {
            contexts: Api::namespaced(client.clone(), &scene.measured),
            events: Api::namespaced(client.clone(), &scene.measured),
            follow: Events::follow(client.clone(), &scene.measured),
            scene,
            client,
        };
        bench.apply(&endpoint(&scene.services)).await?;
        Ok(bench)
    }

    /// Applies an object to the namespace of the measurements.
    async fn apply(&self, object: &Value) -> Result<(), DemoError> {
        let apply = Invocation::new(["-n", &self.scene.measured, "apply", "-f", "-"]);
        self.scene.admin.run(&Invocation { input: Some(object.to_string()), ..apply }).await.map(drop)
    }

    /// Creates a context whose pipeline `bench` sends a request on `plain`, and captures something on `captured`;
    /// returns its UID when it is ready.
    async fn context(&self, name: &str) -> Result<String, DemoError> {
        let notify = json!({"endpoint": {"name": "probe"}, "message": "measured"});
        let mut captured = notify.clone();
        captured["capture"] = json!([{"path": "state.ts", "fromPath": "$.body.ts"}]);
        let spec = json!({
            "pipelines": {"bench": {"eventHandlers": {
                "plain": [{"name": "tell", "notify": notify}], "captured": [{"name": "tell", "notify": captured}],
            }}},
            "state": {"value": 0},
        });
        self.apply(&json!({
            "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdContext", "metadata": {"name": name}, "spec": spec,
        }))
        .await?;
        let object = format!("cctx/{name}");
        let wait = ["-n", &self.scene.measured, "wait", "--for=condition=Ready", "--timeout=30s", &object];
        self.scene.admin.run(&Invocation::new(wait)).await?;
        let context = self.contexts.get(name).await.map_err(DemoError::kubernetes(format!("read {object}")))?;
        Ok(context.uid().unwrap_or_default())
    }

    /// Patches a context with a merge patch; it returns when the API server has acknowledged it.
    async fn patch(&self, context: &str, patch: Value) -> Result<(), DemoError> {
        let patched = self.contexts.patch(context, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).map_err(DemoError::kubernetes(format!("patch cctx/{context}")))
    }

    async fn annotate(&self, context: &str, id: &str, event: &str) -> Result<(), DemoError> {
        let key = format!("event.cicdcontext.io/{id}");
        self.patch(context, json!({"metadata": {"annotations": {key: format!("bench={event}")}}})).await
    }

    /// Creates an event that names its context's UID.
    async fn create_event(&self, context: &str, uid: &str, name: &str, event: &str) -> Result<(), DemoError> {
        let spec = CicdEventSpec {
            context_ref: ContextReference { name: context.to_owned(), uid: Some(uid.to_owned()) },
            pipeline: Some("bench".to_owned()),
            event: Some(event.to_owned()),
            created_at: Some(Time(Timestamp::now())),
            ..CicdEventSpec::default()
        };
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let object = CicdEvent { metadata, spec, status: None };
        let created = self.events.create(&PostParams::default(), &object).await;
        created.map(drop).map_err(DemoError::kubernetes(format!("create cev/{name}")))
    }
}

fn endpoint(services: &Services) -> Value {
    json!({
        "apiVersion": "cicdcontext.io/v1alpha1", "kind": "CicdEndpoint", "metadata": {"name": "probe"},
        "spec": {
            "url": services.url(MEASURE_PATH), "allowHttp": true,
            "bodies": {"notify": r#"{"value": {{json state.value}}, "event": "{{event.id}}"}"#},
        },
    })
}

/// A row of the printed table: what, the number, and what it should be.
fn row(what: &str, number: &str, target: &str) {
    println!("{}", format!("  {what:<54} {number:>9}   {target}").trim_end());
}
