//! A source without a cluster: it holds one context and its events, and applies patches as the API server does.

mod configuration;
pub(crate) mod state_writes;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use cicdcontext_crds::{BaseReference, CicdContext, CicdEvent, CicdStateWrite, ConfigurationBlock};
use futures::{
    StreamExt,
    stream::{self, LocalBoxStream},
};
use json_patch::PatchOperation;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    source::{Change, Changed, Context, Contexts, Events, Problem, SourceError, cluster::change::by_patch},
};

/// The UID of the context.
const UID: &str = "u1";

/// One context and its events.
#[derive(Default)]
pub(crate) struct Fake {
    /// The state of the context `shop`.
    pub(crate) state: RefCell<Value>,
    /// Its schema.
    pub(crate) state_schema: Option<Value>,
    /// The conditions of its status.
    pub(crate) conditions: RefCell<Vec<Condition>>,
    /// How many patches fail because somebody else was faster, and changed `state.other`.
    pub(crate) interference: Cell<usize>,
    /// Patches that were asked for.
    pub(crate) patches: RefCell<Vec<Value>>,
    /// Whether patches are carried out, and nobody says so.
    pub(crate) loses_answers: bool,
    /// Events that were created, or are there from the start.
    pub(crate) events: RefCell<Vec<CicdEvent>>,
    /// What a watch sees after the event itself.
    pub(crate) changes: RefCell<Vec<Option<CicdEvent>>>,
    /// What a watch of the context sees after the context itself.
    pub(crate) contexts: RefCell<Vec<Option<Context>>>,
    /// Whether it is like a source without an operator.
    pub(crate) carries_out_events: bool,
    /// Contexts that were created.
    pub(crate) created: RefCell<Vec<CicdContext>>,
    /// Annotations of the context.
    pub(crate) annotations: RefCell<BTreeMap<String, String>>,
    /// Bases, by name: what they build on, and their block.
    pub(crate) bases: BTreeMap<String, (Vec<BaseReference>, ConfigurationBlock)>,
    /// State writes that are there.
    pub(crate) writes: RefCell<Vec<CicdStateWrite>>,
    /// Creates of state writes that were asked for.
    pub(crate) creates: RefCell<Vec<CicdStateWrite>>,
    /// What happens to the next creates of state writes, the last one first.
    pub(crate) faults: RefCell<Vec<state_writes::Fault>>,
    /// What becomes of state writes.
    pub(crate) operator: state_writes::Operator,
}

impl Fake {
    pub(crate) fn new(state: Value) -> Self {
        Self { state: RefCell::new(state), ..Self::default() }
    }

    fn fail<T>(request: &str, problem: Problem) -> Result<T, SourceError> {
        Err(SourceError { request: request.to_owned(), problem })
    }
}

