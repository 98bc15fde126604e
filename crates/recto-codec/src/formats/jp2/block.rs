//! Code-blocks: bit planes in three passes each. ISO/IEC 15444-1, annex D.
//!
//! A stripe is four rows. One word stands for the four samples of a column of a stripe and knows all their neighbours:
//!
//! ```text
//! bits 0..18   significance of 6 rows × 3 columns: from the row above the stripe to the row below, left to right
//! bits 18..24  signs of the middle column of these rows
//! bits 24..28  which of the four were refined already
//! bits 28..32  which of the four were coded in the significance pass of this bit plane
//! ```
//!
//! So the neighbourhood of the sample in row `r` is nine bits from bit `3 r` on, with itself in the middle.

#![expect(clippy::inline_always, reason = "the innermost loops of decoding; half as fast where calls remain")]

use super::arithmetic::{Arithmetic, CONTEXTS, Contexts, RUN, RawBits, UNIFORM};
use super::codestream::block_style;

/// Bits of a neighbourhood.
const NEIGHBOURHOOD: u32 = 0x1ff;
const ITSELF: u32 = 0x10;
const NEIGHBOURS: u32 = NEIGHBOURHOOD & !ITSELF;
/// The four samples of a word.
const SAMPLES: u32 = ITSELF | ITSELF << 3 | ITSELF << 6 | ITSELF << 9;
const SIGNIFICANCE: u32 = (1 << 18) - 1;
const SIGN: u32 = 18;
const REFINED: u32 = 24;
const VISITED: u32 = 28;
const ALL_VISITED: u32 = 0xf << VISITED;

/// First contexts of signs and of refinement.
const SIGN_CONTEXT: u8 = 9;
const REFINE_CONTEXT: u8 = 14;

/// In decoded samples: the sign, above the magnitude.
const NEGATIVE: u32 = 1 << 31;
/// Most bit planes that fit beside it, with half a step below.
pub(super) const MAX_PLANES: u8 = 30;

/// The kind of band that a block is of: it decides which neighbours count for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Band {
    /// Low in both directions.
    Ll,
    /// High horizontally.
    Hl,
    /// High vertically.
    Lh,
    /// High in both directions.
    Hh,
}

/// Table D.1, for every neighbourhood.
static SIGNIFICANCE_CONTEXTS: [[u8; 512]; 3] =
    [significance_contexts(Band::Ll), significance_contexts(Band::Hl), significance_contexts(Band::Hh)];

const fn significance_contexts(band: Band) -> [u8; 512] {
    let mut contexts = [0; 512];
    let mut index = 0;
    while index < 512 {
        contexts[index] = significance_context(band, index);
        index += 1;
    }
    contexts
}

const fn significance_context(band: Band, neighbourhood: usize) -> u8 {
    let n = neighbourhood;
    let horizontal = (n >> 3 & 1) + (n >> 5 & 1);
    let vertical = (n >> 1 & 1) + (n >> 7 & 1);
    let diagonal = (n & 1) + (n >> 2 & 1) + (n >> 6 & 1) + (n >> 8 & 1);
    let (main, cross) = match band {
        Band::Hl => (vertical, horizontal),
        _ => (horizontal, vertical),
    };
    if let Band::Hh = band {
        return match (diagonal, main + cross) {
            (3.., _) => 8,
            (2, 1..) => 7,
            (2, 0) => 6,
            (1, 2..) => 5,
            (1, 1) => 4,
            (1, 0) => 3,
            (_, 2..) => 2,
            (_, 1) => 1,
            _ => 0,
        };
    }
    match (main, cross, diagonal) {
        (2.., _, _) => 8,
        (1, 1.., _) => 7,
        (1, 0, 1..) => 6,
        (1, 0, 0) => 5,
        (_, 2.., _) => 4,
        (_, 1, _) => 3,
        (_, _, 2..) => 2,
        (_, _, 1) => 1,
        _ => 0,
    }
}

/// Table D.3: the context, and in bit 7 what the decision is turned by. The index has significance of the upper, left,
/// right and lower neighbour in bits 1, 3, 5 and 7, and their signs in bits 0, 2, 4 and 6.
static SIGN_CONTEXTS: [u8; 256] = sign_contexts();

