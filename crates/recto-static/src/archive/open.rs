//! Reading an archive in place.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::SystemTime;

use super::ArchiveError;
use super::index::{Found, Index, MOST_NAME_BYTES, Slot, hash};
use super::layout::{
    CENTRAL, CENTRAL_BYTES, END, END_64, END_64_BYTES, END_BYTES, EXTRA_64, LOCATOR_64, LOCATOR_64_BYTES, Numbers,
    SIZES_BEHIND, UNREADABLE_FLAGS, extra,
};

/// Most entries that are served of one archive: 24 bytes of memory each.
const MOST_ENTRIES: u64 = 20_000_000;

/// The table is read in pieces of this length.
const PIECE_BYTES: usize = 1 << 20;

/// An archive that is read where it lies.
#[derive(Debug)]
pub struct Archive {
    file: File,
    index: Index,
    modified: SystemTime,
    state: (u64, u64, i64, i64),
    table: Table,
}

/// A file in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Length in bytes.
    pub length: u32,
    /// Its checksum (CRC-32), as the archive says.
    pub crc: u32,
    offset: u64,
}

#[derive(Clone, Copy, Debug)]
struct Table {
    entries: u64,
    offset: u64,
    bytes: u64,
}

/// An entry as the table has it.
struct Row<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    packed: u32,
    length: u32,
    offset: u64,
}

impl Archive {
    /// Reads the table of an archive. Entries that are compressed, encrypted, of 4 GiB or more, or named like no file of a tree are left out.
    ///
    /// # Errors
    /// When it is no archive, contradicts itself, or has too many entries.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ArchiveError::NoTable);
        }
        let length = metadata.len();
        let table = table(&file, length)?;
        let mut slots = Vec::with_capacity(table.entries as usize);
        rows(&file, table, |row| {
            let is_plain =
                row.flags & (UNREADABLE_FLAGS | SIZES_BEHIND) == 0 && row.method == 0 && row.packed == row.length;
            let name = std::str::from_utf8(row.name).ok().filter(|name| is_file_name(name));
            if let Some(name) = name.filter(|_| is_plain && row.length < u32::MAX) {
                if row.offset >= table.offset {
                    return Err(ArchiveError::corrupt(format!("`{name}` lies behind its end")));
                }
                slots.push(Slot { hash: hash(name), offset: row.offset, length: row.length, crc: row.crc });
            }
            Ok(())
        })?;
        Ok(Self {
            index: Index::new(slots, table.offset)?,
            modified: metadata.modified()?,
            state: state(&metadata),
            file,
            table,
        })
    }

    /// True while the file of this path is the one that was opened, unchanged.
    pub fn is_current(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|metadata| state(&metadata) == self.state)
    }

    /// When the archive was last changed.
    pub fn modified(&self) -> SystemTime {
        self.modified
    }

    /// Number of files that can be read.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True when there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// The file of this name. Reads its header.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub fn find(&self, name: &str) -> io::Result<Option<ArchiveEntry>> {
        if !is_file_name(name) {
            return Ok(None);
        }
        let found = self.index.find(&self.file, name)?;
        Ok(found.map(|found| ArchiveEntry { length: found.length, crc: found.crc, offset: found.data }))
    }

    /// Reads a part of a file: `from` is counted from its beginning.
    ///
    /// # Errors
    /// When the archive cannot be read, or the part is not inside.
    pub fn read(&self, entry: &ArchiveEntry, from: u64, bytes: usize) -> io::Result<Vec<u8>> {
        if from.checked_add(bytes as u64).is_none_or(|end| end > u64::from(entry.length)) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut part = vec![0; bytes];
        self.file.read_exact_at(&mut part, entry.offset + from)?;
        Ok(part)
    }

    pub(crate) fn find_marked(&self, name: &str) -> io::Result<Option<Found>> {
        self.index.find(&self.file, name)
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Gives every name in the order of the table.
    pub(crate) fn names(&self, mut take: impl FnMut(&str)) -> Result<(), ArchiveError> {
        rows(&self.file, self.table, |row| {
            if let Ok(name) = std::str::from_utf8(row.name) {
                take(name);
            }
            Ok(())
        })
    }
}

