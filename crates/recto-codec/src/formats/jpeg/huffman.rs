//! Huffman tables, and bits read and written, for work on entropy-coded data without decoding it.
//!
//! Data is read with its stuffing removed ([`clean_scan`]), so that a position is simply a number of bits. All reading is
//! checked: damaged data gives `None` or an error, never a panic.

use std::ops::Range;

/// Zero bytes behind clean data, so that a whole word can be loaded at any of its positions.
const PADDING: usize = 16;
/// Codes up to this length are found by one look into a table.
const LOOKUP_BITS: u32 = 10;
/// Difference categories of DC coefficients of 8-bit samples: 0..=11.
pub(super) const DC_CATEGORIES: u8 = 12;
/// Steps over all coefficients that are left in a block, see [`AcTable`].
const END_OF_BLOCK: u32 = 128;

/// A Huffman table as it is written in a file: how many codes of each length (1..=16), and their symbols in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableSpec {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

impl TableSpec {
    /// Reads one table from the front of a DHT segment's rest; gives class and slot (the first byte) and what follows.
    pub(super) fn parse(data: &[u8]) -> Option<(u8, Self, &[u8])> {
        let (&slot, rest) = data.split_first()?;
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let total = counts.iter().map(|count| usize::from(*count)).sum::<usize>();
        if total > 256 {
            return None;
        }
        let (symbols, rest) = rest.split_at_checked(total)?;
        let spec = Self { counts: *counts, symbols: symbols.to_vec() };
        spec.free_at_end()?;
        Some((slot, spec, rest))
    }

    /// Appends it in the form of a DHT segment.
    pub(super) fn write(&self, slot: u8, out: &mut Vec<u8>) {
        out.push(slot);
        out.extend_from_slice(&self.counts);
        out.extend_from_slice(&self.symbols);
    }

    /// Symbol, code and length of every entry, in order.
    fn codes(&self) -> impl Iterator<Item = (u8, u32, u32)> + '_ {
        let mut code = 0_u32;
        let mut symbols = self.symbols.iter();
        (1_u32..).zip(self.counts).flat_map(move |(length, count)| {
            let first = code << 1;
            code = first + u32::from(count);
            symbols
                .by_ref()
                .take(usize::from(count))
                .zip(first..)
                .map(|(symbol, code)| (*symbol, code, length))
                .collect::<Vec<_>>()
        })
    }

    /// The longest code, and how many codes of that length are still free; `None` when codes of some length do not fit.
    fn free_at_end(&self) -> Option<(u32, u32)> {
        let mut next = 0_u32;
        let mut longest = (0, 0);
        for (length, count) in (1_u32..).zip(self.counts) {
            next = (next << 1) + u32::from(count);
            if next > 1 << length {
                return None;
            }
            if count > 0 {
                longest = (length, (1 << length) - next);
            }
        }
        Some(longest)
    }

    /// The same table with every DC category in it. Those that are missing (tables optimised for one picture lack most) get
    /// longer codes behind all others, so that the codes that are in use stay as they are. `None` when there is no room.
    pub(super) fn with_all_dc_categories(&self) -> Option<Self> {
        let missing = (0..DC_CATEGORIES).filter(|category| !self.symbols.contains(category)).collect::<Vec<_>>();
        if missing.is_empty() {
            return Some(self.clone());
        }
        let (longest, free) = self.free_at_end()?;
        // One code more than needed, as the code of all ones is not to be used.
        let length = (longest..=16).find(|length| free << (length - longest) > missing.len() as u32)?;
        let mut new = self.clone();
        let count = new.counts.get_mut(length as usize - 1)?;
        *count = count.checked_add(missing.len() as u8)?;
        new.symbols.extend(missing);
        Some(new)
    }
}

/// How to find a code that is too long for the lookup.
#[derive(Clone, Debug)]
struct LongCodes {
    /// For each length: the codes of that length are `first..end`, and their entries begin at `offset`.
    lengths: [(u32, u32, usize); 17],
}

/// Entries found by the next bits: one per code.
#[derive(Clone, Debug)]
struct Lookup {
    /// By the next [`LOOKUP_BITS`] bits; 0 when the code is longer or unknown.
    short: Box<[u16; 1 << LOOKUP_BITS]>,
    entries: Vec<u16>,
    long: LongCodes,
}

