//! Alerts and dashboard ask for what the operator exports, and alerts fire when they should: each expression is read by
//! Prometheus' own parser and evaluated by its own engine (`tests/promcheck`).

mod alerts;
mod dashboard;
mod exported;
mod operations;
mod promcheck;
mod running;
mod workflows;
