//! Is what was written what was read?
//!
//! The target is opened as a server would open it. Size, levels, orientation, profile, metadata and pages must be as they should; a
//! piece from the middle of each level is decoded; up to twelve pieces of the largest are compared with the pixels that were read.
//! Those of lossless targets must be equal. Those of others are compared by the averages of blocks, which compression
//! leaves nearly alone, whatever it does to single pixels. What lies between the pieces is not looked at.

use std::sync::Arc;

use recto_codec::{
    Control, DecodeRequest, Decoder, ImageFacts, Metadata, OpenOptions, PixelFormat, RandomAccess, Raster, open,
    read_raster,
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
    /// What of it must be there.
    pub(crate) metadata: Metadata,
    /// Every pixel is kept.
    pub(crate) exact: bool,
}

/// What a target is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Levels halve until one fits into a tile of so many pixels; `None` where the format decides.
    pub(crate) tile: Option<u32>,
    /// Side of the pieces that are read of each level.
    pub(crate) piece: u32,
}

/// Checks a target that has these pages; gives how many levels the first of them has.
pub(crate) fn verify(
    target: &Arc<dyn RandomAccess>,
    pages: &[Expected],
    layout: Layout,
    options: &OpenOptions,
) -> Result<usize, String> {
    let mut levels = 0;
    for (number, expected) in (1..).zip(pages) {
        let options = OpenOptions { page: number, ..options.clone() };
        let decoder = open(target.clone(), &options).map_err(|error| format!("page {number}: {error}"))?;
        page(decoder.as_ref(), expected, pages.len(), layout).map_err(|what| format!("page {number}: {what}"))?;
        if number == 1 {
            levels = decoder.facts().levels.len();
        }
    }
    Ok(levels)
}

fn page(decoder: &dyn Decoder, expected: &Expected, pages: usize, layout: Layout) -> Result<(), String> {
    let facts = decoder.facts();
    equal("size", &facts.stored_size(), &expected.facts.stored_size())?;
    equal("number of pages", &(facts.pages as usize), &pages)?;
    equal("orientation", &facts.orientation, &expected.facts.orientation)?;
    equal("colour profile", &facts.icc, &expected.facts.icc)?;
    beside(decoder, &expected.metadata)?;
    if let Some(tile) = layout.tile {
        let sizes: Vec<Dimensions> = facts.levels.iter().map(|level| level.size).collect();
        equal("list of levels", &sizes, &levels(expected.facts.stored_size(), tile))?;
    }
    for (index, level) in facts.levels.iter().enumerate() {
        let piece = layout.piece;
        let middle = |side: u32| (side / 2 / piece) * piece;
        let (x, y) = (middle(level.size.width_px), middle(level.size.height_px));
        let region = Rect::new(x, y, piece.min(level.size.width_px - x), piece.min(level.size.height_px - y));
        read(decoder, index, region)?;
    }
    for (rect, data) in &expected.parts {
        let before = Raster::from_vec(rect.dimensions(), expected.pixels, data.clone());
        let after = read(decoder, 0, *rect)?;
        compare(&before, &after, expected.exact).map_err(|what| format!("the tile at {rect} {what}"))?;
    }
    Ok(())
}