impl Lookup {
    /// `entry` makes the value of a symbol with a code of some length; never 0.
    fn new(spec: &TableSpec, entry: impl Fn(u8, u32) -> u16) -> Self {
        let mut short = Box::new([0; 1 << LOOKUP_BITS]);
        let mut entries = Vec::with_capacity(spec.symbols.len());
        let mut long = LongCodes { lengths: [(0, 0, 0); 17] };
        for (symbol, code, length) in spec.codes() {
            let value = entry(symbol, length);
            let (first, end, offset) = &mut long.lengths[length as usize];
            if *first == *end {
                (*first, *offset) = (code, entries.len());
            }
            *end = code + 1;
            entries.push(value);
            if length <= LOOKUP_BITS {
                let shift = LOOKUP_BITS - length;
                let start = (code << shift) as usize;
                if let Some(slots) = short.get_mut(start..start + (1 << shift)) {
                    slots.fill(value);
                }
            }
        }
        Self { short, entries, long }
    }

    /// The entry of the code that `word` begins with.
    #[inline]
    fn find(&self, word: u64) -> Option<u16> {
        let entry = self.short[(word >> (64 - LOOKUP_BITS)) as usize];
        if entry == 0 { self.find_long(word) } else { Some(entry) }
    }

    #[cold]
    fn find_long(&self, word: u64) -> Option<u16> {
        (LOOKUP_BITS + 1..=16).find_map(|length| {
            let code = (word >> (64 - length)) as u32;
            let (first, end, offset) = self.long.lengths[length as usize];
            let index = code.checked_sub(first)?;
            (code < end).then(|| self.entries.get(offset + index as usize).copied())?
        })
    }
}

/// A table for DC coefficients: entry = code length, category.
#[derive(Clone, Debug)]
pub(super) struct DcTable(Lookup);

impl DcTable {
    pub(super) fn new(spec: &TableSpec) -> Self {
        Self(Lookup::new(spec, |symbol, length| (length as u16) << 8 | u16::from(symbol)))
    }
}

/// A table for AC coefficients: entry = bits of code and value together, coefficients passed ([`END_OF_BLOCK`] for the rest).
#[derive(Clone, Debug)]
pub(super) struct AcTable(Lookup);

impl AcTable {
    pub(super) fn new(spec: &TableSpec) -> Self {
        Self(Lookup::new(spec, |symbol, length| {
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            let passed = match (run, size) {
                (15, 0) => 16,
                (_, 0) => END_OF_BLOCK,
                _ => run + 1,
            };
            ((length + size) << 8 | passed) as u16
        }))
    }
}

/// Codes by category, for writing DC coefficients.
#[derive(Clone, Debug)]
pub(super) struct DcCodes([(u32, u32); DC_CATEGORIES as usize]);

impl DcCodes {
    pub(super) fn new(spec: &TableSpec) -> Self {
        let mut codes = [(0, 0); DC_CATEGORIES as usize];
        for (symbol, code, length) in spec.codes() {
            if let Some(slot) = codes.get_mut(usize::from(symbol)) {
                *slot = (code, length);
            }
        }
        Self(codes)
    }
}

/// Entropy-coded data without its stuffing, split at restart markers.
#[derive(Debug)]
pub(super) struct CleanScan {
    bytes: Vec<u8>,
    /// The bits between restart markers.
    pub(super) intervals: Vec<Range<usize>>,
    /// The marker that ended it; `None` when the data just ended.
    pub(super) ended_by: Option<u8>,
}

/// Removes stuffing up to the first marker that is no restart. `None` when restart markers do not count up.
pub(super) fn clean_scan(data: &[u8]) -> Option<CleanScan> {
    let mut bytes = Vec::with_capacity(data.len() + PADDING);
    let mut intervals = Vec::new();
    let mut start = 0;
    let mut rest = data;
    let ended_by = loop {
        let Some(at) = memchr::memchr(0xff, rest) else {
            bytes.extend_from_slice(rest);
            break None;
        };
        bytes.extend_from_slice(&rest[..at]);
        match rest.get(at + 1) {
            None => break None,
            Some(0) => bytes.push(0xff),
            Some(0xff) => {
                // A fill byte before a marker.
                rest = &rest[at + 1..];
                continue;
            }
            Some(marker @ 0xd0..=0xd7) => {
                if usize::from(marker - 0xd0) != intervals.len() % 8 {
                    return None;
                }
                intervals.push(start..bytes.len() * 8);
                start = bytes.len() * 8;
            }
            Some(marker) => break Some(*marker),
        }
        rest = &rest[at + 2..];
    };
    intervals.push(start..bytes.len() * 8);
    bytes.resize(bytes.len() + PADDING, 0);
    Some(CleanScan { bytes, intervals, ended_by })
}

