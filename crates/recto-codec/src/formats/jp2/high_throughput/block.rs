//! Writing the cleanup pass of a code-block. ISO/IEC 15444-15, clause 7: three streams of bits, of which two grow from one end and the third
//! from the other.

use super::codes::{CODES, Code};

/// Most samples on a side of a block.
pub(super) const SIDE: usize = 64;
/// Most quads on a side.
const QUADS: usize = SIDE / 2;
/// What is set in a negative coefficient; the rest is its magnitude.
pub(super) const NEGATIVE: u32 = 1 << 31;

/// The coefficients of a block, two rows of columns that are even in number together; what lies outside of the block is 0.
pub(super) struct Samples {
    values: Box<[[u32; SIDE]; SIDE]>,
}

impl Samples {
    pub(super) fn new() -> Self {
        Self { values: Box::new([[0; SIDE]; SIDE]) }
    }

    /// Takes a block row by row, each value with its sign in the highest bit. False when all are 0.
    pub(super) fn fill<'r, T: Copy + 'r>(
        &mut self,
        rows: impl Iterator<Item = &'r [T]>,
        value: impl Fn(T) -> u32,
    ) -> bool {
        let mut any = 0;
        let mut count = 0;
        for (to, from) in self.values.iter_mut().zip(rows) {
            for (to, from) in to.iter_mut().zip(from) {
                *to = value(*from);
                any |= *to;
            }
            if let Some(behind) = to.get_mut(from.len()) {
                *behind = 0;
            }
            count += 1;
        }
        if let Some(below) = self.values.get_mut(count) {
            below.fill(0);
        }
        any & !NEGATIVE != 0
    }
}

/// One sample as it is coded.
#[derive(Clone, Copy, Default)]
struct Coded {
    /// 0 where it is not significant.
    exponent: u32,
    /// Twice its magnitude less one, and its sign.
    bits: u32,
}

impl Coded {
    #[inline]
    fn of(value: u32) -> Self {
        let twice = value << 1;
        if twice == 0 {
            return Self::default();
        }
        Self { exponent: 32 - (twice - 1).leading_zeros(), bits: twice - 2 + (value >> 31) }
    }
}

/// What the row of quads below needs to know of a quad: its lower samples.
#[derive(Clone, Copy, Default)]
struct Lower {
    left: u32,
    right: u32,
}

/// Codes the samples of a block of this size behind what is there; not all of them may be 0.
pub(super) fn encode(samples: &Samples, (width, height): (usize, usize), out: &mut Vec<u8>) {
    let mut streams =
        Streams { magnitudes: MagnitudeStream::new(out), runs: RunStream::default(), words: WordStream::new() };
    let (across, down) = (width.div_ceil(2).min(QUADS), height.div_ceil(2).min(QUADS));
    // Exponents below the row before, with one quad of room on each side.
    let mut above = [Lower::default(); QUADS + 2];
    let [first_codes, other_codes] = &**CODES;
    for (row, rows) in samples.values.as_chunks::<2>().0.iter().take(down).enumerate() {
        let [upper, lower] = rows;
        let mut below = [Lower::default(); QUADS + 2];
        // Is one of its samples on the right, or any of the first row's, significant?
        let mut left = 0_usize;
        let mut waiting = None;
        for quad in 0..across {
            let at = 2 * quad;
            let coded = [upper[at], lower[at], upper[at + 1], lower[at + 1]].map(Coded::of);
            let mut significant = 0_usize;
            let mut greatest = 0;
            for (number, sample) in coded.iter().enumerate() {
                significant |= usize::from(sample.exponent > 0) << number;
                greatest = greatest.max(sample.exponent);
            }
            let (least, context, codes) = if row == 0 {
                (1, left, first_codes)
            } else {
                let [before, over, behind] = [above[quad], above[quad + 1], above[quad + 2]];
                let is_any = |a: u32, b: u32| usize::from(a | b > 0);
                let context = is_any(before.right, over.left) | left << 1 | is_any(over.right, behind.left) << 2;
                let near = before.right.max(over.left).max(over.right).max(behind.left);
                let least = if significant.count_ones() > 1 { near.saturating_sub(1).max(1) } else { 1 };
                (least, context, other_codes)
            };
            let bound = greatest.max(least);
            let excess = bound - least;
            let mut reaching = 0_usize;
            if excess > 0 {
                for (number, sample) in coded.iter().enumerate() {
                    reaching |= usize::from(sample.exponent == greatest) << number;
                }
            }
            let code = codes[context][significant][reaching];
            streams.quad(code, context == 0, significant != 0);
            for (number, sample) in coded.iter().enumerate() {
                if sample.exponent > 0 {
                    streams.magnitudes.put(sample.bits, bound - u32::from(code.known >> number & 1));
                }
            }
            below[quad + 1] = Lower { left: coded[1].exponent, right: coded[3].exponent };
            left = if row == 0 { significant >> 1 | significant & 1 } else { usize::from(significant & 0b1100 != 0) };
            // Excesses are coded of two quads together.
            match waiting.take() {
                None => waiting = Some(excess),
                Some(first) => streams.excesses(row == 0, first, excess),
            }
        }
        if let Some(first) = waiting {
            streams.excesses(row == 0, first, 0);
        }
        above = below;
    }
    streams.end();
}

