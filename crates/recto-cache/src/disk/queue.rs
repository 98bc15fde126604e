//! What waits to be done to the directory.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::{CacheKey, Derivative};

/// Entries that wait at most, besides the bound in bytes.
const MOST_WRITES: usize = 4096;

#[derive(Debug)]
pub(crate) enum Job {
    /// An entry, and the identifier of its image.
    Write(CacheKey, Box<str>, Derivative, Arc<Underway>),
    /// The file of this key is damaged.
    Remove(CacheKey),
    Purge(Purge),
    /// Looks whether the journal is too long, as is done after every job.
    Shorten,
    /// Tells when all jobs before it are done.
    Tell(SyncSender<()>),
}

/// What is to be forgotten.
#[derive(Clone, Debug)]
pub(crate) struct Purge(Arc<Meant>);

#[derive(Debug)]
enum Meant {
    All,
    Image(u128),
    /// These, and all that are not known by name: they might be meant.
    Images {
        meant: HashSet<u128>,
        named: HashSet<u128>,
    },
}

impl Purge {
    pub(crate) fn all() -> Self {
        Self(Arc::new(Meant::All))
    }

    pub(crate) fn image(image: u128) -> Self {
        Self(Arc::new(Meant::Image(image)))
    }

    pub(crate) fn images(meant: HashSet<u128>, named: HashSet<u128>) -> Self {
        Self(Arc::new(Meant::Images { meant, named }))
    }

    /// Is this image to be forgotten?
    pub(crate) fn means(&self, image: u128) -> bool {
        match &*self.0 {
            Meant::All => true,
            Meant::Image(one) => *one == image,
            Meant::Images { meant, named } => meant.contains(&image) || !named.contains(&image),
        }
    }
}

/// An entry that is being written. The index has it only once its file is complete, so a purge that means it notes that here.
#[derive(Debug)]
pub(crate) struct Underway {
    image: u128,
    is_purged: AtomicBool,
}

impl Underway {
    fn new(image: u128) -> Arc<Self> {
        Arc::new(Self { image, is_purged: AtomicBool::new(false) })
    }

    /// True when it was purged since it was begun: then it must not be kept.
    pub(crate) fn is_purged(&self) -> bool {
        self.is_purged.load(Ordering::Acquire)
    }
}

/// A queue for one worker. Writes are bounded; the other jobs are few and never refused.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    writes: usize,
    write_bytes: u64,
    /// What is being written, by the worker and by those who make parts.
    underway: Vec<Arc<Underway>>,
    is_closed: bool,
}

impl Waiting {
    fn note(&mut self, underway: &Arc<Underway>) {
        // Those that nobody else holds any more have ended.
        self.underway.retain(|other| Arc::strong_count(other) > 1);
        self.underway.push(Arc::clone(underway));
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a write; false when there is no room, or the queue is closed, or `is_current` says that what was made was purged
    /// meanwhile. That is asked while no purge can pass by.
    pub(crate) fn push_write(
        &self,
        key: CacheKey,
        name: &str,
        derivative: Derivative,
        most_bytes: u64,
        is_current: &dyn Fn() -> bool,
    ) -> bool {
        let bytes = derivative.bytes.len() as u64;
        let mut waiting = self.lock();
        if waiting.is_closed
            || waiting.writes >= MOST_WRITES
            || waiting.write_bytes.saturating_add(bytes) > most_bytes
            || !is_current()
        {
            return false;
        }
        waiting.writes += 1;
        waiting.write_bytes += bytes;
        waiting.jobs.push_back(Job::Write(key, name.into(), derivative, Underway::new(key.image)));
        self.changed.notify_one();
        true
    }

    /// Adds a job that is no write.
    pub(crate) fn push(&self, job: Job) {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return;
        }
        waiting.jobs.push_back(job);
        self.changed.notify_one();
    }

    /// Notes that an entry of this image is being written by somebody other than the worker; `None` when `is_current` says that
    /// what it is made of was purged meanwhile. That is asked while no purge can pass by.
    pub(crate) fn begin(&self, image: u128, is_current: &dyn Fn() -> bool) -> Option<Arc<Underway>> {
        let mut waiting = self.lock();
        if !is_current() {
            return None;
        }
        let underway = Underway::new(image);
        waiting.note(&underway);
        Some(underway)
    }

    /// Drops the writes that a purge means, and has those that are underway give up. To be called before the index is searched:
    /// what is not found here is in the index by then.
    pub(crate) fn drop_writes(&self, purge: &Purge) {
        let mut waiting = self.lock();
        waiting.jobs.retain(|job| !matches!(job, Job::Write(key, ..) if purge.means(key.image)));
        let left = waiting.jobs.iter().filter_map(|job| match job {
            Job::Write(_, _, derivative, _) => Some(derivative.bytes.len() as u64),
            _ => None,
        });
        let (writes, bytes) = left.fold((0, 0), |(writes, bytes), length| (writes + 1, bytes + length));
        (waiting.writes, waiting.write_bytes) = (writes, bytes);
        for underway in waiting.underway.iter().filter(|underway| purge.means(underway.image)) {
            underway.is_purged.store(true, Ordering::Release);
        }
    }

    /// The next job; waits for one, and calls `idle` before that. `None` when the queue is closed and what is not dropped is done.
    pub(crate) fn pop(&self, mut idle: impl FnMut()) -> Option<Job> {
        if self.lock().jobs.is_empty() {
            idle();
        }
        let mut waiting = self.lock();
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                if let Job::Write(_, _, derivative, underway) = &job {
                    waiting.writes = waiting.writes.saturating_sub(1);
                    waiting.write_bytes = waiting.write_bytes.saturating_sub(derivative.bytes.len() as u64);
                    waiting.note(underway);
                }
                return Some(job);
            }
            if waiting.is_closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more jobs and drops those that wait, but for purges: what was forgotten may not be there again after a restart.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        waiting.jobs.retain(|job| matches!(job, Job::Purge(_)));
        (waiting.writes, waiting.write_bytes) = (0, 0);
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_that_waits_when_the_queue_is_closed_is_done_and_nothing_else() {
        let queue = Queue::default();
        let key = CacheKey::new("a.tif", &["v1"]);
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        queue.push(Job::Remove(key));
        queue.push(Job::Purge(Purge::image(key.image)));
        assert!(queue.push_write(key, "a.tif", Derivative::new(vec![7; 10], "image/jpeg"), 100, &|| true));
        queue.push(Job::Tell(tell));
        queue.close();
        queue.push(Job::Purge(Purge::all()));
        assert!(told.recv().is_err(), "who waits for the worker waits no more");
        assert!(matches!(queue.pop(|| ()), Some(Job::Purge(purge)) if purge.means(key.image) && !purge.means(0)));
        assert!(queue.pop(|| ()).is_none());
    }
}
