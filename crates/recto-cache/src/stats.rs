//! Counters for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was opened, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Answers from memory.
    pub memory_hits: u64,
    /// Answers from the directory.
    pub disk_hits: u64,
    /// Questions without an answer.
    pub misses: u64,
    /// Entries in memory.
    pub memory_entries: u64,
    /// Bytes in memory.
    pub memory_bytes: u64,
    /// Entries in the directory.
    pub disk_entries: u64,
    /// Bytes of the directory, in whole blocks, with its folders.
    pub disk_bytes: u64,
    /// Entries written to the directory.
    pub writes: u64,
    /// Entries that were not written, as making them again takes hardly more.
    pub writes_spared: u64,
    /// Entries that were not written, as the queue was full (or a purge came).
    pub writes_dropped: u64,
    /// Entries that were not written, as they are too large or the disk is too full.
    pub writes_refused: u64,
    /// Entries that could not be written, as the system said no.
    pub write_errors: u64,
    /// Entries removed from the directory to make room.
    pub evictions: u64,
    /// Entries found damaged; they count as misses, too.
    pub damaged: u64,
    /// Parts written to the directory.
    pub parts_written: u64,
    /// Parts of the directory that were opened.
    pub parts_opened: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) memory_hits: Counter,
    pub(crate) disk_hits: Counter,
    pub(crate) misses: Counter,
    pub(crate) writes: Counter,
    pub(crate) writes_spared: Counter,
    pub(crate) writes_dropped: Counter,
    pub(crate) writes_refused: Counter,
    pub(crate) write_errors: Counter,
    pub(crate) evictions: Counter,
    pub(crate) damaged: Counter,
    pub(crate) parts_written: Counter,
    pub(crate) parts_opened: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// The counters; what is held now is added by the one who holds it.
    pub(crate) fn snapshot(&self) -> CacheStats {
        CacheStats {
            memory_hits: self.memory_hits.get(),
            disk_hits: self.disk_hits.get(),
            misses: self.misses.get(),
            writes: self.writes.get(),
            writes_spared: self.writes_spared.get(),
            writes_dropped: self.writes_dropped.get(),
            writes_refused: self.writes_refused.get(),
            write_errors: self.write_errors.get(),
            evictions: self.evictions.get(),
            damaged: self.damaged.get(),
            parts_written: self.parts_written.get(),
            parts_opened: self.parts_opened.get(),
            ..CacheStats::default()
        }
    }
}
