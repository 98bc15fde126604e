//! Where do the bytes of an image file directory lie, and what numbers do its entries hold?
//!
//! Classic TIFF and `BigTIFF`, both byte orders. Nothing here knows what a tag means. A directory costs one read, and all of
//! the values outside it that are wanted cost one more call of [`RandomAccess::read_ranges`].
//!
//! Slides of Hamamatsu's scanners (NDPI) are classic TIFF of any size, see [`File::wide`]. Up to 4 GiB they are read as what they
//! say they are:
//!
//! ```text
//! header     "II", 42, place of the first directory (8 bytes instead of 4)
//! directory  number of entries, entries of 12 bytes, place of the next (8 bytes instead of 4),
//!            for each entry the upper 4 bytes of its value or place
//! ```

use std::sync::Arc;

use super::{corrupt, tag};
use crate::{ByteRange, DecodeError, RandomAccess};

/// Bytes read at once in the hope that they hold a whole directory: 40 classic entries.
const FIRST_READ: u64 = 512;
/// More entries than any real directory has; libtiff draws the line here too.
const MAX_ENTRIES: u64 = 4096;

/// How numbers lie in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// True when 16-bit samples need no swapping on this machine.
    pub(super) const fn is_native(self) -> bool {
        matches!(self, Self::Little) == cfg!(target_endian = "little")
    }

    /// An unsigned number of 1 to 8 bytes.
    pub(super) fn number(self, bytes: &[u8]) -> u64 {
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self {
            Self::Big => bytes.iter().take(8).fold(0, fold),
            Self::Little => bytes.iter().take(8).rev().fold(0, fold),
        }
    }
}

/// A TIFF file: its bytes and how its numbers are written.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) source: Arc<dyn RandomAccess>,
    pub(super) order: Order,
    pub(super) big: bool,
    /// Classic, but for places of eight bytes: a slide of Hamamatsu's that is larger than classic places reach.
    pub(super) wide: bool,
}

/// One entry of a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    field: [u8; 8],
}

/// A directory as it lies in the file.
#[derive(Clone, Debug)]
pub(super) struct Ifd {
    pub(super) entries: Vec<Entry>,
    /// Position of the directory that follows in the chain; 0 ends it.
    pub(super) next: u64,
    /// Bytes that the directory itself takes.
    pub(super) length: u64,
}

/// Values of a directory, loaded.
#[derive(Debug)]
pub(super) struct Values {
    order: Order,
    loaded: Vec<(u16, u16, Vec<u8>)>,
}

/// Bytes of one value of this field type; 0 for types that do not exist.
const fn kind_size(kind: u16) -> u64 {
    match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 | 17 | 18 => 8,
        _ => 0,
    }
}

impl File {
    /// Reads the header; gives the position of the first directory as well.
    pub(super) fn open(source: Arc<dyn RandomAccess>) -> Result<(Self, u64), DecodeError> {
        let mut header = [0; 16];
        let length = source.len().min(16) as usize;
        let header = &mut header[..length];
        source.read_at(0, header)?;
        let order = match header.get(..2) {
            Some(b"II") => Order::Little,
            Some(b"MM") => Order::Big,
            _ => return Err(corrupt("it does not begin with a byte order")),
        };
        let number = |range: std::ops::Range<usize>| {
            header.get(range).map(|bytes| order.number(bytes)).ok_or_else(|| corrupt("the header is cut off"))
        };
        let (big, first) = match number(2..4)? {
            42 => (false, number(4..8)?),
            43 if number(4..6)? == 8 => (true, number(8..16)?),
            _ => return Err(corrupt("the header is of no known version")),
        };
        let file = Self { source, order, big, wide: false };
        if !big && order == Order::Little && file.source.len() > u64::from(u32::MAX) {
            let (wide, first) = (Self { wide: true, ..file.clone() }, number(4..12)?);
            match wide.ifd(first) {
                Ok(ifd) if ifd.has(tag::NDPI_VERSION) => return Ok((wide, first)),
                Err(error @ DecodeError::Io(_)) => return Err(error),
                _ => {}
            }
        }
        Ok((file, first))
    }

