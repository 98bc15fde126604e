//! How the bits of a bitmap become samples.

use crate::{ColorModel, PixelFormat};

/// A run of bits that holds one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Channel {
    mask: u32,
    shift: u32,
    max: u64,
}

impl Channel {
    /// `None` for an empty mask.
    pub(super) fn from_mask(mask: u32) -> Option<Self> {
        let shift = mask.trailing_zeros();
        (mask != 0).then(|| Self { mask, shift, max: u64::from(mask >> shift) })
    }

    /// The sample, stretched to 0..=255.
    fn sample(self, pixel: u32) -> u8 {
        let value = u64::from((pixel & self.mask) >> self.shift);
        ((value * 255 + self.max / 2) / self.max) as u8
    }
}

/// How a pixel is made of its bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// An index of 1, 4 or 8 bits into a table of red, green and blue, `2^bits` long.
    Palette { bits: u8, table: Vec<[u8; 3]>, gray: bool },
    /// Blue, green, red.
    Bgr,
    /// Fields of a little-endian word of 2 or 4 bytes.
    Fields { bytes: usize, channels: [Channel; 3], alpha: Option<Channel> },
}

impl Packing {
    /// A palette, noted as gray when all its colours are.
    pub(super) fn palette(bits: u8, table: Vec<[u8; 3]>) -> Self {
        let gray = table.iter().all(|[r, g, b]| r == g && g == b);
        Self::Palette { bits, table, gray }
    }

    pub(super) fn bits_per_pixel(&self) -> u32 {
        match self {
            Self::Palette { bits, .. } => u32::from(*bits),
            Self::Bgr => 24,
            Self::Fields { bytes, .. } => *bytes as u32 * 8,
        }
    }

    pub(super) fn bits_per_sample(&self) -> u8 {
        match self {
            Self::Palette { bits, gray: true, .. } => *bits,
            Self::Fields { bytes: 2, .. } => 5,
            _ => 8,
        }
    }

    pub(super) fn pixel_format(&self) -> PixelFormat {
        match self {
            Self::Palette { gray: true, .. } => PixelFormat::Gray8,
            Self::Fields { alpha: Some(_), .. } => PixelFormat::Rgba8,
            _ => PixelFormat::Rgb8,
        }
    }

    pub(super) fn color_model(&self) -> ColorModel {
        match self {
            Self::Palette { bits: 1, table, gray: true } if table.iter().all(|[v, ..]| [0, 255].contains(v)) => {
                ColorModel::Bitonal
            }
            Self::Palette { gray: true, .. } => ColorModel::Gray,
            _ => ColorModel::Rgb,
        }
    }

    /// Appends the sample or samples that a palette has for `index`.
    pub(super) fn push_index(&self, index: u8, out: &mut Vec<u8>) {
        if let Self::Palette { table, gray, .. } = self {
            let color = table.get(usize::from(index)).copied().unwrap_or_default();
            out.extend_from_slice(if *gray { &color[..1] } else { &color });
        }
    }

    /// Appends `width` pixels from column `x`; `row` begins with the byte that holds this column.
    pub(super) fn unpack(&self, row: &[u8], x: u32, width: u32, out: &mut Vec<u8>) {
        match self {
            Self::Palette { bits, .. } => {
                let (bits, mask) = (usize::from(*bits), (1u16 << bits) - 1);
                let skipped = x as usize * bits % 8;
                for bit in (skipped..).step_by(bits).take(width as usize) {
                    let index = u16::from(row[bit / 8]) >> (8 - bits - bit % 8) & mask;
                    self.push_index(index as u8, out);
                }
            }
            Self::Bgr => out.extend(row.as_chunks().0.iter().flat_map(|[b, g, r]: &[u8; 3]| [*r, *g, *b])),
            Self::Fields { bytes, channels, alpha } => {
                for word in row.chunks_exact(*bytes) {
                    let mut le = [0; 4];
                    le[..*bytes].copy_from_slice(word);
                    let pixel = u32::from_le_bytes(le);
                    out.extend(channels.iter().chain(alpha).map(|channel| channel.sample(pixel)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stretch_to_the_full_range() {
        for (mask, pixel, want) in [
            (0x7c00, 0x7c00, 255),
            (0x001f, 0x0010, 132),
            (0x001f, 0, 0),
            (0x0001, 1, 255),
            (0xff00_0000, 0x8000_0000, 128),
            (u32::MAX, u32::MAX, 255),
            (0x03ff, 0x0200, 128),
        ] {
            assert_eq!(Channel::from_mask(mask).unwrap().sample(pixel), want, "{mask:x} {pixel:x}");
        }
        assert_eq!(Channel::from_mask(0), None);
    }

    #[test]
    fn indexes_are_unpacked_from_any_column() {
        let table: Vec<[u8; 3]> = (0..16).map(|i| [i, i, i]).collect();
        for (packing, row, x, width, want) in [
            (Packing::palette(1, vec![[0; 3], [255; 3]]), vec![0b0110_0001], 0, 8, vec![0, 255, 255, 0, 0, 0, 0, 255]),
            (Packing::palette(1, vec![[0; 3], [255; 3]]), vec![0b0000_0001, 0x80], 7, 2, vec![255, 255]),
            (Packing::palette(4, table.clone()), vec![0x12, 0x34], 0, 4, vec![1, 2, 3, 4]),
            (Packing::palette(4, table), vec![0x12, 0x34], 3, 3, vec![2, 3, 4]),
        ] {
            let mut out = Vec::new();
            packing.unpack(&row, x, width, &mut out);
            assert_eq!(out, want, "{packing:?} from {x}");
        }
    }
}
