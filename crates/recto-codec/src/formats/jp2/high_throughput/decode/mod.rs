//! Reading high-throughput code-blocks: the cleanup pass, and up to two more that refine it. ISO/IEC 15444-15, clause 7.
//!
//! Words tell which samples of a quad are significant and how many bits they have; then their bits come from the stream of magnitudes.
//! Both are read for a row of quads at a time, since the next row's contexts and exponents are from this one.

#![expect(clippy::inline_always, reason = "the innermost loops of decoding; calls take longer than what they do")]

mod bits;
mod refinement;
mod tables;
#[cfg(test)]
pub(super) mod tests;

use super::super::block::Segment;
use super::super::corrupt;
use super::block::NEGATIVE;
use crate::DecodeError;
use bits::{Behind, Bits, Buffered, Reader, Runs};
use tables::{Excesses, Quad, excesses, quad};

/// Most quads on a side of a block.
const QUADS: usize = 512;
/// Most bit planes of a coefficient: beside its sign, half a step has a bit.
const MOST_PLANES: u8 = 30;
/// Most bytes of words and runs.
const MOST_SUFFIX: usize = 4079;

/// How a block is to be decoded.
#[derive(Clone, Copy, Debug)]
pub(in crate::formats::jp2) struct Shape {
    pub(in crate::formats::jp2) width: usize,
    pub(in crate::formats::jp2) height: usize,
    /// Bit planes of a coefficient.
    pub(in crate::formats::jp2) planes: u8,
    /// Of them, those above the lowest one of the cleanup pass that are said not to be coded.
    pub(in crate::formats::jp2) missing: u8,
    /// Refinement of a stripe does not look at the one below.
    pub(in crate::formats::jp2) is_causal: bool,
}

/// Samples of no more bits than this are read four at a time.
const SHORT: u32 = 14;

/// A quad as its words tell it: with the excess of its exponent.
#[derive(Clone, Copy, Default)]
struct Told {
    quad: Quad,
    excess: u32,
}

/// For each two neighbours in a row of quads, the bits of both samples that meet at the lower end of their border: as they are coded,
/// with the lowest one set where a sample is significant.
type Borders = [u32; QUADS + 2];

/// Memory for decoding blocks, used again for each.
#[derive(Default)]
pub(in crate::formats::jp2) struct BlockDecoder {
    words: Bits,
    magnitudes: Bits,
    refinement: refinement::Passes,
    /// Magnitudes times two with half a step added, and the sign in the highest bit.
    samples: Vec<u32>,
}

/// What a decoded sample is: twice its value.
#[inline]
pub(in crate::formats::jp2) fn signed(sample: u32) -> i32 {
    let magnitude = (sample & !NEGATIVE) as i32;
    if sample & NEGATIVE == 0 { magnitude } else { -magnitude }
}

/// Do the samples of a block fit into 16 bits?
pub(in crate::formats::jp2) fn is_short(samples: &[u32]) -> bool {
    i16::try_from(samples.iter().fold(0, |all, sample| all | sample) & !NEGATIVE).is_ok()
}

