//! How entries and parts come into the directory: room is made, the file is written where nobody looks, and then admitted.

use std::fs::File;
use std::io::{self, Write};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::folder::Coming;
use super::index::Admission;
use super::journal::Listed;
use super::part::PartWriter;
use super::queue::{Job, Underway};
use super::{Content, DiskCache, Shared, entry, lock};
use crate::{CacheKey, Derivative};

/// How long one who has a part waits for the count. A short list is read in less; a walk through millions of files takes minutes.
const COUNT_PATIENCE: Duration = Duration::from_millis(250);
/// How long a file that is complete waits for the one before it to be removed, which takes a moment unless the disk hangs.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(10);

/// So many files may fail to be removed before no room is made.
const MOST_FAILURES: u32 = 16;

/// A file that is complete, on its way to its place.
struct Arrival<'a> {
    key: &'a CacheKey,
    /// The identifier of its image.
    name: &'a str,
    bytes: u64,
    /// It took long to make: others go before it.
    is_dear: bool,
    coming: &'a Coming,
    underway: &'a Underway,
}

/// Why something is not kept that was made of what a purge means.
fn purged() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "the cache was purged meanwhile")
}

impl DiskCache {
    /// Writes a part. Blocks for as long as that takes, but hardly for the count of what earlier runs left. `is_current` says
    /// whether what the part is made of was not purged so far; from then on purges are looked after here.
    pub(crate) fn keep_part(
        &self,
        key: &CacheKey,
        name: &str,
        is_current: &dyn Fn() -> bool,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let shared = &*self.shared;
        let is_counted = shared.is_counted_soon();
        if shared.queue.is_closed() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the cache directory is only read from"));
        }
        if !is_counted {
            let why = "the cache directory is still being counted; what is made later is kept";
            return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
        }
        let underway = shared.queue.begin(key.image, is_current).ok_or_else(purged)?;
        let is_damaged = {
            let mut content = shared.content();
            if content.index.touch(key) {
                return Ok(());
            }
            content.index.claim_damaged(key)
        };
        // It makes room for the new one.
        if is_damaged {
            shared.forget(key);
        }
        let (coming, file) = shared.folder.begin(key)?;
        let kept = shared.write_part(key, name, (&coming, &file), &underway, write);
        if let Err(error) = &kept {
            match error.kind() {
                io::ErrorKind::StorageFull => shared.counters.writes_refused.count(),
                io::ErrorKind::Interrupted => {}
                _ => shared.counters.write_errors.count(),
            }
        }
        if shared.journal_is_long() {
            shared.queue.push(Job::Shorten);
        }
        kept
    }
}

impl Shared {
    /// True once what earlier runs left is known; waits a moment for that.
    fn is_counted_soon(&self) -> bool {
        let is_counting = |content: &mut Content| !content.is_counted && !self.queue.is_closed();
        let waited = self.counted.wait_timeout_while(self.content(), COUNT_PATIENCE, is_counting);
        let (content, _) = waited.unwrap_or_else(PoisonError::into_inner);
        content.is_counted
    }

