//! The objects that benchmarks work with: one namespace with a sink, a base, contexts that use it, and events.

use std::time::{Duration, Instant};

use cicdcontext_crds::{CicdContext, CicdEvent, CicdEventSpec, ContextReference, Time};
use k8s_openapi::jiff::Timestamp;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{error::BenchError, load, sink::Sink, stage::Stage};

/// How long something may take that is not measured.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// How many objects are created at once.
const IN_FLIGHT: usize = 16;

/// What the contexts of a scene are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) contexts: usize,
    /// Handlers that each event runs.
    pub(crate) handlers: usize,
    /// How many of them capture something of the answer.
    pub(crate) captures: usize,
    /// Bytes of the configuration that each context uses, beside the handlers.
    pub(crate) configuration: usize,
    /// Bytes of the state of each context.
    pub(crate) state: usize,
    /// How many endpoints there are, and bases: each context uses one, in turn.
    pub(crate) endpoints: usize,
    /// How many finished events each context keeps.
    pub(crate) history: Option<i32>,
}

impl Default for Size {
    fn default() -> Self {
        Self { contexts: 100, handlers: 1, captures: 0, configuration: 1000, state: 1000, endpoints: 1, history: None }
    }
}

/// A namespace with contexts.
pub(crate) struct Scene {
    pub(crate) namespace: String,
    pub(crate) contexts: Api<CicdContext>,
    pub(crate) events: Api<CicdEvent>,
    /// UID of each context, by its number.
    pub(crate) uids: Vec<String>,
}

impl Scene {
    /// Creates the endpoint `sink`, the base `shared` and the contexts. Steps of pipelines are the client. If there are
    /// several endpoints, the others are `sink-1`, with the base `shared-1`, and so on.
    pub(crate) async fn build(stage: &Stage, purpose: &str, sink: &Sink, size: &Size) -> Result<Self, BenchError> {
        let namespace = stage.namespace(purpose).await?;
        for number in 0..size.endpoints {
            create(&stage.admin, &namespace, &endpoint(&numbered("sink", number), &sink.url("/"))).await?;
            create(&stage.admin, &namespace, &base(number, size)).await?;
        }
        let contexts = Api::namespaced(stage.pipeline.clone(), &namespace);
        let events = Api::namespaced(stage.pipeline.clone(), &namespace);
        let mut scene = Self { namespace, contexts, events, uids: Vec::new() };
        scene.grow(size).await?;
        Ok(scene)
    }

    /// Creates contexts until there are as many as this size says.
    pub(crate) async fn grow(&mut self, size: &Size) -> Result<(), BenchError> {
        let first = self.uids.len();
        let uids = std::sync::Mutex::new(vec![String::new(); size.contexts.saturating_sub(first)]);
        let contexts = &self.contexts;
        load::each(IN_FLIGHT, size.contexts.saturating_sub(first), async |index| {
            let number = first + index;
            let created = contexts.create(&PostParams::default(), &context(number, size)).await;
            let created = created.map_err(BenchError::kubernetes(format!("create cctx/{}", name(number))))?;
            uids.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[index] = created.uid().unwrap_or_default();
            Ok(())
        })
        .await?;
        self.uids.extend(uids.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner));
        Ok(())
    }

    /// Asks for the event `built` of a context by an annotation; returns when it is acknowledged.
    pub(crate) async fn annotate(&self, context: usize, id: &str) -> Result<Instant, BenchError> {
        let key = format!("event.cicdcontext.io/{id}");
        self.patch(context, &json!({"metadata": {"annotations": {key: "build=built"}}})).await?;
        Ok(Instant::now())
    }

    /// Patches a context with a merge patch.
    pub(crate) async fn patch(&self, context: usize, patch: &Value) -> Result<(), BenchError> {
        let name = name(context);
        let patched = self.contexts.patch_metadata(&name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(drop).map_err(BenchError::kubernetes(format!("patch cctx/{name}")))
    }

    /// Creates an event of a context, as cicdctl does; returns when it is acknowledged.
    pub(crate) async fn fire(&self, context: usize, event: &str) -> Result<Instant, BenchError> {
        let object = self.event(context, event);
        let created = self.events.create(&PostParams::default(), &object).await;
        created.map_err(BenchError::kubernetes(format!("create cev/{event}")))?;
        Ok(Instant::now())
    }

    /// The event `built` of a context.
    pub(crate) fn event(&self, context: usize, name: &str) -> CicdEvent {
        let spec = CicdEventSpec {
            context_ref: ContextReference { name: self::name(context), uid: self.uids.get(context).cloned() },
            pipeline: Some("build".to_owned()),
            event: Some("built".to_owned()),
            created_at: Some(Time(Timestamp::now())),
            ..CicdEventSpec::default()
        };
        CicdEvent { metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, spec, status: None }
    }
}