const fn sign_contexts() -> [u8; 256] {
    let mut contexts = [0; 256];
    let mut index = 0;
    while index < 256 {
        let vertical = contribution(index, 0) + contribution(index, 6);
        let horizontal = contribution(index, 2) + contribution(index, 4);
        let vertical = if vertical > 1 {
            1
        } else if vertical < -1 {
            -1
        } else {
            vertical
        };
        let horizontal = if horizontal > 1 {
            1
        } else if horizontal < -1 {
            -1
        } else {
            horizontal
        };
        let turn = horizontal < 0 || (horizontal == 0 && vertical < 0);
        let (h, v) = if turn { (-horizontal, -vertical) } else { (horizontal, vertical) };
        let context = SIGN_CONTEXT
            + match (h, v) {
                (1, 1) => 4,
                (1, 0) => 3,
                (1, _) => 2,
                (_, 1) => 1,
                _ => 0,
            };
        contexts[index] = context | (turn as u8) << 7;
        index += 1;
    }
    contexts
}

const fn contribution(index: usize, at: usize) -> i32 {
    match (index >> (at + 1) & 1, index >> at & 1) {
        (0, _) => 0,
        (_, 0) => 1,
        _ => -1,
    }
}

/// A segment of a block's bytes: so many passes are coded in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) data: &'a [u8],
    pub(super) passes: u32,
}

/// How a block is to be decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) band: Band,
    pub(super) style: u8,
    /// Bit planes that are coded, at most [`MAX_PLANES`].
    pub(super) planes: u8,
}

/// Passes up to the next end of a segment, after so many passes of a block.
pub(super) const fn passes_to_segment_end(style: u8, passes: u32) -> u32 {
    if style & block_style::HIGH_THROUGHPUT != 0 {
        // The cleanup pass, then both that refine it.
        match passes {
            1 => 2,
            _ => 1,
        }
    } else if style & block_style::TERMINATE != 0 {
        1
    } else if style & block_style::BYPASS != 0 {
        match passes {
            0..10 => 10 - passes,
            // Two raw passes, then one that is coded.
            _ => match (passes - 10) % 3 {
                0 => 2,
                _ => 1,
            },
        }
    } else {
        u32::MAX
    }
}

/// Memory for decoding blocks, used again for each.
#[derive(Default)]
pub(super) struct BlockDecoder {
    words: Vec<u32>,
    /// Magnitudes times two with half a step added, and the sign in the highest bit.
    samples: Vec<u32>,
    width: usize,
    height: usize,
}

