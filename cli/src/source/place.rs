//! The place that a command line names.

use cicdcontext_crds::{BaseReference, CicdContext, CicdEndpoint, CicdEvent};
use cicdcontext_delivery::Policy;
use futures::stream::LocalBoxStream;
use json_patch::PatchOperation;

use super::{
    Base, Change, Changed, Configuration, Context, Contexts, Events, SourceError, cluster::Cluster, files::Files,
};
use crate::failure::Failure;

/// One of the places that there are.
#[derive(Clone)]
pub enum Place {
    /// A namespace of a cluster.
    Cluster(Cluster),
    /// A namespace of manifests in files.
    Files(Files),
}

/// Asks whichever place it is.
macro_rules! ask {
    ($place:expr, $name:ident => $ask:expr) => {
        match $place {
            Place::Cluster($name) => $ask,
            Place::Files($name) => $ask,
        }
    };
}

impl Contexts for Place {
    fn namespace(&self) -> &str {
        ask!(self, place => place.namespace())
    }

    async fn context(&self, name: &str) -> Result<Context, SourceError> {
        ask!(self, place => place.context(name).await)
    }

    fn watch_context(&self, name: &str) -> LocalBoxStream<'_, Result<Option<Context>, SourceError>> {
        ask!(self, place => place.watch_context(name))
    }

    async fn create_context(&self, context: &CicdContext) -> Result<(), SourceError> {
        ask!(self, place => place.create_context(context).await)
    }

    async fn delete_context(&self, name: &str, uid: &str) -> Result<(), SourceError> {
        ask!(self, place => place.delete_context(name, uid).await)
    }

    async fn patch_context(&self, name: &str, operations: &[PatchOperation]) -> Result<(), SourceError> {
        ask!(self, place => place.patch_context(name, operations).await)
    }

    async fn change(&self, name: &str, change: &Change) -> Result<Changed, Failure> {
        ask!(self, place => place.change(name, change).await)
    }
}

impl Events for Place {
    fn carries_out_events(&self) -> bool {
        ask!(self, place => place.carries_out_events())
    }

    async fn create_event(&self, event: &CicdEvent) -> Result<CicdEvent, SourceError> {
        ask!(self, place => place.create_event(event).await)
    }

    async fn event(&self, name: &str) -> Result<CicdEvent, SourceError> {
        ask!(self, place => place.event(name).await)
    }

    async fn events(&self, context: Option<&str>) -> Result<Vec<CicdEvent>, SourceError> {
        ask!(self, place => place.events(context).await)
    }

    fn watch_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        ask!(self, place => place.watch_event(name))
    }

    fn observe_event(&self, name: &str) -> LocalBoxStream<'_, Result<Option<CicdEvent>, SourceError>> {
        ask!(self, place => place.observe_event(name))
    }

    fn watch_events(&self, context: Option<&str>) -> LocalBoxStream<'_, Result<CicdEvent, SourceError>> {
        ask!(self, place => place.watch_events(context))
    }

    async fn annotate_event(&self, name: &str, key: &str, value: &str) -> Result<(), SourceError> {
        ask!(self, place => place.annotate_event(name, key, value).await)
    }
}

impl Configuration for Place {
    async fn whole_context(&self, name: &str) -> Result<CicdContext, SourceError> {
        ask!(self, place => place.whole_context(name).await)
    }

    async fn base(&self, reference: &BaseReference) -> Result<Option<Base>, SourceError> {
        ask!(self, place => place.base(reference).await)
    }

    fn egress_policy(&self) -> Option<Policy> {
        ask!(self, place => place.egress_policy())
    }

    async fn endpoint(&self, namespace: &str, name: &str) -> Result<Option<CicdEndpoint>, SourceError> {
        ask!(self, place => place.endpoint(namespace, name).await)
    }
}
