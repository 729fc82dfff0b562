//! A dry run: the engine's rehearsal, told in the event's status. Nothing is sent, and nothing but that status written.

use std::sync::Arc;

use cicdcontext_dispatch::{Told, rehearsed};
use cicdcontext_engine::{
    event::{Outcome, Progress, Rehearsal, Run},
    state::{Schema, SchemaError},
};
use serde_json::{Map, Value};

use crate::configuration::GatheredEndpoints;

/// Rehearses to the end. What receivers would answer is not known: handlers that depend on it say so.
pub(super) fn rehearse(
    run: Run,
    state: Map<String, Value>,
    endpoints: &GatheredEndpoints,
    schema: Option<Arc<Result<Schema, SchemaError>>>,
) -> Outcome {
    let mut rehearsal = Rehearsal::new(run, state);
    if let Some(schema) = schema {
        rehearsal = rehearsal.within(schema);
    }
    let mut told = Vec::new();
    loop {
        match rehearsal.next(endpoints, &|_, _| None) {
            Progress::Again | Progress::Set(_) => {}
            Progress::Handler(handler) => told.push(Told::of(&handler, endpoints)),
            Progress::Done(outcome) => return rehearsed(*outcome, told),
        }
    }
}
