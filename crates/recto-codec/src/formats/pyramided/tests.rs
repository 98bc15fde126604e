use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use recto_iiif::{Dimensions, Rect};

use super::*;
use crate::formats::tiff_pyramid::halve::halve;
use crate::{
    ColorModel, Level, MemoryAccess, Orientation, PixelFormat, RandomAccess, Raster, Shelf, TileGrid, read_raster,
};

const FORMATS: &[PixelFormat] = &[
    PixelFormat::Gray8,
    PixelFormat::GrayAlpha8,
    PixelFormat::Rgb8,
    PixelFormat::Rgba8,
    PixelFormat::Cmyk8,
    PixelFormat::Lab8,
    PixelFormat::Gray16,
    PixelFormat::GrayAlpha16,
    PixelFormat::Rgb16,
    PixelFormat::Rgba16,
    PixelFormat::Cmyk16,
    PixelFormat::Lab16,
];

/// An original without reductions, which gives strips of seven rows and fails from a row on.
struct Flat {
    facts: ImageFacts,
    picture: Raster,
    reads: Arc<AtomicU32>,
    fails_at: u32,
    /// Cancelled when it comes to a row.
    cancels: Mutex<Option<(u32, Control)>>,
}

fn picture(size: Dimensions, format: PixelFormat) -> Raster {
    let count = size.area_px() as usize * format.bytes_per_pixel();
    let bytes = (0..count as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8);
    Raster::from_vec(size, format, bytes.collect())
}

impl Flat {
    fn new(size: Dimensions, format: PixelFormat) -> Self {
        let color = match format.samples() - usize::from(format.has_alpha()) {
            1 => ColorModel::Gray,
            4 => ColorModel::Cmyk,
            _ if matches!(format, PixelFormat::Lab8 | PixelFormat::Lab16) => ColorModel::Lab,
            _ => ColorModel::Rgb,
        };
        let facts = ImageFacts {
            source_format: SourceFormat::Png,
            compression: "test".to_owned(),
            levels: vec![Level { size, grid: None }],
            max_denominator: 1,
            pages: 1,
            orientation: Orientation::Normal,
            color,
            bits_per_sample: 8 * format.bytes_per_sample() as u8,
            has_alpha: format.has_alpha(),
            icc: None,
            dpi: None,
        };
        let reads = Arc::new(AtomicU32::new(0));
        Self { facts, picture: picture(size, format), reads, fails_at: u32::MAX, cancels: Mutex::new(None) }
    }
}

struct FlatRows<'a> {
    of: &'a Flat,
    region: Rect,
    given: u32,
}

impl RowSource for FlatRows<'_> {
    fn geometry(&self) -> DecodedGeometry {
        DecodedGeometry { format: self.of.picture.format(), denominator: 1, rect: self.region }
    }

    fn next_strip(&mut self) -> Result<Option<Raster>, DecodeError> {
        let rows = (self.region.h - self.given).min(7);
        let first = self.region.y + self.given;
        if let Some((at, control)) = &*self.of.cancels.lock().unwrap()
            && first >= *at
        {
            control.cancel();
        }
        if first >= self.of.fails_at {
            return Err(DecodeError::Corrupt { format: SourceFormat::Png, what: "it ends early".to_owned() });
        }
        if rows == 0 {
            return Ok(None);
        }
        let pixel = self.of.picture.format().bytes_per_pixel();
        let (from, to) = (self.region.x as usize * pixel, self.region.right() as usize * pixel);
        let data: Vec<u8> = (first..first + rows).flat_map(|y| self.of.picture.row(y)[from..to].to_vec()).collect();
        self.given += rows;
        Ok(Some(Raster::from_vec(Dimensions::new(self.region.w, rows), self.of.picture.format(), data)))
    }
}

impl Decoder for Flat {
    fn facts(&self) -> &ImageFacts {
        &self.facts
    }

    fn cost(&self, wanted: &DecodeRequest) -> Cost {
        Cost { bytes_read: 1, bytes_held: 1, pixels: wanted.region.area_px() }
    }

    fn rows<'a>(&'a self, wanted: &DecodeRequest, _: &Control) -> Result<Box<dyn RowSource + 'a>, DecodeError> {
        assert_eq!(wanted.denominator, 1);
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(FlatRows { of: self, region: wanted.region, given: 0 }))
    }
}

