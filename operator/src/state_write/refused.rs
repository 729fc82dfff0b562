//! How long refused state writes are kept, decided without any I/O.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::queue::Next;

/// How long one is kept.
pub const KEPT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How many of one context are.
pub const MOST: usize = 100;

/// How many of those that were refused at these times, oldest first, have to go; and when to look again.
pub fn going(refused: &[Timestamp], now: Timestamp) -> (usize, Next) {
    let too_many = refused.len().saturating_sub(MOST);
    let rest = |since: Timestamp| KEPT_FOR.saturating_sub(now.duration_since(since));
    let too_old = refused.iter().take_while(|since| !rest(**since).is_positive()).count();
    let going = too_many.max(too_old);
    let next = refused
        .get(going)
        .map_or(Next::Await, |since| Next::After(Duration::try_from(rest(*since)).unwrap_or_default()));
    (going, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: impl IntoIterator<Item = i64>) -> Vec<Timestamp> {
        seconds.into_iter().filter_map(|second| Timestamp::from_second(second).ok()).collect()
    }

    #[test]
    fn a_refused_write_is_kept_for_an_hour() {
        let refused = at([100, 200, 300]);
        let look = |now: i64| going(&refused, Timestamp::from_second(now).unwrap());
        assert_eq!(look(3_699), (0, Next::After(Duration::from_secs(1))));
        assert_eq!(look(3_700), (1, Next::After(Duration::from_secs(100))));
        assert_eq!(look(9_000), (3, Next::Await));
        assert_eq!(going(&[], refused[0]), (0, Next::Await));
    }

    #[test]
    fn of_more_than_a_hundred_the_oldest_go() {
        let now = Timestamp::from_second(1_105).unwrap();
        assert_eq!(going(&at(1_000..1_105), now), (5, Next::After(Duration::from_secs(3_500))));
        assert_eq!(going(&at(1_000..1_100), now).0, 0);
    }
}
