//! Finished images and decoders' parts in a bounded directory.

mod counting;
mod entry;
mod folder;
mod index;
mod journal;
mod opening;
mod part;
mod queue;
mod removing;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

pub use self::folder::{overlaps, real};
pub use self::part::KeptPart;

use self::folder::Folder;
use self::index::Index;
use self::journal::{Journal, Past, Record};
use self::opening::OpenParts;
use self::queue::{Job, Purge, Queue};
use crate::stats::Counters;
use crate::{CacheError, CacheKey, Derivative};

/// How much the directory may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiskLimits {
    /// Most bytes of the whole directory.
    pub(crate) max_total: u64,
    /// Most files.
    pub(crate) max_entries: u64,
    /// Bytes that stay free on the disk.
    pub(crate) min_free: u64,
    /// Most bytes that wait to be written.
    pub(crate) max_queue: u64,
}

/// Files in a directory that belongs to this process.
///
/// One thread writes derivatives and removes; parts are written by those who make them; readers open files by their key. The
/// bytes of all files, in whole blocks, never pass the bound: room is made before a file is written.
#[derive(Debug)]
pub struct DiskCache {
    shared: Arc<Shared>,
    worker: Option<JoinHandle<()>>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    folder: Folder,
    limits: DiskLimits,
    counters: Arc<Counters>,
    queue: Queue,
    content: Mutex<Content>,
    /// Told when the content is counted, or will never be.
    counted: Condvar,
    /// Told when a file has come to its place, or is gone from it.
    moved: Condvar,
    /// Never taken while the content is held.
    journal: Mutex<Journal>,
    journal_bytes: AtomicU64,
    boot: u64,
    /// Parts that are open, so that all share what was verified.
    parts: Mutex<OpenParts>,
    /// Bytes of files whose names are gone while they are open.
    lingering: AtomicU64,
    #[cfg(test)]
    points: tests::Points,
}

/// What is known of the directory.
#[derive(Debug)]
struct Content {
    index: Index,
    /// Bytes of the folders that were made.
    folder_bytes: u64,
    /// Bytes that files on their way will take.
    reserved: u64,
    /// Number of these files.
    reserved_entries: u64,
    /// False until the entries of earlier runs are known. Until then, a key that the index does not have is looked for in the
    /// directory.
    is_counted: bool,
    /// Purges from before that: files that they mean may still be there.
    early_purges: Vec<Purge>,
}

/// What the name of a file takes in its folder, generously.
const NAME_BYTES: u64 = 160;
/// An entry larger than this part of the bound is not written: it would push out too much.
const LARGEST_PART: u64 = 4;
/// Entries that are looked at in one go while others wait.
const AT_A_TIME: usize = 4096;

impl Content {
    /// Bytes of all entries with their names and folders, in whole blocks.
    fn used(&self) -> u64 {
        let names = self.index.rounded(self.index.entries().saturating_mul(NAME_BYTES));
        self.index.bytes().saturating_add(names).saturating_add(self.folder_bytes)
    }

