//! The streams of a block, whose stuffed bits are taken out before they are read. ISO/IEC 15444-15, clause 7.1.

/// Bytes of what follows behind the end of a stream that are written out: a reader that is there stays there.
const BEHIND: usize = 16;

/// What follows behind the end of a stream, for ever.
#[derive(Clone, Copy)]
pub(super) enum Behind {
    Zeroes,
    Ones,
}

/// Bits without stuffed ones, from the lowest one of the first byte on.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// The first byte behind the end.
    end: usize,
}

impl Bits {
    /// Takes a stream that goes forward: behind a byte of ones, a byte has seven bits.
    pub(super) fn forward(&mut self, data: &[u8], behind: Behind) {
        let mut writer = Writer::new(&mut self.bytes, data.len());
        let mut is_after_ones = false;
        let (chunks, rest) = data.as_chunks::<8>();
        for chunk in chunks {
            let word = u64::from_le_bytes(*chunk);
            if is_after_ones || has_zero_byte(!word) {
                is_after_ones = chunk.iter().fold(is_after_ones, |is_after_ones, byte| {
                    writer.put(u64::from(*byte), 8 - u32::from(is_after_ones));
                    *byte == 0xff
                });
            } else {
                writer.put(word, 64);
            }
        }
        for byte in rest {
            writer.put(u64::from(*byte), 8 - u32::from(is_after_ones));
            is_after_ones = *byte == 0xff;
        }
        self.end = writer.end(behind);
    }

    /// Takes a stream that begins with its last byte: behind a byte above 8f, one of seven ones has no more bits than those. Behind
    /// the end are zeroes.
    pub(super) fn backward(&mut self, data: &[u8]) {
        self.backward_from(data, true, (0, 0));
    }

    /// The same of code words: the low half of the last byte is not theirs.
    pub(super) fn words(&mut self, data: &[u8]) {
        let Some((last, rest)) = data.split_last() else { return self.backward(data) };
        let high = u64::from(last >> 4);
        self.backward_from(rest, *last > 0x8f, (high, if high & 7 == 7 { 3 } else { 4 }));
    }

    fn backward_from(&mut self, data: &[u8], mut is_after_large: bool, (first, count): (u64, u32)) {
        let mut writer = Writer::new(&mut self.bytes, data.len() + 1);
        writer.put(first, count);
        let put = |writer: &mut Writer<'_>, byte: u8, is_after_large: bool| {
            let is_stuffed = is_after_large && byte & 0x7f == 0x7f;
            writer.put(u64::from(byte), 8 - u32::from(is_stuffed));
            byte > 0x8f
        };
        let (rest, chunks) = data.as_rchunks::<8>();
        for chunk in chunks.iter().rev() {
            let word = u64::from_be_bytes(*chunk);
            if has_zero_byte(!word & SEVEN_BITS) {
                is_after_large = chunk
                    .iter()
                    .rev()
                    .fold(is_after_large, |is_after_large, byte| put(&mut writer, *byte, is_after_large));
            } else {
                writer.put(word, 64);
                is_after_large = chunk[0] > 0x8f;
            }
        }
        for byte in rest.iter().rev() {
            is_after_large = put(&mut writer, *byte, is_after_large);
        }
        self.end = writer.end(Behind::Zeroes);
    }

    /// A reader of the same, for bits of which each some are known only from those before.
    pub(super) fn buffered(&self) -> Buffered<'_> {
        Buffered { bytes: &self.bytes, next: 0, end: self.end, bits: 0, count: 0 }
    }

    /// A reader that stands at the first of them.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { bytes: &self.bytes, at: 0, end: self.end }
    }
}

/// Reads bits.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    /// The bit that is next.
    at: usize,
    /// The first byte behind the end.
    end: usize,
}

/// The eight bytes from a place on, or those of what follows for ever.
#[inline(always)]
fn load(bytes: &[u8], at: usize, end: usize) -> u64 {
    let word = bytes.get(at.min(end)..).and_then(<[u8]>::first_chunk);
    u64::from_le_bytes(*word.unwrap_or(&[0; 8]))
}

impl Reader<'_> {
    /// The next 57 bits or more, the first one lowest.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        load(self.bytes, self.at >> 3, self.end) >> (self.at & 7)
    }

    /// Goes on by so many bits, of which there were as many in the last look.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.at += count as usize;
    }

    /// The next bit.
    #[inline(always)]
    pub(super) fn take(&mut self) -> u32 {
        let bit = self.peek() as u32 & 1;
        self.at += 1;
        bit
    }
}

