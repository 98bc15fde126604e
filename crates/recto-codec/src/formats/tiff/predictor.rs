//! Raw rows as stored become rows of samples in the machine's byte order, prediction undone.

use super::directory::{Compression, SampleKind};
use super::ifd::{Order, Values};
use super::{corrupt, tag, unsupported};
use crate::DecodeError;

/// How samples were predicted from their left neighbours before compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    Horizontal,
    FloatingPoint,
}

impl Predictor {
    pub(super) fn new(
        values: &Values,
        compression: Compression,
        kind: SampleKind,
        bits: u8,
    ) -> Result<Self, DecodeError> {
        if !matches!(compression, Compression::Lzw | Compression::Deflate | Compression::Zstd) {
            return Ok(Self::None);
        }
        match values.number(tag::PREDICTOR).unwrap_or(1) {
            1 => Ok(Self::None),
            2 if matches!(bits, 8 | 16 | 32 | 64) => Ok(Self::Horizontal),
            2 => Err(unsupported(format!("horizontal prediction at {bits} bits per sample"))),
            3 if kind == SampleKind::Float => Ok(Self::FloatingPoint),
            3 => Err(corrupt("it predicts whole numbers as floating point")),
            other => Err(unsupported(format!("predictor {other}"))),
        }
    }

    /// Undoes the prediction of one row whose pixels have `samples` of `bits` each.
    pub(super) fn undo(self, row: &mut [u8], samples: usize, bits: u8, order: Order) {
        if self == Self::FloatingPoint {
            match bits {
                16 => undo_floating_point::<2>(row, samples),
                24 => undo_floating_point::<3>(row, samples),
                32 => undo_floating_point::<4>(row, samples),
                _ => undo_floating_point::<8>(row, samples),
            }
            return;
        }
        if !order.is_native() {
            match bits {
                16 | 24 | 32 | 64 => row.chunks_exact_mut(usize::from(bits / 8)).for_each(<[u8]>::reverse),
                _ => {}
            }
        }
        if self == Self::Horizontal {
            match bits {
                8 => accumulate_bytes(row, samples),
                16 => accumulate::<2>(row, samples, |a, b| {
                    u16::from_ne_bytes(a).wrapping_add(u16::from_ne_bytes(b)).to_ne_bytes()
                }),
                32 => accumulate::<4>(row, samples, |a, b| {
                    u32::from_ne_bytes(a).wrapping_add(u32::from_ne_bytes(b)).to_ne_bytes()
                }),
                _ => accumulate::<8>(row, samples, |a, b| {
                    u64::from_ne_bytes(a).wrapping_add(u64::from_ne_bytes(b)).to_ne_bytes()
                }),
            }
        }
    }
}

fn accumulate_bytes(row: &mut [u8], samples: usize) {
    match samples {
        1 => accumulate_pixels::<1>(row),
        2 => accumulate_pixels::<2>(row),
        3 => accumulate_pixels::<3>(row),
        4 => accumulate_pixels::<4>(row),
        _ => {
            for i in samples..row.len() {
                row[i] = row[i].wrapping_add(row[i - samples]);
            }
        }
    }
}

/// The sums stay in registers when the number of samples is known.
fn accumulate_pixels<const N: usize>(row: &mut [u8]) {
    let mut sums = [0_u8; N];
    for pixel in row.as_chunks_mut::<N>().0 {
        for (sum, sample) in sums.iter_mut().zip(pixel.iter_mut()) {
            *sum = sum.wrapping_add(*sample);
            *sample = *sum;
        }
    }
}

fn accumulate<const N: usize>(row: &mut [u8], samples: usize, add: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    let values = row.as_chunks_mut::<N>().0;
    for i in samples..values.len() {
        values[i] = add(values[i], values[i - samples]);
    }
}

/// Bytes were taken apart by significance (most significant first, whatever the byte order), then predicted.
fn undo_floating_point<const N: usize>(row: &mut [u8], samples: usize) {
    for i in samples..row.len() {
        row[i] = row[i].wrapping_add(row[i - samples]);
    }
    let planes = row.to_vec();
    let count = row.len() / N;
    for (i, value) in row.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        *value = std::array::from_fn(|byte| planes[byte * count + i]);
        if cfg!(target_endian = "little") {
            value.reverse();
        }
    }
}
