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
//!
//! When most of it is of no use any more, a new one is written beside it. Nobody waits for that: what is listed and struck out
//! meanwhile goes into the old one as ever, and into the new one before that takes the place.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::xxh3_64;

use super::folder::Folder;
use crate::CacheKey;

const MAGIC: &[u8; 8] = b"RECTOJ1\n";
const HEADER_BYTES: usize = 32;
const RECORD_BYTES: usize = 48;
/// Bytes of the journal for each entry, generously.
const ENTRY_BYTES: u64 = 64;
/// The journal is written anew when it is this many times longer than what it lists.
pub(super) const GROWTH: u64 = 3;
/// Below this it may be as long as it likes.
pub(super) const SMALL: u64 = 256 << 10;
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
    /// Where they end without the last words of one that was closed.
    open_end: usize,
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
            return Self { bytes: Vec::new(), end: 0, open_end: 0, is_complete: false };
        }
        let mut open_end = HEADER_BYTES;
        let (mut at, mut closed, mut sound) = (HEADER_BYTES, false, true);
        while at < bytes.len() {
            match parse(&bytes, at) {
                Parsed::Record(record, next) => {
                    closed = record == Record::Closed;
                    at = next;
                    open_end = if closed { open_end } else { next };
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
        Self { is_complete: sound && (is_same_boot || closed && at == bytes.len()), end: at, open_end, bytes }
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

fn sync(file: &File) {
    if let Err(error) = file.sync_data() {
        tracing::warn!(%error, "the cache's journal cannot be synced");
    }
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
    /// Bytes of these identifiers.
    name_bytes: u64,
    /// A new one is not expected to be shorter than that.
    least: u64,
    /// While a new journal is written: what it is to have, too.
    echo: Option<Echo>,
}

/// What is written down while a new journal is on its way.
#[derive(Debug, Default)]
struct Echo {
    bytes: Vec<u8>,
    named: HashSet<u128>,
}

/// A journal on its way to the place of the one before it.
#[derive(Debug)]
pub(crate) struct NewJournal {
    out: io::BufWriter<File>,
    bytes: u64,
    named: HashSet<u128>,
    name_bytes: u64,
    line: Vec<u8>,
}

impl NewJournal {
    /// Begins one without a record.
    pub(crate) fn begin(folder: &Folder, boot: u64) -> io::Result<Self> {
        let mut out = io::BufWriter::with_capacity(1 << 20, folder.create_plain(NEW_NAME)?);
        out.write_all(&header(boot, folder.block_bytes))?;
        let bytes = HEADER_BYTES as u64;
        Ok(Self { out, bytes, named: HashSet::new(), name_bytes: 0, line: Vec::with_capacity(256) })
    }

    pub(crate) fn add(&mut self, record: &Record<'_>) -> io::Result<()> {
        self.line.clear();
        push(&mut self.line, record);
        let length = self.line.len() as u64;
        if let Record::Name(image, _) = record {
            self.named.insert(*image);
            self.name_bytes += length;
        }
        self.bytes += length;
        self.out.write_all(&self.line)
    }

    /// Adds what [`Journal::take_echo`] gave. All of it may be names.
    pub(crate) fn add_echo(&mut self, echo: &[u8]) -> io::Result<()> {
        self.bytes += echo.len() as u64;
        self.name_bytes += echo.len() as u64;
        self.out.write_all(echo)
    }

    /// Hands all to the system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Journal {
    /// No journal yet: nothing is written down until one is begun.
    pub(crate) fn none() -> Self {
        Self { file: None, pending: Vec::new(), bytes: 0, named: HashSet::new(), name_bytes: 0, least: 0, echo: None }
    }

    /// Goes on with the journal of earlier runs, whose sound part is `past`.
    pub(crate) fn resume(folder: &Folder, past: &Past, boot: u64) -> io::Result<Self> {
        let mut file = folder.open_for_append(NAME)?;
        // It is closed no more, and the disk is to know: when the machine goes down before another record is there, files may be.
        file.set_len(past.open_end as u64)?;
        file.write_all_at(&header(boot, folder.block_bytes), 0)?;
        sync(&file);
        // The place to write is behind what is kept, not where the file was opened.
        file.seek(io::SeekFrom::End(0))?;
        let mut journal = Self { file: Some(file), bytes: past.open_end as u64, ..Self::none() };
        for record in past.records() {
            if let Record::Name(image, name) = record {
                journal.named.insert(image);
                journal.name_bytes += (RECORD_BYTES + padded(name.len())) as u64;
            }
        }
        Ok(journal)
    }

    /// From here on a new journal is on its way: what is written down is noted for it, too. To be called before anybody looks at
    /// what there is to list.
    pub(crate) fn begin_echo(&mut self, folder: &Folder) {
        self.write_pending(folder);
        self.echo = Some(Echo::default());
    }

    /// What was written down since this was asked last, for [`NewJournal::add_echo`]. What is struck out is struck out in a new
    /// journal that listed it before, so this is to be asked after each piece of the list. What is just being removed may be listed
    /// once more behind that: then it counts until it is asked for, or evicted.
    pub(crate) fn take_echo(&mut self) -> Vec<u8> {
        self.echo.as_mut().map(|echo| std::mem::take(&mut echo.bytes)).unwrap_or_default()
    }

    /// Puts a new journal in the place of this one.
    pub(crate) fn replace(&mut self, folder: &Folder, mut new: NewJournal) -> io::Result<()> {
        let echo = self.echo.take().unwrap_or_default();
        new.add_echo(&echo.bytes)?;
        let file = new.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        folder.rename_plain(NEW_NAME, NAME)?;
        new.named.extend(echo.named);
        let (bytes, named, name_bytes) = (new.bytes, new.named, new.name_bytes);
        *self = Self { file: Some(file), bytes, named, name_bytes, least: bytes, ..Self::none() };
        Ok(())
    }

    /// No new journal comes for now. The next is tried when this one is half as long again.
    pub(crate) fn put_off(&mut self) {
        self.echo = None;
        self.least = self.bytes() / 2;
    }

    /// True when it is worth being written anew with so many entries.
    pub(crate) fn is_long(&self, entries: u64) -> bool {
        let bytes = self.bytes();
        bytes >= SMALL && bytes / GROWTH >= entries.saturating_mul(ENTRY_BYTES).max(self.least)
    }

    /// Most bytes that a new one with so many entries takes beyond what is set aside for it.
    pub(crate) fn excess(&self, entries: u64) -> u64 {
        let new = entries.saturating_mul(ENTRY_BYTES).saturating_add(self.name_bytes);
        new.saturating_sub(self.bytes() / GROWTH)
    }

    /// Bytes of the journal.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes + self.pending.len() as u64
    }

    /// Lists an entry, with the identifier that its image has. To be called before its file comes to its place.
    pub(crate) fn list(&mut self, folder: &Folder, listed: Listed, name: &str) {
        let image = listed.key.image;
        let (is_short, name) = (name.len() <= LONGEST_NAME, Record::Name(image, name));
        if is_short && self.named.insert(image) {
            let before = self.pending.len();
            push(&mut self.pending, &name);
            self.name_bytes += (self.pending.len() - before) as u64;
        }
        push(&mut self.pending, &Record::Entry(listed));
        if let Some(echo) = &mut self.echo {
            // The new journal may lack a name that the old one has.
            if is_short && echo.named.insert(image) {
                push(&mut echo.bytes, &name);
            }
            push(&mut echo.bytes, &Record::Entry(listed));
        }
        self.write_pending(folder);
    }

    /// Strikes out an entry. To be called after its file is gone.
    pub(crate) fn strike(&mut self, folder: &Folder, key: CacheKey) {
        push(&mut self.pending, &Record::Gone(key));
        if let Some(echo) = &mut self.echo {
            push(&mut echo.bytes, &Record::Gone(key));
        }
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
        if let Some(file) = &self.file {
            sync(file);
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

    #[test]
    fn d4_a_journal_that_was_opened_again_is_closed_no_more() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let mut closed = header(7, folder.block_bytes).to_vec();
        some_records().iter().for_each(|record| push(&mut closed, record));
        std::fs::write(place.path().join(NAME), closed).unwrap();
        let past = Past::read(&folder, 8);
        assert!(past.is_complete, "closed in order");
        // The machine goes down before another record gets to the disk: a file may be there that it lacks.
        let _journal = Journal::resume(&folder, &past, 8).unwrap();
        assert!(!Past::read(&folder, 9).is_complete);
        let same_boot = Past::read(&folder, 8);
        assert!(same_boot.is_complete);
        let wanted = some_records().into_iter().take(3).collect::<Vec<_>>();
        assert_eq!(same_boot.records().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn long_identifiers_do_not_have_the_journal_written_anew_all_the_time() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let mut journal = Journal::none();
        journal.begin_echo(&folder);
        journal.replace(&folder, NewJournal::begin(&folder, 7).unwrap()).unwrap();
        let mut new = NewJournal::begin(&folder, 7).unwrap();
        for number in 0..1000 {
            let name = format!("{number:01000}");
            let listed = Listed { key: CacheKey::new(&name, &["x"]), blocks: 1, uses: 0, is_main: false };
            journal.list(&folder, listed, &name);
            new.add(&Record::Name(listed.key.image, &name)).unwrap();
            new.add(&Record::Entry(listed)).unwrap();
        }
        assert!(journal.is_long(1000) && journal.excess(1000) > 0);
        journal.begin_echo(&folder);
        journal.replace(&folder, new).unwrap();
        assert!(!journal.is_long(1000), "{} bytes", journal.bytes());
        assert_eq!(journal.bytes(), std::fs::metadata(place.path().join(NAME)).unwrap().len());
    }
}