    /// True when a file of this key may be there and may be answered. It then counts as used.
    fn touch(&mut self, key: &CacheKey) -> Presence {
        if self.index.touch(key) {
            return Presence::Known;
        }
        let purged = |purge: &Purge| purge.means(key.image);
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl DiskCache {
    /// Opens the directory and starts to find out what earlier runs left in it.
    pub(crate) fn open(path: &Path, limits: DiskLimits, counters: Arc<Counters>) -> Result<Self, CacheError> {
        let folder = Folder::open(path)?;
        let content = Mutex::new(Content {
            index: Index::new(folder.block_bytes),
            // The directory, the marker, the tag, and the folder of what is on its way.
            folder_bytes: 4 * folder.block_bytes,
            reserved: 0,
            reserved_entries: 0,
            is_counted: false,
            early_purges: Vec::new(),
        });
        let shared = Arc::new(Shared {
            folder,
            limits,
            counters,
            queue: Queue::default(),
            content,
            counted: Condvar::new(),
            moved: Condvar::new(),
            journal: Mutex::new(Journal::none()),
            journal_bytes: AtomicU64::new(0),
            boot: journal::boot(),
            parts: Mutex::default(),
            lingering: AtomicU64::new(0),
            #[cfg(test)]
            points: tests::Points::default(),
        });
        let of_worker = Arc::clone(&shared);
        let worker = std::thread::Builder::new()
            .name("recto-cache".to_owned())
            .spawn(move || {
                let _end = End(&of_worker);
                of_worker.work();
            })
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
                    shared.report_damage(key);
                }
                found
            }
            Err(error) => {
                shared.explain(key, presence, &error);
                None
            }
        }
    }

    /// Notes that the entry was used, though it was answered from memory; not when that would have to wait.
    pub(crate) fn touch(&self, key: &CacheKey) {
        self.shared.touch(key);
    }

    /// Has an entry written. Never waits: when too much waits already, it is dropped. So is what was purged meanwhile, by what
    /// `is_current` says.
    pub(crate) fn insert(&self, key: CacheKey, name: &str, derivative: Derivative, is_current: &dyn Fn() -> bool) {
        if !self.shared.queue.push_write(key, name, derivative, self.shared.limits.max_queue, is_current) {
            self.shared.counters.writes_dropped.count();
        }
    }

    /// Forgets an image at once; its files go in the background. Gives the number of files.
    pub(crate) fn purge_image(&self, image: u128) -> u64 {
        self.purge(Purge::image(image))
    }

    /// Forgets everything at once; the files go in the background. Gives their number.
    pub(crate) fn purge_all(&self) -> u64 {
        self.purge(Purge::all())
    }

    /// Forgets the images whose identifiers are meant, and those whose identifiers are not known. Waits until what earlier runs
    /// left is known.
    pub(crate) fn purge_named(&self, is_meant: &dyn Fn(&str) -> bool) -> u64 {
        self.flush();
        let (mut meant, mut named) = (HashSet::new(), HashSet::new());
        lock(&self.shared.journal).write_pending(&self.shared.folder);
        // Read while others go on writing: the names that they add are not known here, so what has them goes along.
        for record in Past::read(&self.shared.folder, self.shared.boot).records() {
            if let Record::Name(image, name) = record {
                named.insert(image);
                if is_meant(name) {
                    meant.insert(image);
                }
            }
        }
        self.purge(Purge::images(meant, named))
    }

    /// Waits until everything that was asked for before is done, and what earlier runs left is known.
    pub fn flush(&self) {
        let (tell, told) = mpsc::sync_channel(1);
        self.shared.queue.push(Job::Tell(tell));
        // A closed queue drops the sender, which ends the wait as well.
        let _ = told.recv();
    }

    /// Entries and bytes of the directory.
    pub(crate) fn size(&self) -> (u64, u64) {
        let (entries, bytes) = {
            let content = self.shared.content();
            (content.index.entries(), content.used().saturating_add(content.reserved))
        };
        (entries, bytes.saturating_add(self.shared.beside()))
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

/// However the worker ends, nobody waits for it after that.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.queue.close();
        self.0.counted.notify_all();
    }
}

impl Shared {
    fn content(&self) -> MutexGuard<'_, Content> {
        lock(&self.content)
    }

    /// Largest file that is kept.
    fn largest(&self) -> u64 {
        self.limits.max_total / LARGEST_PART
    }

    /// Bytes that are no entries: the journal, and what is still open.
    fn beside(&self) -> u64 {
        let blocks = |bytes: u64| bytes.next_multiple_of(self.folder.block_bytes);
        let journal = self.journal_bytes.load(Ordering::Relaxed);
        // While it is written anew there are two. What the new one takes beyond this is reserved then.
        blocks(journal.saturating_add(journal / journal::GROWTH))
            .saturating_add(blocks(self.lingering.load(Ordering::Relaxed)))
    }

    fn touch(&self, key: &CacheKey) {
        if let Ok(mut content) = self.content.try_lock() {
            content.index.touch(key);
        }
    }

    fn work(&self) {
        if let Err(error) = self.count() {
            if self.queue.is_closed() {
                return;
            }
            // Without the count the bound cannot be kept: nothing more is written, what is there is still answered.
            tracing::error!(%error, "the cache directory cannot be counted and is only read from");
            self.queue.close();
            self.counted.notify_all();
            return;
        }
        while let Some(job) = self.queue.pop(|| self.write_journal()) {
            match job {
                Job::Write(key, name, derivative, underway) => self.write(&key, &name, &derivative, &underway),
                Job::Remove(key) => self.remove_damaged(&key),
                Job::Purge(purge) => self.purge(&purge),
                Job::Shorten => {}
                Job::Tell(tell) => {
                    // The one who asked may be gone.
                    let _ = tell.send(());
                }
            }
            self.shorten_journal();
        }
        lock(&self.journal).close(&self.folder);
    }
}
