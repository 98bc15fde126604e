//! Huffman tables, and blocks stepped over or read with them.

use std::sync::{Arc, LazyLock};

use quick_cache::sync::Cache;

use super::bits::{BitWriter, WORD_BITS, extend, magnitude, word};

/// Codes up to this length are found by one look into a table.
const LOOKUP_BITS: u32 = 12;
/// Bits that one look into the table of values sees.
const VALUE_BITS: u32 = 11;
/// Difference categories of DC coefficients of 8-bit samples: 0..=11.
pub(super) const DC_CATEGORIES: u8 = 12;
/// Marks an entry behind which no coefficient follows in the block.
const END: u32 = 0x80;
/// Bits that a code and its value take together, at most.
const MOST_BITS: u32 = 31;
/// Tables that are kept ready: most files have the standard's.
const KEPT_TABLES: usize = 64;

/// A Huffman table as it is written in a file: how many codes of each length (1..=16), and their symbols in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct TableSpec {
    counts: [u8; 16],
    symbols: Vec<u8>,
}

impl TableSpec {
    /// A table of these codes.
    pub(super) fn new(counts: [u8; 16], symbols: &[u8]) -> Self {
        Self { counts, symbols: symbols.to_vec() }
    }

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
    pub(super) fn codes(&self) -> impl Iterator<Item = (u8, u32, u32)> + '_ {
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
        let length = (longest.max(1)..=16).find(|length| free << (length - longest) > missing.len() as u32)?;
        let mut new = self.clone();
        let count = new.counts.get_mut(length as usize - 1)?;
        *count = count.checked_add(missing.len() as u8)?;
        new.symbols.extend(missing);
        Some(new)
    }
}

/// Entries found by the next bits: one per code.
#[derive(Clone, Debug)]
struct Lookup {
    /// By the next [`LOOKUP_BITS`] bits; 0 when the code is longer or unknown.
    short: Box<[u16; 1 << LOOKUP_BITS]>,
    entries: Vec<u16>,
    /// For each length: the codes of that length are `first..end`, and their entries begin at `offset`.
    long: [(u32, u32, usize); 17],
}

impl Lookup {
    /// `entry` makes the value of a symbol with a code of some length; never 0.
    fn new(spec: &TableSpec, entry: impl Fn(u8, u32) -> u16) -> Self {
        let mut short = Box::new([0; 1 << LOOKUP_BITS]);
        let mut entries = Vec::with_capacity(spec.symbols.len());
        let mut long = [(0, 0, 0); 17];
        for (symbol, code, length) in spec.codes() {
            let value = entry(symbol, length);
            let (first, end, offset) = &mut long[length as usize];
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
            let (first, end, offset) = self.long[length as usize];
            let index = code.checked_sub(first)?;
            (code < end).then(|| self.entries.get(offset + index as usize).copied())?
        })
    }
}

/// A table for DC coefficients: entry = code length, category.
#[derive(Clone, Debug)]
pub(super) struct DcTable(Lookup);

impl DcTable {
    fn new(spec: &TableSpec) -> Self {
        Self(Lookup::new(spec, |symbol, length| (length as u16) << 8 | u16::from(symbol)))
    }

    /// The table of a specification, made once for all files that have the same.
    pub(super) fn shared(spec: &TableSpec) -> Arc<Self> {
        static TABLES: LazyLock<Cache<TableSpec, Arc<DcTable>>> = LazyLock::new(|| Cache::new(KEPT_TABLES));
        TABLES.get(spec).unwrap_or_else(|| {
            let table = Arc::new(Self::new(spec));
            TABLES.insert(spec.clone(), Arc::clone(&table));
            table
        })
    }

    /// Code length and category at the left of `word`.
    #[inline]
    pub(super) fn find(&self, word: u64) -> Option<(u32, u32)> {
        let entry = self.0.find(word)?;
        let (length, category) = (u32::from(entry >> 8), u32::from(entry & 255));
        (category < u32::from(DC_CATEGORIES)).then_some((length, category))
    }
}