impl BlockDecoder {
    /// Decodes a block: samples row after row, twice their value (the last bit is half a step where one is left open).
    pub(super) fn decode(&mut self, shape: Shape, segments: &[Segment<'_>]) -> impl Iterator<Item = i32> {
        let (width, height) = (shape.width, shape.height);
        (self.width, self.height) = (width, height);
        self.words.clear();
        self.words.resize((width + 2) * (height.div_ceil(4) + 2), 0);
        self.samples.clear();
        self.samples.resize(width * height, 0);
        let contexts = &SIGNIFICANCE_CONTEXTS[match shape.band {
            Band::Ll | Band::Lh => 0,
            Band::Hl => 1,
            Band::Hh => 2,
        }];
        let is_causal = shape.style & block_style::CAUSAL != 0;
        let mut states = Contexts::new();
        let most_passes = (3 * u32::from(shape.planes)).saturating_sub(2);
        let mut pass = 0;
        for segment in segments {
            let is_raw = shape.style & block_style::BYPASS != 0 && pass >= 10 && pass % 3 != 0;
            let mut bits = RawBits::new(segment.data);
            let mut coded = Arithmetic::new(segment.data);
            for _ in 0..segment.passes {
                if pass >= most_passes {
                    break;
                }
                // One more than the number of the bit plane: samples are held twice as large.
                let plane = u32::from(shape.planes) - pass.div_ceil(3);
                let one = 1_u32 << plane;
                let now = Pass { contexts, value: one | one >> 1, half: one >> 1, is_causal };
                match (pass % 3, is_raw) {
                    (1, false) => coded = self.significance_pass(coded, &mut states, now),
                    (1, true) => self.raw_significance_pass(&mut bits, now),
                    (2, false) => coded = self.refinement_pass(coded, &mut states, now),
                    (2, true) => self.raw_refinement_pass(&mut bits, now),
                    _ => {
                        coded = self.cleanup_pass(coded, &mut states, now);
                        if shape.style & block_style::SEGMENTATION != 0 {
                            for _ in 0..4 {
                                coded.decode(&mut states, UNIFORM);
                            }
                        }
                    }
                }
                if shape.style & block_style::RESET != 0 {
                    states = Contexts::new();
                }
                pass += 1;
            }
        }
        self.samples.iter().map(|sample| {
            let magnitude = (sample & !NEGATIVE) as i32;
            if sample & NEGATIVE == 0 { magnitude } else { -magnitude }
        })
    }

    #[inline(never)]
    fn significance_pass<'a>(
        &mut self,
        mut coded: Arithmetic<'a>,
        states: &mut Contexts,
        pass: Pass<'_>,
    ) -> Arithmetic<'a> {
        let mut local = *states;
        let (width, height, pitch) = (self.width, self.height, self.width + 2);
        let Self { words, samples, .. } = self;
        for (stripe, rows) in stripes(height) {
            for x in 0..width {
                let at = (stripe + 1) * pitch + x + 1;
                let word = words[at];
                if word & SIGNIFICANCE == 0 || word & SAMPLES == SAMPLES {
                    continue;
                }
                let mut column = Column { words, samples, at, pitch, first: 4 * stripe * width + x, width };
                if rows == 4 {
                    column.significance(4, &mut coded, &mut local, pass);
                } else {
                    column.significance(rows as u32, &mut coded, &mut local, pass);
                }
            }
        }
        *states = local;
        coded
    }

    fn raw_significance_pass(&mut self, bits: &mut RawBits<'_>, pass: Pass<'_>) {
        let (width, height, pitch) = (self.width, self.height, self.width + 2);
        let Self { words, samples, .. } = self;
        for (stripe, rows) in stripes(height) {
            for x in 0..width {
                let at = (stripe + 1) * pitch + x + 1;
                let mut column = Column { words, samples, at, pitch, first: 4 * stripe * width + x, width };
                let mut word = column.words[at];
                for r in 0..rows as u32 {
                    let near = word >> (3 * r) & NEIGHBOURHOOD;
                    if near == 0 || near & ITSELF != 0 {
                        continue;
                    }
                    if bits.next() != 0 {
                        let sign = bits.next();
                        word = column.significant(word, r, sign, pass);
                    }
                    word |= 1 << (VISITED + r);
                }
                column.words[at] = word;
            }
        }
    }

    #[inline(never)]
    fn refinement_pass<'a>(
        &mut self,
        mut coded: Arithmetic<'a>,
        states: &mut Contexts,
        pass: Pass<'_>,
    ) -> Arithmetic<'a> {
        let mut local = *states;
        let (width, height, pitch) = (self.width, self.height, self.width + 2);
        let Self { words, samples, .. } = self;
        for (stripe, rows) in stripes(height) {
            for x in 0..width {
                let at = (stripe + 1) * pitch + x + 1;
                if words[at] & SAMPLES == 0 || words[at] & ALL_VISITED == ALL_VISITED {
                    continue;
                }
                let mut column = Column { words, samples, at, pitch, first: 4 * stripe * width + x, width };
                if rows == 4 {
                    column.refinement(4, &mut coded, &mut local, pass);
                } else {
                    column.refinement(rows as u32, &mut coded, &mut local, pass);
                }
            }
        }
        *states = local;
        coded
    }

    fn raw_refinement_pass(&mut self, bits: &mut RawBits<'_>, pass: Pass<'_>) {
        let (width, height, pitch) = (self.width, self.height, self.width + 2);
        let Self { words, samples, .. } = self;
        let half = pass.half;
        for (stripe, rows) in stripes(height) {
            for x in 0..width {
                let at = (stripe + 1) * pitch + x + 1;
                for r in 0..rows as u32 {
                    let word = words[at];
                    if word & ITSELF << (3 * r) == 0 || word & 1 << (VISITED + r) != 0 {
                        continue;
                    }
                    let sample = &mut samples[(4 * stripe + r as usize) * width + x];
                    *sample = if bits.next() != 0 { sample.wrapping_add(half) } else { sample.wrapping_sub(half) };
                    words[at] = word | 1 << (REFINED + r);
                }
            }
        }
    }

    #[inline(never)]
    fn cleanup_pass<'a>(&mut self, mut coded: Arithmetic<'a>, states: &mut Contexts, pass: Pass<'_>) -> Arithmetic<'a> {
        let mut local = *states;
        let (width, height, pitch) = (self.width, self.height, self.width + 2);
        let Self { words, samples, .. } = self;
        for (stripe, rows) in stripes(height) {
            for x in 0..width {
                let at = (stripe + 1) * pitch + x + 1;
                let word = words[at];
                let mut column = Column { words, samples, at, pitch, first: 4 * stripe * width + x, width };
                if rows < 4 {
                    column.cleanup(word, 0, rows as u32, &mut coded, &mut local, pass);
                } else if word & (SIGNIFICANCE | ALL_VISITED) != 0 {
                    // Nothing is left where all were coded or are significant.
                    let done = (word >> VISITED) & 0xf;
                    if done == 0xf || word & SAMPLES == SAMPLES {
                        column.words[at] = word & !ALL_VISITED;
                    } else {
                        column.cleanup(word, 0, 4, &mut coded, &mut local, pass);
                    }
                } else if coded.decode(&mut local, RUN) != 0 {
                    // Four samples without any significant neighbour, none coded yet: where the first significant one is.
                    let high = coded.decode(&mut local, UNIFORM);
                    let r = high << 1 | coded.decode(&mut local, UNIFORM);
                    let sign = column.sign(word, r, &mut coded, &mut local);
                    let word = column.significant(word, r, sign, pass);
                    column.cleanup(word, r + 1, 4, &mut coded, &mut local, pass);
                }
            }
        }
        *states = local;
        coded
    }
}

