//! Outbound HTTP that a platform can trust with its network and its secrets.
//!
//! One delivery attempt goes through these rooms, in this order:
//!
//! | module | question it answers |
//! |---|---|
//! | [`destination`] | where does the platform let deliveries go, with which credentials? |
//! | [`request`] | what did a handler ask to send, and does it stay inside that destination? |
//! | [`egress`] | may this process open a connection to that host and address? |
//! | [`resolve`] | which addresses does a name have, so that the checked one is the dialled one? |
//! | [`attempt`] | send once: what came back, or how did it fail, and may bytes have left? |
//! | [`sign`] | how does a receiver know that it comes from here, unchanged? |
//! | [`tls`] | whom does an endpoint trust, and which certificate does it show? |
//! | [`proxy`] | through which of the operator's proxies does it go? |
//! | [`credentials`] | how are secrets carried, and taken out of what came back? |
//! | [`mod@classify`] | is that delivered, worth another attempt, or final? |
//! | [`schedule`] | when is the next attempt, or why is there none? |
//! | [`limit`] | whose turn is it at an endpoint that takes only so many at once, or in a second? |
//!
//! The crate knows no Kubernetes client, no template and no configuration object. It keeps no state but idle
//! connections, and reads no clock but to measure how long an attempt took.

pub mod attempt;
pub mod classify;
pub mod credentials;
pub mod destination;
pub mod egress;
pub mod limit;
pub mod proxy;
pub mod request;
pub mod resolve;
pub mod schedule;
pub mod sign;
pub mod tls;

pub use attempt::{Answer, AttemptError, Phase, Sender};
pub use classify::{Class, classify};
pub use credentials::{Credentials, Redactor};
pub use destination::Destination;
pub use egress::{Policy, Refusal, RefusalReason, Scope, Target};
pub use limit::{Limits, Queue};
pub use proxy::Proxy;
pub use request::{Outgoing, RequestError};
pub use schedule::{History, Next, Schedule};
pub use tls::TlsMaterial;
