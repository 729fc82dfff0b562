//! Events, as fast as they arrive where they are sent to.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::time::timeout;

use crate::{
    error::BenchError,
    load::number,
    scene::{PATIENCE, Scene},
    sink::Sink,
};

/// How many events are asked for at once, at most.
pub(crate) const IN_FLIGHT: usize = 32;
/// How many events may have been asked for and not have arrived: enough that the operator never waits for one.
const OUTSTANDING: u64 = 200;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flowed {
    /// How many events were asked for, and came.
    pub(crate) events: u64,
    /// From the first that was asked for to the last that came.
    pub(crate) took: Duration,
}

impl Flowed {
    pub(crate) fn per_second(&self) -> f64 {
        number(self.events) / self.took.as_secs_f64()
    }
}

/// Asks for events by `ask`, `in_flight` at a time, with the numbers from 0 on, as long as `goes_on` says so for a number, and
/// returns when all of them have come: each makes so many `requests`.
pub(crate) async fn flow(
    sink: &Sink,
    (in_flight, requests): (usize, u64),
    ask: impl AsyncFn(u64) -> Result<(), BenchError>,
    goes_on: impl Fn(u64) -> bool,
) -> Result<Flowed, BenchError> {
    let (begun, before, next) = (Instant::now(), sink.count(), AtomicU64::new(0));
    let one = async || {
        let (mut counts, mut asked) = (sink.counts(), 0_u64);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if !goes_on(number) {
                return Ok::<_, BenchError>(asked);
            }
            let room = |count: &u64| number < (count - before) / requests + OUTSTANDING;
            match timeout(PATIENCE, counts.wait_for(room)).await {
                Ok(room) => drop(room.map_err(|_| BenchError::Interrupted)?),
                Err(_) => return Err(BenchError::late(format!("event {number}'s turn"), PATIENCE)),
            }
            ask(number).await?;
            asked += 1;
        }
    };
    let events: u64 = try_join_all((0..in_flight).map(|_| one())).await?.into_iter().sum();
    sink.wait_for(before + events * requests, PATIENCE).await?;
    Ok(Flowed { events, took: begun.elapsed() })
}

/// The same by object, of the contexts that `context` gives for the numbers. `purpose` tells the events' names from those of
/// others in the namespace.
pub(crate) async fn fire(
    scene: &Scene,
    sink: &Sink,
    purpose: &str,
    context: impl Fn(u64) -> usize,
    goes_on: impl Fn(u64) -> bool,
) -> Result<Flowed, BenchError> {
    let ask = async |number| scene.fire(context(number), &format!("{purpose}-{number}")).await.map(drop);
    flow(sink, (IN_FLIGHT, 1), ask, goes_on).await
}
