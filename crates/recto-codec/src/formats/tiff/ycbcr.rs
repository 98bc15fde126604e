//! Luma and chroma that no JPEG decoder converts.

use super::ifd::Values;
use super::{corrupt, tag, unsupported};
use crate::DecodeError;

/// Luma and chroma to red, green and blue, for samples that no JPEG decoder converts (TIFF 6.0, section 21).
#[derive(Debug)]
pub(super) struct Ycbcr {
    /// Columns and rows per chroma sample.
    pub(super) subsampling: (usize, usize),
    luma: [i32; 256],
    red_of_cr: [i32; 256],
    green_of_cr: [i32; 256],
    green_of_cb: [i32; 256],
    blue_of_cb: [i32; 256],
}

impl Ycbcr {
    pub(super) fn new(values: &Values, bits: u8, samples: u16, planar: bool) -> Result<Self, DecodeError> {
        if bits != 8 || samples != 3 {
            return Err(unsupported(format!("YCbCr with {samples} samples of {bits} bits")));
        }
        let subsampling = values.numbers(tag::YCBCR_SUBSAMPLING).map_or(vec![2, 2], |pair| pair.take(2).collect());
        let [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] = subsampling[..] else {
            return Err(corrupt("its chroma subsampling is not 1, 2 or 4"));
        };
        if planar && (across, down) != (1, 1) {
            return Err(unsupported("subsampled YCbCr in separate planes"));
        }
        let [red, green, blue] = coefficients(values);
        let reference = references(values);
        let table = |scale: f64, black: f64, white: f64, range: f64| {
            std::array::from_fn(|code| {
                ((code as f64 - black) * range / (white - black) * scale * 65_536.0).round() as i32
            })
        };
        let red_scale = 2.0 - 2.0 * red;
        let blue_scale = 2.0 - 2.0 * blue;
        let [yb, yw, bb, bw, rb, rw] = reference;
        Ok(Self {
            subsampling: (across as usize, down as usize),
            luma: table(1.0, yb, yw, 255.0),
            red_of_cr: table(red_scale, rb, rw, 127.0),
            green_of_cr: table(-red_scale * red / green, rb, rw, 127.0),
            green_of_cb: table(-blue_scale * blue / green, bb, bw, 127.0),
            blue_of_cb: table(blue_scale, bb, bw, 127.0),
        })
    }

    pub(super) fn rgb(&self, y: u8, cb: u8, cr: u8) -> [u8; 3] {
        let (y, cb, cr) = (self.luma[usize::from(y)], usize::from(cb), usize::from(cr));
        let byte = |value: i32| (value.saturating_add(32_768) >> 16).clamp(0, 255) as u8;
        [
            byte(y.saturating_add(self.red_of_cr[cr])),
            byte(y.saturating_add(self.green_of_cr[cr]).saturating_add(self.green_of_cb[cb])),
            byte(y.saturating_add(self.blue_of_cb[cb])),
        ]
    }
}

/// Shares of red, green and blue in luma: as noted, or of ITU-R BT.601 where the note makes no sense.
fn coefficients(values: &Values) -> [f64; 3] {
    match values.reals(tag::YCBCR_COEFFICIENTS).as_deref() {
        Some(&[red, green, blue]) if [red, green, blue].iter().all(|share| (0.001..1.0).contains(share)) => {
            [red, green, blue]
        }
        _ => [0.299, 0.587, 0.114],
    }
}

/// Codes of black and white for luma and of the middle and the end for both chromas.
fn references(values: &Values) -> [f64; 6] {
    let usable = |pairs: &[f64; 6]| {
        pairs
            .as_chunks::<2>()
            .0
            .iter()
            .all(|[black, white]| (1.0..=1024.0).contains(&(white - black)) && black.abs() < 1024.0)
    };
    values
        .reals(tag::REFERENCE_BLACK_WHITE)
        .and_then(|numbers| <[f64; 6]>::try_from(numbers).ok())
        .filter(usable)
        .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0])
}