/// Creates any object of ours.
pub(crate) async fn create(client: &Client, namespace: &str, object: &Value) -> Result<(), BenchError> {
    let (kind, name) =
        (object["kind"].as_str().unwrap_or_default(), object["metadata"]["name"].as_str().unwrap_or_default());
    // Written here, and as the type has it.
    let dynamic =
        serde_json::from_value(object.clone()).map_err(|error| BenchError::io("write", kind)(error.into()))?;
    let created = any(client, namespace, kind).create(&PostParams::default(), &dynamic).await;
    created.map(drop).map_err(BenchError::kubernetes(format!("create {kind}/{name}")))
}

/// Patches any object of ours with a merge patch; returns when it is acknowledged.
pub(crate) async fn edit(
    client: &Client,
    namespace: &str,
    (kind, name): (&str, &str),
    patch: &Value,
) -> Result<Instant, BenchError> {
    let patched = any(client, namespace, kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.map_err(BenchError::kubernetes(format!("patch {kind}/{name}")))?;
    Ok(Instant::now())
}

fn any(client: &Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource {
        group: "cicdcontext.io".to_owned(),
        version: "v1alpha1".to_owned(),
        api_version: "cicdcontext.io/v1alpha1".to_owned(),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
    };
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// The name of a context, by its number.
pub(crate) fn name(number: usize) -> String {
    format!("run-{number}")
}

/// The first has no number.
fn numbered(name: &str, number: usize) -> String {
    if number == 0 { name.to_owned() } else { format!("{name}-{number}") }
}

/// An endpoint that tells which event it is.
pub(crate) fn endpoint(name: &str, url: &str) -> Value {
    let body = r#"{"event": "{{event.id}}", "text": "{{handler.message}}"}"#;
    let spec = json!({"url": url, "allowHttp": true, "concurrency": 64, "bodies": {"notify": body}});
    object("CicdEndpoint", name, &spec)
}

/// A base with the pipeline `build`, for the endpoint of that number.
fn base(endpoint: usize, size: &Size) -> Value {
    let handler = |number: usize| {
        let message = "built {{state.app}} in {{settings.channel}}";
        let mut notify = json!({"endpoint": {"name": numbered("sink", endpoint)}, "message": message});
        if number < size.captures {
            notify["capture"] = json!([{"path": format!("state.answers.h{number}"), "fromPath": "$.body.ts"}]);
        }
        json!({"name": format!("tell-{number}"), "notify": notify})
    };
    let handlers: Vec<Value> = (0..size.handlers).map(handler).collect();
    let settings = json!({"channel": "#ci", "more": text_of(size.configuration)});
    object(
        "CicdBase",
        &numbered("shared", endpoint),
        &json!({"settings": settings, "pipelines": {"build": {"eventHandlers": {"built": handlers}}}}),
    )
}

/// A context that uses the base.
fn context(number: usize, size: &Size) -> CicdContext {
    let spec = json!({
        "bases": [{"kind": "CicdBase", "name": numbered("shared", number % size.endpoints.max(1))}],
        "state": {"app": format!("shop-{number}"), "more": text_of(size.state)},
        "eventHistoryLimit": size.history,
    });
    CicdContext {
        metadata: ObjectMeta { name: Some(name(number)), ..ObjectMeta::default() },
        // Written above as the type has it.
        spec: serde_json::from_value(spec).unwrap_or_default(),
        status: None,
    }
}

/// An object of ours.
pub(crate) fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "cicdcontext.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// About so many bytes as JSON, in values of the size that real ones have.
pub(crate) fn text_of(bytes: usize) -> Value {
    const ENTRY: usize = r#""k00000":"","#.len() + 40;
    let value = || Value::from("v".repeat(40));
    Value::Object((0..bytes / ENTRY).map(|number| (format!("k{number:05}"), value())).collect())
}
