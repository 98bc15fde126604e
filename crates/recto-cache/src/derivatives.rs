//! Finished images: memory over a directory.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use crate::again::Again;
use crate::disk::{DiskCache, DiskLimits, KeptPart};
use crate::stats::Counters;
use crate::{CacheError, CacheKey, CacheOptions, CacheStats, MemoryCache};

/// The bytes of an image answer, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivative {
    /// The encoded image.
    pub bytes: Bytes,
    /// Its media type: `image/jpeg`.
    pub media_type: Cow<'static, str>,
}

impl Derivative {
    /// An answer of these bytes.
    pub fn new(bytes: impl Into<Bytes>, media_type: impl Into<Cow<'static, str>>) -> Self {
        Self { bytes: bytes.into(), media_type: media_type.into() }
    }
}

/// What an entry takes in memory besides its bytes, roughly.
const ENTRY_OVERHEAD: u64 = 256;
/// An entry larger than this part of the memory is left to the directory: it would push out too much.
const LARGEST_PART: u64 = 8;

/// Finished images, in memory and in a directory.
///
/// Every answer is whole and is what was stored under its very key, or it is none. It is cheap to clone.
#[derive(Clone, Debug)]
pub struct DerivativeCache {
    memory: MemoryCache<CacheKey, Derivative>,
    max_memory: u64,
    disk: Option<Arc<DiskCache>>,
    least_effort: Duration,
    made: Arc<Again>,
    counters: Arc<Counters>,
    generation: Arc<AtomicU64>,
}

impl DerivativeCache {
    /// Opens the cache. Without `directory` in the options, or with `max_disk` of 0, it lives in memory alone.
    ///
    /// Entries of earlier runs are found at once; they are counted in the background.
    ///
    /// # Errors
    /// [`CacheError`] when the directory cannot be used.
    pub fn open(options: &CacheOptions) -> Result<Self, CacheError> {
        let counters = Arc::<Counters>::default();
        let limits = DiskLimits {
            max_total: options.max_disk.bytes(),
            max_entries: options.max_entries,
            min_free: options.min_free.bytes(),
            max_queue: options.write_queue.bytes(),
        };
        let disk = match &options.directory {
            Some(path) if limits.max_total > 0 => Some(Arc::new(DiskCache::open(path, limits, Arc::clone(&counters))?)),
            _ => None,
        };
        let max_memory = options.max_memory.bytes();
        let weigh = |_: &CacheKey, derivative: &Derivative| {
            u32::try_from((derivative.bytes.len() as u64).saturating_add(ENTRY_OVERHEAD)).unwrap_or(u32::MAX)
        };
        Ok(Self {
            memory: MemoryCache::with_weight(max_memory, weigh),
            max_memory,
            disk,
            least_effort: options.least_effort.into(),
            made: Arc::default(),
            counters,
            generation: Arc::default(),
        })
    }

    /// The derivative, if it is in memory. Never blocks; a miss is not counted, as the directory may follow.
    pub fn get_from_memory(&self, key: &CacheKey) -> Option<Derivative> {
        let found = self.memory.get(key)?;
        self.counters.memory_hits.count();
        if let Some(disk) = &self.disk {
            disk.touch(key);
        }
        Some(found)
    }

    /// The derivative, from memory or from the directory. Blocks for as long as one file takes to read.
    pub fn get(&self, key: &CacheKey) -> Option<Derivative> {
        if let Some(found) = self.get_from_memory(key) {
            return Some(found);
        }
        let generation = self.generation();
        let Some(found) = self.disk.as_ref().and_then(|disk| disk.get(key)) else {
            self.counters.misses.count();
            return None;
        };
        self.counters.disk_hits.count();
        self.remember_since(generation, *key, &found);
        Some(found)
    }

    /// About how many bytes reading the derivative from the directory would take in memory; `None` when it is not there.
    /// For callers who reserve memory for large ones before they read them.
    pub fn length_on_disk(&self, key: &CacheKey) -> Option<u64> {
        self.disk.as_ref()?.length(key)
    }

    /// Keeps a derivative of the image with this identifier, the one that the key was made of. Never blocks: the directory is
    /// written in the background, and only if the derivative took some effort to make, or was made before. It was begun in this
    /// [`DerivativeCache::generation`]: after a purge since then nothing is kept, also when it comes in this very moment.
    pub fn insert_since(
        &self,
        generation: u64,
        key: CacheKey,
        identifier: &str,
        derivative: &Derivative,
        effort: Duration,
    ) {
        let is_current = || self.generation() == generation;
        if !is_current() {
            return;
        }
        self.remember_since(generation, key, derivative);
        let Some(disk) = &self.disk else { return };
        if effort >= self.least_effort || self.made.comes(&key) {
            disk.insert(key, identifier, derivative.clone(), &is_current);
        } else {
            self.counters.writes_spared.count();
        }
    }

