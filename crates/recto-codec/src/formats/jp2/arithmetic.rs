//! The adaptive binary arithmetic decoder ("MQ"). ISO/IEC 15444-1, annex C.

#![expect(clippy::inline_always, reason = "the innermost loops of decoding; half as fast where calls remain")]

/// Contexts that block decoding has.
pub(super) const CONTEXTS: usize = 19;
/// The context of run lengths.
pub(super) const RUN: usize = 17;
/// The context of equal chances.
pub(super) const UNIFORM: usize = 18;

/// One state of a context: how probable the less probable symbol is, and the next states after the more and the less
/// probable one. States come in pairs, for the more probable symbol 0 and 1.
#[derive(Clone, Copy)]
struct State {
    probability: u32,
    more: u8,
    less: u8,
}

/// Table C.2: probability, next after the more probable symbol, next after the less probable one, and whether symbols swap.
const ROWS: [(u16, u8, u8, bool); 47] = [
    (0x5601, 1, 1, true),
    (0x3401, 2, 6, false),
    (0x1801, 3, 9, false),
    (0x0ac1, 4, 12, false),
    (0x0521, 5, 29, false),
    (0x0221, 38, 33, false),
    (0x5601, 7, 6, true),
    (0x5401, 8, 14, false),
    (0x4801, 9, 14, false),
    (0x3801, 10, 14, false),
    (0x3001, 11, 17, false),
    (0x2401, 12, 18, false),
    (0x1c01, 13, 20, false),
    (0x1601, 29, 21, false),
    (0x5601, 15, 14, true),
    (0x5401, 16, 14, false),
    (0x5101, 17, 15, false),
    (0x4801, 18, 16, false),
    (0x3801, 19, 17, false),
    (0x3401, 20, 18, false),
    (0x3001, 21, 19, false),
    (0x2801, 22, 19, false),
    (0x2401, 23, 20, false),
    (0x2201, 24, 21, false),
    (0x1c01, 25, 22, false),
    (0x1801, 26, 23, false),
    (0x1601, 27, 24, false),
    (0x1401, 28, 25, false),
    (0x1201, 29, 26, false),
    (0x1101, 30, 27, false),
    (0x0ac1, 31, 28, false),
    (0x09c1, 32, 29, false),
    (0x08a1, 33, 30, false),
    (0x0521, 34, 31, false),
    (0x0441, 35, 32, false),
    (0x02a1, 36, 33, false),
    (0x0221, 37, 34, false),
    (0x0141, 38, 35, false),
    (0x0111, 39, 36, false),
    (0x0085, 40, 37, false),
    (0x0049, 41, 38, false),
    (0x0025, 42, 39, false),
    (0x0015, 43, 40, false),
    (0x0009, 44, 41, false),
    (0x0005, 45, 42, false),
    (0x0001, 45, 43, false),
    (0x5601, 46, 46, false),
];

/// Filled to a power of two, so that an index that was masked is inside.
static STATES: [State; 128] = states();

const fn states() -> [State; 128] {
    let mut states = [State { probability: 0x5601, more: 92, less: 92 }; 128];
    let mut row = 0;
    while row < ROWS.len() {
        let (probability, more, less, swaps) = ROWS[row];
        let mut symbol = 0;
        while symbol < 2 {
            let less_symbol = if swaps { 1 - symbol } else { symbol };
            states[2 * row + symbol as usize] =
                State { probability: probability as u32, more: 2 * more + symbol, less: 2 * less + less_symbol };
            symbol += 1;
        }
        row += 1;
    }
    states
}

/// The state of every context; filled to a power of two.
#[derive(Clone, Copy)]
pub(super) struct Contexts([u8; 32]);

impl Contexts {
    /// Where every pass begins that does not go on from the one before.
    pub(super) const fn new() -> Self {
        let mut states = [0; 32];
        states[0] = 2 * 4;
        states[RUN] = 2 * 3;
        states[UNIFORM] = 2 * 46;
        Self(states)
    }
}

/// A decoder in the middle of a segment. Behind the segment's end it reads ones, as encoders rely on.
#[derive(Clone, Copy)]
pub(super) struct Arithmetic<'a> {
    data: &'a [u8],
    /// The byte read last.
    at: usize,
    code: u32,
    interval: u32,
    bits: u32,
}

