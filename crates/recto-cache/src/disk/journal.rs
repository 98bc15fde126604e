//! The list of what is in the directory, kept while the server runs, so that a start needs no walk through the folders.
//!
//! ```text
//! file     header, records             header   magic 8, boot 8, block size 8, XXH3 of these 8
//! record   kind 1, uses 1, length of the name 2, blocks 4, key 32, XXH3 8, name (padded to 8)
//! ```
//!
//! A file is listed before it is moved to its place and struck out after it is gone, so the list never lacks one: after
//! `kill -9` it may name files that are not there, which is noticed when they are asked for. What the system had not written when
//! the machine itself went down may be lacking, so a list of an earlier boot counts only if it was closed in order.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::xxh3_64;

use super::folder::Folder;
use crate::CacheKey;

const MAGIC: &[u8; 8] = b"RECTOJ1\n";
const HEADER_BYTES: usize = 32;
const RECORD_BYTES: usize = 48;
const CHECKSUM_AT: usize = 40;
/// Bytes of strikes that wait to be written along with the next entry.
const MOST_PENDING: usize = 64 << 10;
/// Longest identifier that is written down; longer ones are purged along with every prefix.
const LONGEST_NAME: usize = 4096;
/// Stands for the uses of an entry of the main queue.
const MAIN: u8 = 0x80;

/// The name of the journal in the directory, and of a new one on its way.
pub(crate) const NAME: &str = "journal";
pub(crate) const NEW_NAME: &str = "journal.new";

/// One entry as it is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: CacheKey,
    pub(crate) blocks: u32,
    pub(crate) uses: u8,
    pub(crate) is_main: bool,
}

/// One line of the journal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// A file is there, or on its way.
    Entry(Listed),
    /// A file is gone.
    Gone(CacheKey),
    /// The identifier behind this half of keys.
    Name(u128, &'a str),
    /// Closed in order; true only if it is the last one.
    Closed,
}

/// What a look into the journal of earlier runs gave.
#[derive(Debug)]
pub(crate) struct Past {
    bytes: Vec<u8>,
    /// Where the sound records end.
    end: usize,
    /// It lacks no file that is there.
    pub(crate) is_complete: bool,
}

impl Past {
    /// Reads the journal; one that is not there or makes no sense is an empty one that is not complete.
    pub(crate) fn read(folder: &Folder, boot: u64) -> Self {
        let mut bytes = Vec::new();
        let read = folder.open_plain(NAME).and_then(|mut file| file.read_to_end(&mut bytes));
        if read.is_err() {
            bytes.clear();
        }
        Self::of(bytes, folder.block_bytes, boot)
    }

    fn of(bytes: Vec<u8>, block_bytes: u64, boot: u64) -> Self {
        if !header_is_sound(&bytes, block_bytes) {
            return Self { bytes: Vec::new(), end: 0, is_complete: false };
        }
        let (mut at, mut closed, mut sound) = (HEADER_BYTES, false, true);
        while at < bytes.len() {
            match parse(&bytes, at) {
                Parsed::Record(record, next) => {
                    closed = record == Record::Closed;
                    at = next;
                }
                // The end of a write that was cut off: the file that it listed was not yet moved to its place.
                Parsed::Cut => break,
                Parsed::Damaged => {
                    sound = false;
                    break;
                }
            }
        }
        let is_same_boot = boot != 0 && number(&bytes, 8) == Some(boot);
        Self { is_complete: sound && (is_same_boot || closed && at == bytes.len()), end: at, bytes }
    }

    /// All sound records in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut at = HEADER_BYTES;
        std::iter::from_fn(move || {
            if at >= self.end {
                return None;
            }
            match parse(&self.bytes, at) {
                Parsed::Record(record, next) => {
                    at = next;
                    Some(record)
                }
                _ => None,
            }
        })
    }
}

