//! Where contexts and events live, as the verbs see it: a cluster, or whatever else can hold them.
//!
//! Verbs know this trait only. It must not know what a verb wants to achieve, and it retries nothing.

pub mod cluster;
mod error;

use cicdcontext_crds::CicdEvent;
use futures::stream::LocalBoxStream;
use json_patch::PatchOperation;
use serde_json::{Map, Value};

pub use error::{Problem, SourceError};

/// What is read of a CicdContext: whatever else is in it, however large or broken, is not looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Its resourceVersion.
    pub resource_version: String,
    /// `spec.state`, if there is one.
    pub state: Option<Map<String, Value>>,
    /// `spec.stateSchema`, if there is one that can be read.
    pub state_schema: Option<Map<String, Value>>,
}

/// A place that holds the contexts and events of one namespace.
pub trait Source {
    /// The namespace.
    fn namespace(&self) -> &str;

    /// Reads a context.
    fn context(&self, name: &str) -> impl Future<Output = Result<Context, SourceError>>;

    /// Applies a JSON patch to a context, all or nothing; [`Problem::Conflict`] if a `test` in it does not hold.
    fn patch_context(&self, name: &str, operations: &[PatchOperation])
    -> impl Future<Output = Result<(), SourceError>>;

    /// Creates an event; [`Problem::AlreadyExists`] if there is one of its name.
    fn create_event(&self, event: &CicdEvent) -> impl Future<Output = Result<CicdEvent, SourceError>>;

    /// Reads an event.
    fn event(&self, name: &str) -> impl Future<Output = Result<CicdEvent, SourceError>>;

    /// What becomes of an event: as it is now, and each change; `None` when it is not there. Lost connections are
    /// taken up again; an error in the stream is final.
    fn watch_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>>;
}
