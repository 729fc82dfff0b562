//! A cache with a budget in bytes that namespaces share: what was computed, kept as long as there is room.
//!
//! Nothing is evicted while somebody uses it. When room is wanted, what nobody used for [`IDLE`] goes first; then the
//! namespace that holds most gives up what it used longest ago. So whoever fills the cache pushes out his own, and
//! what others use stays. It knows nothing of what it keeps.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::metrics::CacheMetrics;

/// What was not used for so long leaves before anything else.
const IDLE: Duration = Duration::from_mins(10);

/// Bytes that an entry takes beside its value: its key, and its places in the cache.
const ENTRY_BYTES: usize = 512;

/// The cache. Its values are cheap to clone.
pub struct Budgeted<K, V> {
    inner: Mutex<Inner<K, V>>,
    budget: usize,
    in_use: fn(&V) -> bool,
    metrics: CacheMetrics,
}

struct Inner<K, V> {
    entries: HashMap<K, Entry<V>>,
    holders: HashMap<Arc<str>, Holder<K>>,
    bytes: usize,
    /// Counts uses; an entry's place in its holder's order.
    clock: u64,
}

struct Entry<V> {
    value: V,
    bytes: usize,
    holder: Arc<str>,
    order: u64,
    used: Instant,
}

/// What is accounted to one namespace: to the one that used it last.
struct Holder<K> {
    bytes: usize,
    /// By last use, the longest ago first.
    order: BTreeMap<u64, K>,
}

