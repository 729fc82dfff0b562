//! Endpoints: found and compiled for handlers, turned into destinations for deliveries, and reported on.

pub mod activity;
mod certificate;
pub mod compiled;
pub mod destination;
pub mod gather;
pub mod proxy;
pub mod reach;
pub mod reconcile;
pub mod secret;
pub mod terms;
