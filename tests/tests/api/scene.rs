//! What each test plays in: a namespace of its own, a receiver, and an operator that looks at that namespace only.
//!
//! Nothing here sleeps for a fixed time: what a test waits for is looked at until it is there, or 30 seconds are over.

pub(crate) mod deliveries;
mod install;
mod launch;
pub(crate) mod policies;
mod refusal;
mod replica;
mod told;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::Request;
use cicdcontext_tests::{
    cluster::{Access, Environment, Role, workspace},
    operator::Operator,
    receiver::{Arrived, Receiver},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::object::{Kind, event, expect_outcome, is, name, tells, with};

/// How long anything may take that a test waits for.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// How often an object is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(30);

/// Names of namespaces: one process runs all tests, and several processes may share a cluster.
static SCENES: AtomicU32 = AtomicU32::new(0);

/// A namespace with a receiver, and an operator for it.
pub(crate) struct Scene {
    pub(crate) access: Access,
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) receiver: Receiver,
    operator: Option<Operator>,
    log: PathBuf,
    /// What no namespace takes away with it.
    cluster_bases: Mutex<Vec<String>>,
}

impl Scene {
    /// A scene whose operator has no flags but those that every test needs.
    pub(crate) async fn new() -> Self {
        Self::with_flags(&[]).await
    }

    /// A scene whose operator has these flags, too.
    pub(crate) async fn with_flags(flags: &[&str]) -> Self {
        let mut scene = Self::without_operator().await;
        scene.start_operator(flags).await;
        scene
    }

    /// A scene in which nobody looks at the objects yet.
    pub(crate) async fn without_operator() -> Self {
        let access = Access::from_environment(&Environment::of_this_process()).unwrap();
        Self::on(access).await
    }

    /// A scene on a cluster that is not the one all tests share.
    pub(crate) async fn on(access: Access) -> Self {
        install::kinds_and_roles(&access).await;
        let client = access.client(Role::Admin).await.unwrap();
        let namespace = format!("it-{}-{}", std::process::id(), SCENES.fetch_add(1, Ordering::Relaxed));
        install::namespace(&client, &namespace).await;
        let logs = workspace().join("target/integration");
        std::fs::create_dir_all(&logs).unwrap();
        Self {
            log: logs.join(format!("{namespace}.log")),
            receiver: Receiver::start().await.unwrap(),
            operator: None,
            cluster_bases: Mutex::default(),
            access,
            client,
            namespace,
        }
    }

    /// Kills the operator without a warning.
    pub(crate) async fn kill_operator(&mut self) {
        self.operator.take().expect("an operator runs").kill().await.unwrap();
    }

    /// Stops the operator as Kubernetes does.
    pub(crate) async fn stop_operator(&mut self) {
        let stopped = self.operator.take().expect("an operator runs").stop().await;
        stopped.unwrap_or_else(|error| panic!("{error}"));
    }