/// What is known beside the pixels: XMP and IPTC as they were, EXIF at all (it is written anew).
fn beside(decoder: &dyn Decoder, expected: &Metadata) -> Result<(), String> {
    let found = decoder.metadata().map_err(|error| format!("its metadata cannot be read: {error}"))?;
    for (what, found, expected) in [("XMP", &found.xmp, &expected.xmp), ("IPTC", &found.iptc, &expected.iptc)] {
        if found.as_deref().unwrap_or_default() != expected.as_deref().unwrap_or_default() {
            return Err(format!("its {what} is not that of the original"));
        }
    }
    if expected.exif.as_deref().is_some_and(|exif| !exif.is_empty()) && found.exif.is_none() {
        return Err("its EXIF is missing".to_owned());
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
    use std::io::Cursor;

    use recto_codec::{
        EncodeHeader, MemoryAccess, Orientation, PyramidCompression, PyramidOptions, PyramidPage, PyramidWriter,
    };

    use super::*;
    use crate::samples::Samples;

    const SIZE: Dimensions = Dimensions::new(300, 200);
    const TILE: u32 = 64;
    /// Bytes of a tile that is stored as it is, and of the header before the first.
    const TILE_BYTES: usize = 64 * 64;
    const HEADER: usize = 16;

    /// A pyramid whose tiles lie as they are, and what it must be.
    fn pyramid() -> (Vec<u8>, Expected) {
        let pixels = (0..SIZE.area_px() as u32).map(|at| ((at % 300) * 255 / 300) as u8 ^ (at / 300) as u8).collect();
        let raster = Raster::from_vec(SIZE, PixelFormat::Gray8, pixels);
        let metadata = Metadata {
            exif: None,
            xmp: Some(Arc::from(&b"<x:xmpmeta/>"[..])),
            iptc: Some(Arc::from(&b"\x1c\x02\x05\0\x01x"[..])),
        };
        let compression = PyramidCompression::None;
        let options = PyramidOptions { tile: TILE, compression, ..PyramidOptions::default() };
        let mut writer = PyramidWriter::new(Cursor::new(Vec::new()), &options).unwrap();
        let icc: Arc<[u8]> = (0..=255).collect();
        let header = EncodeHeader { size: SIZE, pixels: raster.format(), bitonal: false, icc: Some(icc), dpi: None };
        let orientation = Orientation::Normal;
        writer
            .begin(PyramidPage { header, orientation, metadata: metadata.clone(), compression: None, maker: None })
            .unwrap();
        writer.write(&raster).unwrap();
        writer.end().unwrap();
        let file = writer.finish().unwrap().into_inner();
        let mut samples = Samples::choose(SIZE, TILE, 7);
        samples.take(&raster);
        let access: Arc<dyn RandomAccess> = Arc::new(MemoryAccess::new(file.clone()));
        let facts = open(access, &OpenOptions::default()).unwrap().facts().clone();
        let (pixels, parts) = (raster.format(), samples.into_parts());
        (file, Expected { facts, pixels, parts, metadata, exact: true })
    }

    fn verdict(file: &[u8], pages: &[Expected]) -> Result<usize, String> {
        let target: Arc<dyn RandomAccess> = Arc::new(MemoryAccess::new(file.to_vec()));
        verify(&target, pages, Layout { tile: Some(TILE), piece: TILE }, &OpenOptions::default())
    }

    type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

    /// The place of these bytes, which are there once.
    fn place(file: &[u8], wanted: &[u8]) -> usize {
        let mut places = file.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted);
        let (first, _) = places.next().unwrap();
        assert!(places.next().is_none(), "{wanted:?} is there twice");
        first
    }

    /// Puts the first two tiles in each other's place.
    fn exchange(file: &mut [u8]) {
        let (one, two) = file[HEADER..].split_at_mut(TILE_BYTES);
        one.swap_with_slice(&mut two[..TILE_BYTES]);
    }

    #[test]
    fn a_target_that_was_damaged_is_not_taken_for_the_original() {
        let (sound, expected) = pyramid();
        let pages = [expected];
        assert_eq!(verdict(&sound, &pages), Ok(4));
        // Directories of four levels have an orientation each; the first is the largest level's.
        let orientation: &[u8] = &[0x12, 1, 3, 0, 1, 0, 0, 0, 1, 0];
        let first = sound.windows(orientation.len()).position(|window| window == orientation).unwrap();
        let xmp = place(&sound, b"<x:xmpmeta/>");
        let iptc = place(&sound, b"\x1c\x02\x05\0\x01x");
        let other_pixels = "the tile at 0,0,64,64 has other pixels than the original";
        let cases: [(&str, Damage<'_>, &str); 7] = [
            ("one byte of a tile", &|file: &mut Vec<u8>| file[HEADER + 100] ^= 1, other_pixels),
            ("tiles in each other's place", &|file: &mut Vec<u8>| exchange(file), other_pixels),
            ("turned", &|file: &mut Vec<u8>| file[first + 8] = 6, "its orientation is Rotate90 and was Normal"),
            ("another packet", &|file: &mut Vec<u8>| file[xmp + 3] ^= 1, "its XMP is not that of the original"),
            ("other records", &|file: &mut Vec<u8>| file[iptc + 5] ^= 1, "its IPTC is not that of the original"),
            ("cut off", &|file: &mut Vec<u8>| file.truncate(sound.len() / 2), "page 1: "),
            ("nothing", &|file: &mut Vec<u8>| file.clear(), "page 1: "),
        ];
        for (what, damage, expected) in cases {
            let mut file = sound.clone();
            damage(&mut file);
            let found = verdict(&file, &pages).unwrap_err();
            assert!(found.contains(expected), "{what}: {found}");
        }
    }

    #[test]
    fn tiles_in_each_others_place_are_noticed_where_pixels_may_differ() {
        let (mut file, expected) = pyramid();
        let pages = [Expected { exact: false, ..expected }];
        assert_eq!(verdict(&file, &pages), Ok(4));
        file[HEADER + 100] ^= 1;
        assert_eq!(verdict(&file, &pages), Ok(4), "that may be compression");
        exchange(&mut file);
        let found = verdict(&file, &pages).unwrap_err();
        assert!(found.contains("of 255 from the original"), "{found}");
    }

    #[test]
    fn pages_and_profiles_that_are_not_there_are_missed() {
        let (file, expected) = pyramid();
        let (_, second) = pyramid();
        let found = verdict(&file, &[expected, second]).unwrap_err();
        assert!(found.contains("its number of pages is 1 and was 2"), "{found}");
        let (_, mut expected) = pyramid();
        expected.facts.icc = None;
        let found = verdict(&file, &[expected]).unwrap_err();
        assert!(found.contains("its colour profile is"), "{found}");
        let (_, mut expected) = pyramid();
        expected.metadata.exif = Some(Arc::from(&b"II*\0"[..]));
        assert_eq!(verdict(&file, &[expected]), Err("page 1: its EXIF is missing".to_owned()));
    }

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
