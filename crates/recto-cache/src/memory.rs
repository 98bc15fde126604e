//! Small things by key in memory, some of them only for a while.

use std::fmt;
use std::hash::Hash;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::sync::Cache;

/// A cache in memory, bounded by weight, in which each entry may have its own time to live.
///
/// It is cheap to clone; clones share their content. What is used often and lately stays.
pub struct MemoryCache<K, V> {
    entries: Cache<K, Kept<V>>,
}

#[derive(Clone)]
struct Kept<V> {
    value: V,
    lifetime: Option<Duration>,
}

struct Lifetimes;

impl<K, V> Expiry<K, Kept<V>> for Lifetimes {
    fn expire_after_create(&self, _key: &K, kept: &Kept<V>, _created_at: Instant) -> Option<Duration> {
        kept.lifetime
    }

    fn expire_after_update(
        &self,
        _key: &K,
        kept: &Kept<V>,
        _updated_at: Instant,
        _remaining: Option<Duration>,
    ) -> Option<Duration> {
        kept.lifetime
    }
}

impl<K, V> MemoryCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A cache of at most so many entries.
    pub fn with_entries(most_entries: u64) -> Self {
        Self::with_weight(most_entries, |_, _| 1)
    }

    /// A cache of at most so much weight; `weigh` says what one entry weighs, at least 1.
    pub fn with_weight(most_weight: u64, weigh: impl Fn(&K, &V) -> u32 + Send + Sync + 'static) -> Self {
        let entries = Cache::builder()
            .max_capacity(most_weight)
            .weigher(move |key, kept: &Kept<V>| weigh(key, &kept.value).max(1))
            .expire_after(Lifetimes)
            .support_invalidation_closures()
            .build();
        Self { entries }
    }

    /// The value, if it is there and its time is not over.
    pub fn get(&self, key: &K) -> Option<V> {
        self.entries.get(key).map(|kept| kept.value)
    }

    /// Keeps a value until something else needs its room.
    pub fn insert(&self, key: K, value: V) {
        self.entries.insert(key, Kept { value, lifetime: None });
    }

    /// Keeps a value for `lifetime` at most: failures, things that may change.
    pub fn insert_for(&self, key: K, value: V, lifetime: Duration) {
        self.entries.insert(key, Kept { value, lifetime: Some(lifetime) });
    }

    /// Forgets one value.
    pub fn remove(&self, key: &K) {
        self.entries.invalidate(key);
    }

    /// Forgets the values of which `goes` is true; those that come later stay.
    pub fn remove_if(&self, goes: impl Fn(&K, &V) -> bool + Send + Sync + 'static) {
        let accepted = self.entries.invalidate_entries_if(move |key, kept| goes(key, &kept.value));
        if accepted.is_err() {
            self.entries.invalidate_all();
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.invalidate_all();
    }

    /// Number of entries, near enough.
    pub fn entry_count(&self) -> u64 {
        self.entries.entry_count()
    }

    /// Weight of all entries, near enough.
    pub fn weight(&self) -> u64 {
        self.entries.weighted_size()
    }

    /// Does the housekeeping that is due, which reads and writes do bit by bit anyway. Makes the counts exact.
    pub fn tidy(&self) {
        self.entries.run_pending_tasks();
    }
}

impl<K, V> Clone for MemoryCache<K, V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone() }
    }
}

impl<K, V> fmt::Debug for MemoryCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_of_entries_is_kept() {
        let cache = MemoryCache::with_entries(100);
        for number in 0..10_000_u32 {
            cache.insert(number, number);
        }
        cache.tidy();
        assert!(cache.entry_count() <= 100, "{}", cache.entry_count());
    }

    #[test]
    fn an_entry_with_a_lifetime_goes_and_its_successor_has_its_own() {
        let cache = MemoryCache::with_entries(10);
        cache.insert_for("bad", 1, Duration::ZERO);
        assert_eq!(cache.get(&"bad"), None);
        cache.insert_for("bad", 2, Duration::from_hours(1));
        assert_eq!(cache.get(&"bad"), Some(2));
        cache.insert_for("bad", 3, Duration::ZERO);
        assert_eq!(cache.get(&"bad"), None);
        cache.insert("bad", 4);
        assert_eq!(cache.get(&"bad"), Some(4));
    }

    #[test]
    fn what_is_removed_is_gone_at_once_and_what_comes_later_stays() {
        let cache = MemoryCache::with_weight(1000, |_: &u32, text: &&str| text.len() as u32);
        for number in 0..20 {
            cache.insert(number, "text");
        }
        cache.remove_if(|number, _| *number < 10);
        cache.insert(3, "new");
        let left: Vec<u32> = (0..20).filter(|number| cache.get(number).is_some()).collect();
        assert_eq!(left, [3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        cache.remove(&3);
        assert_eq!(cache.get(&3), None);
        cache.clear();
        assert_eq!(cache.get(&12), None);
    }
}