impl Contexts for Fake {
    fn namespace(&self) -> &'static str {
        "default"
    }

    async fn context(&self, name: &str) -> Result<Context, SourceError> {
        if name != "shop" {
            return Self::fail("get CicdContext", Problem::NotFound(format!("{name} not found")));
        }
        let state = self.state.borrow().as_object().cloned();
        let state_schema = self.state_schema.as_ref().and_then(Value::as_object).cloned();
        let (name, uid, resource_version) = (name.to_owned(), UID.to_owned(), "7".to_owned());
        let (conditions, annotations) = (self.conditions.borrow().clone(), self.annotations.borrow().clone());
        Ok(Context { name, uid, resource_version, annotations, state, state_schema, conditions })
    }

    async fn patch_context(&self, _: &str, operations: &[PatchOperation]) -> Result<(), SourceError> {
        self.patches.borrow_mut().push(serde_json::to_value(operations).unwrap());
        if self.interference.get() > 0 {
            self.interference.set(self.interference.get() - 1);
            self.state.borrow_mut()["other"] = json!(self.interference.get());
            return Self::fail("patch CicdContext shop", Problem::Conflict);
        }
        let mut object = json!({"spec": {}, "metadata": {"resourceVersion": "7", "uid": UID}});
        if !self.annotations.borrow().is_empty() {
            object["metadata"]["annotations"] = json!(*self.annotations.borrow());
        }
        if !self.state.borrow().is_null() {
            object["spec"]["state"] = self.state.borrow().clone();
        }
        // Unlike RFC 6902, the API server's `test` of null passes for an absent member.
        let operations: Vec<PatchOperation> = operations
            .iter()
            .filter(|operation| match operation {
                PatchOperation::Test(test) => !(test.value.is_null() && object.pointer(test.path.as_str()).is_none()),
                _ => true,
            })
            .cloned()
            .collect();
        if json_patch::patch(&mut object, &operations).is_err() {
            return Self::fail("patch CicdContext shop", Problem::Conflict);
        }
        *self.state.borrow_mut() = object["spec"]["state"].clone();
        let annotations = object["metadata"]["annotations"].take();
        *self.annotations.borrow_mut() = serde_json::from_value(annotations).unwrap_or_default();
        if self.loses_answers {
            return Self::fail("patch CicdContext shop", Problem::Timeout { after: Duration::ZERO, changes: true });
        }
        Ok(())
    }

    fn watch_context(&self, name: &str) -> LocalBoxStream<'_, Result<Option<Context>, SourceError>> {
        let name = name.to_owned();
        let changes: Vec<_> = self.contexts.borrow().iter().cloned().map(Ok).collect();
        let first = stream::once(async move { Ok(self.context(&name).await.ok()) });
        first.chain(stream::iter(changes)).chain(stream::pending()).boxed_local()
    }

    async fn create_context(&self, context: &CicdContext) -> Result<(), SourceError> {
        if context.metadata.name.as_deref() == Some("shop") {
            return Self::fail("create CicdContext shop", Problem::AlreadyExists);
        }
        self.created.borrow_mut().push(context.clone());
        Ok(())
    }

    async fn delete_context(&self, _: &str, uid: &str) -> Result<(), SourceError> {
        if uid == UID { Ok(()) } else { Self::fail("delete CicdContext shop", Problem::Conflict) }
    }

    async fn change(&self, name: &str, change: &Change) -> Result<Changed, Failure> {
        by_patch(self, name, change, std::iter::empty()).await
    }
}

impl Events for Fake {
    fn carries_out_events(&self) -> bool {
        self.carries_out_events
    }

    async fn create_event(&self, event: &CicdEvent) -> Result<CicdEvent, SourceError> {
        let mut events = self.events.borrow_mut();
        if events.iter().any(|known| known.metadata.name == event.metadata.name) {
            return Self::fail("create CicdEvent", Problem::AlreadyExists);
        }
        events.push(event.clone());
        Ok(event.clone())
    }

    async fn event(&self, name: &str) -> Result<CicdEvent, SourceError> {
        let found = self.events.borrow().iter().find(|event| event.metadata.name.as_deref() == Some(name)).cloned();
        found.map_or_else(|| Self::fail("get CicdEvent", Problem::NotFound(format!("{name} not found"))), Ok)
    }

    fn watch_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        let first = self.events.borrow().iter().find(|event| event.metadata.name.as_deref() == Some(name)).cloned();
        let seen: Vec<_> = [first].into_iter().chain(self.changes.borrow().clone()).map(Ok).collect();
        stream::iter(seen).chain(stream::pending()).boxed_local()
    }

    async fn events(&self, _: Option<&str>) -> Result<Vec<CicdEvent>, SourceError> {
        Ok(self.events.borrow().clone())
    }

    fn watch_events(&self, _: Option<&str>) -> LocalBoxStream<'_, Result<CicdEvent, SourceError>> {
        let known = self.events.borrow().clone();
        let seen: Vec<_> = known.into_iter().chain(self.changes.borrow().iter().flatten().cloned()).map(Ok).collect();
        stream::iter(seen).chain(stream::pending()).boxed_local()
    }

    async fn annotate_event(&self, name: &str, key: &str, value: &str) -> Result<(), SourceError> {
        let mut events = self.events.borrow_mut();
        let Some(event) = events.iter_mut().find(|event| event.metadata.name.as_deref() == Some(name)) else {
            return Self::fail("patch CicdEvent", Problem::NotFound(format!("{name} not found")));
        };
        event.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}