    /// Reads the directory at `offset`.
    pub(super) fn ifd(&self, offset: u64) -> Result<Ifd, DecodeError> {
        let available = self.source.len().saturating_sub(offset);
        let (head, entry_size, pointer) = match (self.big, self.wide) {
            (true, _) => (8_u64, 20_u64, 8_u64),
            (false, wide) => (2, 12, if wide { 8 } else { 4 }),
        };
        if available < head + pointer {
            return Err(corrupt(format!("a directory at {offset} lies outside of it")));
        }
        let mut bytes = self.source.read_range(ByteRange::new(offset, available.min(FIRST_READ)))?;
        let count = self.order.number(&bytes[..head as usize]);
        if count == 0 || count > MAX_ENTRIES {
            return Err(corrupt(format!("the directory at {offset} has {count} entries")));
        }
        let upper = if self.wide { 4 * count } else { 0 };
        let length = head + count * entry_size + pointer + upper;
        // The pointer at the end is often the first thing that a cut file loses: then the chain just ends there.
        let needed = if self.wide { length } else { length - pointer };
        if available < needed {
            return Err(corrupt(format!("the directory at {offset} is cut off")));
        }
        let wanted = length.min(available);
        if (bytes.len() as u64) < wanted {
            let have = bytes.len();
            bytes.resize(wanted as usize, 0);
            self.source.read_at(offset + have as u64, &mut bytes[have..])?;
        }
        let body = &bytes[head as usize..];
        let (table, rest) = body.split_at((count * entry_size) as usize);
        let mut entries: Vec<Entry> = table.chunks_exact(entry_size as usize).map(|entry| self.entry(entry)).collect();
        let next = rest.get(..pointer as usize).map_or(0, |pointer| self.order.number(pointer));
        if self.wide {
            let upper = rest.get(pointer as usize..).unwrap_or_default().as_chunks::<4>().0;
            entries.iter_mut().zip(upper).for_each(|(entry, upper)| entry.widen(*upper));
        }
        Ok(Ifd { entries, next, length })
    }

    /// What is read of a directory at first.
    pub(super) fn ifd_range(&self, offset: u64) -> ByteRange {
        ByteRange::new(offset, self.source.len().saturating_sub(offset).min(FIRST_READ))
    }

    /// Where the values of the tags that `is_wanted` lie that are not in the directory itself.
    pub(super) fn outside(&self, ifd: &Ifd, is_wanted: impl Fn(u16) -> bool) -> Vec<ByteRange> {
        let range = |entry: &Entry| {
            let length = entry.count.checked_mul(kind_size(entry.kind))?;
            let range = ByteRange::new(self.place(entry), length);
            let in_file = range.end().is_some_and(|end| end <= self.source.len());
            (!self.is_inside(entry, length) && in_file).then_some(range)
        };
        ifd.entries.iter().filter(|entry| is_wanted(entry.tag)).filter_map(range).collect()
    }

    fn entry(&self, bytes: &[u8]) -> Entry {
        let (count_size, field_size) = if self.big { (8, 8) } else { (4, 4) };
        let mut field = [0; 8];
        field[..field_size].copy_from_slice(&bytes[4 + count_size..4 + count_size + field_size]);
        Entry {
            tag: self.order.number(&bytes[..2]) as u16,
            kind: self.order.number(&bytes[2..4]) as u16,
            count: self.order.number(&bytes[4..4 + count_size]),
            field,
        }
    }

    /// Bytes that a value may take inside its entry.
    const fn field_size(&self) -> u64 {
        if self.big { 8 } else { 4 }
    }

    /// True when a value of `length` bytes lies in its entry.
    const fn is_inside(&self, entry: &Entry, length: u64) -> bool {
        match (self.wide, entry.kind, entry.count) {
            // Words never do, however short they are.
            (true, 2, _) => false,
            (true, 16..=18, 1) => true,
            _ => length <= self.field_size(),
        }
    }

    /// Where the value of an entry lies that is not in it.
    fn place(&self, entry: &Entry) -> u64 {
        self.order.number(if self.big || self.wide { &entry.field } else { &entry.field[..4] })
    }

    /// Loads the values of the tags that `is_wanted`, of at most `max_bytes` in all. A value outside of the file is left out, unless pixels would be others without it.
    pub(super) fn values(
        &self,
        ifd: &Ifd,
        is_wanted: impl Fn(u16) -> bool,
        max_bytes: u64,
    ) -> Result<Values, DecodeError> {
        let mut loaded: Vec<(u16, u16, Vec<u8>)> = Vec::new();
        let mut outside: Vec<(usize, ByteRange)> = Vec::new();
        let mut budget = max_bytes;
        for entry in ifd.entries.iter().filter(|entry| is_wanted(entry.tag)) {
            if loaded.iter().any(|(tag, ..)| *tag == entry.tag) {
                continue;
            }
            let Some(length) = entry.count.checked_mul(kind_size(entry.kind)).filter(|length| *length > 0) else {
                continue;
            };
            if self.is_inside(entry, length) {
                loaded.push((entry.tag, entry.kind, entry.field[..length as usize].to_vec()));
                continue;
            }
            let range = ByteRange::new(self.place(entry), length);
            if range.end().is_none_or(|end| end > self.source.len()) {
                if tag::NEEDED.contains(&entry.tag) {
                    return Err(corrupt(format!("the values of tag {} lie outside of it", entry.tag)));
                }
                continue;
            }
            budget = budget
                .checked_sub(length)
                .ok_or_else(|| super::too_large(length, max_bytes, "bytes of memory for its directory"))?;
            outside.push((loaded.len(), range));
            loaded.push((entry.tag, entry.kind, Vec::new()));
        }
        let ranges: Vec<ByteRange> = outside.iter().map(|(_, range)| *range).collect();
        if !ranges.is_empty() {
            for ((index, _), bytes) in outside.iter().zip(self.source.read_ranges(&ranges)?) {
                loaded[*index].2 = bytes;
            }
        }
        Ok(Values { order: self.order, loaded })
    }

