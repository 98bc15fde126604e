//! Is what was written what was read?
//!
//! The target is opened as a server would open it. Size, levels, orientation, profile and pages must be as they should; the
//! smallest level and a tile of each are decoded; some tiles of the largest are compared with the pixels that were read.
//! Those of lossless targets must be equal. Those of others are compared by the averages of blocks, which compression
//! leaves nearly alone, whatever it does to single pixels.

use std::sync::Arc;

use recto_codec::{
    Control, DecodeRequest, Decoder, ImageFacts, OpenOptions, PixelFormat, RandomAccess, Raster, open, read_raster,
};
use recto_iiif::{Dimensions, Rect};

/// Side of the blocks whose averages are compared.
const BLOCK: usize = 16;
/// How far averages may be apart, of 255: the coarsest quantisation of an average, and clipped overshoot.
const TOLERANCE: i64 = 16;

/// What a page was.
pub(crate) struct Expected {
    pub(crate) facts: ImageFacts,
    pub(crate) pixels: PixelFormat,
    pub(crate) parts: Vec<(Rect, Vec<u8>)>,
    /// Every pixel is kept.
    pub(crate) exact: bool,
}

/// Checks a target that has these pages, with levels down to the size of a tile when `tile` is given.
pub(crate) fn verify(
    target: &Arc<dyn RandomAccess>,
    pages: &[Expected],
    tile: Option<u32>,
    options: &OpenOptions,
) -> Result<(), String> {
    for (number, expected) in (1..).zip(pages) {
        let options = OpenOptions { page: number, ..options.clone() };
        let decoder = open(target.clone(), &options).map_err(|error| format!("page {number}: {error}"))?;
        page(decoder.as_ref(), expected, pages.len(), tile).map_err(|what| format!("page {number}: {what}"))?;
    }
    Ok(())
}

fn page(decoder: &dyn Decoder, expected: &Expected, pages: usize, tile: Option<u32>) -> Result<(), String> {
    let facts = decoder.facts();
    equal("size", &facts.stored_size(), &expected.facts.stored_size())?;
    equal("number of pages", &(facts.pages as usize), &pages)?;
    equal("orientation", &facts.orientation, &expected.facts.orientation)?;
    equal("colour profile", &facts.icc, &expected.facts.icc)?;
    if let Some(tile) = tile {
        let sizes: Vec<Dimensions> = facts.levels.iter().map(|level| level.size).collect();
        equal("list of levels", &sizes, &levels(expected.facts.stored_size(), tile))?;
        for (index, level) in facts.levels.iter().enumerate() {
            let middle = |side: u32| (side / 2 / tile) * tile;
            let (x, y) = (middle(level.size.width_px), middle(level.size.height_px));
            let region = Rect::new(x, y, tile.min(level.size.width_px - x), tile.min(level.size.height_px - y));
            read(decoder, index, region)?;
        }
    }
    for (rect, data) in &expected.parts {
        let before = Raster::from_vec(rect.dimensions(), expected.pixels, data.clone());
        let after = read(decoder, 0, *rect)?;
        compare(&before, &after, expected.exact).map_err(|what| format!("the tile at {rect} {what}"))?;
    }
    Ok(())
}

fn equal<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("its {what} is {found:?} and was {expected:?}")) }
}

/// `ceil(size / 2^n)` until it fits into a tile.
fn levels(mut size: Dimensions, tile: u32) -> Vec<Dimensions> {
    let mut levels = vec![size];
    while size.width_px > tile || size.height_px > tile {
        size = Dimensions::new(size.width_px.div_ceil(2), size.height_px.div_ceil(2));
        levels.push(size);
    }
    levels
}

fn read(decoder: &dyn Decoder, level: usize, region: Rect) -> Result<Raster, String> {
    let wanted = DecodeRequest { level, region, denominator: 1 };
    match read_raster(decoder, &wanted, &Control::default()) {
        Ok((raster, _)) => Ok(raster),
        Err(error) => Err(format!("level {level} cannot be read: {error}")),
    }
}

