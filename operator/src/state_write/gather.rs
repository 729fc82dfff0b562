//! How many state writes of one context a patch waits for, decided without any I/O.
//!
//! A patch of a context costs the API server several times what a create or a delete does. Where many write at once, a
//! patch for each of the first that come would take the time in which the others could have joined. So it waits until half
//! of those are there that are known to write at once; a short time at most, and never for a writer that is alone.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::cache::ObjectKey;

/// How long after one patch the next one waits at most.
const PATIENCE: Duration = Duration::from_millis(25);
/// Nothing is known any more of who wrote before that.
const MEMORY: Duration = Duration::from_secs(1);
/// More contexts than this are looked through for those that may be forgotten.
const MANY: usize = 1024;

/// How many have lately written into each context at once.
#[derive(Debug, Default)]
pub struct Gathering(Mutex<HashMap<ObjectKey, Pace>>);

#[derive(Clone, Copy, Debug)]
struct Pace {
    at_once: usize,
    patched: Instant,
}

impl Gathering {
    /// How long a patch of the context with so many state writes has to wait for more of them. None: it is time.
    pub(super) fn rest(&self, context: &ObjectKey, waiting: usize, now: Instant) -> Option<Duration> {
        let pace = *self.lock().get(context)?;
        if waiting * 2 >= pace.at_once {
            return None;
        }
        let rest = PATIENCE.saturating_sub(now.saturating_duration_since(pace.patched));
        (!rest.is_zero()).then_some(rest)
    }

    /// A patch of the context was made while so many were known to write.
    pub(super) fn patched(&self, context: &ObjectKey, at_once: usize, now: Instant) {
        let mut all = self.lock();
        if all.len() > MANY {
            all.retain(|_, pace| now.saturating_duration_since(pace.patched) < MEMORY);
        }
        // Writers come and go: what is seen counts at once if it is more, and little by little if it is less.
        let before = all.get(context).filter(|pace| now.saturating_duration_since(pace.patched) < MEMORY);
        let at_once = before.map_or(at_once, |before| at_once.max(before.at_once * 3 / 4));
        all.insert(context.clone(), Pace { at_once, patched: now });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Pace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_is_alone_never_waits() {
        let (gathering, context, now) = (Gathering::default(), ObjectKey::new("a", "shop"), Instant::now());
        assert_eq!(gathering.rest(&context, 1, now), None, "nothing is known");
        gathering.patched(&context, 1, now);
        assert_eq!(gathering.rest(&context, 1, now), None);
        gathering.patched(&context, 2, now);
        assert_eq!(gathering.rest(&context, 1, now), None, "half of two");
    }

    #[test]
    fn a_patch_waits_for_half_of_those_that_write_at_once_and_not_for_long() {
        let (gathering, context, now) = (Gathering::default(), ObjectKey::new("a", "shop"), Instant::now());
        gathering.patched(&context, 8, now);
        assert_eq!(gathering.rest(&context, 3, now), Some(PATIENCE));
        assert_eq!(gathering.rest(&context, 3, now + PATIENCE / 5), Some(PATIENCE * 4 / 5));
        assert_eq!(gathering.rest(&context, 4, now), None);
        assert_eq!(gathering.rest(&context, 1, now + PATIENCE), None);
        assert_eq!(gathering.rest(&ObjectKey::new("a", "other"), 1, now), None, "each context by itself");
    }

    #[test]
    fn writers_that_are_gone_are_forgotten_with_the_next_patches() {
        let (gathering, context, mut now) = (Gathering::default(), ObjectKey::new("a", "shop"), Instant::now());
        gathering.patched(&context, 64, now);
        let mut patches = 0;
        while gathering.rest(&context, 1, now).is_some() {
            now += PATIENCE;
            gathering.patched(&context, 1, now);
            patches += 1;
        }
        assert!(patches < 15, "{patches}");
        gathering.patched(&context, 64, now);
        gathering.patched(&context, 1, now + MEMORY);
        assert_eq!(gathering.rest(&context, 1, now + MEMORY), None);
    }
}