impl<K> Default for Holder<K> {
    fn default() -> Self {
        Self { bytes: 0, order: BTreeMap::new() }
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Budgeted<K, V> {
    /// An empty cache of so many bytes. `in_use` tells whether somebody besides the cache holds a value.
    pub fn new(budget: usize, in_use: fn(&V) -> bool, metrics: CacheMetrics) -> Self {
        let inner = Inner { entries: HashMap::new(), holders: HashMap::new(), bytes: 0, clock: 0 };
        Self { inner: Mutex::new(inner), budget, in_use, metrics }
    }

    /// What is kept under `key`, for a user in `namespace`.
    pub fn get(&self, key: &K, namespace: &str) -> Option<V> {
        self.get_if(key, namespace, |_| true)
    }

    /// The same if it is what the user wants; else it is dropped.
    pub fn get_if(&self, key: &K, namespace: &str, wanted: impl FnOnce(&V) -> bool) -> Option<V> {
        let mut inner = self.lock();
        if !wanted(&inner.entries.get(key)?.value) {
            inner.remove(key);
            self.show(&inner);
            return None;
        }
        self.metrics.hits.inc();
        inner.touch(key, namespace, Instant::now())
    }

    /// Keeps `value`, which was computed and takes `bytes`, and gives what is kept now: if somebody else was quicker, his.
    pub fn insert(&self, key: &K, namespace: &str, bytes: usize, value: V) -> V {
        self.insert_at(key, namespace, bytes, value, Instant::now())
    }

    /// Drops what is kept under `key`.
    pub fn remove(&self, key: &K) {
        let mut inner = self.lock();
        inner.remove(key);
        self.show(&inner);
    }

    /// Bytes of all that is kept, estimated.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    fn insert_at(&self, key: &K, namespace: &str, bytes: usize, value: V, now: Instant) -> V {
        self.metrics.misses.inc();
        let mut inner = self.lock();
        if let Some(known) = inner.touch(key, namespace, now) {
            return known;
        }
        let bytes = bytes.saturating_add(ENTRY_BYTES);
        let holder = inner.holder(namespace);
        // Held by the caller until this function is over: it does not push itself out.
        inner.entries.insert(
            key.clone(),
            Entry { value: value.clone(), bytes, holder: Arc::clone(&holder), order: 0, used: now },
        );
        inner.bytes += bytes;
        inner.account(key, holder, now);
        while inner.bytes > self.budget {
            let Some(victim) = inner.victim(now, self.in_use) else { break };
            inner.remove(&victim);
            self.metrics.evictions.inc();
        }
        self.show(&inner);
        value
    }

    fn show(&self, inner: &Inner<K, V>) {
        self.metrics.bytes.set(i64::try_from(inner.bytes).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Inner<K, V> {
    fn touch(&mut self, key: &K, namespace: &str, now: Instant) -> Option<V> {
        let entry = self.entries.get(key)?;
        let value = entry.value.clone();
        let (holder, order, bytes) = (Arc::clone(&entry.holder), entry.order, entry.bytes);
        self.release(&holder, order, bytes);
        let holder = self.holder(namespace);
        self.account(key, holder, now);
        Some(value)
    }

    /// The name of a namespace, shared with those of its entries.
    fn holder(&self, namespace: &str) -> Arc<str> {
        self.holders.get_key_value(namespace).map_or_else(|| namespace.into(), |(name, _)| Arc::clone(name))
    }

    /// Accounts an entry to `holder`, as what it used last.
    fn account(&mut self, key: &K, holder: Arc<str>, now: Instant) {
        self.clock += 1;
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.order = self.clock;
        entry.used = now;
        entry.holder = Arc::clone(&holder);
        let held = self.holders.entry(holder).or_default();
        held.bytes += entry.bytes;
        held.order.insert(self.clock, key.clone());
    }

    fn release(&mut self, holder: &Arc<str>, order: u64, bytes: usize) {
        let Some(held) = self.holders.get_mut(holder) else { return };
        held.bytes -= bytes;
        held.order.remove(&order);
        if held.order.is_empty() {
            self.holders.remove(holder);
        }
    }

    fn remove(&mut self, key: &K) {
        let Some(entry) = self.entries.remove(key) else { return };
        self.bytes -= entry.bytes;
        self.release(&entry.holder, entry.order, entry.bytes);
    }

    /// What is to leave next; none if everything is in use.
    fn victim(&self, now: Instant, in_use: fn(&V) -> bool) -> Option<K> {
        let free = |key: &&K| self.entries.get(key).is_some_and(|entry| !in_use(&entry.value));
        let oldest = self
            .holders
            .values()
            .filter_map(|held| held.order.iter().find(|(_, key)| free(key)))
            .min_by_key(|(order, _)| **order);
        let (_, oldest) = oldest?;
        let idle = |key: &K| self.entries.get(key).is_some_and(|entry| now.duration_since(entry.used) >= IDLE);
        if idle(oldest) {
            return Some(oldest.clone());
        }
        let mut largest: Vec<&Holder<K>> = self.holders.values().collect();
        largest.sort_by_key(|held| std::cmp::Reverse(held.bytes));
        largest.into_iter().find_map(|held| held.order.values().find(free)).cloned()
    }
}

impl<K, V> fmt::Debug for Budgeted<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Budgeted").field("budget", &self.budget).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    type Cache = Budgeted<String, Arc<str>>;

    /// A cache with room for so many entries of 1,000 bytes.
    fn cache(entries: usize) -> (Cache, CacheMetrics) {
        let metrics = Metrics::new().cache("programs");
        (Budgeted::new(entries * (1_000 + ENTRY_BYTES), |value| Arc::strong_count(value) > 1, metrics.clone()), metrics)
    }

    fn put(cache: &Cache, namespace: &str, key: &str) {
        cache.insert(&key.to_owned(), namespace, 1_000, key.into());
    }

    fn has(cache: &Cache, key: &str) -> bool {
        cache.lock().entries.contains_key(key)
    }

    #[test]
    fn what_was_used_longest_ago_leaves_first() {
        let (cache, metrics) = cache(3);
        for key in ["1", "2", "3"] {
            put(&cache, "a", key);
        }
        assert!(cache.get(&"1".to_owned(), "a").is_some());
        put(&cache, "a", "4");
        assert_eq!(["1", "2", "3", "4"].map(|key| has(&cache, key)), [true, false, true, true]);
        assert!(cache.get(&"2".to_owned(), "a").is_none());
        assert_eq!((metrics.hits.get(), metrics.misses.get(), metrics.evictions.get()), (1, 4, 1));
        assert_eq!(metrics.bytes.get(), i64::try_from(3 * (1_000 + ENTRY_BYTES)).unwrap());
    }

    #[test]
    fn a_namespace_that_fills_the_cache_pushes_out_its_own() {
        let (cache, _) = cache(10);
        put(&cache, "quiet", "q1");
        put(&cache, "quiet", "q2");
        for number in 0..1_000 {
            put(&cache, "loud", &number.to_string());
        }
        assert!(has(&cache, "q1") && has(&cache, "q2"), "they are older than all that is left of the loud one's");
        assert_eq!(cache.lock().entries.len(), 10);
        assert!(has(&cache, "999"));
    }

    #[test]
    fn what_is_in_use_stays_even_beyond_the_budget_and_leaves_afterwards() {
        let (cache, _) = cache(2);
        let used: Vec<_> = ["1", "2", "3"].map(|key| cache.insert(&key.to_owned(), "a", 1_000, key.into())).into();
        assert_eq!(cache.bytes(), 3 * (1_000 + ENTRY_BYTES), "all are in use");
        drop(used);
        put(&cache, "a", "4");
        assert_eq!(["1", "2", "3", "4"].map(|key| has(&cache, key)), [false, false, true, true]);
    }

    #[test]
    fn what_everybody_uses_is_accounted_to_its_last_user_once() {
        let (cache, _) = cache(4);
        put(&cache, "a", "shared");
        cache.get(&"shared".to_owned(), "b");
        let inner = cache.lock();
        assert!(!inner.holders.contains_key("a"));
        assert_eq!(inner.holders["b"].bytes, 1_000 + ENTRY_BYTES);
    }

    #[test]
    fn what_nobody_used_for_long_leaves_before_what_the_largest_holder_uses() {
        let (cache, _) = cache(3);
        let begin = Instant::now();
        cache.insert_at(&"stale".into(), "quiet", 1_000, "".into(), begin);
        for key in ["1", "2", "3"] {
            cache.insert_at(&key.into(), "loud", 1_000, "".into(), begin + IDLE);
        }
        assert_eq!(["stale", "1", "2", "3"].map(|key| has(&cache, key)), [false, true, true, true]);
    }

    #[test]
    fn what_is_not_wanted_any_more_leaves() {
        let (cache, _) = cache(3);
        put(&cache, "a", "1");
        assert!(cache.get_if(&"1".to_owned(), "a", |value| &**value == "1").is_some());
        assert!(cache.get_if(&"1".to_owned(), "a", |value| &**value == "2").is_none());
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn the_first_of_two_who_computed_the_same_wins() {
        let (cache, _) = cache(3);
        let first = cache.insert(&"1".into(), "a", 1_000, "first".into());
        let second = cache.insert(&"1".into(), "b", 1_000, "second".into());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(cache.bytes(), 1_000 + ENTRY_BYTES);
        cache.remove(&"1".to_owned());
        assert_eq!((cache.bytes(), cache.lock().holders.len()), (0, 0));
    }
}
