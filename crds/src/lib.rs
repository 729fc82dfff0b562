//! The API of the CicdContext operator: the six kinds of `cicdcontext.io/v1alpha1`, the vocabulary that they share,
//! and the CustomResourceDefinitions generated from them.
//!
//! This crate knows shapes, names and limits. It knows no client, evaluates no template and changes no state; that is
//! the work of `cicdcontext-engine` and of the programs built on it.
//!
//! ```
//! use cicdcontext_crds::{CicdContext, CicdContextSpec};
//!
//! let context: CicdContext = serde_json::from_value(serde_json::json!({
//!     "apiVersion": "cicdcontext.io/v1alpha1",
//!     "kind": "CicdContext",
//!     "metadata": {"name": "shop-1-4"},
//!     "spec": {"context": "stage", "state": {"appName": "shop"}},
//! }))?;
//! assert_eq!(context.spec.context.as_deref(), Some("stage"));
//! # Ok::<(), serde_json::Error>(())
//! ```

pub mod base;
pub mod change;
pub mod conditions;
pub mod configuration;
pub mod context;
pub mod endpoint;
pub mod event;
pub mod handler;
pub mod manifests;
pub mod schema;
pub mod state_write;
pub mod vocabulary;

pub use base::{BaseStatus, CicdBase, CicdBaseSpec, ClusterCicdBase, ClusterCicdBaseSpec};
pub use change::{Capture, Change, ChangeOperation, Precondition, ValueChange};
pub use configuration::{
    BaseKind, BaseReference, ConfigurationBlock, ContextConfiguration, Generator, PipelineConfiguration, TemplateEngine,
};
pub use context::{CicdContext, CicdContextSpec, CicdContextStatus};
pub use endpoint::{CicdEndpoint, CicdEndpointSpec, CicdEndpointStatus};
pub use event::{
    AttemptHistory, CicdEvent, CicdEventSpec, CicdEventStatus, Claim, ContextReference, EventPhase, HandlerPhase,
    HandlerStatus, StoredRequest,
};
pub use handler::{EventHandler, HandlerType};
pub use state_write::{CicdStateWrite, CicdStateWriteSpec, CicdStateWriteStatus};

pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
