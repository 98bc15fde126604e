//! Which files are kept, within the space that there is for them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::super::parts::Parts;
use super::Kept;
use crate::SourceVersion;

/// The most files that are kept, however short they are.
const MOST_FILES: usize = 200_000;
/// Parts that had to go are looked through when there are so many of them.
const MOST_DEPARTED: usize = 1000;

/// What is kept, and what is just being fetched.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) kept: HashMap<Arc<str>, Arc<Kept>>,
    /// Space of those that are here as a whole.
    pub(super) taken: u64,
    /// Space of the parts of others, be they kept or only open: until they are closed or emptied.
    of_parts: Arc<AtomicU64>,
    /// Space of what is just being fetched.
    pub(super) reserved: u64,
    /// Parts that had to go, as long as somebody has them open, by URL and version.
    pub(super) departed: HashMap<(Arc<str>, SourceVersion), Weak<Parts>>,
}

/// What leaves the disk, once the lock is let go.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// Files that are kept no more.
    pub(super) files: Vec<Arc<Kept>>,
    /// Parts whose space was taken.
    pub(super) parts: Vec<Arc<Parts>>,
}

impl State {
    /// Takes a file out. Parts of it that somebody has open stay readable, and count, until they are closed or their space is needed.
    pub(super) fn remove(&mut self, url: &str) -> Option<Arc<Kept>> {
        let kept = self.kept.remove(url)?;
        self.taken = self.taken.saturating_sub(kept.space());
        if let Some(parts) = &kept.parts {
            if self.departed.len() >= MOST_DEPARTED {
                self.departed.retain(|_, parts| parts.strong_count() > 0);
            }
            self.departed.insert((kept.address.to_shared(), kept.version), Arc::downgrade(parts));
        }
        Some(kept)
    }

    pub(super) fn insert(&mut self, kept: &Arc<Kept>) -> Option<Arc<Kept>> {
        let replaced = self.remove(kept.address.as_str());
        self.taken = self.taken.saturating_add(kept.space());
        if let Some(parts) = &kept.parts {
            parts.space.count_in(&self.of_parts);
        }
        self.kept.insert(kept.address.to_shared(), Arc::clone(kept));
        replaced
    }

    /// Space that is taken, by whatever it is.
    pub(super) fn used(&self) -> u64 {
        self.taken.saturating_add(self.reserved).saturating_add(self.of_parts.load(Ordering::Relaxed))
    }

    pub(super) fn is_over(&self, keep: u64, more: u64) -> bool {
        self.kept.len() > MOST_FILES || self.used().saturating_add(more) > keep
    }

    /// Takes out those of the files that stay where they are that were not used for longest, until there are no more than so many.
    pub(super) fn evict_open(&mut self, most: usize) -> Vec<Arc<Kept>> {
        let open = self.kept.values().filter(|kept| kept.parts.is_some());
        let mut open: Vec<(u64, Arc<str>)> = open.map(|kept| (kept.life.used(), kept.address.to_shared())).collect();
        let surplus = open.len().saturating_sub(most);
        open.sort_unstable();
        open.truncate(surplus);
        open.iter().filter_map(|(_, url)| self.remove(url)).collect()
    }

    /// Makes space for `more`: of parts that had to go already, then of those that were not used for longest, which are taken out. Whoever
    /// has parts open fetches anew what was there.
    pub(super) fn evict(&mut self, keep: u64, more: u64) -> Leaving {
        let mut leaving = Leaving::default();
        if !self.is_over(keep, more) {
            return leaving;
        }
        for parts in self.departed.values().filter_map(Weak::upgrade) {
            if self.used().saturating_add(more) > keep && parts.space.take() > 0 {
                leaving.parts.push(parts);
            }
        }
        let uses = self.kept.iter().map(|(url, kept)| Reverse((kept.life.used(), Arc::clone(url))));
        let mut by_use: BinaryHeap<_> = uses.collect();
        while self.is_over(keep, more)
            && let Some(Reverse((_, url))) = by_use.pop()
        {
            let Some(kept) = self.remove(&url) else { continue };
            if let Some(parts) = &kept.parts {
                parts.space.take();
                leaving.parts.push(Arc::clone(parts));
            }
            leaving.files.push(kept);
        }
        leaving
    }
}
