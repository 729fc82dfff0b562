//! Where contexts, events and configuration live, as the verbs see it: a cluster, or manifests in files.
//!
//! Verbs know the traits only, each the one that it needs; but for those that are about manifests as such. A source must not know what a verb wants to achieve.

pub mod cluster;
mod error;
#[cfg(test)]
pub(crate) mod fake;
pub mod files;
mod place;
mod plan;

use std::{collections::BTreeMap, time::Duration};

use cicdcontext_crds::{
    BaseReference, CicdContext, CicdEndpoint, CicdEvent, ConfigurationBlock,
    vocabulary::{GROUP, VERSION},
};
use cicdcontext_delivery::Policy;
use cicdcontext_engine::state::{ChangeSet, Ledger, LedgerState, SchemaError};
use futures::stream::LocalBoxStream;
use json_patch::PatchOperation;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference};
use serde_json::{Map, Value};

pub use error::{Problem, SourceError};
pub use place::Place;

use crate::{arguments::Via, failure::Failure};

/// What is read of a CicdContext: whatever else is in it, however large or broken, is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// `spec.state`, if there is one.
    pub state: Option<Map<String, Value>>,
    /// `spec.stateSchema`, if there is one that can be read.
    pub state_schema: Option<Map<String, Value>>,
    /// The conditions of its status.
    pub conditions: Vec<Condition>,
}

impl Context {
    /// Whether an event of this name has run, as far as the ledger goes back: the last 128 that history deleted, or that came
    /// from an annotation.
    pub fn has_run(&self, event: &str) -> bool {
        match Ledger::of(Some(&self.annotations), &self.uid) {
            LedgerState::Ours(ledger) => ledger.knows_event_name(event),
            _ => false,
        }
    }

    /// What makes an object the context's, so that it goes with it.
    pub fn owner(&self) -> OwnerReference {
        // Neither controller nor blockOwnerDeletion: the latter needs rights on the owner that a pipeline lacks.
        OwnerReference {
            api_version: format!("{GROUP}/{VERSION}"),
            kind: "CicdContext".to_owned(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            ..OwnerReference::default()
        }
    }
}

/// A change of the state of one context, and how to make it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The changes and their preconditions, all or none.
    pub set: ChangeSet,
    /// By whom.
    pub via: Via,
    /// How long the operator is waited for.
    pub timeout: Duration,
}

/// What came of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// The paths that were changed, in order; none if everything was so already.
    pub paths: Vec<String>,
    /// How many patches were tried.
    pub attempts: usize,
    /// The CicdStateWrite that did it, if the operator did.
    pub state_write: Option<String>,
    /// Why the context's schema was not asked, if it has one that cannot be used.
    pub unusable_schema: Option<SchemaError>,
}

/// Contexts of one namespace.
pub trait Contexts {
    /// The namespace.
    fn namespace(&self) -> &str;

    /// Reads of a context what the state is about.
    fn context(&self, name: &str) -> impl Future<Output = Result<Context, SourceError>>;

    /// A context as it is now, and each change; `None` when it is not there. Lost connections are taken up again; an
    /// error in the stream is final.
    fn watch_context(&self, name: &str) -> LocalBoxStream<'_, Result<Option<Context>, SourceError>>;

    /// Creates a context; [`Problem::AlreadyExists`] if there is one of its name.
    fn create_context(&self, context: &CicdContext) -> impl Future<Output = Result<(), SourceError>>;

    /// Deletes the context of this name and UID, and its events; [`Problem::Conflict`] if another UID is there.
    fn delete_context(&self, name: &str, uid: &str) -> impl Future<Output = Result<(), SourceError>>;

    /// Applies a JSON patch to a context, all or nothing; [`Problem::Conflict`] if a `test` in it does not hold.
    fn patch_context(&self, name: &str, operations: &[PatchOperation])
    -> impl Future<Output = Result<(), SourceError>>;

    /// Changes the state, all or nothing, and loses no change of anybody else.
    fn change(&self, name: &str, change: &Change) -> impl Future<Output = Result<Changed, Failure>>;
}

/// Events of one namespace.
pub trait Events {
    /// Whether whoever watches an event carries it out by that: there is no operator that does.
    fn carries_out_events(&self) -> bool;

    /// Creates an event; [`Problem::AlreadyExists`] if there is one of its name.
    fn create_event(&self, event: &CicdEvent) -> impl Future<Output = Result<CicdEvent, SourceError>>;

    /// Reads an event.
    fn event(&self, name: &str) -> impl Future<Output = Result<CicdEvent, SourceError>>;

    /// The events of a context, or of all, oldest first.
    fn events(&self, context: Option<&str>) -> impl Future<Output = Result<Vec<CicdEvent>, SourceError>>;

    /// What becomes of an event: as it is now, and each change; `None` when it is not there. Lost connections are
    /// taken up again; an error in the stream is final.
    fn watch_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>>;

    /// The same for who only looks: carries out nothing, wherever it is.
    fn observe_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        self.watch_event(name)
    }

    /// The events of a context, or of all: each as it is now, and again with each change.
    fn watch_events(&self, context: Option<&str>) -> LocalBoxStream<'_, Result<CicdEvent, SourceError>>;

    /// Sets an annotation of an event.
    fn annotate_event(&self, name: &str, key: &str, value: &str) -> impl Future<Output = Result<(), SourceError>>;
}

/// Configuration: whole contexts, and what they refer to.
pub trait Configuration {
    /// Reads the whole of a context.
    fn whole_context(&self, name: &str) -> impl Future<Output = Result<CicdContext, SourceError>>;

    /// Reads a base: what it builds on, and its block. None if there is none.
    fn base(&self, reference: &BaseReference) -> impl Future<Output = Result<Option<Base>, SourceError>>;

    /// Reads an endpoint of a namespace. None if there is none.
    fn endpoint(&self, namespace: &str, name: &str) -> impl Future<Output = Result<Option<CicdEndpoint>, SourceError>>;

    /// Where requests may go. None if that is not known here: an operator sends, and its flags say it.
    fn egress_policy(&self) -> Option<Policy> {
        None
    }
}

/// What a base builds on, and its block; or why it cannot be read.
pub type Base = Result<(Vec<BaseReference>, ConfigurationBlock), String>;