/// Rows of a column one after another: four of them as code of their own each, whose shifts are constants.
macro_rules! each_row {
    ($from:expr, $rows:expr, |$r:ident| $step:expr) => {
        if $from == 0 && $rows == 4 {
            {
                let $r = 0;
                $step;
            }
            {
                let $r = 1;
                $step;
            }
            {
                let $r = 2;
                $step;
            }
            {
                let $r = 3;
                $step;
            }
        } else {
            for $r in $from..$rows {
                $step;
            }
        }
    };
}

/// What is the same for all samples of a pass.
#[derive(Clone, Copy)]
struct Pass<'a> {
    contexts: &'a [u8; 512],
    /// The magnitude of a sample that becomes significant: one and a half of the bit plane.
    value: u32,
    /// Half of the bit plane.
    half: u32,
    is_causal: bool,
}

/// The column of a stripe that is being decoded.
struct Column<'a> {
    words: &'a mut [u32],
    samples: &'a mut [u32],
    /// Its word.
    at: usize,
    /// Words from one stripe to the next.
    pitch: usize,
    /// Its first sample.
    first: usize,
    width: usize,
}

impl Column<'_> {
    /// Notes that the sample in row `r` is significant now, and gives the column's own word, which is not stored.
    #[inline(always)]
    fn significant(&mut self, word: u32, r: u32, sign: u32, pass: Pass<'_>) -> u32 {
        let (at, row) = (self.at, 3 * (r + 1));
        self.samples[self.first + r as usize * self.width] = pass.value | sign << 31;
        let words = &mut *self.words;
        words[at - 1] |= 4 << row;
        words[at + 1] |= 1 << row;
        if r == 0 && !pass.is_causal {
            let above = at - self.pitch;
            words[above - 1] |= 4 << 15;
            words[above] |= 2 << 15 | sign << (SIGN + 5);
            words[above + 1] |= 1 << 15;
        }
        if r == 3 {
            let below = at + self.pitch;
            words[below - 1] |= 4;
            words[below] |= 2 | sign << SIGN;
            words[below + 1] |= 1;
        }
        word | 2 << row | sign << (SIGN + 1 + r)
    }

    /// Decodes the sign of the sample in row `r`.
    #[inline(always)]
    fn sign(&self, word: u32, r: u32, coded: &mut Arithmetic<'_>, states: &mut Contexts) -> u32 {
        let index = (word >> (3 * r)) & 0xaa
            | (word >> (SIGN + r)) & 1
            | ((self.words[self.at - 1] >> (SIGN + 1 + r)) & 1) << 2
            | ((self.words[self.at + 1] >> (SIGN + 1 + r)) & 1) << 4
            | ((word >> (SIGN + 2 + r)) & 1) << 6;
        let context = SIGN_CONTEXTS[index as usize & 255];
        coded.decode(states, usize::from(context & 0x1f)) ^ u32::from(context >> 7)
    }

    #[inline(always)]
    fn significance(&mut self, rows: u32, coded: &mut Arithmetic<'_>, states: &mut Contexts, pass: Pass<'_>) {
        let mut word = self.words[self.at];
        each_row!(0, rows, |r| word = self.significance_of(word, r, coded, states, pass));
        self.words[self.at] = word;
    }

    #[inline(always)]
    fn significance_of(
        &mut self,
        mut word: u32,
        r: u32,
        coded: &mut Arithmetic<'_>,
        states: &mut Contexts,
        pass: Pass<'_>,
    ) -> u32 {
        let near = word >> (3 * r) & NEIGHBOURHOOD;
        if near == 0 || near & ITSELF != 0 {
            return word;
        }
        if coded.decode(states, usize::from(pass.contexts[near as usize])) != 0 {
            let sign = self.sign(word, r, coded, states);
            word = self.significant(word, r, sign, pass);
        }
        word | 1 << (VISITED + r)
    }

    #[inline(always)]
    fn refinement(&mut self, rows: u32, coded: &mut Arithmetic<'_>, states: &mut Contexts, pass: Pass<'_>) {
        let mut word = self.words[self.at];
        each_row!(0, rows, |r| word = self.refinement_of(word, r, coded, states, pass));
        self.words[self.at] = word;
    }

    #[inline(always)]
    fn refinement_of(
        &mut self,
        word: u32,
        r: u32,
        coded: &mut Arithmetic<'_>,
        states: &mut Contexts,
        pass: Pass<'_>,
    ) -> u32 {
        let near = word >> (3 * r) & NEIGHBOURHOOD;
        if near & ITSELF == 0 || word & 1 << (VISITED + r) != 0 {
            return word;
        }
        let context = if word & 1 << (REFINED + r) != 0 {
            REFINE_CONTEXT + 2
        } else {
            REFINE_CONTEXT + u8::from(near & NEIGHBOURS != 0)
        };
        let bit = coded.decode(states, usize::from(context));
        let sample = &mut self.samples[self.first + r as usize * self.width];
        // Plus half where the bit is one, minus half where it is zero.
        let turn = bit.wrapping_sub(1);
        *sample = sample.wrapping_add((pass.half ^ turn).wrapping_sub(turn));
        word | 1 << (REFINED + r)
    }

    /// The rows from `from` on, and the end of the bit plane for this column.
    #[inline(always)]
    fn cleanup(
        &mut self,
        mut word: u32,
        from: u32,
        rows: u32,
        coded: &mut Arithmetic<'_>,
        states: &mut Contexts,
        pass: Pass<'_>,
    ) {
        each_row!(from, rows, |r| word = self.cleanup_of(word, r, coded, states, pass));
        self.words[self.at] = word & !ALL_VISITED;
    }

    #[inline(always)]
    fn cleanup_of(
        &mut self,
        word: u32,
        r: u32,
        coded: &mut Arithmetic<'_>,
        states: &mut Contexts,
        pass: Pass<'_>,
    ) -> u32 {
        let near = word >> (3 * r) & NEIGHBOURHOOD;
        if near & ITSELF != 0
            || word & 1 << (VISITED + r) != 0
            || coded.decode(states, usize::from(pass.contexts[near as usize])) == 0
        {
            return word;
        }
        let sign = self.sign(word, r, coded, states);
        self.significant(word, r, sign, pass)
    }
}

/// The stripes of a block, each with its number of rows.
fn stripes(height: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..height.div_ceil(4)).map(move |stripe| (stripe, (height - 4 * stripe).min(4)))
}

const _: () = assert!(UNIFORM < CONTEXTS);
