//! So many operations in flight, for so long: how many were done, and how long each took. It knows nothing of what they do.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use futures::future::try_join_all;

use crate::error::BenchError;

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// Operations that ended within the window.
    pub(crate) done: usize,
    /// How long each took, also those that ended later.
    pub(crate) durations: Vec<Duration>,
    pub(crate) window: Duration,
}

impl Load {
    /// Operations in a second.
    pub(crate) fn per_second(&self) -> f64 {
        number(self.done) / self.window.as_secs_f64()
    }
}

/// Carries out `operation` with a number that rises, `in_flight` at a time, for `window`. The first failure ends it.
pub(crate) async fn run(
    in_flight: usize,
    window: Duration,
    operation: impl AsyncFn(u64) -> Result<(), BenchError>,
) -> Result<Load, BenchError> {
    let next = AtomicU64::new(0);
    let until = Instant::now() + window;
    let one = async || {
        let (mut done, mut durations) = (0, Vec::new());
        loop {
            let begun = Instant::now();
            if begun >= until {
                return Ok::<_, BenchError>((done, durations));
            }
            operation(next.fetch_add(1, Ordering::Relaxed)).await?;
            let ended = Instant::now();
            durations.push(ended - begun);
            done += usize::from(ended <= until);
        }
    };
    let all = try_join_all((0..in_flight).map(|_| one())).await?;
    let mut load = Load { window, ..Load::default() };
    for (done, durations) in all {
        load.done += done;
        load.durations.extend(durations);
    }
    Ok(load)
}

/// Carries out `operation` once for each number below `count`, `in_flight` at a time.
pub(crate) async fn each(
    in_flight: usize,
    count: usize,
    operation: impl AsyncFn(usize) -> Result<(), BenchError>,
) -> Result<(), BenchError> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let one = async || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok::<_, BenchError>(());
            }
            operation(number).await?;
        }
    };
    try_join_all((0..in_flight).map(|_| one())).await.map(drop)
}

pub(crate) use cicdcontext_tests::figures::milliseconds;

/// A number of things, for arithmetic.
pub(crate) fn number(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_number_is_carried_out_once() {
        let seen = std::sync::Mutex::new(Vec::new());
        let note = async |number| {
            seen.lock().unwrap().push(number);
            Ok(())
        };
        each(3, 10, note).await.unwrap();
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..10).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn what_ends_after_the_window_has_a_duration_and_does_not_count() {
        let load = run(2, Duration::ZERO, async |_| Ok(())).await.unwrap();
        assert_eq!((load.done, load.durations.len()), (0, 0));
        let slow = async |_| {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Ok(())
        };
        let load = run(2, Duration::from_millis(1), slow).await.unwrap();
        assert_eq!((load.done, load.durations.len()), (0, 2));
    }
}