fn header_is_sound(bytes: &[u8], block_bytes: u64) -> bool {
    bytes.get(..24).is_some_and(|head| {
        head.starts_with(MAGIC) && number(bytes, 16) == Some(block_bytes) && number(bytes, 24) == Some(xxh3_64(head))
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u128> {
    Some(u128::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

enum Parsed<'a> {
    Record(Record<'a>, usize),
    Cut,
    Damaged,
}

fn parse(bytes: &[u8], at: usize) -> Parsed<'_> {
    let Some(head) = bytes.get(at..at + RECORD_BYTES) else { return Parsed::Cut };
    let [kind, uses, short, long, ..] = *head else { return Parsed::Damaged };
    let length = usize::from(u16::from_le_bytes([short, long]));
    let Some(tail) = bytes.get(at + RECORD_BYTES..at + RECORD_BYTES + padded(length)) else { return Parsed::Cut };
    let fields = (number(head, CHECKSUM_AT), half(head, 8), half(head, 24), number(head, 0));
    let (Some(sum), Some(image), Some(request), Some(first)) = fields else { return Parsed::Damaged };
    if sum != checksum(head, tail) {
        return Parsed::Damaged;
    }
    let key = CacheKey { image, request };
    let record = match kind {
        b'+' => {
            Record::Entry(Listed { key, blocks: (first >> 32) as u32, uses: uses & !MAIN, is_main: uses & MAIN != 0 })
        }
        b'-' => Record::Gone(key),
        b'n' => match tail.get(..length).and_then(|name| std::str::from_utf8(name).ok()) {
            Some(name) => Record::Name(image, name),
            None => return Parsed::Damaged,
        },
        b'.' => Record::Closed,
        _ => return Parsed::Damaged,
    };
    Parsed::Record(record, at + RECORD_BYTES + tail.len())
}

fn padded(length: usize) -> usize {
    length.next_multiple_of(8)
}

fn checksum(head: &[u8], tail: &[u8]) -> u64 {
    let head = xxh3_64(head.get(..CHECKSUM_AT).unwrap_or_default());
    if tail.is_empty() { head } else { head ^ xxh3_64(tail).rotate_left(17) }
}

fn push(out: &mut Vec<u8>, record: &Record<'_>) {
    let (kind, uses, blocks, key, name) = match record {
        Record::Entry(Listed { key, blocks, uses, is_main }) => {
            (b'+', uses | if *is_main { MAIN } else { 0 }, *blocks, *key, "")
        }
        Record::Gone(key) => (b'-', 0, 0, *key, ""),
        Record::Name(image, name) => (b'n', 0, 0, CacheKey { image: *image, request: 0 }, *name),
        Record::Closed => (b'.', 0, 0, CacheKey { image: 0, request: 0 }, ""),
    };
    let start = out.len();
    out.extend_from_slice(&[kind, uses]);
    out.extend_from_slice(&(name.len() as u16).to_le_bytes());
    out.extend_from_slice(&blocks.to_le_bytes());
    out.extend_from_slice(&key.image.to_le_bytes());
    out.extend_from_slice(&key.request.to_le_bytes());
    let tail_at = start + RECORD_BYTES;
    out.resize(tail_at, 0);
    out.extend_from_slice(name.as_bytes());
    out.resize(tail_at + padded(name.len()), 0);
    let (head, tail) = out.split_at_mut(tail_at);
    if let Some(head) = head.get_mut(start..) {
        let sum = checksum(head, tail);
        head[CHECKSUM_AT..].copy_from_slice(&sum.to_le_bytes());
    }
}

fn header(boot: u64, block_bytes: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&boot.to_le_bytes());
    header[16..24].copy_from_slice(&block_bytes.to_le_bytes());
    let sum = xxh3_64(&header[..24]);
    header[24..].copy_from_slice(&sum.to_le_bytes());
    header
}

/// A number of this boot of the machine; 0 where that cannot be known.
pub(crate) fn boot() -> u64 {
    std::fs::read("/proc/sys/kernel/random/boot_id").map_or(0, |text| xxh3_64(&text))
}

/// The journal that is being written.
#[derive(Debug)]
pub(crate) struct Journal {
    /// `None` once it could not be written: then there is none, and the next start walks.
    file: Option<File>,
    /// Strikes that wait.
    pending: Vec<u8>,
    bytes: u64,
    /// Images whose identifiers are written down.
    named: HashSet<u128>,
}

impl Journal {
    /// No journal yet: nothing is written down until one is begun.
    pub(crate) fn none() -> Self {
        Self { file: None, pending: Vec::new(), bytes: 0, named: HashSet::new() }
    }

    /// Goes on with the journal of earlier runs, whose sound part is `past`.
    pub(crate) fn resume(folder: &Folder, past: &Past, boot: u64) -> io::Result<Self> {
        let file = folder.open_for_append(NAME)?;
        file.set_len(past.end as u64)?;
        file.write_all_at(&header(boot, folder.block_bytes), 0)?;
        let mut named = HashSet::new();
        for record in past.records() {
            if let Record::Name(image, _) = record {
                named.insert(image);
            }
        }
        let mut journal = Self { file: Some(file), pending: Vec::new(), bytes: past.end as u64, named };
        // The place to write is behind what is kept, not where the file was opened.
        journal.seek_to_end()?;
        Ok(journal)
    }

    fn seek_to_end(&mut self) -> io::Result<()> {
        use std::io::Seek;
        match &mut self.file {
            Some(file) => file.seek(io::SeekFrom::End(0)).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Begins a new journal with these entries and names, and puts it in the place of the old one.
    pub(crate) fn rewrite<'n>(
        &mut self,
        folder: &Folder,
        boot: u64,
        mut entries: impl FnMut(&mut dyn FnMut(Listed)),
        names: impl Iterator<Item = (u128, &'n str)>,
    ) -> io::Result<()> {
        let file = folder.create_plain(NEW_NAME)?;
        let mut out = io::BufWriter::with_capacity(1 << 20, &file);
        let mut bytes = HEADER_BYTES as u64;
        out.write_all(&header(boot, folder.block_bytes))?;
        let mut line = Vec::with_capacity(256);
        let mut named = HashSet::new();
        for (image, name) in names {
            line.clear();
            push(&mut line, &Record::Name(image, name));
            out.write_all(&line)?;
            bytes += line.len() as u64;
            named.insert(image);
        }
        let mut failed = None;
        entries(&mut |listed| {
            line.clear();
            push(&mut line, &Record::Entry(listed));
            bytes += line.len() as u64;
            if let Err(error) = out.write_all(&line) {
                failed.get_or_insert(error);
            }
        });
        match failed {
            Some(error) => return Err(error),
            None => out.flush()?,
        }
        drop(out);
        folder.rename_plain(NEW_NAME, NAME)?;
        *self = Self { file: Some(file), pending: Vec::new(), bytes, named };
        Ok(())
    }

    /// Bytes of the journal.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes + self.pending.len() as u64
    }

    /// Lists an entry, with the identifier that its image has. To be called before its file comes to its place.
    pub(crate) fn list(&mut self, folder: &Folder, listed: Listed, name: &str) {
        let image = listed.key.image;
        if name.len() <= LONGEST_NAME && self.named.insert(image) {
            push(&mut self.pending, &Record::Name(image, name));
        }
        push(&mut self.pending, &Record::Entry(listed));
        self.write_pending(folder);
    }

    /// Strikes out an entry. To be called after its file is gone.
    pub(crate) fn strike(&mut self, folder: &Folder, key: CacheKey) {
        push(&mut self.pending, &Record::Gone(key));
        if self.pending.len() > MOST_PENDING {
            self.write_pending(folder);
        }
    }

    /// Writes what waits.
    pub(crate) fn write_pending(&mut self, folder: &Folder) {
        let Some(file) = &mut self.file else {
            self.pending.clear();
            return;
        };
        match file.write_all(&self.pending) {
            Ok(()) => self.bytes += self.pending.len() as u64,
            Err(error) => {
                tracing::warn!(%error, "the cache's journal cannot be written; the next start will count the folders");
                folder.remove_plain(NAME);
                self.file = None;
                self.bytes = 0;
            }
        }
        self.pending.clear();
    }

    /// Closes it in order, so that it counts after the next boot, too.
    pub(crate) fn close(&mut self, folder: &Folder) {
        push(&mut self.pending, &Record::Closed);
        self.write_pending(folder);
        if let Some(file) = &self.file
            && let Err(error) = file.sync_data()
        {
            tracing::warn!(%error, "the cache's journal cannot be synced");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(records: &[Record<'_>]) -> Vec<u8> {
        let mut bytes = header(7, 4096).to_vec();
        for record in records {
            push(&mut bytes, record);
        }
        bytes
    }

    fn read(bytes: &[u8], boot: u64) -> Past {
        Past::of(bytes.to_vec(), 4096, boot)
    }

    fn some_records() -> [Record<'static>; 4] {
        let key = CacheKey::new("maps/prague.tif", &["x"]);
        let listed = Listed { key, blocks: 70_000, uses: 3, is_main: true };
        [Record::Name(key.image, "maps/prague.tif"), Record::Entry(listed), Record::Gone(key), Record::Closed]
    }

    #[test]
    fn records_read_back_as_they_were_written() {
        let past = read(&bytes(&some_records()), 7);
        assert_eq!(past.records().collect::<Vec<_>>(), some_records());
    }

    #[test]
    fn a_journal_of_another_boot_counts_only_when_it_was_closed_last() {
        let records = some_records();
        let (open, closed) = (bytes(&records[..3]), bytes(&records));
        let [name, entry, ..] = some_records();
        let reopened = bytes(&[name, Record::Closed, entry]);
        for (case, bytes, boot, want) in [
            ("same boot, open", &open, 7, true),
            ("same boot, closed", &closed, 7, true),
            ("other boot, open", &open, 8, false),
            ("other boot, closed", &closed, 8, true),
            ("other boot, closed and written on", &reopened, 8, false),
            ("unknown boot, open", &open, 0, false),
        ] {
            assert_eq!(read(bytes, boot).is_complete, want, "{case}");
        }
    }

    #[test]
    fn a_cut_tail_is_left_out_and_any_other_damage_ends_the_trust() {
        let whole = bytes(&some_records());
        let last_whole = whole.len() - RECORD_BYTES;
        for length in 0..whole.len() {
            let past = read(&whole[..length], 7);
            assert_eq!(past.is_complete, length >= HEADER_BYTES, "cut at {length}");
            let wanted = some_records().into_iter().take(past.records().count()).collect::<Vec<_>>();
            assert_eq!(past.records().collect::<Vec<_>>(), wanted, "cut at {length}");
            assert!(length >= last_whole || past.records().count() < 3, "cut at {length}");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let past = read(&flipped, 7);
            // A flipped length may look like a cut; then what follows is left out, and no record is wrong.
            let wanted = some_records().into_iter().take(past.records().count()).collect::<Vec<_>>();
            assert_eq!(past.records().collect::<Vec<_>>(), wanted, "bit {bit}");
            assert!(!past.is_complete || past.end < whole.len(), "bit {bit}");
        }
    }
}
