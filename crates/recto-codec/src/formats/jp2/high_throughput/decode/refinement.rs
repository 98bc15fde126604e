//! The passes behind the cleanup pass, for the next bit plane: samples that become significant beside others, and the next bit of those
//! that are. ISO/IEC 15444-15, clauses 7.4 and 7.5.

use super::super::super::block::Segment;
use super::super::block::NEGATIVE;
use super::Shape;
use super::bits::{Behind, Bits, Reader};

/// Rows of a stripe.
const ROWS: usize = 4;
/// Columns whose samples are all told of before the signs of those among them that become significant.
const COLUMNS: usize = 4;

/// Memory for the passes, used again for each block.
#[derive(Default)]
pub(super) struct Passes {
    bits: Bits,
    /// For each column of a stripe, which samples are significant: from the row above it to the row below, in six bits. One column
    /// more on both sides.
    columns: Vec<u8>,
}

impl Passes {
    /// Refines samples as a segment of one pass or two tells, of which the second one goes backward from the end. There is a bit plane
    /// below theirs.
    pub(super) fn refine(&mut self, samples: &mut [u32], shape: Shape, segment: &Segment<'_>) {
        // What the cleanup pass found is refined first: samples that are found below have this plane already.
        let one = 1 << (shape.planes - shape.missing - 1);
        if segment.passes > 1 {
            self.bits.backward(segment.data);
            magnitudes(samples, shape, one, self.bits.reader());
        }
        self.bits.forward(segment.data, Behind::Zeroes);
        self.significance(samples, shape, one);
    }

    /// One bit for each other sample that is near a significant one, and signs.
    fn significance(&mut self, samples: &mut [u32], shape: Shape, one: u32) {
        let Shape { width, height, is_causal, .. } = shape;
        let value = one | one >> 1;
        let Self { bits, columns } = self;
        let mut bits = bits.reader();
        for stripe in (0..height).step_by(ROWS) {
            look(columns, samples, shape, stripe);
            let rows = (height - stripe).min(ROWS);
            for first in (0..width).step_by(COLUMNS) {
                let mut found = [0_u8; COLUMNS];
                for (x, found) in (first..width).zip(&mut found) {
                    let Some([before, own, behind]) = columns.get_mut(x..).and_then(<[u8]>::first_chunk_mut) else {
                        return;
                    };
                    let beside = *before | *behind;
                    if beside | *own == 0 {
                        continue;
                    }
                    for row in 0..rows {
                        // Above, beside and below, of which the lowest row of a stripe may not look below.
                        let near = beside >> row & 7 | *own >> row & 5;
                        let near = if is_causal && row + 1 == ROWS { near & 3 } else { near };
                        if near == 0 || *own >> (row + 1) & 1 != 0 {
                            continue;
                        }
                        let is_found = bits.take() as u8;
                        *own |= is_found << (row + 1);
                        *found |= is_found << row;
                    }
                }
                for (x, found) in (first..width).zip(found) {
                    for row in (0..rows).filter(|row| found >> row & 1 != 0) {
                        let sign = if bits.take() == 0 { 0 } else { NEGATIVE };
                        if let Some(sample) = samples.get_mut((stripe + row) * width + x) {
                            *sample = value | sign;
                        }
                    }
                }
            }
        }
    }
}

/// Which samples are significant in a stripe, above and below it.
fn look(columns: &mut Vec<u8>, samples: &[u32], shape: Shape, stripe: usize) {
    let width = shape.width;
    columns.clear();
    columns.resize(width + 2, 0);
    for place in 0..ROWS + 2 {
        let Some(row) = (stripe + place).checked_sub(1) else { continue };
        let row = samples.get(row * width..).unwrap_or_default();
        for (column, sample) in columns.iter_mut().skip(1).take(width).zip(row) {
            *column |= u8::from(*sample != 0) << place;
        }
    }
}

/// One bit for each significant sample. `one` is the bit plane in samples, which are twice as large; it is what stood for half a step
/// until now.
fn magnitudes(samples: &mut [u32], shape: Shape, one: u32, mut bits: Reader<'_>) {
    let Shape { width, height, .. } = shape;
    for stripe in (0..height).step_by(ROWS) {
        for x in 0..width {
            for row in stripe..(stripe + ROWS).min(height) {
                let Some(sample) = samples.get_mut(row * width + x).filter(|sample| **sample != 0) else { continue };
                if bits.take() == 0 {
                    *sample &= !one;
                }
                *sample |= one >> 1;
            }
        }
    }
}