/// Compares two pictures of one size.
pub(crate) fn compare(before: &Raster, after: &Raster, exact: bool) -> Result<(), String> {
    if exact && before.format() == after.format() {
        let same = before.data() == after.data();
        return if same { Ok(()) } else { Err("has other pixels than the original".to_owned()) };
    }
    let (before, after) = (seen(before), seen(after));
    if before.format() != after.format() {
        return Err(format!("has pixels of the form {:?} and had {:?}", after.format(), before.format()));
    }
    let worst = averages(&before)
        .into_iter()
        .zip(averages(&after))
        .map(|(before, after)| (before - after).abs())
        .max()
        .unwrap_or(0);
    if worst <= TOLERANCE { Ok(()) } else { Err(format!("differs by {worst} of 255 from the original")) }
}

/// 8-bit pixels as WebP keeps them: gray as colour, colours as far as they are opaque.
fn seen(raster: &Raster) -> Raster {
    let (format, data): (PixelFormat, Vec<u8>) = match raster.format() {
        PixelFormat::Gray8 => (PixelFormat::Rgb8, raster.data().iter().flat_map(|gray| [*gray; 3]).collect()),
        PixelFormat::GrayAlpha8 => (
            PixelFormat::Rgba8,
            raster.data().as_chunks::<2>().0.iter().flat_map(|[gray, alpha]| [*gray, *gray, *gray, *alpha]).collect(),
        ),
        format => (format, raster.data().to_vec()),
    };
    let mut data = data;
    if format == PixelFormat::Rgba8 {
        for pixel in data.as_chunks_mut::<4>().0 {
            let alpha = u32::from(pixel[3]);
            for color in &mut pixel[..3] {
                *color = (u32::from(*color) * alpha / 255) as u8;
            }
        }
    }
    Raster::from_vec(raster.size(), format, data)
}

/// Averages of blocks, sample by sample, of 255.
fn averages(raster: &Raster) -> Vec<i64> {
    let format = raster.format();
    let (samples, width) = (format.samples(), raster.width_px() as usize);
    let across = width.div_ceil(BLOCK);
    let down = (raster.height_px() as usize).div_ceil(BLOCK);
    let mut sums = vec![(0_i64, 0_i64); across * down * samples];
    for y in 0..raster.height_px() {
        let row = raster.row(y);
        for index in 0..width * samples {
            let value = match format.bytes_per_sample() {
                1 => i64::from(row[index]),
                _ => i64::from(u16::from_ne_bytes([row[2 * index], row[2 * index + 1]]) >> 8),
            };
            let block = (y as usize / BLOCK * across + index / samples / BLOCK) * samples + index % samples;
            sums[block].0 += value;
            sums[block].1 += 1;
        }
    }
    sums.into_iter().map(|(sum, count)| sum / count.max(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(pixel: impl Fn(usize) -> u8) -> Raster {
        let size = Dimensions::new(64, 48);
        Raster::from_vec(size, PixelFormat::Gray8, (0..64 * 48).map(pixel).collect())
    }

    #[test]
    fn noise_may_differ_and_places_may_not() {
        let slope = gray(|i| (i % 64 * 4) as u8);
        let noisy = gray(|i| ((i % 64 * 4) as i32 + if i % 3 == 0 { 24 } else { -12 }).clamp(0, 255) as u8);
        let moved = gray(|i| ((i + 8) % 64 * 4) as u8);
        let mirrored = gray(|i| ((63 - i % 64) * 4) as u8);
        for (after, exact, passes) in [
            (&slope, true, true),
            (&slope, false, true),
            (&noisy, true, false),
            (&noisy, false, true),
            (&moved, false, false),
            (&mirrored, false, false),
        ] {
            assert_eq!(compare(&slope, after, exact).is_ok(), passes, "{exact} {:?}", &after.data()[..8]);
        }
    }
}