/// Reads bits that were loaded before it was known how many are read.
#[derive(Clone, Copy)]
pub(super) struct Buffered<'a> {
    bytes: &'a [u8],
    /// The byte that is loaded next.
    next: usize,
    end: usize,
    /// The next bits, of which so many count; those above are what is loaded again.
    bits: u64,
    count: u32,
}

impl Buffered<'_> {
    /// The next 56 bits or more, the first one lowest.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> u64 {
        self.bits |= load(self.bytes, self.next, self.end) << self.count;
        self.next += (63 - self.count as usize) >> 3;
        self.count |= 0x38;
        self.bits
    }

    /// Goes on by so many bits, of which there were as many in the last look.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.count -= count;
    }
}

const SEVEN_BITS: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// Is any of its bytes 0?
#[inline(always)]
fn has_zero_byte(word: u64) -> bool {
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080 != 0
}

/// Bits one after another.
struct Writer<'a> {
    bytes: &'a mut [u8],
    at: usize,
    /// Less than 64 bits that are not written yet.
    bits: u64,
    count: u32,
}

impl<'a> Writer<'a> {
    /// For so many bytes, at most.
    fn new(bytes: &'a mut Vec<u8>, most: usize) -> Self {
        if bytes.len() < most + BEHIND {
            bytes.resize(most + BEHIND, 0);
        }
        Self { bytes, at: 0, bits: 0, count: 0 }
    }

    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        let bits = if count < 64 { bits & ((1 << count) - 1) } else { bits };
        self.bits |= bits << self.count;
        let all = self.count + count;
        if all < 64 {
            self.count = all;
            return;
        }
        let left = all - 64;
        self.store(self.bits);
        // No bit is left where there were none before.
        self.bits = if left == 0 { 0 } else { bits >> (count - left) };
        self.count = left;
    }

    #[inline(always)]
    fn store(&mut self, word: u64) {
        if let Some(place) = self.bytes.get_mut(self.at..).and_then(<[u8]>::first_chunk_mut) {
            *place = word.to_le_bytes();
        }
        self.at += 8;
    }

    /// Ends with what follows for ever, and says from which byte on.
    fn end(mut self, behind: Behind) -> usize {
        let behind = match behind {
            Behind::Zeroes => 0,
            Behind::Ones => u64::MAX,
        };
        self.store(self.bits | behind << self.count);
        let end = self.at - 8 + self.count.div_ceil(8) as usize;
        self.store(behind);
        end
    }
}

/// How many bits of a run there are in each state. Table 2 of the standard.
const RUN_BITS: [u8; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];

/// Which quads that stand alone are significant: events that are told as lengths of runs. Behind the end are ones.
pub(super) struct Runs<'a> {
    data: &'a [u8],
    byte: u8,
    /// Bits of it that are left.
    left: u32,
    state: usize,
    /// Events that are not, before the one that is.
    before: u32,
    is_ended: bool,
}

impl<'a> Runs<'a> {
    /// The stream ends in the last of these bytes, whose low half is not its own.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { data, byte: 0, left: 0, state: 0, before: 0, is_ended: false }
    }

    /// Is the next one significant?
    #[inline(always)]
    pub(super) fn next(&mut self) -> bool {
        if self.before == 0 && !self.is_ended {
            self.read();
        }
        if self.before > 0 {
            self.before -= 1;
            return false;
        }
        self.is_ended = false;
        true
    }

    /// Reads a run, of one event or more.
    fn read(&mut self) {
        let bits = u32::from(RUN_BITS[self.state]);
        if self.bit() == 1 {
            self.before = 1 << bits;
            self.state = (self.state + 1).min(RUN_BITS.len() - 1);
        } else {
            self.before = (0..bits).fold(0, |run, _| run << 1 | self.bit());
            self.is_ended = true;
            self.state = self.state.saturating_sub(1);
        }
    }

    fn bit(&mut self) -> u32 {
        if self.left == 0 {
            self.left = if self.byte == 0xff { 7 } else { 8 };
            self.byte = match self.data {
                [] => 0xff,
                [last] => last | 0x0f,
                [first, ..] => *first,
            };
            self.data = self.data.get(1..).unwrap_or_default();
        }
        self.left -= 1;
        u32::from(self.byte >> self.left & 1)
    }
}