    /// What the operator counts, as text.
    pub(crate) async fn metrics(&self) -> String {
        let operator = self.operator.as_ref().expect("an operator runs");
        operator.metrics().await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The value of the metric with this name and labels, 0 if it is not there.
    pub(crate) async fn metric(&self, metric: &str) -> u64 {
        let text = self.metrics().await;
        let found = text.lines().find_map(|line| line.strip_prefix(metric));
        found.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
    }

    /// Waits until the metric has this value: what is counted may be seen before it is.
    pub(crate) async fn counted(&self, metric: &str, value: u64) {
        let look = async || match self.metric(metric).await {
            found if found == value => Ok(()),
            other => Err(other.to_string()),
        };
        self.until(&format!("{metric} is {value}"), look).await;
    }

    /// How much memory the operator's process has, in bytes.
    pub(crate) fn operator_memory(&self) -> u64 {
        let pid = self.operator.as_ref().and_then(Operator::pid).expect("an operator runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// All that the operator has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until the operator has logged `text`: what it did may be seen before it says so.
    pub(crate) async fn logged(&self, text: &str) {
        let look = async || if self.log().contains(text) { Ok(()) } else { Err(self.log()) };
        self.until(&format!("the log says {text:?}"), look).await;
    }

    /// Requests for objects of a kind.
    pub(crate) fn api(&self, kind: Kind) -> Api<DynamicObject> {
        let resource = kind.resource();
        if kind.is_namespaced() {
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
        } else {
            Api::all_with(self.client.clone(), &resource)
        }
    }

    /// Creates an object with a spec.
    pub(crate) async fn create(&self, kind: Kind, name: &str, spec: &Value) -> Value {
        self.create_object(kind, kind.object(name, spec)).await
    }

    /// Creates a complete object.
    pub(crate) async fn create_object(&self, kind: Kind, object: Value) -> Value {
        if kind == Kind::ClusterBase {
            self.cluster_bases.lock().unwrap().push(name(&object).to_owned());
        }
        let shown = object.to_string();
        self.try_create(kind, object).await.unwrap_or_else(|error| panic!("create {shown}: {error}"))
    }

    /// Creates a complete object, or gives the message with which it is refused.
    pub(crate) async fn try_create(&self, kind: Kind, object: Value) -> Result<Value, String> {
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let created = self.api(kind).create(&PostParams::default(), &object).await;
        created.map(as_value).map_err(message)
    }

    /// Changes an object by a merge patch.
    pub(crate) async fn patch(&self, kind: Kind, name: &str, patch: &Value) -> Value {
        self.try_patch(kind, name, patch).await.unwrap_or_else(|error| panic!("patch {name} with {patch}: {error}"))
    }

    /// Changes an object by a merge patch, or gives the message with which that is refused.
    pub(crate) async fn try_patch(&self, kind: Kind, name: &str, patch: &Value) -> Result<Value, String> {
        let patched = self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map(as_value).map_err(message)
    }

    /// Changes an object by a JSON patch, or gives the message with which that is refused.
    pub(crate) async fn json_patch(&self, kind: Kind, name: &str, operations: &Value) -> Result<(), String> {
        let body = operations.to_string();
        let request = Request::patch(format!("{}/{name}", self.path(kind)));
        let request = request.header("content-type", "application/json-patch+json").body(body.into_bytes()).unwrap();
        self.client.request_text(request).await.map(drop).map_err(message)
    }

    /// Creates an object that is given as text.
    pub(crate) async fn create_text(&self, kind: Kind, object: String) {
        let request = Request::post(self.path(kind)).header("content-type", "application/json");
        self.client.request_text(request.body(object.into_bytes()).unwrap()).await.unwrap();
    }

    /// Where the objects of a kind are.
    fn path(&self, kind: Kind) -> String {
        let resource = kind.resource();
        let root = if resource.group.is_empty() { "/api" } else { "/apis" };
        format!("{root}/{}/namespaces/{}/{}", resource.api_version, self.namespace, resource.plural)
    }

    /// Waits until the status of a context names a reason, and gives the object without its spec, which may be nested
    /// deeper than JSON is read here.
    pub(crate) async fn deep_status(&self, context: &str, reason: &str) -> Value {
        let path = format!("{}/{context}", self.path(Kind::Context));
        let look = async || {
            let request = Request::get(&path).body(Vec::new()).unwrap();
            let text = self.client.request_text(request).await.unwrap();
            let object: Shallow = serde_json::from_str(&text).unwrap();
            if object.status.to_string().contains(reason) { Ok(json!({"status": object.status})) } else { Err(text) }
        };
        self.until(&format!("the status of {context} says {reason}"), look).await
    }

    /// Adds an event annotation to a context, as a pipeline does.
    pub(crate) async fn annotate(&self, context: &str, id: &str, value: &str) -> Value {
        let annotation = format!("event.cicdcontext.io/{id}");
        self.patch(Kind::Context, context, &json!({"metadata": {"annotations": {annotation: value}}})).await
    }

    /// Deletes an object. A garbage collector may have been quicker.
    pub(crate) async fn delete(&self, kind: Kind, name: &str) {
        match self.api(kind).delete(name, &DeleteParams::background()).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            deleted => drop(deleted.unwrap()),
        }
    }

    /// Reads an object.
    pub(crate) async fn get(&self, kind: Kind, name: &str) -> Option<Value> {
        self.api(kind).get_opt(name).await.unwrap().map(as_value)
    }

    /// All objects of a kind, each as it is.
    pub(crate) async fn list(&self, kind: Kind) -> Vec<Value> {
        let list = self.api(kind).list(&ListParams::default()).await.unwrap();
        list.items.into_iter().map(as_value).collect()
    }

    /// Waits until an object is as it should be; `what` says how that is.
    pub(crate) async fn wait(&self, kind: Kind, name: &str, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
        let look = async || {
            let found = self.get(kind, name).await.unwrap_or_default();
            if reached(&found) { Ok(found) } else { Err(format!("{found:#}")) }
        };
        self.until(&format!("{kind:?} {name} {what}"), look).await
    }

    /// Looks again and again until there is something; what was seen last is quoted if it never is.
    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFnMut() -> Result<T, String>) -> T {
        self.until_within(DEADLINE, what, look).await
    }

    /// The same for what takes longer.
    pub(crate) async fn until_within<T>(
        &self,
        deadline: Duration,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<T, String>,
    ) -> T {
        let begun = Instant::now();
        loop {
            let last = match look().await {
                Ok(found) => return found,
                Err(last) => last,
            };
            if begun.elapsed() > deadline {
                let tail = self.operator.as_ref().map(Operator::tail).unwrap_or_default();
                let (seconds, log) = (deadline.as_secs(), self.log.display());
                panic!("wait until {what}: not within {seconds} s; the end of {log}:\n{tail}\nlast seen: {last}");
            }
            sleep(POLL).await;
        }
    }

    /// Waits until a condition of an object has a status.
    pub(crate) async fn wait_condition(&self, kind: Kind, name: &str, condition: &str, status: &str) -> Value {
        self.wait(kind, name, &format!("has {condition}={status}"), |object| is(object, condition, status)).await
    }

    /// Waits until an event is finished.
    pub(crate) async fn finished(&self, event: &str) -> Value {
        self.wait_condition(Kind::Event, event, "Finished", "True").await
    }

    /// The events of a context that were made from the annotation with this id.
    pub(crate) async fn events_of(&self, context: &str, id: &str) -> Vec<Value> {
        let events = self.list(Kind::Event).await.into_iter();
        let made_from = |event: &Value| event["metadata"]["annotations"]["cicdcontext.io/source-id"] == id;
        events.filter(|event| event["spec"]["contextRef"]["name"] == context && made_from(event)).collect()
    }

    /// Waits until an annotation has become an event and is gone, and gives the event.
    pub(crate) async fn taken_in(&self, context: &str, id: &str) -> Value {
        let annotation = format!("event.cicdcontext.io/{id}");
        self.wait(Kind::Context, context, &format!("has no annotation {annotation}"), |object| {
            object.is_object() && object["metadata"]["annotations"].get(&annotation).is_none()
        })
        .await;
        let events = self.events_of(context, id).await;
        assert_eq!(events.len(), 1, "events of annotation {id}: {events:#?}");
        events.into_iter().next().unwrap()
    }

    /// Waits until the event of an annotation is finished.
    pub(crate) async fn finished_annotation(&self, context: &str, id: &str) -> Value {
        let taken_in = self.taken_in(context, id).await;
        self.finished(name(&taken_in)).await
    }

    /// Waits for requests to a path.
    pub(crate) async fn arrived(&self, path: &str, count: usize) -> Vec<Arc<Arrived>> {
        self.receiver.wait_for(path, count, DEADLINE).await.unwrap_or_else(|late| {
            let tail = self.operator.as_ref().map(Operator::tail).unwrap_or_default();
            panic!("{late}; the end of {}:\n{tail}", self.log.display())
        })
    }

    /// Waits until so many requests have arrived, wherever.
    pub(crate) async fn arrived_in_all(&self, count: usize) -> Vec<Arc<Arrived>> {
        let look = async || {
            let arrived = self.receiver.requests();
            if arrived.len() >= count { Ok(arrived) } else { Err(format!("{arrived:?}")) }
        };
        self.until(&format!("{count} requests have arrived"), look).await
    }

    /// Takes a ClusterCicdBase away with the scene: no namespace does.
    pub(crate) fn remove_later(&self, cluster_base: &str) {
        self.cluster_bases.lock().unwrap().push(cluster_base.to_owned());
    }

    /// Creates an endpoint that leads to a path of the receiver and sends `{"text": <message>}`.
    pub(crate) async fn endpoint(&self, name: &str, path: &str, more: &Value) -> Value {
        let spec = json!({
            "url": self.receiver.url(path), "allowHttp": true,
            "bodies": {"notify": r#"{"text": "{{handler.message}}"}"#},
            // Tests that are about something else see at once what came of an attempt.
            "retry": {"maxAttempts": 1},
        });
        self.create(Kind::Endpoint, name, &with(spec, more)).await
    }

    /// Creates a Secret with these texts.
    pub(crate) async fn secret(&self, name: &str, texts: &Value) {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts});
        self.create_object(Kind::Secret, object).await;
    }

