//! Endpoints: found and compiled for handlers, their Secrets read for deliveries, and reported on.

pub mod activity;
pub mod compiled;
pub mod gather;
pub mod reach;
pub mod reconcile;
pub mod vault;