/// A table for AC coefficients.
#[derive(Clone, Debug)]
pub(super) struct AcTable {
    /// One code: bits of code and value together, coefficients passed, [`END`].
    first: Lookup,
    /// As many codes as begin and end within the next [`LOOKUP_BITS`] bits, in the same form; 0 for none.
    several: Box<[u16; 1 << LOOKUP_BITS]>,
    /// One code with its value where both are within [`VALUE_BITS`] bits: value, coefficients passed, bits; 0 for none.
    values: Box<[u32; 1 << VALUE_BITS]>,
    /// One code: its length and symbol.
    symbols: Lookup,
}

/// Coefficients that a symbol passes (its own included), and whether the block ends.
const fn passed(symbol: u8) -> (u32, bool) {
    match (symbol >> 4, symbol & 15) {
        (15, 0) => (16, false),
        (_, 0) => (0, true),
        (run, _) => (run as u32 + 1, false),
    }
}

impl AcTable {
    fn new(spec: &TableSpec) -> Self {
        let first = Lookup::new(spec, |symbol, length| {
            let (passed, end) = passed(symbol);
            ((length + u32::from(symbol & 15)) << 8 | u32::from(end) << 7 | passed) as u16
        });
        // A symbol 0 would make an entry of 0 only with a length of 0.
        let symbols = Lookup::new(spec, |symbol, length| (length as u16) << 8 | u16::from(symbol));
        let mut several = Box::new([0; 1 << LOOKUP_BITS]);
        for (bits, slot) in (0_u64..).zip(several.iter_mut()) {
            *slot = Self::chain(&symbols, bits << (64 - LOOKUP_BITS));
        }
        let mut values = Box::new([0; 1 << VALUE_BITS]);
        for (bits, slot) in (0_u64..).zip(values.iter_mut()) {
            let word = bits << (64 - VALUE_BITS);
            let entry = symbols.short[(word >> (64 - LOOKUP_BITS)) as usize];
            let (length, symbol) = (u32::from(entry >> 8), entry as u8);
            let size = u32::from(symbol & 15);
            if length == 0 || length + size > VALUE_BITS {
                continue;
            }
            let (passed, end) = passed(symbol);
            let value = extend(word << length, size);
            *slot = (value as u32) << 16 | u32::from(end) << 15 | passed << 8 | (length + size);
        }
        Self { first, several, values, symbols }
    }

    /// All symbols whose codes lie within the lookup's bits.
    fn chain(symbols: &Lookup, word: u64) -> u16 {
        let (mut bits, mut all) = (0, 0);
        while bits < LOOKUP_BITS {
            let entry = symbols.short[((word << bits) >> (64 - LOOKUP_BITS)) as usize];
            let (length, symbol) = (u32::from(entry >> 8), entry as u8);
            if length == 0 || bits + length > LOOKUP_BITS {
                break;
            }
            let (passed, end) = passed(symbol);
            if all + passed > 64 {
                break;
            }
            bits += length + u32::from(symbol & 15);
            all += passed;
            if end {
                return (bits << 8 | END | all) as u16;
            }
        }
        (bits << 8 | all) as u16
    }

    /// The table of a specification, made once for all files that have the same.
    pub(super) fn shared(spec: &TableSpec) -> Arc<Self> {
        static TABLES: LazyLock<Cache<TableSpec, Arc<AcTable>>> = LazyLock::new(|| Cache::new(KEPT_TABLES));
        TABLES.get(spec).unwrap_or_else(|| {
            let table = Arc::new(Self::new(spec));
            TABLES.insert(spec.clone(), Arc::clone(&table));
            table
        })
    }

    /// Length and symbol of the code at the left of `word`.
    #[inline]
    pub(super) fn symbol(&self, word: u64) -> Option<(u32, u8)> {
        let entry = self.symbols.find(word)?;
        Some((u32::from(entry >> 8), entry as u8))
    }
}

/// What a block in the data is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Passed {
    /// The DC difference.
    pub(super) difference: i32,
    /// Where the first AC code begins.
    pub(super) behind_dc: usize,
}

