//! Stored numbers as shades and colours.
//!
//! The order is the standard's: rescale, then the window (linear), then what the photometric interpretation says of black and
//! white. Without a window, bytes are shown as they are, and wider numbers are stretched from the least to the largest of the
//! first frame. Further steps (tables of values of interest, presentation states) are not applied.

use super::header::{Header, Numbers, Palette, Photometric};
use super::unsupported;
use crate::{DecodeError, PixelFormat};

/// A shade for every stored number.
pub(super) struct Shades {
    /// 8 or 16 bits each, by the lowest bits of the stored number.
    table: Vec<u16>,
}

impl Shades {
    /// Bytes of the largest table.
    pub(super) const MAX_BYTES: u64 = 2 << 16;

    /// Says whether [`Shades::new`] needs to know the numbers of a frame.
    pub(super) fn needs_range(header: &Header) -> bool {
        header.window.is_none() && header.numbers.stored > 8
    }

    /// The shades. `range` is the least and largest stored number of a frame; without it, all that there can be.
    pub(super) fn new(header: &Header, range: Option<(i64, i64)>) -> Self {
        let numbers = header.numbers;
        let white = if numbers.stored > 8 { 65535.0 } else { 255.0 };
        let white_is_zero = matches!(header.photometric, Photometric::Gray { white_is_zero: true });
        let (least, most) = range.unwrap_or_else(|| numbers.limits());
        let shade = |stored: u16| {
            let number = numbers.value(stored);
            let part = match header.window {
                Some((center, width)) => {
                    let value = header.slope * number as f64 + header.intercept;
                    // PS3.3 C.11.2.1.2.1
                    if width <= 1.0 {
                        f64::from(u8::from(value > center - 0.5))
                    } else {
                        (value - (center - 0.5)) / (width - 1.0) + 0.5
                    }
                }
                None => (number - least) as f64 / (most - least).max(1) as f64,
            };
            let part = part.clamp(0.0, 1.0);
            (if white_is_zero { 1.0 - part } else { part } * white).round() as u16
        };
        Self { table: (0..=numbers.mask()).map(shade).collect() }
    }

    /// True when a stored byte is its shade.
    pub(super) fn is_identity(&self) -> bool {
        self.table.len() == 256 && self.table.iter().enumerate().all(|(i, shade)| usize::from(*shade) == i)
    }

    fn get(&self, stored: u16) -> u16 {
        // The table is as long as a power of two.
        self.table[usize::from(stored) & (self.table.len() - 1)]
    }
}

impl Numbers {
    pub(super) const fn mask(self) -> u16 {
        u16::MAX >> (16 - self.stored)
    }

    /// The number that is stored so.
    pub(super) fn value(self, stored: u16) -> i64 {
        let stored = i64::from(stored & self.mask());
        let sign = 1 << (self.stored - 1);
        if self.signed && stored & sign != 0 { stored - 2 * sign } else { stored }
    }

    /// The least and the largest that there can be.
    pub(super) fn limits(self) -> (i64, i64) {
        let count = 1_i64 << self.stored;
        if self.signed { (-count / 2, count / 2 - 1) } else { (0, count - 1) }
    }
}

/// How pixels are made of stored numbers.
pub(super) enum Paint<'a> {
    Gray(&'a Shades),
    Palette(&'a Palette, Numbers),
    Rgb(Numbers),
    Ybr,
}

/// The pixels that plain samples become.
pub(super) fn pixel_format(header: &Header) -> Result<PixelFormat, DecodeError> {
    let wide = header.numbers.stored > 8;
    Ok(match header.photometric {
        Photometric::Gray { .. } => {
            if wide {
                PixelFormat::Gray16
            } else {
                PixelFormat::Gray8
            }
        }
        Photometric::Palette => {
            if header.palette.as_ref().is_some_and(|palette| palette.wide) {
                PixelFormat::Rgb16
            } else {
                PixelFormat::Rgb8
            }
        }
        Photometric::Rgb if wide => PixelFormat::Rgb16,
        Photometric::Ybr if header.numbers.allocated != 8 => {
            return Err(unsupported("luma and chroma of more than 8 bits"));
        }
        _ => PixelFormat::Rgb8,
    })
}

impl Paint<'_> {
    /// Appends the pixels of these numbers.
    pub(super) fn put(&self, numbers: &[u16], pixels: PixelFormat, out: &mut Vec<u8>) {
        let wide = pixels.bytes_per_sample() == 2;
        let mut sample = |value: u16| {
            if wide {
                out.extend_from_slice(&value.to_ne_bytes());
            } else {
                out.push(value as u8);
            }
        };
        match self {
            Self::Gray(shades) => numbers.iter().for_each(|number| sample(shades.get(*number))),
            Self::Palette(palette, kind) => {
                for number in numbers {
                    let last = palette.colors.len() as i64 - 1;
                    let index = (kind.value(*number) - palette.first).clamp(0, last) as usize;
                    palette.colors[index].iter().for_each(|value| sample(*value));
                }
            }
            Self::Rgb(kind) => {
                let (mask, white) = (u32::from(kind.mask()), if wide { 65535 } else { 255 });
                for number in numbers {
                    let value = u32::from(*number) & mask;
                    sample(if mask == white { value } else { (value * white + mask / 2) / mask } as u16);
                }
            }
            Self::Ybr => {
                for [y, cb, cr] in numbers.as_chunks().0 {
                    for value in rgb(*y, *cb, *cr) {
                        sample(value);
                    }
                }
            }
        }
    }
}

/// PS3.3 C.7.6.3.1.2, `YBR_FULL`.
fn rgb(y: u16, cb: u16, cr: u16) -> [u16; 3] {
    let (y, cb, cr) = (f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
        .map(|value| value.round().clamp(0.0, 255.0) as u16)
}
