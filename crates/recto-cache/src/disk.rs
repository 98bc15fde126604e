//! Finished images in a bounded directory.

mod entry;
mod folder;
mod index;
mod queue;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

pub use self::folder::overlaps;

use self::folder::Folder;
use self::index::Index;
use self::queue::{Job, Queue};
use crate::stats::Counters;
use crate::{CacheError, CacheKey, Derivative};

/// How much the directory may hold, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiskLimits {
    /// Most bytes of the whole directory.
    pub(crate) max_total: u64,
    /// What stays free on the disk.
    pub(crate) min_free: u64,
    /// Most that waits to be written.
    pub(crate) max_queue: u64,
}

/// Finished images in a directory that belongs to this process.
///
/// One thread writes and removes; readers open files by their key. The bytes of all files, in whole blocks, never pass the
/// bound: room is made before a file is written.
#[derive(Debug)]
pub struct DiskCache {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    folder: Folder,
    limits: DiskLimits,
    counters: Arc<Counters>,
    queue: Queue,
    content: Mutex<Content>,
}

/// What is known of the directory.
#[derive(Debug)]
struct Content {
    index: Index,
    /// Bytes of the folders that were made.
    folder_bytes: u64,
    /// False until the entries of earlier runs are counted. Until then, a key that the index does not have is looked for
    /// in the directory.
    is_counted: bool,
    /// Purges from before the counting was over: files that they mean may still be there.
    early_purges: Vec<Option<u128>>,
}

/// What the name of a file takes in its folder, generously.
const NAME_BYTES: u64 = 160;
/// An entry larger than this part of the bound is not written: it would push out too much.
const LARGEST_PART: u64 = 4;

impl Content {
    /// Bytes of everything, in whole blocks.
    fn used(&self) -> u64 {
        let names = self.index.rounded(self.index.entries().saturating_mul(NAME_BYTES));
        self.index.bytes().saturating_add(names).saturating_add(self.folder_bytes)
    }

    /// True when a file of this key may be there and may be answered. It then counts as used.
    fn touch(&mut self, key: &CacheKey) -> Presence {
        if self.index.touch(key) {
            return Presence::Known;
        }
        let purged = |image: &Option<u128>| image.is_none_or(|image| image == key.image);
        if self.is_counted || self.index.contains(key) || self.early_purges.iter().any(purged) {
            return Presence::None;
        }
        Presence::Possible
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Known,
    Possible,
    None,
}

impl DiskCache {
    /// Opens the directory and starts to count what earlier runs left in it.
    pub(crate) fn open(path: &Path, limits: DiskLimits, counters: Arc<Counters>) -> Result<Self, CacheError> {
        let folder = Folder::open(path)?;
        let content = Mutex::new(Content {
            index: Index::new(folder.block_bytes),
            // The directory, the marker and the tag.
            folder_bytes: 3 * folder.block_bytes,
            is_counted: false,
            early_purges: Vec::new(),
        });
        let shared = Arc::new(Shared { folder, limits, counters, queue: Queue::default(), content });
        let of_worker = Arc::clone(&shared);
        let worker = std::thread::Builder::new()
            .name("recto-cache".to_owned())
            .spawn(move || of_worker.work())
            .map_err(|source| CacheError::Io { path: path.to_owned(), source })?;
        Ok(Self { shared, worker: Some(worker) })
    }

    /// About how many bytes an entry would take in memory; `None` when it is not there.
    pub fn length(&self, key: &CacheKey) -> Option<u64> {
        if self.shared.content().touch(key) == Presence::None { None } else { self.shared.folder.length(key) }
    }

    /// The entry, read and verified. Blocks for as long as that takes.
    pub fn get(&self, key: &CacheKey) -> Option<Derivative> {
        let shared = &*self.shared;
        let presence = shared.content().touch(key);
        if presence == Presence::None {
            return None;
        }
        match shared.folder.read(key, shared.limits.max_total) {
            Ok(file) => {
                let found = entry::parse(key, file);
                if found.is_none() {
                    self.report_damage(key);
                }
                found
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Evicted in this moment, or removed by someone else: then the index must learn of it.
                if presence == Presence::Known {
                    shared.queue.push(Job::Remove(*key));
                }
                None
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                self.report_damage(key);
                None
            }
            Err(error) => {
                // Too many open files, a disk that fails: that says nothing about the entry.
                tracing::warn!(%key, %error, "a cache entry cannot be read");
                None
            }
        }
    }

    fn report_damage(&self, key: &CacheKey) {
        self.shared.counters.damaged.count();
        self.shared.content().index.mark_damaged(key);
        self.shared.queue.push(Job::Remove(*key));
        tracing::warn!(%key, "a cache entry is damaged and will be removed");
    }

    /// Notes that the entry was used, though it was answered from memory; not when that would have to wait.
    pub(crate) fn touch(&self, key: &CacheKey) {
        if let Ok(mut content) = self.shared.content.try_lock() {
            content.index.touch(key);
        }
    }

    /// Has an entry written. Never waits: when too much waits already, it is dropped.
    pub(crate) fn insert(&self, key: CacheKey, derivative: Derivative) {
        if !self.shared.queue.push_write(key, derivative, self.shared.limits.max_queue) {
            self.shared.counters.writes_dropped.count();
        }
    }

    /// Forgets an image at once; its files go in the background.
    pub(crate) fn purge_image(&self, image: u128) {
        self.purge(Some(image));
    }

