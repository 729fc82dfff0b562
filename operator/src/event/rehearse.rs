//! A dry run: the engine's rehearsal of an event, told in the event's status. Nothing is sent, nothing is written but that
//! status, which shows each request as it would be sent.

use cicdcontext_dispatch::{Told, rehearsed};
use cicdcontext_engine::event::{Outcome, Progress, Rehearsal};

use super::gather::Ready;
use crate::shared::Operator;

/// Rehearses to the end. Nobody knows what the receivers would answer: what would be captured of that is not written, and
/// handlers that read it are marked.
pub async fn rehearse(operator: &Operator, ready: Ready) -> Outcome {
    let Ready { run, state, endpoints, context, .. } = ready;
    let mut rehearsal = Rehearsal::new(run, state);
    if let Some(schema) = context.spec().ok().and_then(|spec| spec.state_schema) {
        rehearsal = rehearsal.within(operator.compute(context.namespace(), || operator.schemas.get(&schema)).await);
    }
    let mut told = Vec::new();
    loop {
        match operator.compute(context.namespace(), || rehearsal.next(&endpoints, &|_, _| None)).await {
            Progress::Again | Progress::Set(_) => {}
            Progress::Handler(handler) => told.push(Told::of(&handler, &endpoints)),
            Progress::Done(outcome) => return rehearsed(*outcome, told),
        }
    }
}