impl BlockDecoder {
    /// Decodes a block: samples row after row, twice their magnitude (the last bit is half a step where one is left open), each with its
    /// sign in the highest bit.
    pub(in crate::formats::jp2) fn decode(
        &mut self,
        shape: Shape,
        segments: &[Segment<'_>],
    ) -> Result<&[u32], DecodeError> {
        let Shape { width, height, planes, missing, .. } = shape;
        if planes > MOST_PLANES || missing >= planes || width.max(height) > 2 * QUADS {
            return Err(corrupt(format!("a high-throughput block has {planes} bit planes less {missing}")));
        }
        let cleanup = segments.first().map_or(&[][..], |segment| segment.data);
        let (pitch, rows) = (width.next_multiple_of(2), height.next_multiple_of(2));
        self.samples.clear();
        self.samples.resize(pitch * rows, 0);
        self.cleanup(shape, pitch, cleanup)?;
        if pitch > width {
            for row in 1..height {
                self.samples.copy_within(row * pitch..row * pitch + width, row * width);
            }
        }
        self.samples.truncate(width * height);
        // Below the last bit plane there is nothing to refine.
        let more = segments.get(1).filter(|more| !more.data.is_empty() && missing + 1 < planes);
        if let Some(more) = more {
            self.refinement.refine(&mut self.samples, shape, more);
        }
        Ok(&self.samples)
    }

    fn cleanup(&mut self, shape: Shape, pitch: usize, data: &[u8]) -> Result<(), DecodeError> {
        let [.., before, last] = *data else { return Err(corrupt("a high-throughput block has no cleanup pass")) };
        let suffix = usize::from(last) << 4 | usize::from(before & 15);
        if !(2..=data.len().min(MOST_SUFFIX)).contains(&suffix) {
            return Err(corrupt("a high-throughput block tells a wrong length of its code words"));
        }
        let (front, both) = data.split_at(data.len() - suffix);
        let both = &both[..suffix - 1];
        let Self { words, magnitudes, samples, .. } = self;
        magnitudes.forward(front, Behind::Ones);
        words.words(both);
        let (mut words, mut magnitudes) = (words.buffered(), magnitudes.reader());
        let mut runs = Runs::new(both);
        let bounds = Bounds { most: u32::from(shape.missing) + 2, shift: u32::from(shape.planes - shape.missing - 1) };
        let across = pitch / 2;
        let (mut above, mut below): (Borders, Borders) = ([0; QUADS + 2], [0; QUADS + 2]);
        let (mut above, mut below) = (&mut above[..=across], &mut below[..=across]);
        let mut told = [Told::default(); QUADS];
        let told = &mut told[..across];
        for (row, two) in samples.chunks_exact_mut(2 * pitch).enumerate() {
            let is_read = if row == 0 {
                read_words::<true>(&mut words, &mut runs, above, told);
                read_samples::<true>(&mut magnitudes, bounds, (above, below), told, two)
            } else {
                read_words::<false>(&mut words, &mut runs, above, told);
                read_samples::<false>(&mut magnitudes, bounds, (above, below), told, two)
            };
            if !is_read {
                return Err(corrupt("a high-throughput block has samples of more bit planes than there are"));
            }
            let is_last = 2 * row + 2 > shape.height;
            let is_outside = shape.width < pitch
                && told.last().is_some_and(|last| last.quad.significant() & 0b1100 != 0)
                || is_last && told.iter().any(|told| told.quad.significant() & 0b1010 != 0);
            if is_outside {
                return Err(corrupt("a high-throughput block has samples outside of it"));
            }
            (above, below) = (below, above);
        }
        Ok(())
    }
}

/// Reads what is told of a row of quads.
#[inline(always)]
fn read_words<const IS_FIRST: bool>(words: &mut Buffered<'_>, runs: &mut Runs<'_>, above: &[u32], told: &mut [Told]) {
    // Is a sample on the right of the quad before, or in the first row any of it, significant?
    let mut left = 0;
    let mut next = |bits: u64, [before, behind]: [u32; 2], runs: &mut Runs<'_>| {
        let context = if IS_FIRST { left } else { usize::from(before > 0) | left | usize::from(behind > 0) << 2 };
        let quad = if context == 0 && !runs.next() { Quad::default() } else { quad(IS_FIRST, context, bits) };
        let significant = quad.significant() as usize;
        left = if IS_FIRST { significant >> 1 | significant & 1 } else { usize::from(significant & 0b1100 != 0) << 1 };
        quad
    };
    let mut reader = *words;
    for (number, two) in told.chunks_mut(2).enumerate() {
        let borders = above.get(2 * number..).unwrap_or_default();
        let (near, behind) = match *borders {
            [a, b, c, ..] => ([a, b], [b, c]),
            [a, b] => ([a, b], [0; 2]),
            _ => ([0; 2], [0; 2]),
        };
        let mut bits = reader.peek();
        let first = next(bits, near, runs);
        bits >>= first.length();
        let second = if two.len() > 1 { next(bits, behind, runs) } else { Quad::default() };
        bits >>= second.length();
        let which = first.exceeds() | second.exceeds() << 1;
        let kind = if IS_FIRST && which == 3 {
            if runs.next() { Excesses::Large } else { Excesses::Small }
        } else {
            Excesses::Of(which)
        };
        let (excess, length) = excesses(kind, bits);
        reader.skip(first.length() + second.length() + length);
        for ((told, quad), excess) in two.iter_mut().zip([first, second]).zip(excess) {
            *told = Told { quad, excess };
        }
    }
    *words = reader;
}

/// What is the same for all samples of a block.
#[derive(Clone, Copy)]
struct Bounds {
    /// Most bits of a sample.
    most: u32,
    /// By how many bits samples are larger than they are coded.
    shift: u32,
}

/// Reads the samples of a row of quads; false when one has too many bits.
#[inline(always)]
fn read_samples<const IS_FIRST: bool>(
    magnitudes: &mut Reader<'_>,
    bounds: Bounds,
    (above, below): (&[u32], &mut [u32]),
    told: &[Told],
    two: &mut [u32],
) -> bool {
    let (upper, lower) = two.split_at_mut(two.len() / 2);
    let mut reader = *magnitudes;
    let places = upper.as_chunks_mut::<2>().0.iter_mut().zip(lower.as_chunks_mut::<2>().0);
    // Of the lower right sample of the quad before.
    let mut right = 0;
    let mut ends = below.iter_mut();
    for (((told, near), (upper, lower)), end) in told.iter().zip(above.windows(2)).zip(places).zip(&mut ends) {
        let (significant, known, set) = (told.quad.significant(), told.quad.known(), told.quad.bits());
        if significant == 0 {
            *end = std::mem::take(&mut right);
            continue;
        }
        let least = if IS_FIRST || significant.is_power_of_two() {
            1
        } else {
            near.iter().fold(2_u32, |near, bits| near | bits).ilog2()
        };
        let bound = told.excess + least;
        if bound > bounds.most {
            return false;
        }
        let lengths = [0, 1, 2, 3].map(|number| {
            let mask = 0_u32.wrapping_sub(significant >> number & 1);
            (bound & mask) - (known >> number & 1)
        });
        let bits = if bound <= SHORT {
            let all = reader.peek();
            let mut before = 0;
            let bits = lengths.map(|length| {
                let bits = (all >> before) as u32;
                before += length;
                bits
            });
            reader.skip(before);
            bits
        } else {
            lengths.map(|length| {
                let bits = reader.peek() as u32;
                reader.skip(length);
                bits
            })
        };
        let sample = |number: usize| {
            let (mask, length) = (0_u32.wrapping_sub(significant >> number & 1), lengths[number]);
            let bits = bits[number] & ((1 << length) - 1) | (set >> number & 1) << length;
            // Twice the magnitude less one; its lowest bit is taken by the sign.
            let less = bits | 1;
            let value = (less + 2) << bounds.shift & !NEGATIVE | bits << 31;
            (value & mask, less & mask)
        };
        let ((a, _), (b, left), (c, _), (d, now)) = (sample(0), sample(1), sample(2), sample(3));
        *upper = [a, c];
        *lower = [b, d];
        *end = right | left;
        right = now;
    }
    if let Some(end) = ends.next() {
        *end = right;
    }
    *magnitudes = reader;
    true
}
