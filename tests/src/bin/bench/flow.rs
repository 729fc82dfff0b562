//! Events of some contexts in turn, as fast as they arrive where they are sent to.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use tokio::time::timeout;

use crate::{
    error::BenchError,
    scene::{PATIENCE, Scene},
    sink::Sink,
};

/// How many events are asked for at once, at most.
const IN_FLIGHT: u64 = 32;
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
        f64::from(u32::try_from(self.events).unwrap_or(u32::MAX)) / self.took.as_secs_f64()
    }
}

/// Asks for events, by object, of the contexts that `context` gives for the numbers from 0 on, as long as `goes_on` says so
/// for a number, and returns when all have come. `purpose` tells their names from those of others in the namespace.
pub(crate) async fn flow(
    scene: &Scene,
    sink: &Sink,
    purpose: &str,
    context: impl Fn(u64) -> usize,
    goes_on: impl Fn(u64) -> bool,
) -> Result<Flowed, BenchError> {
    let (begun, before, next) = (Instant::now(), sink.count(), AtomicU64::new(0));
    let one = async || {
        let (mut counts, mut fired) = (sink.counts(), 0_u64);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if !goes_on(number) {
                return Ok::<_, BenchError>(fired);
            }
            match timeout(PATIENCE, counts.wait_for(|count| number < count - before + OUTSTANDING)).await {
                Ok(room) => drop(room.map_err(|_| BenchError::Interrupted)?),
                Err(_) => return Err(BenchError::late(format!("event {number}'s turn"), PATIENCE)),
            }
            scene.fire(context(number), &format!("{purpose}-{number}")).await?;
            fired += 1;
        }
    };
    let events = try_join_all((0..IN_FLIGHT).map(|_| one())).await?.into_iter().sum();
    sink.wait_for(before + events, PATIENCE).await?;
    Ok(Flowed { events, took: begun.elapsed() })
}
