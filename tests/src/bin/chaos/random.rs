//! Randomness that a seed repeats: SplitMix64, which is plenty for moments and orders.

use std::time::Duration;

/// A sequence of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of a seed for one purpose.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        let start = purpose.bytes().fold(seed, |state, byte| Self(state ^ u64::from(byte)).next());
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// A time between nothing and twice the mean.
    pub(crate) fn around(&mut self, mean: Duration) -> Duration {
        let most = usize::try_from(mean.as_millis() * 2).unwrap_or(usize::MAX);
        Duration::from_millis(u64::try_from(self.below(most)).unwrap_or_default())
    }

    /// The same things in another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_order_and_another_one_has_another() {
        let shuffled = |seed| {
            let mut things: Vec<u32> = (0..50).collect();
            Random::new(seed, "storm").shuffle(&mut things);
            things
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        let mut sorted = shuffled(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn pauses_lie_around_their_mean() {
        let mut random = Random::new(7, "storm");
        let pauses: Vec<Duration> = (0..1000).map(|_| random.around(Duration::from_secs(2))).collect();
        assert!(pauses.iter().all(|pause| *pause < Duration::from_secs(4)));
        let mean = pauses.iter().sum::<Duration>() / 1000;
        assert!(mean > Duration::from_millis(1800) && mean < Duration::from_millis(2200), "{mean:?}");
    }
}