    /// Evicts until so many bytes and entries more would fit, and reserves them. False when they never will.
    pub(super) fn make_room(&self, bytes: u64, entries: u64) -> io::Result<bool> {
        let free = self.folder.free_bytes()?;
        let beside = self.beside();
        // What the disk leaves to the cache; less than it has now, when others need their room back.
        let by_disk = self.content().used().saturating_add(beside).saturating_add(free);
        let most = self.limits.max_total.min(by_disk.saturating_sub(self.limits.min_free)).saturating_sub(beside);
        let deadline = Instant::now() + REMOVAL_PATIENCE;
        let mut failures = 0;
        let mut content = self.content();
        loop {
            let victim = {
                let wanted = content.used().checked_add(content.reserved).and_then(|used| used.checked_add(bytes));
                let count = content.index.entries().saturating_add(content.reserved_entries).saturating_add(entries);
                if wanted.is_some_and(|wanted| wanted <= most) && count <= self.limits.max_entries.max(1) {
                    content.reserved += bytes;
                    content.reserved_entries += entries;
                    return Ok(true);
                }
                // Emptying the cache for something that does not fit even then helps nobody.
                if bytes > 0 && content.folder_bytes.saturating_add(bytes) > most {
                    return Ok(false);
                }
                content.index.evict()
            };
            let Some(victim) = victim else {
                // What others are removing counts until it is gone.
                let left = deadline.saturating_duration_since(Instant::now());
                if !content.index.is_leaving() || left.is_zero() {
                    return Ok(false);
                }
                (content, _) = self.moved.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(content);
            match self.remove_claimed(&victim) {
                Ok(()) => self.counters.evictions.count(),
                // It waits behind all others now.
                Err(error) if failures == MOST_FAILURES => return Err(error),
                Err(_) => failures += 1,
            }
            content = self.content();
        }
    }

    pub(super) fn unreserve(&self, bytes: u64, entries: u64) {
        let mut content = self.content();
        content.reserved = content.reserved.saturating_sub(bytes);
        content.reserved_entries = content.reserved_entries.saturating_sub(entries);
    }

    pub(super) fn write(&self, key: &CacheKey, name: &str, derivative: &Derivative, underway: &Underway) {
        let bytes = entry::file_bytes(derivative);
        if self.content().index.is_wanted(key) {
            return;
        }
        match self.write_file(key, name, derivative, bytes, underway) {
            Ok(true) => self.counters.writes.count(),
            Ok(false) => self.counters.writes_refused.count(),
            // Purged while it was written.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.counters.write_errors.count();
                tracing::warn!(%key, %error, "a cache entry cannot be written");
            }
        }
    }

    /// Writes an entry after making room for it. False when there is none.
    fn write_file(
        &self,
        key: &CacheKey,
        name: &str,
        derivative: &Derivative,
        bytes: u64,
        underway: &Underway,
    ) -> io::Result<bool> {
        // Its blocks, its name, and the folder that it may need.
        let needed = self.content().index.rounded(bytes).saturating_add(2 * self.folder.block_bytes);
        if bytes > self.largest() || !self.make_room(needed, 1)? {
            return Ok(false);
        }
        let written = self.folder.write(key, derivative).and_then(|coming| {
            let arrived = self.admit(&Arrival { key, name, bytes, is_dear: false, coming: &coming, underway });
            if !matches!(arrived, Ok(true)) {
                self.folder.give_up(&coming);
            }
            arrived
        });
        self.unreserve(needed, 1);
        written?;
        Ok(true)
    }

    fn write_part(
        &self,
        key: &CacheKey,
        name: &str,
        (coming, file): (&Coming, &File),
        underway: &Underway,
        write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut out = PartWriter::new(self, coming, file)?;
        write(&mut out)?;
        let bytes = out.finish(key)?;
        if self.admit(&Arrival { key, name, bytes, is_dear: true, coming, underway })? {
            out.arrived();
            self.counters.parts_written.count();
        }
        Ok(())
    }

    /// Takes a file that is complete into the index and the journal, and moves it to its place. False when it is of no use, as
    /// another one was quicker; `Interrupted` when it was purged meanwhile.
    fn admit(&self, arrival: &Arrival<'_>) -> io::Result<bool> {
        let &Arrival { key, name, coming, .. } = arrival;
        let Some(listed) = self.take_place(arrival)? else { return Ok(false) };
        {
            let mut journal = lock(&self.journal);
            journal.list(&self.folder, listed, name);
            self.journal_bytes.store(journal.bytes(), Ordering::Relaxed);
        }
        #[cfg(test)]
        self.points.pass(super::tests::Point::Listed);
        let is_wanted = match self.folder.arrive(coming) {
            Ok(made_folder) => {
                let mut content = self.content();
                content.folder_bytes += if made_folder { self.folder.block_bytes } else { 0 };
                content.index.arrived(key)
            }
            Err(error) => {
                // There is no file, so nobody would strike it out.
                self.strike(key);
                self.content().index.remove(key);
                self.moved.notify_all();
                return Err(error);
            }
        };
        self.moved.notify_all();
        if !is_wanted {
            self.remove_claimed(key)?;
            return Err(purged());
        }
        Ok(true)
    }

