//! How files leave: whoever claimed an entry removes its file, and only then takes it out of the index, which frees its place.

use std::io;
use std::ops::Range;
use std::sync::atomic::Ordering;

use super::queue::{Job, Purge};
use super::{AT_A_TIME, Content, DiskCache, Presence, Shared, entry, lock, part};
use crate::CacheKey;

impl DiskCache {
    /// Drops a part that is whole, and of no use to whoever opened it: it can be kept anew then. Those who have it open go on with
    /// it. Nothing happens where the directory is only read from, before it is counted, and to a part that is only on its way.
    pub(crate) fn discard_part(&self, key: &CacheKey) {
        let shared = &*self.shared;
        if shared.queue.is_closed() {
            return;
        }
        {
            let mut content = shared.content();
            // Nobody finds it from here on, and who keeps it anew waits until its file is gone.
            if !content.is_counted || !content.index.claim_present(key) {
                return;
            }
        }
        tracing::warn!(%key, "a part in the cache is of no use to its decoder and is removed");
        shared.forget(key);
    }

    /// Has the entries forgotten that a purge means: at once by those who ask, in the background on the disk. Gives their number.
    pub(super) fn purge(&self, purge: Purge) -> u64 {
        // First what is not in the index yet, then the index: nothing slips from the one into the other unseen.
        self.shared.queue.drop_writes(&purge);
        {
            let mut content = self.shared.content();
            if !content.is_counted {
                content.early_purges.push(purge.clone());
            }
        }
        let mut marked = 0;
        self.shared.each_places(|content, places| marked += content.index.mark(&purge, places));
        // The table of open parts still has them, as it must learn when their names are gone. Nobody is let in before that.
        self.shared.queue.push(Job::Purge(purge));
        marked
    }
}

impl Shared {
    pub(super) fn report_damage(&self, key: &CacheKey) {
        self.counters.damaged.count();
        self.content().index.mark_damaged(key);
        self.queue.push(Job::Remove(*key));
        tracing::warn!(%key, "a cache entry is damaged and will be removed");
    }

    /// What to do about a file that could not be read.
    pub(super) fn explain(&self, key: &CacheKey, presence: Presence, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound => {
                // Evicted in this moment, or removed by someone else: then the index must learn of it.
                if presence == Presence::Known {
                    self.queue.push(Job::Remove(*key));
                }
            }
            io::ErrorKind::InvalidData => self.report_damage(key),
            // Too many open files, a disk that fails: that says nothing about the entry.
            _ => tracing::warn!(%key, %error, "a cache entry cannot be read"),
        }
    }

    /// Removes the file of an entry that was claimed, and then the entry. It goes on counting when that fails.
    pub(super) fn remove_claimed(&self, key: &CacheKey) -> io::Result<()> {
        let removed = self.folder.remove(key);
        #[cfg(test)]
        self.points.pass(super::tests::Point::Removed);
        if removed.is_ok() {
            // After its name is gone: whoever found the file before that is in the table by now, or is not let in any more.
            let open = lock(&self.parts).remove(key);
            if let Some(open) = open {
                open.linger();
            }
            self.strike(key);
        }
        {
            let mut content = self.content();
            match removed {
                Ok(()) => content.index.remove(key),
                Err(_) => content.index.keep_counting(key),
            }
        }
        self.moved.notify_all();
        removed
    }

    /// Strikes an entry out of the journal, after its file is gone and before another may come to its place.
    pub(super) fn strike(&self, key: &CacheKey) {
        let mut journal = lock(&self.journal);
        journal.strike(&self.folder, *key);
        self.journal_bytes.store(journal.bytes(), Ordering::Relaxed);
    }

    /// Removes the file of an entry that was claimed, and says so when that fails.
    pub(super) fn forget(&self, key: &CacheKey) {
        if let Err(error) = self.remove_claimed(key) {
            tracing::warn!(%key, %error, "a cache entry cannot be removed");
        }
    }

    /// Removes an entry that was found damaged, unless a good one has come to its place.
    pub(super) fn remove_damaged(&self, key: &CacheKey) {
        let is_marked = self.content().index.claim_damaged(key);
        if !is_marked {
            // Nobody else touches it while it is looked at, so it is no other one that goes then.
            if !self.content().index.look(key) {
                return;
            }
            if !self.is_bad(key) && self.content().index.let_stay(key) {
                self.moved.notify_all();
                return;
            }
            self.content().index.claim_looked(key);
        }
        self.forget(key);
    }

    /// Looks whether the file of an entry is no whole one. Of a part, only its head and table are looked at.
    fn is_bad(&self, key: &CacheKey) -> bool {
        let read = self.folder.open_entry(key).and_then(|file| {
            if part::is_part(&file)? {
                Ok(false)
            } else {
                Ok(entry::parse(key, self.folder.read(key, self.largest())?).is_none())
            }
        });
        read.unwrap_or_else(|error| {
            matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        })
    }

    /// Removes the files of what a purge forgot; what came after it stays.
    pub(super) fn purge(&self, purge: &Purge) {
        let mut keys = Vec::new();
        self.each_places(|content, places| keys.append(&mut content.index.marked(purge, places)));
        for key in keys {
            let is_claimed = self.content().index.claim_damaged(&key);
            if is_claimed {
                self.forget(&key);
            }
        }
    }

    /// Goes through the places of the index, some at a time, so that nobody waits long.
    fn each_places(&self, mut each: impl FnMut(&mut Content, Range<usize>)) {
        let mut from = 0;
        loop {
            let mut content = self.content();
            let end = content.index.places().end;
            let to = end.min(from + AT_A_TIME);
            each(&mut content, from..to);
            if to == end {
                return;
            }
            from = to;
        }
    }
}