    /// Creates the context `shop`, whose events build=success go to `/chat` as `{"text": "built 1.4"}`.
    pub(crate) async fn shop(&self) -> Value {
        self.shop_with(&json!({})).await
    }

    /// The same with more in its spec.
    pub(crate) async fn shop_with(&self, more: &Value) -> Value {
        self.endpoint("chat", "/chat", &json!({})).await;
        let spec = with(tells("chat", "built {{state.tag}}"), &json!({"state": {"tag": "1.4"}}));
        self.create(Kind::Context, "shop", &with(spec, more)).await
    }

    /// Creates an event and waits until it is finished.
    pub(crate) async fn run(&self, name: &str, spec: &Value) -> Value {
        self.create(Kind::Event, name, spec).await;
        self.finished(name).await
    }

    /// Fails unless another context of this namespace works as ever.
    pub(crate) async fn others_work(&self) {
        static ROUND: AtomicU32 = AtomicU32::new(0);
        let other = format!("other-{}", ROUND.fetch_add(1, Ordering::Relaxed));
        self.endpoint(&other, &format!("/{other}"), &json!({})).await;
        let spec = with(tells(&other, "built {{state.tag}}"), &json!({"state": {"tag": "1.4"}}));
        self.create(Kind::Context, &other, &spec).await;
        let done = self.run(&other, &event(&other, "build=success")).await;
        expect_outcome(&done, "Succeeded", "True", "Succeeded", "1 of 1 handlers ran");
        let arrived = self.receiver.requests_to(&format!("/{other}"));
        assert_eq!(arrived.len(), 1, "{arrived:?}");
        assert_eq!(arrived[0].body, json!({"text": "built 1.4"}));
    }

    /// Fails if anything was sent to a path.
    #[track_caller]
    pub(crate) fn nothing_sent_to(&self, path: &str) {
        let arrived = self.receiver.requests_to(path);
        assert!(arrived.is_empty(), "nothing may be sent to {path}: {arrived:?}");
    }
}

/// An object of which only the status is read.
#[derive(serde::Deserialize)]
struct Shallow {
    #[serde(default)]
    status: Value,
}

/// The object without its managedFields, which nobody wants to read where a test fails.
fn as_value(mut object: DynamicObject) -> Value {
    object.metadata.managed_fields = None;
    serde_json::to_value(object).unwrap()
}

/// The message of the API server, as a person sees it.
fn message(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        other => other.to_string(),
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // The log of a test that failed is named in its message.
        if !std::thread::panicking() {
            std::fs::remove_file(&self.log).ok();
            replica::remove_logs(&self.log);
        }
        let bases = std::mem::take(&mut *self.cluster_bases.lock().unwrap());
        install::remove(&self.access, &self.namespace, &bases);
    }
}
