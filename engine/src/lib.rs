//! The domain of the CicdContext operator, without any I/O: how configuration is resolved, how state is changed, how
//! templates are rendered within bounds, and how one event is run, step by step.
//!
//! There is no Kubernetes client, no socket, no clock and no randomness in this crate. Whoever drives it, the operator
//! or `cicdctl`, reads the world, asks the engine what to do, does it, and tells the engine what came of it.

#[cfg(test)]
mod attack;
pub mod configuration;
pub mod event;
pub mod handler;
pub mod state;
pub mod template;