    /// Forgets everything at once; the files go in the background.
    pub(crate) fn purge_all(&self) {
        self.purge(None);
    }

    fn purge(&self, image: Option<u128>) {
        {
            let mut content = self.shared.content();
            if !content.is_counted {
                content.early_purges.push(image);
            }
            content.index.mark_image(image);
        }
        self.shared.queue.push(Job::Purge(image));
    }

    /// Waits until everything that was asked for before is done, the counting included.
    pub fn flush(&self) {
        let (tell, told) = mpsc::sync_channel(1);
        self.shared.queue.push(Job::Tell(tell));
        // A closed queue drops the sender, which ends the wait as well.
        let _ = told.recv();
    }

    /// Entries and bytes of the directory.
    pub(crate) fn size(&self) -> (u64, u64) {
        let content = self.shared.content();
        (content.index.entries(), content.used())
    }
}

impl Drop for DiskCache {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(worker) = self.worker.take() {
            // A panic of the worker has been reported where it happened.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        if let Err(error) = self.count() {
            // Without the count the bound cannot be kept: nothing more is written, what is there is still answered.
            tracing::error!(%error, "the cache directory cannot be counted and is only read from");
            self.queue.close();
            return;
        }
        while let Some(job) = self.queue.pop() {
            match job {
                Job::Write(key, derivative) => self.write(&key, &derivative),
                Job::Remove(key) => self.remove_damaged(&key),
                Job::Purge(image) => self.purge(image),
                Job::Tell(tell) => {
                    // The one who asked may be gone.
                    let _ = tell.send(());
                }
            }
        }
    }

    /// Counts what earlier runs left, oldest first, and removes what is too much.
    fn count(&self) -> io::Result<()> {
        let mut found: Vec<(i64, CacheKey, u64)> = Vec::new();
        let folders = self.folder.scan(|key, bytes, changed| {
            found.push((changed, key, bytes));
            !found.len().is_multiple_of(1024) || !self.queue.is_closed()
        })?;
        found.sort_unstable();
        {
            let mut content = self.content();
            content.folder_bytes += folders * self.folder.block_bytes;
            for (_, key, bytes) in &found {
                content.index.insert_found(key, *bytes);
            }
            for image in std::mem::take(&mut content.early_purges) {
                content.index.mark_image(image);
            }
            content.is_counted = true;
        }
        self.make_room(0)?;
        tracing::debug!(entries = found.len(), "the cache directory is counted");
        Ok(())
    }

    /// Evicts until `bytes` more would fit. False when they never will.
    fn make_room(&self, bytes: u64) -> io::Result<bool> {
        let free = self.folder.free_bytes()?;
        let used = self.content().used();
        // What the disk leaves to the cache; less than it has now, when others need their room back.
        let by_disk = used.saturating_add(free).saturating_sub(self.limits.min_free);
        let most = self.limits.max_total.min(by_disk);
        loop {
            let victim = {
                let mut content = self.content();
                if content.used().checked_add(bytes).is_some_and(|wanted| wanted <= most) {
                    return Ok(true);
                }
                // Emptying the cache for something that does not fit even then helps nobody.
                if bytes > 0 && content.folder_bytes.saturating_add(bytes) > most {
                    return Ok(false);
                }
                content.index.evict()
            };
            let Some(victim) = victim else { return Ok(false) };
            self.counters.evictions.count();
            self.folder.remove(&victim)?;
        }
    }

    fn write(&self, key: &CacheKey, derivative: &Derivative) {
        let bytes = entry::file_bytes(derivative);
        if self.content().index.contains(key) {
            return;
        }
        match self.write_file(key, derivative, bytes) {
            Ok(true) => self.counters.writes.count(),
            Ok(false) => self.counters.writes_refused.count(),
            Err(error) => {
                self.counters.write_errors.count();
                tracing::warn!(%key, %error, "a cache entry cannot be written");
            }
        }
    }

    /// Writes an entry after making room for it. False when there is none.
    fn write_file(&self, key: &CacheKey, derivative: &Derivative, bytes: u64) -> io::Result<bool> {
        // Its blocks, its name, and the folder that it may need.
        let needed = self.content().index.rounded(bytes).saturating_add(2 * self.folder.block_bytes);
        if bytes > self.limits.max_total / LARGEST_PART || !self.make_room(needed)? {
            return Ok(false);
        }
        let made_folder = self.folder.write(key, derivative)?;
        let displaced = {
            let mut content = self.content();
            content.folder_bytes += if made_folder { self.folder.block_bytes } else { 0 };
            content.index.insert(key, bytes)
        };
        if let Some(displaced) = displaced {
            self.folder.remove(&displaced)?;
        }
        Ok(true)
    }

    /// Removes an entry that was found damaged, unless a good one has come to its place.
    fn remove_damaged(&self, key: &CacheKey) {
        let is_bad = match self.folder.read(key, self.limits.max_total) {
            Ok(file) => entry::parse(key, file).is_none(),
            Err(error) => matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData),
        };
        if is_bad {
            self.forget(key);
        }
    }

    fn forget(&self, key: &CacheKey) {
        match self.folder.remove(key) {
            Ok(()) => self.content().index.remove(key),
            Err(error) => tracing::warn!(%key, %error, "a cache entry cannot be removed"),
        }
    }

    fn purge(&self, image: Option<u128>) {
        let keys = self.content().index.mark_image(image);
        for key in keys {
            self.forget(&key);
        }
    }
}