fn state(metadata: &std::fs::Metadata) -> (u64, u64, i64, i64) {
    (metadata.len(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

/// A relative path of a file, without detours.
fn is_file_name(name: &str) -> bool {
    name.len() <= MOST_NAME_BYTES
        && !name.contains(['\\', '\0'])
        && name.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

/// The table that the end of the file tells of.
fn table(file: &File, length: u64) -> Result<Table, ArchiveError> {
    let tail_bytes = length.min((END_BYTES + usize::from(u16::MAX)) as u64);
    let mut tail = vec![0; tail_bytes as usize];
    let tail_at = length - tail_bytes;
    file.read_exact_at(&mut tail, tail_at)?;
    let numbers = Numbers(&tail);
    let is_end = |at: &usize| {
        numbers.u32(*at) == Some(END)
            && numbers.u16(*at + 20).is_some_and(|comment| *at + END_BYTES + usize::from(comment) == tail.len())
    };
    let at = (0..=tail.len().checked_sub(END_BYTES).ok_or(ArchiveError::NoTable)?).rev().find(is_end);
    let at = at.ok_or(ArchiveError::NoTable)?;
    let read = |at: Option<u32>| at.map(u64::from).ok_or(ArchiveError::NoTable);
    let mut table = Table {
        entries: numbers.u16(at + 10).map(u64::from).ok_or(ArchiveError::NoTable)?,
        bytes: read(numbers.u32(at + 12))?,
        offset: read(numbers.u32(at + 16))?,
    };
    let mut before = tail_at + at as u64;
    if let Some(wide) = wide_table(file, before)? {
        (table, before) = wide;
    }
    let end = table.offset.checked_add(table.bytes);
    if end.is_none_or(|end| end > before) || table.bytes < table.entries.saturating_mul(CENTRAL_BYTES as u64) {
        return Err(ArchiveError::corrupt("its table lies outside of it, or is shorter than its number of entries"));
    }
    if table.entries > MOST_ENTRIES {
        return Err(ArchiveError::TooMany { entries: table.entries, limit: MOST_ENTRIES });
    }
    Ok(table)
}

/// The table by its 64-bit record, if there is one before `end`, and where that record begins.
fn wide_table(file: &File, end: u64) -> Result<Option<(Table, u64)>, ArchiveError> {
    let Some(at) = end.checked_sub(LOCATOR_64_BYTES as u64) else { return Ok(None) };
    let mut locator = [0; LOCATOR_64_BYTES];
    file.read_exact_at(&mut locator, at)?;
    let numbers = Numbers(&locator);
    if numbers.u32(0) != Some(LOCATOR_64) {
        return Ok(None);
    }
    let wrong = || ArchiveError::corrupt("its 64-bit record is not where it is said to be");
    let record_at = numbers.u64(8).ok_or_else(wrong)?;
    if record_at.checked_add(END_64_BYTES as u64).is_none_or(|end| end > at) {
        return Err(wrong());
    }
    let mut record = [0; END_64_BYTES];
    file.read_exact_at(&mut record, record_at)?;
    let numbers = Numbers(&record);
    match (numbers.u32(0), numbers.u64(32), numbers.u64(40), numbers.u64(48)) {
        (Some(END_64), Some(entries), Some(bytes), Some(offset)) => {
            Ok(Some((Table { entries, offset, bytes }, record_at)))
        }
        _ => Err(wrong()),
    }
}

/// Gives every entry of the table, which is read piece by piece.
fn rows(
    file: &File,
    table: Table,
    mut take: impl FnMut(Row<'_>) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut piece: Vec<u8> = Vec::new();
    let (mut at, mut read) = (0, 0_u64);
    for _ in 0..table.entries {
        loop {
            if let Some((row, bytes)) = piece.get(at..).and_then(row) {
                take(row)?;
                at += bytes;
                break;
            }
            piece.drain(..at);
            at = 0;
            let more = (table.bytes - read).min(PIECE_BYTES as u64) as usize;
            if more == 0 || piece.len() > PIECE_BYTES {
                return Err(ArchiveError::corrupt("its table ends too early"));
            }
            let start = piece.len();
            piece.resize(start + more, 0);
            file.read_exact_at(&mut piece[start..], table.offset + read)?;
            read += more as u64;
        }
    }
    Ok(())
}

/// The entry at the beginning of these bytes, and its length; `None` when it is not whole, or none.
fn row(bytes: &[u8]) -> Option<(Row<'_>, usize)> {
    let numbers = Numbers(bytes);
    if numbers.u32(0)? != CENTRAL {
        return None;
    }
    let extra_at = CENTRAL_BYTES + usize::from(numbers.u16(28)?);
    let comment_at = extra_at + usize::from(numbers.u16(30)?);
    let end = comment_at + usize::from(numbers.u16(32)?);
    if bytes.len() < end {
        return None;
    }
    let (packed, length, near) = (numbers.u32(20)?, numbers.u32(24)?, numbers.u32(42)?);
    // Of the 64-bit numbers only those are there whose place in the row is full, in this order.
    let behind = [length, packed].iter().filter(|number| **number == u32::MAX).count() * 8;
    let offset = if near == u32::MAX {
        Numbers(extra(bytes.get(extra_at..comment_at)?, EXTRA_64)?).u64(behind)?
    } else {
        u64::from(near)
    };
    let row = Row {
        name: bytes.get(CENTRAL_BYTES..extra_at)?,
        flags: numbers.u16(8)?,
        method: numbers.u16(10)?,
        crc: numbers.u32(16)?,
        packed,
        length,
        offset,
    };
    Some((row, end))
}
