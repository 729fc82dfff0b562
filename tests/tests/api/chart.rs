//! The chart, played as its users do: linted, rendered, checked by a real API server, installed, upgraded and removed.
//!
//! What can be told without a cluster, as whether README.md is current, is in `tests/tests/chart.rs`.

mod authorities;
mod conform;
pub(crate) mod helm;
mod install;
mod kustomize;
mod refusals;
mod rendered;
mod subchart;
mod upgrade;
mod upgrade_page;