/// The three streams of a block.
struct Streams<'a> {
    magnitudes: MagnitudeStream<'a>,
    runs: RunStream,
    words: WordStream,
}

impl Streams<'_> {
    fn quad(&mut self, code: Code, is_alone: bool, is_significant: bool) {
        self.words.put(code.word.into(), code.length.into());
        if is_alone {
            self.runs.put(is_significant);
        }
    }

    /// What the exponents of two quads exceed, each 0 where its word says so.
    fn excesses(&mut self, is_first_row: bool, first: u32, second: u32) {
        let (mut a, mut b) = (Excess::of(first), Excess::of(second));
        if is_first_row && first > 0 && second > 0 {
            let are_large = first.min(second) > 2;
            self.runs.put(are_large);
            if are_large {
                (a, b) = (Excess::of(first - 2), Excess::of(second - 2));
            } else if first > 2 {
                b = Excess { prefix: second - 1, prefix_length: 1, suffix: 0, suffix_length: 0 };
            }
        }
        self.words.put(a.prefix, a.prefix_length);
        self.words.put(b.prefix, b.prefix_length);
        self.words.put(a.suffix, a.suffix_length);
        self.words.put(b.suffix, b.suffix_length);
    }

    /// Puts the streams together: magnitudes and runs as they are, words from the end.
    fn end(mut self) {
        self.runs.end();
        let Self { magnitudes, mut runs, mut words } = self;
        let out = magnitudes.end();
        let run_bits = 0xff << runs.left & 0xff;
        let word_bits = 0xff >> (8 - words.used);
        let last_of_runs = (runs.byte << runs.left) & 0xff;
        if run_bits | word_bits != 0 {
            let both = last_of_runs | words.byte;
            let is_shared = (both ^ last_of_runs) & run_bits == 0
                && (both ^ words.byte) & word_bits == 0
                && both != 0xff
                && words.bytes.len() > 1;
            if is_shared {
                runs.bytes.push(both as u8);
            } else {
                runs.bytes.push(last_of_runs as u8);
                words.bytes.push(words.byte as u8);
            }
        }
        out.extend_from_slice(&runs.bytes);
        out.extend(words.bytes.iter().rev());
        // How long the two are together stands in the last twelve bits, which are kept free.
        let length = runs.bytes.len() + words.bytes.len();
        if let [.., before, last] = out.as_mut_slice() {
            *last = (length >> 4) as u8;
            *before = *before & 0xf0 | (length & 15) as u8;
        }
    }
}

/// How an excess is coded: table 3 of the standard.
#[derive(Clone, Copy, Default)]
struct Excess {
    prefix: u32,
    prefix_length: u32,
    suffix: u32,
    suffix_length: u32,
}

impl Excess {
    fn of(value: u32) -> Self {
        let (prefix, prefix_length, suffix, suffix_length) = match value {
            0 => (0, 0, 0, 0),
            1 => (1, 1, 0, 0),
            2 => (2, 2, 0, 0),
            3 | 4 => (4, 3, value - 3, 1),
            // More than 32 would need a word behind the suffix; there are not so many bit planes.
            _ => (0, 3, (value - 5).min(27), 5),
        };
        Self { prefix, prefix_length, suffix, suffix_length }
    }
}