    /// The first number of a tag, if it lies inside its entry.
    pub(super) fn inline_number(&self, ifd: &Ifd, tag: u16) -> Option<u64> {
        let entry = ifd.entries.iter().find(|entry| entry.tag == tag)?;
        let size = kind_size(entry.kind);
        let fits = entry.count > 0 && size > 0 && self.is_inside(entry, entry.count.checked_mul(size)?);
        (fits && !matches!(entry.kind, 5 | 10..=12)).then(|| self.order.number(&entry.field[..size as usize]))
    }

    /// The first number of a tag, with its sign and fraction, if it lies inside its entry.
    pub(super) fn inline_real(&self, ifd: &Ifd, tag: u16) -> Option<f64> {
        let entry = ifd.entries.iter().find(|entry| entry.tag == tag)?;
        let size = kind_size(entry.kind);
        if entry.count == 0 || !self.is_inside(entry, entry.count.checked_mul(size)?) {
            return None;
        }
        let number = self.order.number(&entry.field[..size as usize]);
        match entry.kind {
            1 | 3 | 4 | 16 => Some(number as f64),
            6 => Some(f64::from(number as u8 as i8)),
            8 => Some(f64::from(number as u16 as i16)),
            9 => Some(f64::from(number as u32 as i32)),
            11 => Some(f64::from(f32::from_bits(number as u32))),
            12 => Some(f64::from_bits(number)),
            17 => Some(number as i64 as f64),
            _ => None,
        }
    }
}

impl Entry {
    /// Takes the upper half of its value or place, in a file with wide places.
    fn widen(&mut self, upper: [u8; 4]) {
        self.field[4..].copy_from_slice(&upper);
        if self.count == 1 && upper != [0; 4] {
            // One number of twice as many bytes, which still lies in the entry.
            self.kind = match self.kind {
                4 => 16,
                9 => 17,
                13 => 18,
                other => other,
            };
        }
    }
}

impl Ifd {
    /// True when there is an entry for this tag.
    pub(super) fn has(&self, tag: u16) -> bool {
        self.entries.iter().any(|entry| entry.tag == tag)
    }
}

impl Values {
    fn raw(&self, tag: u16) -> Option<(u16, &[u8])> {
        self.loaded.iter().find(|(loaded, ..)| *loaded == tag).map(|(_, kind, bytes)| (*kind, bytes.as_slice()))
    }

    /// The bytes of a tag, whatever its type.
    pub(super) fn bytes(&self, tag: u16) -> Option<&[u8]> {
        self.raw(tag).map(|(_, bytes)| bytes)
    }

    /// All that was loaded: tag, type, number of values, and their bytes in little-endian order.
    pub(super) fn copied(&self) -> Vec<(u16, u16, u64, Vec<u8>)> {
        let copy = |(tag, kind, bytes): &(u16, u16, Vec<u8>)| {
            let mut bytes = bytes.clone();
            // A fraction is two numbers.
            let unit = if matches!(kind, 5 | 10) { 4 } else { kind_size(*kind) };
            let count = bytes.len() as u64 / kind_size(*kind);
            if self.order == Order::Big {
                bytes.chunks_exact_mut(unit as usize).for_each(<[u8]>::reverse);
            }
            (*tag, *kind, count, bytes)
        };
        self.loaded.iter().map(copy).collect()
    }

    /// How many whole numbers a tag has.
    pub(super) fn numbers(&self, tag: u16) -> Option<impl ExactSizeIterator<Item = u64> + '_> {
        let (kind, bytes) = self.raw(tag)?;
        let whole = matches!(kind, 1 | 3 | 4 | 6 | 7 | 8 | 9 | 13 | 16 | 17 | 18);
        whole.then(|| bytes.chunks_exact(kind_size(kind) as usize).map(|bytes| self.order.number(bytes)))
    }

    /// The first number of a tag.
    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        self.numbers(tag)?.next()
    }

    /// The values of a tag as real numbers: rationals, floats or whole numbers.
    pub(super) fn reals(&self, tag: u16) -> Option<Vec<f64>> {
        let (kind, bytes) = self.raw(tag)?;
        let real = |bytes: &[u8]| {
            let number = self.order.number(bytes);
            match kind {
                5 | 10 => {
                    let (over, under) = bytes.split_at(4);
                    let (over, under) = (self.order.number(over), self.order.number(under));
                    if kind == 5 {
                        over as f64 / under as f64
                    } else {
                        f64::from(over as u32 as i32) / f64::from(under as u32 as i32)
                    }
                }
                11 => f64::from(f32::from_bits(number as u32)),
                12 => f64::from_bits(number),
                _ => number as f64,
            }
        };
        Some(bytes.chunks_exact(kind_size(kind) as usize).map(real).collect())
    }
}
