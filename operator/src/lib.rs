//! The CicdContext operator: watches contexts, events, bases and endpoints, and carries out what `cicdcontext-engine`
//! decides.
//!
//! Data flows one way: `cache` gathers what the API server says, the engine validates and decides, `state`, `event` and
//! `context` apply, and `report` tells people. `main` only wires.

pub mod args;
pub mod budget;
pub mod cache;
pub mod client;
pub mod clock;
pub mod configuration;
pub mod context;
pub mod controller;
pub mod crash;
pub mod endpoint;
pub mod event;
pub mod history;
pub mod leader;
pub mod metrics;
pub mod process;
pub mod queue;
pub mod report;
pub mod server;
pub mod shared;
pub mod state;
pub mod state_write;
pub mod telemetry;
pub mod turns;
pub mod waiting;
