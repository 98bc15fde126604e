//! Position-coded images: the value of a pixel is its coordinate, so that regions, scales, rotations and mirrors are checked
//! exactly and a wrong pixel says where it came from.

use recto_iiif::{Dimensions, Rect};

/// Which samples a pixel has. 16-bit samples are in the machine's own byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Samples {
    /// 0 or 255: a pattern of blocks that has no period below 16 pixels.
    Bitonal,
    /// 8 bits that mix both coordinates.
    Gray8,
    /// As `Gray8`, then an alpha that differs.
    GrayAlpha8,
    /// The coordinate itself (see [`rgb8`]).
    Rgb8,
    /// As `Rgb8`, then an alpha of at least 1, so that no writer may drop the colour.
    Rgba8,
    /// The coordinate as inks, as `Rgb8` with a black of its own.
    Cmyk8,
    /// 16 bits that mix both coordinates.
    Gray16,
    /// As `Gray16`, then an alpha that differs.
    GrayAlpha16,
    /// x, y, and their sum.
    Rgb16,
    /// As `Rgb16`, then an alpha that differs.
    Rgba16,
}

impl Samples {
    /// Bytes per pixel.
    pub const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Bitonal | Self::Gray8 => 1,
            Self::GrayAlpha8 | Self::Gray16 => 2,
            Self::Rgb8 => 3,
            Self::Rgba8 | Self::Cmyk8 | Self::GrayAlpha16 => 4,
            Self::Rgb16 => 6,
            Self::Rgba16 => 8,
        }
    }

    /// Appends the pixel at this coordinate.
    pub fn push(self, x: u32, y: u32, out: &mut Vec<u8>) {
        let words = |out: &mut Vec<u8>, words: &[u16]| out.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
        let [r, g, b] = rgb8(x, y);
        match self {
            Self::Bitonal => out.push(if mix(x / 2, y / 2) & 0x10 == 0 { 0 } else { 255 }),
            Self::Gray8 => out.push(mix(x, y) as u8),
            Self::GrayAlpha8 => out.extend([mix(x, y) as u8, alpha8(x, y)]),
            Self::Rgb8 => out.extend([r, g, b]),
            Self::Rgba8 => out.extend([r, g, b, alpha8(x, y)]),
            Self::Cmyk8 => out.extend([r, g, b, mix(x, y) as u8]),
            Self::Gray16 => words(out, &[mix(x, y)]),
            Self::GrayAlpha16 => words(out, &[mix(x, y), mix(y, x)]),
            Self::Rgb16 => words(out, &[x as u16, y as u16, (x + y) as u16]),
            Self::Rgba16 => words(out, &[x as u16, y as u16, (x + y) as u16, mix(x, y)]),
        }
    }

    /// The rows of a region, without gaps.
    pub fn region(self, region: Rect) -> Vec<u8> {
        let mut out = Vec::with_capacity(region.area_px() as usize * self.bytes_per_pixel());
        for y in region.y..region.y + region.h {
            for x in region.x..region.x + region.w {
                self.push(x, y, &mut out);
            }
        }
        out
    }

    /// The rows of a whole image, without gaps.
    pub fn image(self, size: Dimensions) -> Vec<u8> {
        self.region(size.rect())
    }
}

/// The coordinate as red, green and blue: low eight bits of x, low eight bits of y, high four bits of each. Unique in images
/// of up to 4096 × 4096 pixels.
pub const fn rgb8(x: u32, y: u32) -> [u8; 3] {
    [x as u8, y as u8, ((x >> 8 & 15) << 4 | (y >> 8 & 15)) as u8]
}

/// The coordinate that [`rgb8`] made a colour of.
pub const fn coordinate([r, g, b]: [u8; 3]) -> (u32, u32) {
    (r as u32 | (b as u32 >> 4) << 8, g as u32 | (b as u32 & 15) << 8)
}

/// Indexes for a palette of 256 entries that mix both coordinates.
pub fn indexes(size: Dimensions) -> Vec<u8> {
    Samples::Gray8.image(size)
}

/// A palette of 256 different colours.
pub fn palette() -> Vec<[u8; 3]> {
    (0..=255u8).map(|i| [i, i.wrapping_mul(73), 255 - i]).collect()
}

/// Both coordinates in 16 bits; neighbours differ in both directions, and low and high byte each do.
fn mix(x: u32, y: u32) -> u16 {
    (x.wrapping_mul(7) ^ y.wrapping_mul(13)).wrapping_add((x >> 4).wrapping_mul(257)).wrapping_mul(0x9e5) as u16
}

fn alpha8(x: u32, y: u32) -> u8 {
    (1 + (x * 3 + y * 5) % 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_say_where_they_are() {
        for (x, y) in [(0, 0), (1, 0), (0, 1), (255, 256), (256, 255), (4095, 4095), (2048, 17)] {
            assert_eq!(coordinate(rgb8(x, y)), (x, y));
        }
    }

    #[test]
    fn a_region_is_cut_from_the_image() {
        let (size, region) = (Dimensions::new(40, 30), Rect::new(7, 11, 5, 3));
        for samples in [Samples::Bitonal, Samples::Gray8, Samples::Rgb8, Samples::Cmyk8, Samples::Rgba16] {
            let (image, cut) = (samples.image(size), samples.region(region));
            let bytes = samples.bytes_per_pixel();
            assert_eq!(image.len(), 1200 * bytes, "{samples:?}");
            assert_eq!(cut[..5 * bytes], image[(11 * 40 + 7) * bytes..][..5 * bytes], "{samples:?}");
        }
    }

    #[test]
    fn neighbours_differ() {
        for samples in [Samples::Gray8, Samples::Gray16] {
            for (x, y) in [(0, 0), (15, 15), (100, 3), (255, 255)] {
                let at = |x, y| samples.region(Rect::new(x, y, 1, 1));
                assert!(at(x, y) != at(x + 1, y) && at(x, y) != at(x, y + 1), "{samples:?} {x},{y}");
            }
        }
    }
}