impl<'a> Arithmetic<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        let first = data.first().map_or(0xff, |byte| u32::from(*byte));
        let (at, code, bits) = Self::next_byte(data, 0, first << 16);
        Self { data, at, code: code << 7, interval: 0x8000, bits: bits - 7 }
    }

    /// Takes in the next byte. Not a method on `self`, which so can stay in registers.
    #[inline(never)]
    fn next_byte(data: &[u8], at: usize, code: u32) -> (usize, u32, u32) {
        let byte = |at: usize| data.get(at).map_or(0xff, |byte| u32::from(*byte));
        let next = byte(at + 1);
        if byte(at) == 0xff {
            if next > 0x8f { (at, code + 0xff00, 8) } else { (at + 1, code + (next << 9), 7) }
        } else {
            (at + 1, code + (next << 8), 8)
        }
    }

    #[inline(always)]
    fn renormalise(&mut self) {
        loop {
            if self.bits == 0 {
                (self.at, self.code, self.bits) = Self::next_byte(self.data, self.at, self.code);
            }
            self.interval <<= 1;
            self.code <<= 1;
            self.bits -= 1;
            if self.interval & 0x8000 != 0 {
                break;
            }
        }
    }

    /// The next decision in a context below [`CONTEXTS`]: 0 or 1.
    #[inline(always)]
    pub(super) fn decode(&mut self, contexts: &mut Contexts, context: usize) -> u32 {
        let slot = &mut contexts.0[context & 31];
        let number = *slot;
        let state = STATES[usize::from(number & 127)];
        let more_probable = u32::from(number & 1);
        self.interval -= state.probability;
        if self.code >> 16 < state.probability {
            let is_less = self.interval >= state.probability;
            self.interval = state.probability;
            *slot = if is_less { state.less } else { state.more };
            self.renormalise();
            more_probable ^ u32::from(is_less)
        } else {
            self.code -= state.probability << 16;
            if self.interval & 0x8000 != 0 {
                return more_probable;
            }
            let is_less = self.interval < state.probability;
            *slot = if is_less { state.less } else { state.more };
            self.renormalise();
            more_probable ^ u32::from(is_less)
        }
    }
}

/// Bits that were not coded, with a zero bit stuffed after each byte of ones.
#[derive(Clone, Copy)]
pub(super) struct RawBits<'a> {
    data: &'a [u8],
    at: usize,
    byte: u32,
    bits: u32,
}

impl<'a> RawBits<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, byte: 0, bits: 0 }
    }

    /// The next bit; ones behind the end.
    pub(super) fn next(&mut self) -> u32 {
        if self.bits == 0 {
            self.bits = if self.byte == 0xff { 7 } else { 8 };
            self.byte = self.data.get(self.at).map_or(0xff, |byte| u32::from(*byte));
            self.at += 1;
        }
        self.bits -= 1;
        self.byte >> self.bits & 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test sequence of ISO/IEC 14492, annex H.2: one context, 256 decisions.
    #[test]
    fn the_standards_test_sequence_is_decoded() {
        let coded = [
            0x84, 0xc7, 0x3b, 0xfc, 0xe1, 0xa1, 0x43, 0x04, 0x02, 0x20, 0x00, 0x00, 0x41, 0x0d, 0xbb, 0x86, 0xf4, 0x31,
            0x7f, 0xff, 0x88, 0xff, 0x37, 0x47, 0x1a, 0xdb, 0x6a, 0xdf, 0xff, 0xac,
        ];
        let plain: [u8; 32] = [
            0x00, 0x02, 0x00, 0x51, 0x00, 0x00, 0x00, 0xc0, 0x03, 0x52, 0x87, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x82, 0xc0,
            0x20, 0x00, 0xfc, 0xd7, 0x9e, 0xf6, 0xbf, 0x7f, 0xed, 0x90, 0x4f, 0x46, 0xa3, 0xbf,
        ];
        let mut decoder = Arithmetic::new(&coded);
        let mut contexts = Contexts::new();
        for (at, want) in plain.into_iter().enumerate() {
            let got = (0..8).fold(0, |byte, _| byte << 1 | decoder.decode(&mut contexts, 1));
            assert_eq!(got, u32::from(want), "byte {at}");
        }
    }

    #[test]
    fn a_zero_bit_is_stuffed_after_a_byte_of_ones() {
        let mut bits = RawBits::new(&[0xff, 0x55, 0x80]);
        let got: Vec<u32> = (0..16).map(|_| bits.next()).collect();
        assert_eq!(got, [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1]);
    }
}
