//! What code words say, by the bits that come next.

use super::super::codes::{FIRST_ROW, OTHER_ROWS};

/// What a word says of a quad: in the low three bits the word's length, in bit 3 that the quad's exponent exceeds what is known of it, in
/// four bits each which bits are known, of which samples they are known, and which samples are significant.
#[derive(Clone, Copy, Default)]
pub(super) struct Quad(u16);

impl Quad {
    /// Of a row of the tables of code words.
    const fn of(row: u32) -> Self {
        Self((row & 0xf | row >> 8 & 0xfff0) as u16)
    }

    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        u32::from(self.0 & 7)
    }

    /// 1 where an excess follows.
    #[inline(always)]
    pub(super) fn exceeds(self) -> usize {
        usize::from(self.0 >> 3 & 1)
    }

    /// Samples whose highest bit is known and set.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        u32::from(self.0 >> 4 & 15)
    }

    /// Samples whose highest bit is known.
    #[inline(always)]
    pub(super) fn known(self) -> u32 {
        u32::from(self.0 >> 8 & 15)
    }

    #[inline(always)]
    pub(super) fn significant(self) -> u32 {
        u32::from(self.0 >> 12)
    }
}

/// By contexts and the next seven bits: first those of the first row of quads, then those of the others.
static QUADS: [Quad; 2 << 10] = quads();

const fn quads() -> [Quad; 2 << 10] {
    let mut quads = [Quad(0); 2 << 10];
    fill(&mut quads, 0, &FIRST_ROW);
    fill(&mut quads, 1 << 10, &OTHER_ROWS);
    quads
}

const fn fill(quads: &mut [Quad; 2 << 10], start: usize, rows: &[u32]) {
    let mut number = 0;
    while number < rows.len() {
        let row = rows[number];
        let (context, word, length) = ((row >> 24) as usize, (row >> 4 & 0xff) as usize, row & 7);
        // Whatever follows the word.
        let mut behind = 0;
        while behind < 1 << (7 - length) {
            quads[start + (context << 7) + (behind << length) + word] = Quad::of(row);
            behind += 1;
        }
        number += 1;
    }
}

/// What the next bits say of a quad in a context below 8.
#[inline(always)]
pub(super) fn quad(is_first_row: bool, context: usize, bits: u64) -> Quad {
    let row = if is_first_row { 0 } else { 1 << 10 };
    QUADS[row | (context & 7) << 7 | bits as usize & 0x7f]
}

/// How the excesses of two quads are coded.
#[derive(Clone, Copy)]
pub(super) enum Excesses {
    /// Of these, in two bits: neither, the first, the second, both.
    Of(usize),
    /// Both, of which one is no more than 2.
    Small,
    /// Both, less 2.
    Large,
}

/// Prefixes of two excesses: how many bits they have, how many the suffixes have, and what these add to.
#[derive(Clone, Copy)]
struct Prefixes {
    length: u8,
    suffixes: [u8; 2],
    excesses: [u8; 2],
}

static PREFIXES: [Prefixes; 6 << 6] = prefixes();

const fn prefixes() -> [Prefixes; 6 << 6] {
    let mut all = [Prefixes { length: 0, suffixes: [0; 2], excesses: [0; 2] }; 6 << 6];
    let mut index = 0;
    while index < all.len() {
        all[index] = prefixes_of(index >> 6, index & 63);
        index += 1;
    }
    all
}

const fn prefixes_of(mode: usize, bits: usize) -> Prefixes {
    let (has_first, has_second) = (mode & 1 != 0 || mode > 3, mode & 2 != 0 || mode > 3);
    let (length, suffix, excess) = if has_first { prefix(bits) } else { (0, 0, 0) };
    let bits = bits >> length;
    let (second_length, second_suffix, second_excess) = if mode == 4 && length == 3 {
        // The first one is more than 2, so this one is not.
        (1, 0, 1 + (bits & 1) as u8)
    } else if has_second {
        prefix(bits)
    } else {
        (0, 0, 0)
    };
    let more = if mode == 5 { 2 } else { 0 };
    Prefixes {
        length: length + second_length,
        suffixes: [suffix, second_suffix],
        excesses: [excess + more, second_excess + more],
    }
}

/// Of one excess: its length, that of its suffix, and what this adds to. Table 3 of the standard.
const fn prefix(bits: usize) -> (u8, u8, u8) {
    match bits & 7 {
        1 | 3 | 5 | 7 => (1, 0, 1),
        2 | 6 => (2, 0, 2),
        4 => (3, 1, 3),
        _ => (3, 5, 5),
    }
}

/// Two excesses, and how many bits they took.
#[inline(always)]
pub(super) fn excesses(kind: Excesses, bits: u64) -> ([u32; 2], u32) {
    let mode = match kind {
        Excesses::Of(which) => which & 3,
        Excesses::Small => 4,
        Excesses::Large => 5,
    };
    let Prefixes { length, suffixes: [first, second], excesses } = PREFIXES[mode << 6 | bits as usize & 63];
    let suffix = |from: u8, length: u8| (bits >> from) as u32 & ((1 << length) - 1);
    let middle = length + first;
    let all = [u32::from(excesses[0]) + suffix(length, first), u32::from(excesses[1]) + suffix(middle, second)];
    (all, u32::from(middle + second))
}