/// Steps over one block at `position`. `None` for an unknown code, too many coefficients, or far behind the end.
#[inline]
pub(super) fn pass_block(bytes: &[u8], position: &mut usize, dc: &DcTable, ac: &AcTable) -> Option<Passed> {
    let mut held = word(bytes, *position)?;
    let (length, category) = dc.find(held)?;
    let difference = extend(held << length, category);
    let behind_dc = *position + (length + category) as usize;
    held <<= length + category;
    let mut left = WORD_BITS - length - category;
    let mut at = behind_dc;
    let mut next = 1;
    loop {
        if left < MOST_BITS {
            held = word(bytes, at)?;
            left = WORD_BITS;
        }
        let mut entry = u32::from(ac.several[(held >> (64 - LOOKUP_BITS)) as usize]);
        // What looks like more codes of this block may be the next block's first.
        if entry < 0x100 || next + (entry & 0x7f) + (entry >> 7 & 1) > 64 {
            entry = u32::from(ac.first.find(held)?);
        }
        let bits = entry >> 8;
        held <<= bits;
        left -= bits;
        at += bits as usize;
        next += entry & 0x7f;
        if entry & END != 0 || next >= 64 {
            break;
        }
    }
    *position = at;
    (next <= 64).then_some(Passed { difference, behind_dc })
}

/// Reads one block at `position` into `block`, which is all zeros before, at `order` of each coefficient's number in the data.
/// Gives the DC difference (the block's first coefficient is left alone) and a set of the places that were written.
#[inline]
pub(super) fn read_block(
    bytes: &[u8],
    position: &mut usize,
    dc: &DcTable,
    ac: &AcTable,
    order: &[u8; 64],
    block: &mut [i16; 64],
) -> Option<(i32, u64)> {
    let mut held = word(bytes, *position)?;
    let (length, category) = dc.find(held)?;
    let difference = extend(held << length, category);
    held <<= length + category;
    let mut left = WORD_BITS - length - category;
    let mut at = *position + (length + category) as usize;
    let mut next = 1_u32;
    let mut written = 0_u64;
    while next < 64 {
        if left < MOST_BITS {
            held = word(bytes, at)?;
            left = WORD_BITS;
        }
        let entry = ac.values[(held >> (64 - VALUE_BITS)) as usize];
        let (bits, passed, end, value) = if entry == 0 {
            let (length, symbol) = ac.symbol(held)?;
            let size = u32::from(symbol & 15);
            let (passed, end) = passed(symbol);
            (length + size, passed, end, extend(held << length, size))
        } else {
            (entry & 0xff, entry >> 8 & 0x7f, entry & 1 << 15 != 0, (entry as i32) >> 16)
        };
        held <<= bits;
        left -= bits;
        at += bits as usize;
        if end {
            break;
        }
        next += passed;
        if value != 0 {
            let place = order.get(next as usize - 1)? & 63;
            block[usize::from(place)] = value as i16;
            written |= 1 << place;
        }
    }
    *position = at;
    (next <= 64).then_some((difference, written))
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

    /// Code and length of a category that the table has.
    #[inline]
    pub(super) fn code(&self, category: u32) -> Option<(u32, u32)> {
        self.0.get(category as usize).copied().filter(|(_, length)| *length > 0)
    }
}

/// Codes by symbol, for writing AC coefficients.
#[derive(Clone, Debug)]
pub(super) struct AcCodes(Box<[(u32, u32); 256]>);

impl AcCodes {
    pub(super) fn new(spec: &TableSpec) -> Self {
        let mut codes = Box::new([(0, 0); 256]);
        for (symbol, code, length) in spec.codes() {
            codes[usize::from(symbol)] = (code, length);
        }
        Self(codes)
    }

    #[inline]
    fn put(&self, symbol: u8, writer: &mut BitWriter) -> Option<()> {
        let (code, length) = self.0[usize::from(symbol)];
        (length > 0).then(|| writer.put(code, length))
    }

    /// Writes the AC coefficients of a block in the order of the data. `None` for a value that no table of 8-bit samples has.
    pub(super) fn put_block(&self, block: &[i16; 64], writer: &mut BitWriter) -> Option<()> {
        let mut run = 0_u8;
        for value in &block[1..] {
            if *value == 0 {
                run += 1;
                continue;
            }
            while run > 15 {
                self.put(0xf0, writer)?;
                run -= 16;
            }
            let value = i32::from(*value);
            let size = 32 - value.unsigned_abs().leading_zeros();
            if size > 10 {
                return None;
            }
            self.put(run << 4 | size as u8, writer)?;
            writer.put(magnitude(value, size), size);
            run = 0;
        }
        if run > 0 {
            self.put(0, writer)?;
        }
        Some(())
    }
}