    /// How many purges there were. What was begun before a purge should not be kept after it.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// A part that was kept, open for reading; `None` when it is not there or not whole.
    pub fn open_part(&self, key: &CacheKey) -> Option<KeptPart> {
        let part = self.disk.as_ref()?.open_part(key)?;
        self.counters.parts_opened.count();
        Some(part)
    }

    /// Drops a part that is of no use to whoever opened it, so that it can be kept anew; those who have it open go on with it. Blocks
    /// for as long as it takes to remove a file.
    pub fn discard_part(&self, key: &CacheKey) {
        if let Some(disk) = &self.disk {
            disk.discard_part(key);
        }
    }

    /// Keeps a part: a large file beside the derivatives, within the same bounds. `write` is given a file; others see it once
    /// it was written wholly. Blocks for as long as that takes. What it is made of was begun in this
    /// [`DerivativeCache::generation`]; a purge since then, or one of this image while it is written, leaves nothing of it.
    ///
    /// # Errors
    /// `Unsupported` without a directory, `WouldBlock` as long as what earlier runs left in it is not known, or what was there before
    /// cannot be removed, `Interrupted` after a purge, `StorageFull` when there is no room for it, else what `write` or the system says.
    /// Nothing is kept then.
    pub fn keep_part(
        &self,
        key: &CacheKey,
        identifier: &str,
        generation: u64,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let none = || io::Error::new(io::ErrorKind::Unsupported, "there is no cache directory");
        let is_current = || self.generation() == generation;
        self.disk.as_ref().ok_or_else(none)?.keep_part(key, identifier, &is_current, write)
    }

    /// Remembers what was found or made since this generation began. A purge that came meanwhile may have looked before it was there.
    fn remember_since(&self, generation: u64, key: CacheKey, derivative: &Derivative) {
        self.remember(key, derivative);
        if self.generation() != generation {
            self.memory.remove(&key);
        }
    }

    fn remember(&self, key: CacheKey, derivative: &Derivative) {
        let weight = (derivative.bytes.len() as u64).saturating_add(ENTRY_OVERHEAD);
        if weight <= self.max_memory / LARGEST_PART {
            self.memory.insert(key, derivative.clone());
        }
    }

    /// Forgets all derivatives of an image, given as [`CacheKey::image_of`]. None of them is answered after this returns;
    /// the files go in the background. Gives the number of files.
    pub fn purge_image(&self, image: u128) -> u64 {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.memory.remove_if(move |key, _| key.image == image);
        self.disk.as_ref().map_or(0, |disk| disk.purge_image(image))
    }

    /// Forgets the images whose identifiers are meant, likewise, and all whose identifiers are not known any more. What is in
    /// memory goes altogether. Blocks until what earlier runs left is known.
    pub fn purge_named(&self, is_meant: &dyn Fn(&str) -> bool) -> u64 {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.memory.clear();
        self.disk.as_ref().map_or(0, |disk| disk.purge_named(is_meant))
    }

    /// Forgets everything, likewise.
    pub fn purge_all(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.memory.clear();
        self.disk.as_ref().map_or(0, |disk| disk.purge_all())
    }

    /// Waits until all that was inserted before is written or dropped: for orderly ends and tests.
    pub fn flush(&self) {
        if let Some(disk) = &self.disk {
            disk.flush();
        }
    }

    /// Counters and sizes.
    pub fn stats(&self) -> CacheStats {
        let (disk_entries, disk_bytes) = self.disk.as_ref().map_or((0, 0), |disk| disk.size());
        CacheStats {
            memory_entries: self.memory.entry_count(),
            memory_bytes: self.memory.weight(),
            disk_entries,
            disk_bytes,
            ..self.counters.snapshot()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_purge_does_not_stay_in_memory_after_it() {
        let cache = DerivativeCache::open(&CacheOptions::default()).unwrap();
        let (key, derivative) = (CacheKey::new("a.tif", &["v1"]), Derivative::new(vec![7; 1000], "image/jpeg"));
        let before = cache.generation();
        cache.purge_image(key.image);
        cache.remember_since(before, key, &derivative);
        assert_eq!(cache.get_from_memory(&key), None);
        cache.remember_since(cache.generation(), key, &derivative);
        assert_eq!(cache.get_from_memory(&key), Some(derivative));
    }
}