    /// Adds an entry to the index, once nothing is in its place: what is damaged is removed, and what others remove is waited for.
    /// `None` when a sound one is there, or somebody else brings one.
    fn take_place(&self, arrival: &Arrival<'_>) -> io::Result<Option<Listed>> {
        let &Arrival { key, bytes, is_dear, underway, .. } = arrival;
        let deadline = Instant::now() + REMOVAL_PATIENCE;
        let mut content = self.content();
        loop {
            // A purge looks through what is underway before it looks through the index: it has seen this there, or will here.
            if underway.is_purged() {
                return Err(purged());
            }
            match content.index.insert(key, bytes, is_dear) {
                Admission::Added => return Ok(content.index.listed(key)),
                Admission::There => return Ok(None),
                Admission::After(before) => {
                    drop(content);
                    self.remove_claimed(&before)?;
                    content = self.content();
                }
                Admission::NotYet => {
                    #[cfg(test)]
                    self.points.pass(super::tests::Point::Waiting);
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        let why = "the cache entry before it is still being removed; the disk may hang";
                        return Err(io::Error::new(io::ErrorKind::WouldBlock, why));
                    }
                    (content, _) = self.moved.wait_timeout(content, left).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{keep, key, open};
    use super::*;

    #[test]
    fn a_part_is_not_kept_and_nobody_waits_long_while_the_directory_is_counted() {
        let place = tempfile::tempdir().unwrap();
        let cache = open(place.path());
        cache.shared.content().is_counted = false;
        let begun = Instant::now();
        let kept = cache.keep_part(&key(), "a.tif", &|| true, &mut |_| unreachable!("it is asked for nothing"));
        assert_eq!(kept.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(begun.elapsed() < COUNT_PATIENCE * 20);
        cache.shared.content().is_counted = true;
        keep(&cache, b"index").unwrap();
        assert!(cache.open_part(&key()).is_some());
    }

    #[test]
    fn a_derivative_that_is_purged_while_it_is_written_is_not_kept() {
        let place = tempfile::tempdir().unwrap();
        let cache = open(place.path());
        let derivative = Derivative::new(vec![7; 1000], "image/jpeg");
        for (name, stays) in [("a.tif", false), ("b.tif", true)] {
            let underway = cache.shared.queue.begin(key().image, &|| true).unwrap();
            cache.purge_image(CacheKey::image_of(name));
            cache.flush();
            cache.shared.write(&key(), "a.tif", &derivative, &underway);
            assert_eq!(cache.get(&key()).is_some(), stays, "{name} is purged");
            assert_eq!(cache.size().0, u64::from(stays), "{name} is purged");
        }
        assert_eq!(std::fs::read_dir(place.path().join("coming")).unwrap().count(), 0);
    }

    #[test]
    fn what_was_made_before_a_purge_is_not_taken_after_it() {
        let place = tempfile::tempdir().unwrap();
        let cache = open(place.path());
        cache.insert(key(), "a.tif", Derivative::new(vec![7; 1000], "image/jpeg"), &|| false);
        cache.flush();
        assert!(cache.get(&key()).is_none());
        let kept = cache.keep_part(&key(), "a.tif", &|| false, &mut |_| unreachable!("it is asked for nothing"));
        assert_eq!(kept.unwrap_err().kind(), io::ErrorKind::Interrupted);
        assert_eq!(cache.size().0, 0);
    }
}
