//! What earlier runs left in the directory: read from the journal, or found by a walk; and the journal, kept short.

use std::collections::HashSet;
use std::io;
use std::sync::atomic::Ordering;

use super::journal::{self, Journal, Listed, Past, Record};
use super::{JOURNAL_GROWTH, Shared, lock};
use crate::CacheKey;

/// Entries that are taken into the index at a time, so that nobody waits long.
const AT_A_TIME: usize = 4096;
/// Below this the journal may be as long as it likes.
const SMALL_JOURNAL: u64 = 256 << 10;

impl Shared {
    /// Finds out what earlier runs left, and removes what is too much: from the journal if it lacks nothing, else by a walk.
    pub(super) fn count(&self) -> io::Result<()> {
        let past = Past::read(&self.folder, self.boot);
        if past.is_complete {
            self.take_over(&past);
            *lock(&self.journal) = Journal::resume(&self.folder, &past, self.boot)?;
            drop(past);
        } else {
            self.folder.remove_plain(journal::NAME);
            self.walk()?;
            self.begin_journal(&past)?;
        }
        {
            let mut content = self.content();
            for purge in std::mem::take(&mut content.early_purges) {
                content.index.mark(&purge);
            }
            content.is_counted = true;
            self.counted.notify_all();
            tracing::debug!(entries = content.index.entries(), "the content of the cache directory is known");
        }
        self.note_journal();
        self.shorten_journal();
        self.make_room(0)?;
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

    /// Writes a journal of all that is there, with the names that the old one has.
    fn begin_journal(&self, past: &Past) -> io::Result<()> {
        // Held to the end: an entry that comes meanwhile is in the index by now, or is listed after this.
        let mut journal = lock(&self.journal);
        let (order, images) = {
            let content = self.content();
            (content.index.order(), content.index.images())
        };
        let mut seen = HashSet::new();
        let names = past.records().filter_map(|record| match record {
            Record::Name(image, name) if images.contains(&image) && seen.insert(image) => Some((image, name)),
            _ => None,
        });
        let entries = |each: &mut dyn FnMut(Listed)| {
            for some in order.chunks(AT_A_TIME) {
                let listed = self.content().index.listed_at(some);
                listed.into_iter().for_each(&mut *each);
            }
        };
        journal.rewrite(&self.folder, self.boot, entries, names)
    }

    /// Writes the journal anew when most of it is of no use any more.
    pub(super) fn shorten_journal(&self) {
        let (bytes, entries) = (self.journal_bytes.load(Ordering::Relaxed), self.content().index.entries());
        if bytes < SMALL_JOURNAL || bytes / JOURNAL_GROWTH < entries.saturating_mul(64) {
            return;
        }
        self.write_journal();
        let past = Past::read(&self.folder, self.boot);
        if let Err(error) = self.begin_journal(&past) {
            tracing::warn!(%error, "the cache's journal cannot be shortened");
        }
        self.note_journal();
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