#[derive(Debug, Default)]
struct Board {
    part: Mutex<Option<Vec<u8>>>,
    is_full: bool,
    /// Keeps half of what it is given.
    is_spoiling: bool,
}

impl Shelf for Board {
    fn open(&self, _: &str) -> Option<Arc<dyn RandomAccess>> {
        let part = self.part.lock().unwrap().clone()?;
        Some(Arc::new(MemoryAccess::new(part)))
    }

    fn keep(&self, _: &str, write: &mut dyn FnMut(&mut dyn io::Write) -> io::Result<()>) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut data = Vec::new();
        write(&mut data)?;
        if self.is_spoiling {
            data.truncate(data.len() / 2);
        }
        *self.part.lock().unwrap() = Some(data);
        Ok(())
    }

    fn discard(&self, _: &str) {
        *self.part.lock().unwrap() = None;
    }
}

fn wrapped(flat: Flat, board: &Arc<Board>) -> Box<dyn Decoder> {
    let shelf = Arc::clone(board) as Arc<dyn Shelf>;
    wrap(Box::new(flat), &OpenOptions { pyramid_from_px: Some(1), shelf: Some(shelf), ..OpenOptions::default() })
}

fn read(decoder: &dyn Decoder, region: Rect, denominator: u32) -> Raster {
    let wanted = DecodeRequest { level: 0, region, denominator };
    let (raster, geometry) = read_raster(decoder, &wanted, &Control::default()).unwrap();
    assert_eq!(geometry.rect, DecodedGeometry::reduced_rect(&wanted, decoder.facts().stored_size()));
    assert_eq!(geometry.denominator, denominator);
    raster
}

/// The whole picture, halved as a whole.
fn halved(picture: &Raster) -> Raster {
    let mut data = Vec::new();
    let mut row = Vec::new();
    for y in (0..picture.height_px()).step_by(2) {
        halve(picture.row(y), picture.row((y + 1).min(picture.height_px() - 1)), picture.format(), &mut row);
        data.extend_from_slice(&row);
    }
    Raster::from_vec(picture.size().reduced(2), picture.format(), data)
}

fn part(picture: &Raster, rect: Rect) -> Vec<u8> {
    let pixel = picture.format().bytes_per_pixel();
    let (from, to) = (rect.x as usize * pixel, rect.right() as usize * pixel);
    (rect.y..rect.y + rect.h).flat_map(|y| picture.row(y)[from..to].to_vec()).collect()
}

fn regions(size: Dimensions) -> Vec<Rect> {
    let (w, h) = (size.width_px, size.height_px);
    vec![
        size.rect(),
        Rect::new(0, 0, 256, 256),
        Rect::new(w - 1, h - 1, 1, 1),
        Rect::new(w / 3, h / 5, w / 2, h / 2),
        Rect::new(512, 256, w - 512, h - 256),
        Rect::new(17, 33, 5, h - 40),
    ]
}