/// Magnitudes and signs, from the lowest bit on. After a byte of ones, one bit is stuffed.
struct MagnitudeStream<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    /// Bits that are not written yet.
    bits: u64,
    count: u32,
    /// Bits that the next byte has room for.
    room: u32,
}

impl<'a> MagnitudeStream<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { start: out.len(), out, bits: 0, count: 0, room: 8 }
    }

    #[inline]
    fn put(&mut self, value: u32, length: u32) {
        let value = u64::from(value) & ((1 << length) - 1);
        self.bits |= value << self.count;
        self.count += length;
        while self.count >= self.room {
            let byte = (self.bits & ((1 << self.room) - 1)) as u8;
            self.out.push(byte);
            self.bits >>= self.room;
            self.count -= self.room;
            self.room = if byte == 0xff { 7 } else { 8 };
        }
    }

    /// The rest is filled up with ones, and a last byte of ones left out: readers go on with ones.
    fn end(self) -> &'a mut Vec<u8> {
        if self.count > 0 {
            let byte = self.bits as u8 | (0xff_u32 << self.count & ((1 << self.room) - 1)) as u8;
            if byte != 0xff {
                self.out.push(byte);
            }
        } else if self.room == 7 && self.out.len() > self.start {
            self.out.pop();
        }
        self.out
    }
}

/// How many bits of a run there are in each state. Table 2 of the standard.
const RUN_BITS: [u32; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];

/// Which quads that stand alone are significant, as lengths of runs, from the highest bit on.
struct RunStream {
    bytes: Vec<u8>,
    byte: u32,
    /// Bits that the byte has room for.
    left: u32,
    run: u32,
    state: usize,
}

impl Default for RunStream {
    fn default() -> Self {
        Self { bytes: Vec::new(), byte: 0, left: 8, run: 0, state: 0 }
    }
}

impl RunStream {
    fn bit(&mut self, bit: u32) {
        self.byte = self.byte << 1 | bit;
        self.left -= 1;
        if self.left == 0 {
            self.left = if self.byte == 0xff { 7 } else { 8 };
            self.bytes.push(self.byte as u8);
            self.byte = 0;
        }
    }

    fn put(&mut self, event: bool) {
        let length = RUN_BITS[self.state];
        if event {
            self.bit(0);
            (0..length).rev().for_each(|place| self.bit(self.run >> place & 1));
            self.run = 0;
            self.state = self.state.saturating_sub(1);
        } else {
            self.run += 1;
            if self.run == 1 << length {
                self.bit(1);
                self.run = 0;
                self.state = (self.state + 1).min(RUN_BITS.len() - 1);
            }
        }
    }

    /// A run that was not ended goes on behind the end.
    fn end(&mut self) {
        if self.run > 0 {
            self.bit(1);
        }
    }
}

/// Code words, from the lowest bit on, whose bytes are written from the end of the block backwards. Where the byte before is more
/// than 8f, seven ones are followed by a stuffed bit.
struct WordStream {
    /// The last byte of the block first.
    bytes: Vec<u8>,
    byte: u32,
    used: u32,
    is_after_large: bool,
}

impl WordStream {
    /// The last twelve bits are room for the length.
    fn new() -> Self {
        Self { bytes: vec![0xff], byte: 0x0f, used: 4, is_after_large: true }
    }

    #[inline]
    fn put(&mut self, mut word: u32, mut length: u32) {
        while length > 0 {
            let room = 8 - u32::from(self.is_after_large) - self.used;
            let count = room.min(length);
            self.byte |= (word & ((1 << count) - 1)) << self.used;
            self.used += count;
            word >>= count;
            length -= count;
            if count == room {
                if self.is_after_large && self.byte != 0x7f {
                    // The eighth bit may be used after all.
                    self.is_after_large = false;
                    continue;
                }
                self.bytes.push(self.byte as u8);
                self.is_after_large = self.byte > 0x8f;
                self.byte = 0;
                self.used = 0;
            }
        }
    }
}
