//! What earlier runs left in the directory: read from the journal, or found by a walk; and the journal, kept short.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::Ordering;

use super::journal::{self, Journal, Listed, NewJournal, Past, Record};
use super::{AT_A_TIME, Shared, lock};
use crate::CacheKey;

impl Shared {
    /// Finds out what earlier runs left, and removes what is too much: from the journal if it lacks nothing, else by a walk.
    pub(super) fn count(&self) -> io::Result<()> {
        // What a crash left.
        self.folder.remove_plain(journal::NEW_NAME);
        let past = Past::read(&self.folder, self.boot);
        if past.is_complete {
            self.take_over(&past);
            *lock(&self.journal) = Journal::resume(&self.folder, &past, self.boot)?;
            drop(past);
        } else {
            self.folder.remove_plain(journal::NAME);
            self.walk()?;
            self.rewrite_journal(|| past)?;
        }
        {
            let mut content = self.content();
            for purge in std::mem::take(&mut content.early_purges) {
                let places = content.index.places();
                content.index.mark(&purge, places);
            }
            content.is_counted = true;
            self.counted.notify_all();
            tracing::debug!(entries = content.index.entries(), "the content of the cache directory is known");
        }
        self.note_journal();
        self.shorten_journal();
        // What cannot be removed now is tried again with what comes.
        if let Err(error) = self.make_room(0, 0) {
            tracing::warn!(%error, "the cache directory holds more than it may, and not all of that can be removed");
        }
        Ok(())
    }

    /// Takes over what the journal lists.
    fn take_over(&self, past: &Past) {
        let mut records = past.records();
        loop {
            let mut content = self.content();
            for _ in 0..AT_A_TIME {
                match records.next() {
                    Some(Record::Entry(listed)) => content.index.insert_found(listed),
                    Some(Record::Gone(key)) => content.index.remove(&key),
                    Some(Record::Name(..) | Record::Closed) => {}
                    None => {
                        content.index.tidy();
                        drop(content);
                        return self.take_over_folders();
                    }
                }
            }
        }
    }

    fn take_over_folders(&self) {
        let folders = self.folder.count_folders();
        self.content().folder_bytes += folders * self.folder.block_bytes;
    }

    /// Takes over what is found in the folders, oldest first.
    fn walk(&self) -> io::Result<()> {
        let mut found: Vec<(i64, CacheKey, u64)> = Vec::new();
        let folders = self.folder.scan(|key, bytes, changed| {
            found.push((changed, key, bytes));
            !found.len().is_multiple_of(1024) || !self.queue.is_closed()
        })?;
        if self.queue.is_closed() {
            // Not all was seen, so nothing may be made of it.
            return Err(io::ErrorKind::Interrupted.into());
        }
        found.sort_unstable();
        for some in found.chunks(AT_A_TIME) {
            let mut content = self.content();
            for (_, key, bytes) in some {
                let blocks = content.index.blocks_of(*bytes);
                content.index.insert_found(Listed { key: *key, blocks, uses: 0, is_main: true });
            }
        }
        self.content().folder_bytes += folders * self.folder.block_bytes;
        Ok(())
    }

    /// Writes a journal of all that is there, with the names that the old one has, and puts it in the place of the old one. That is
    /// the worker's to do. Nobody waits for it: no lock is held while it is written.
    pub(super) fn rewrite_journal(&self, past: impl FnOnce() -> Past) -> io::Result<()> {
        // First of all: an entry that comes or goes from here on is noted, and one from before is in the index by now.
        lock(&self.journal).begin_echo(&self.folder);
        let copied = self.copy_journal(past);
        let replaced = copied.and_then(|new| lock(&self.journal).replace(&self.folder, new));
        if replaced.is_err() {
            lock(&self.journal).put_off();
            self.folder.remove_plain(journal::NEW_NAME);
        }
        replaced
    }

    fn copy_journal(&self, past: impl FnOnce() -> Past) -> io::Result<NewJournal> {
        let mut new = NewJournal::begin(&self.folder, self.boot)?;
        let order = self.content().index.order();
        let mut images = HashSet::new();
        for some in order.chunks(AT_A_TIME) {
            #[cfg(test)]
            self.points.pass(super::tests::Point::Copying);
            let some = self.content().index.listed_at(some);
            for listed in some {
                images.insert(listed.key.image);
                new.add(&Record::Entry(listed))?;
            }
            self.add_echo(&mut new)?;
        }
        let past = past();
        for record in past.records() {
            if let Record::Name(image, name) = record
                && images.remove(&image)
            {
                new.add(&Record::Name(image, name))?;
            }
        }
        self.add_echo(&mut new)?;
        new.flush()?;
        Ok(new)
    }

    fn add_echo(&self, new: &mut NewJournal) -> io::Result<()> {
        let echo = lock(&self.journal).take_echo();
        new.add_echo(&echo)
    }

    /// True when most of the journal is of no use any more.
    pub(super) fn journal_is_long(&self) -> bool {
        if self.journal_bytes.load(Ordering::Relaxed) < journal::SMALL {
            return false;
        }
        let entries = self.content().index.entries();
        lock(&self.journal).is_long(entries)
    }

    /// Writes the journal anew when most of it is of no use any more.
    pub(super) fn shorten_journal(&self) {
        if !self.journal_is_long() {
            return;
        }
        if let Err(error) = self.try_shorten_journal() {
            lock(&self.journal).put_off();
            tracing::warn!(%error, "the cache's journal cannot be shortened");
        }
        self.note_journal();
    }

    fn try_shorten_journal(&self) -> io::Result<()> {
        let entries = self.content().index.entries();
        let excess = lock(&self.journal).excess(entries).next_multiple_of(self.folder.block_bytes);
        if excess > 0 && !self.make_room(excess, 0)? {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let rewritten = self.rewrite_journal(|| Past::read(&self.folder, self.boot));
        self.unreserve(excess, 0);
        rewritten
    }

    pub(super) fn write_journal(&self) {
        lock(&self.journal).write_pending(&self.folder);
        self.note_journal();
    }

    fn note_journal(&self) {
        let bytes = lock(&self.journal).bytes();
        self.journal_bytes.store(bytes, Ordering::Relaxed);
    }
}