#[test]
fn reductions_are_the_same_pixels_before_and_after_they_are_kept() {
    for (index, format) in FORMATS.iter().enumerate() {
        // Odd and even, and odd again when halved.
        let size = [Dimensions::new(1027, 601), Dimensions::new(600, 1100), Dimensions::new(771, 514)][index % 3];
        let (flat, board) = (Flat::new(size, *format), Arc::<Board>::default());
        let reads = Arc::clone(&flat.reads);
        let mut expected = vec![picture(size, *format)];
        let decoder = wrapped(flat, &board);
        let largest = decoder.facts().max_denominator;
        assert_eq!(size.reduced(largest).width_px.max(size.reduced(largest).height_px).div_ceil(256), 1);
        assert!(largest >= 4, "{largest}");
        for _ in 0..largest.ilog2() {
            expected.push(halved(expected.last().unwrap()));
        }
        for is_kept in [false, true] {
            let before = reads.load(Ordering::Relaxed);
            for region in regions(size) {
                for (step, expected) in expected.iter().enumerate() {
                    let got = read(&*decoder, region, 1 << step);
                    let wanted = DecodeRequest { level: 0, region, denominator: 1 << step };
                    let rect = DecodedGeometry::reduced_rect(&wanted, size);
                    assert_eq!(got.format(), *format, "kept: {is_kept}");
                    assert!(got.data() == part(expected, rect), "{format:?} {region} 1/{} kept: {is_kept}", 1 << step);
                }
            }
            assert_eq!(reads.load(Ordering::Relaxed) > before, !is_kept, "{format:?}");
            decoder.prepare(&Control::default()).unwrap();
        }
        // Who opens it again finds it.
        let flat = Flat::new(size, *format);
        let reads = Arc::clone(&flat.reads);
        let again = wrapped(flat, &board);
        assert!(read(&*again, size.rect(), 2).data() == expected[1].data());
        assert_eq!(reads.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn black_and_white_is_kept_in_bits_and_its_reductions_are_gray() {
    let size = Dimensions::new(700, 520);
    let mut flat = Flat::new(size, PixelFormat::Gray8);
    flat.facts.color = ColorModel::Bitonal;
    flat.facts.bits_per_sample = 1;
    flat.picture.data_mut().iter_mut().for_each(|sample| *sample = if *sample > 99 { 255 } else { 0 });
    let (whole, half) = (flat.picture.data().to_vec(), halved(&flat.picture).data().to_vec());
    let board = Arc::<Board>::default();
    let decoder = wrapped(flat, &board);
    decoder.prepare(&Control::default()).unwrap();
    assert!(read(&*decoder, size.rect(), 1).data() == whole);
    assert!(read(&*decoder, size.rect(), 2).data() == half);
    let kept = board.part.lock().unwrap().as_ref().unwrap().len();
    assert!(kept < whole.len() / 2, "{kept} bytes");
}

#[test]
fn of_what_is_stored_in_tiles_only_reductions_are_kept() {
    let size = Dimensions::new(1201, 803);
    let mut flat = Flat::new(size, PixelFormat::Rgb8);
    flat.facts.levels[0].grid = Some(TileGrid { tile: Dimensions::new(256, 256), passes_through: false });
    let reads = Arc::clone(&flat.reads);
    let expected = [halved(&flat.picture), halved(&halved(&flat.picture))];
    let board = Arc::<Board>::default();
    let decoder = wrapped(flat, &board);
    decoder.prepare(&Control::default()).unwrap();
    let before = reads.load(Ordering::Relaxed);
    for (step, expected) in expected.iter().enumerate() {
        assert!(read(&*decoder, size.rect(), 2 << step).data() == expected.data());
    }
    assert_eq!(reads.load(Ordering::Relaxed), before);
    read(&*decoder, size.rect(), 1);
    assert_eq!(reads.load(Ordering::Relaxed), before + 1, "the original's tiles are read as they lie");
    let kept = board.part.lock().unwrap().as_ref().unwrap().len() as u64;
    assert!(kept < size.area_px() * 3 / 2, "{kept} bytes");
}

#[test]
fn it_pays_when_an_image_is_asked_for_again() {
    let size = Dimensions::new(1000, 1000);
    let decoder = wrapped(Flat::new(size, PixelFormat::Rgb8), &Arc::default());
    for is_worth in [false, true] {
        read(&*decoder, size.rect(), 2);
        assert_eq!(decoder.is_worth_preparing(), is_worth);
    }
    assert!(decoder.preparing_bytes() > 0);
    let whole = DecodeRequest { level: 0, region: size.rect(), denominator: 2 };
    assert_eq!(decoder.cost(&whole).pixels, size.area_px());
    decoder.prepare(&Control::default()).unwrap();
    let cost = decoder.cost(&whole);
    assert!(cost.pixels < size.area_px() / 2, "{cost:?}");
}

#[test]
fn what_does_not_fit_on_the_shelf_or_cannot_be_read_is_computed_each_time() {
    let size = Dimensions::new(900, 600);
    let expected = halved(&picture(size, PixelFormat::Rgb8));
    let full = Arc::new(Board { is_full: true, ..Board::default() });
    let decoder = wrapped(Flat::new(size, PixelFormat::Rgb8), &full);
    decoder.prepare(&Control::default()).unwrap();
    assert!(read(&*decoder, size.rect(), 2).data() == expected.data());

    // The sound part of a damaged original is given, as without a pyramid.
    let board = Arc::<Board>::default();
    let damaged = Flat { fails_at: 400, ..Flat::new(size, PixelFormat::Rgb8) };
    let decoder = wrapped(damaged, &board);
    decoder.prepare(&Control::default()).unwrap();
    assert!(board.part.lock().unwrap().is_none());
    let sound = Rect::new(0, 0, 900, 300);
    assert!(read(&*decoder, sound, 2).data() == super::tests::part(&expected, Rect::new(0, 0, 450, 150)));
}

#[test]
fn a_pyramid_on_the_shelf_that_is_damaged_or_of_another_image_is_dropped_and_made_anew() {
    let size = Dimensions::new(900, 600);
    let expected = halved(&picture(size, PixelFormat::Rgb8));
    let made_of = |size: Dimensions| {
        let board = Arc::<Board>::default();
        wrapped(Flat::new(size, PixelFormat::Rgb8), &board).prepare(&Control::default()).unwrap();
        board.part.lock().unwrap().take().unwrap()
    };
    let (own, foreign) = (made_of(size), made_of(Dimensions::new(901, 600)));
    for part in [&foreign[..], &own[..own.len() - 9], &own[..10], &[]] {
        // It lies there when the image is opened, or comes between that and the making.
        for is_early in [true, false] {
            let (flat, board) = (Flat::new(size, PixelFormat::Rgb8), Arc::<Board>::default());
            let reads = Arc::clone(&flat.reads);
            let lay = || *board.part.lock().unwrap() = Some(part.to_vec());
            if is_early {
                lay();
            }
            let decoder = wrapped(flat, &board);
            assert!(board.part.lock().unwrap().is_none(), "{} bytes stay there", part.len());
            assert!(read(&*decoder, size.rect(), 2).data() == expected.data());
            if !is_early {
                lay();
            }
            decoder.prepare(&Control::default()).unwrap();
            let before = reads.load(Ordering::Relaxed);
            assert!(read(&*decoder, size.rect(), 2).data() == expected.data());
            assert_eq!(reads.load(Ordering::Relaxed), before, "{} bytes, early: {is_early}", part.len());
        }
    }
}

#[test]
fn what_is_unfit_as_soon_as_it_was_made_is_not_made_again_and_again() {
    let size = Dimensions::new(900, 600);
    let board = Arc::new(Board { is_spoiling: true, ..Board::default() });
    let flat = Flat::new(size, PixelFormat::Rgb8);
    let reads = Arc::clone(&flat.reads);
    let decoder = wrapped(flat, &board);
    for _ in 0..3 {
        decoder.prepare(&Control::default()).unwrap();
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }
    assert!(board.part.lock().unwrap().is_none());
    for _ in 0..3 {
        read(&*decoder, size.rect(), 2);
    }
    assert!(!decoder.is_worth_preparing());
}

#[test]
fn what_was_cancelled_is_made_by_the_next_one() {
    let size = Dimensions::new(900, 600);
    let (board, control) = (Arc::<Board>::default(), Control::default());
    let flat = Flat::new(size, PixelFormat::Rgb8);
    *flat.cancels.lock().unwrap() = Some((300, control.clone()));
    let reads = Arc::clone(&flat.reads);
    let decoder = wrapped(flat, &board);
    assert!(matches!(decoder.prepare(&control), Err(DecodeError::Cancelled)));
    assert!(board.part.lock().unwrap().is_none());
    decoder.prepare(&Control::default()).unwrap();
    assert_eq!(reads.load(Ordering::Relaxed), 2);
    decoder.prepare(&Control::default()).unwrap();
    assert_eq!(reads.load(Ordering::Relaxed), 2, "it is there");
}

#[test]
fn small_images_drawings_and_what_has_reductions_are_left_alone() {
    let size = Dimensions::new(900, 600);
    let asked = |from: Option<u64>, change: &dyn Fn(&mut ImageFacts)| {
        let mut flat = Flat::new(size, PixelFormat::Rgb8);
        change(&mut flat.facts);
        let options = OpenOptions { pyramid_from_px: from, ..OpenOptions::default() };
        wrap(Box::new(flat), &options).facts().max_denominator
    };
    assert_eq!(asked(Some(540_000), &|_| {}), 4);
    assert_eq!(asked(Some(540_001), &|_| {}), 1);
    assert_eq!(asked(None, &|_| {}), 1);
    assert_eq!(asked(Some(1), &|facts| facts.source_format = SourceFormat::Svg), 1);
    assert_eq!(asked(Some(1), &|facts| facts.max_denominator = 8), 8);
    let half = Level { size: size.reduced(2), grid: None };
    assert_eq!(asked(Some(1), &|facts| facts.levels.push(half.clone())), 1);
}