impl CleanScan {
    /// At least 57 bits from `position` on, left-aligned; zeros behind the end. `None` far behind it.
    #[inline]
    fn word(&self, position: usize) -> Option<u64> {
        let bytes = self.bytes.get(position / 8..)?.first_chunk::<8>()?;
        Some(u64::from_be_bytes(*bytes) << (position % 8))
    }

    /// Reads a DC difference at `position`, which moves behind it. `None` for an unknown code.
    #[inline]
    pub(super) fn dc_difference(&self, table: &DcTable, position: &mut usize) -> Option<i32> {
        let word = self.word(*position)?;
        let entry = table.0.find(word)?;
        let (length, category) = (u32::from(entry >> 8), u32::from(entry & 255));
        if category >= u32::from(DC_CATEGORIES) {
            return None;
        }
        *position += (length + category) as usize;
        if category == 0 {
            return Some(0);
        }
        let value = ((word << length) >> (64 - category)) as i32;
        // Values of the lower half stand for negative numbers.
        Some(if value >> (category - 1) == 0 { value + 1 - (1 << category) } else { value })
    }

    /// Steps over the AC coefficients of a block. `None` for an unknown code or too many coefficients.
    #[inline]
    pub(super) fn pass_ac(&self, table: &AcTable, position: &mut usize) -> Option<()> {
        let mut passed = 1;
        while passed < 64 {
            let entry = u32::from(table.0.find(self.word(*position)?)?);
            *position += (entry >> 8) as usize;
            passed += entry & 255;
        }
        (passed == 64 || passed > END_OF_BLOCK).then_some(())
    }
}

/// Writes entropy-coded data, stuffing included.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    out: Vec<u8>,
    held: u64,
    /// Bits in `held`, below 32 between calls.
    count: u32,
}

impl BitWriter {
    /// Writes behind what `out` has.
    pub(super) fn new(out: Vec<u8>) -> Self {
        Self { out, held: 0, count: 0 }
    }

    /// Appends the lowest `count` bits of `bits`: at most 32, nothing above them set.
    #[inline]
    fn put(&mut self, bits: u32, count: u32) {
        self.held = self.held << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let bytes = ((self.held >> self.count) as u32).to_be_bytes();
            if bytes.contains(&0xff) {
                for byte in bytes {
                    self.put_byte(byte);
                }
            } else {
                self.out.extend_from_slice(&bytes);
            }
        }
    }

    fn put_byte(&mut self, byte: u8) {
        self.out.push(byte);
        if byte == 0xff {
            self.out.push(0);
        }
    }

    /// Appends bits of a scan as they are. `None` when they lie outside of it.
    pub(super) fn copy(&mut self, scan: &CleanScan, bits: Range<usize>) -> Option<()> {
        let mut position = bits.start;
        while position < bits.end {
            let count = (bits.end - position).min(32) as u32;
            self.put((scan.word(position)? >> (64 - count)) as u32, count);
            position += count as usize;
        }
        Some(())
    }

    /// Appends a DC difference. `None` when it is too large for 8-bit samples.
    pub(super) fn put_dc(&mut self, codes: &DcCodes, difference: i32) -> Option<()> {
        let category = 32 - difference.unsigned_abs().leading_zeros();
        let (code, length) = *codes.0.get(category as usize)?;
        if length == 0 {
            return None;
        }
        self.put(code, length);
        if category > 0 {
            let value = if difference < 0 { difference + (1 << category) - 1 } else { difference };
            self.put(value as u32, category);
        }
        Some(())
    }

    /// Fills the last byte with ones and gives everything.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let fill = (8 - self.count % 8) % 8;
        self.put((1 << fill) - 1, fill);
        while self.count > 0 {
            self.count -= 8;
            self.put_byte((self.held >> self.count) as u8);
        }
        self.out
    }
}
