//! Where the entries of an archive are: 24 bytes for each, found by the hash of their names.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use xxhash_rust::xxh3::xxh3_64;

use super::ArchiveError;
use super::layout::{LOCAL, LOCAL_BYTES, Numbers, SIZES_BEHIND, UNREADABLE_FLAGS, mark};

/// Longest name that is served.
pub(crate) const MOST_NAME_BYTES: usize = 4096;

/// One entry, by the hash of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) hash: u64,
    /// Of the local header.
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) crc: u32,
}

/// An entry as it was found: where its data are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Of the local header.
    pub(crate) header: u64,
    /// Of the data.
    pub(crate) data: u64,
    pub(crate) length: u32,
    pub(crate) crc: u32,
    /// `None` for entries that are not ours.
    pub(crate) mark: Option<u128>,
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    slots: Vec<Slot>,
    /// Entries end before this.
    end: u64,
}

impl Index {
    /// Checks that no two entries share bytes, and sorts.
    pub(crate) fn new(mut slots: Vec<Slot>, end: u64) -> Result<Self, ArchiveError> {
        slots.sort_unstable_by_key(|slot| slot.offset);
        let least = |slot: &Slot| slot.offset + LOCAL_BYTES as u64 + u64::from(slot.length);
        if let Some(pair) = slots.windows(2).find(|pair| least(&pair[0]) > pair[1].offset) {
            return Err(ArchiveError::corrupt(format!("two entries lie over each other at {}", pair[1].offset)));
        }
        if slots.last().is_some_and(|last| least(last) > end) {
            return Err(ArchiveError::corrupt("an entry reaches into the table"));
        }
        slots.sort_unstable_by_key(|slot| slot.hash);
        slots.shrink_to_fit();
        Ok(Self { slots, end })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The entry of this name. One read for each entry whose name has the same hash: that is one.
    pub(crate) fn find(&self, file: &File, name: &str) -> io::Result<Option<Found>> {
        let hash = hash(name);
        let from = self.slots.partition_point(|slot| slot.hash < hash);
        let same = self.slots.get(from..).unwrap_or_default().iter().take_while(|slot| slot.hash == hash);
        for slot in same {
            if let Some(found) = self.check(file, slot, name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The entry, if its own header says what the table says.
    fn check(&self, file: &File, slot: &Slot, name: &str) -> io::Result<Option<Found>> {
        // Ours have 20 bytes behind the name; what others have there is read only as far as that.
        let mut head = vec![0; LOCAL_BYTES + name.len() + 20];
        let length = read_up_to(file, slot.offset, &mut head)?;
        let Some(head) = head.get(..length) else { return Ok(None) };
        let numbers = Numbers(head);
        let extra_at = LOCAL_BYTES + name.len();
        let (Some(LOCAL), Some(name_bytes), Some(extra_bytes)) = (numbers.u32(0), numbers.u16(26), numbers.u16(28))
        else {
            return Ok(None);
        };
        let is_named =
            usize::from(name_bytes) == name.len() && head.get(LOCAL_BYTES..extra_at) == Some(name.as_bytes());
        let data = slot.offset + extra_at as u64 + u64::from(extra_bytes);
        let is_inside = data.checked_add(u64::from(slot.length)).is_some_and(|end| end <= self.end);
        let is_stored = numbers.u16(8) == Some(0);
        if !(is_named && is_inside && is_stored) {
            return Ok(None);
        }
        let mark = if extra_bytes == 20 { head.get(extra_at..).and_then(mark) } else { None };
        Ok(Some(Found { header: slot.offset, data, length: slot.length, crc: slot.crc, mark }))
    }
}

pub(crate) fn hash(name: &str) -> u64 {
    xxh3_64(name.as_bytes())
}

/// Fills the buffer, or as much of it as the file has.
fn read_up_to(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// What there is in an archive that was not finished.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) index: Index,
    /// Where the last whole entry ends.
    pub(crate) end: u64,
}

/// Reads the entries of an archive that was not finished, from its beginning as far as they are whole, undamaged, ours, and `wanted` by
/// their marks.
pub(crate) fn scan(file: &File, wanted: &dyn Fn(u128) -> bool) -> io::Result<Scanned> {
    let length = file.metadata()?.len();
    let mut slots = Vec::new();
    let mut end = 0_u64;
    let mut head = vec![0; LOCAL_BYTES + MOST_NAME_BYTES + 20];
    while end < length {
        let count = read_up_to(file, end, &mut head)?;
        let Some((slot, data, mark)) = head.get(..count).and_then(|head| entry(head, end)) else { break };
        let Some(next) = data.checked_add(u64::from(slot.length)).filter(|next| *next <= length) else { break };
        if !wanted(mark) || checksum(file, data, slot.length)? != slot.crc {
            break;
        }
        slots.push(slot);
        end = next;
    }
    let index = Index::new(slots, end).map_err(io::Error::other)?;
    Ok(Scanned { index, end })
}

/// The entry whose local header this is the beginning of; where its data begin; its mark.
fn entry(head: &[u8], offset: u64) -> Option<(Slot, u64, u128)> {
    let numbers = Numbers(head);
    let flags = numbers.u16(6)?;
    let is_ours = numbers.u32(0)? == LOCAL && flags & (UNREADABLE_FLAGS | SIZES_BEHIND) == 0 && numbers.u16(8)? == 0;
    let (crc, packed, length) = (numbers.u32(14)?, numbers.u32(18)?, numbers.u32(22)?);
    let extra_at = LOCAL_BYTES + usize::from(numbers.u16(26)?);
    let data_at = extra_at + usize::from(numbers.u16(28)?);
    let name = std::str::from_utf8(head.get(LOCAL_BYTES..extra_at)?).ok()?;
    let mark = mark(head.get(extra_at..data_at)?)?;
    (is_ours && packed == length)
        .then(|| (Slot { hash: hash(name), offset, length, crc }, offset + data_at as u64, mark))
}

fn checksum(file: &File, offset: u64, length: u32) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; (length as usize).min(1 << 20)];
    let mut done = 0_u64;
    while done < u64::from(length) {
        let part = (u64::from(length) - done).min(buffer.len() as u64) as usize;
        let part = &mut buffer[..part];
        file.read_exact_at(part, offset + done)?;
        hasher.update(part);
        done += part.len() as u64;
    }
    Ok(hasher.finalize())
}
