//! What the writers of one measurement report, and the figures of it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Unwritten;
use cicdcontext_tests::figures::percentile;

/// Counts of one measurement.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Writer and value.
    acknowledged: Vec<(usize, u64)>,
    durations: Vec<Duration>,
    within: u32,
    refused: BTreeMap<String, usize>,
    timed_out: usize,
}

/// The figures of one measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Writes that were acknowledged within the window.
    pub(crate) per_second: f64,
    /// Half of the acknowledged writes took less.
    pub(crate) p50: Duration,
    /// 99 of 100 acknowledged writes took less.
    pub(crate) p99: Duration,
    /// How often, by the API server's word.
    pub(crate) refused: BTreeMap<String, usize>,
    pub(crate) timed_out: usize,
}

impl Figures {
    /// Writes that were not acknowledged.
    pub(crate) fn unwritten(&self) -> usize {
        self.refused.values().sum::<usize>() + self.timed_out
    }
}

impl Tally {
    /// Notes what came of one write; `within` is whether the window was still open.
    pub(super) fn note(
        &self,
        writer: usize,
        value: u64,
        written: Result<(), Unwritten>,
        duration: Duration,
        within: bool,
    ) {
        let mut counts = self.lock();
        match written {
            Ok(()) => {
                counts.acknowledged.push((writer, value));
                counts.durations.push(duration);
                counts.within += u32::from(within);
            }
            Err(Unwritten::Refused(why)) => *counts.refused.entry(why).or_default() += 1,
            Err(Unwritten::TimedOut) => counts.timed_out += 1,
        }
    }

    /// What was acknowledged, and the figures.
    pub(super) fn figures(self, window: Duration) -> (Vec<(usize, u64)>, Figures) {
        let counts = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let figures = Figures {
            per_second: f64::from(counts.within) / window.as_secs_f64(),
            p50: percentile(&counts.durations, 50),
            p99: percentile(&counts.durations, 99),
            refused: counts.refused,
            timed_out: counts.timed_out,
        };
        (counts.acknowledged, figures)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_after_the_window_count_for_durations_and_not_for_throughput() {
        let tally = Tally::default();
        tally.note(0, 1, Ok(()), Duration::from_millis(10), true);
        tally.note(0, 2, Ok(()), Duration::from_millis(30), false);
        tally.note(1, 1, Err(Unwritten::Refused("409 Conflict".to_owned())), Duration::from_millis(5), true);
        tally.note(1, 2, Err(Unwritten::TimedOut), Duration::from_millis(5), true);
        let (acknowledged, figures) = tally.figures(Duration::from_secs(2));
        assert_eq!(acknowledged, [(0, 1), (0, 2)]);
        assert!((figures.per_second - 0.5).abs() < f64::EPSILON, "{figures:?}");
        assert_eq!((figures.p50, figures.p99), (Duration::from_millis(10), Duration::from_millis(30)));
        assert_eq!((figures.refused["409 Conflict"], figures.timed_out), (1, 1));
    }
}
