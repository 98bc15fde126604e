//! What every reader must do, run on every fixture.

use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{
    Control, DecodeError, DecodeRequest, DecodedGeometry, Decoder, MemoryAccess, OpenOptions, PixelFormat, Raster,
    open, read_raster,
};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::{Rng, card};

use crate::counted::Counted;
use crate::fixtures::{self, Expected, Fixture};
use crate::memory::peak_bytes;

/// A damaged file that is not answered within this is never answered. How quickly it is, `bench/mutations.py` measures.
const PATIENCE: Duration = Duration::from_secs(20);

/// One test for each format, so that they run side by side.
macro_rules! suite {
    ($($format:ident)*) => {$(
        #[test]
        fn $format() {
            let fixtures = fixtures::$format::fixtures();
            as_seeds(stringify!($format), &fixtures);
            run(&fixtures);
        }
    )*};
}

suite!(avif bmp dicom exr fits gif jp2 jpeg jxl pdf png psd svg tiff webp xpm);

/// Fuzzing begins with them: the folder that `RECTO_SEEDS` names gets a file of each.
fn as_seeds(ending: &str, fixtures: &[Fixture]) {
    let Some(folder) = std::env::var_os("RECTO_SEEDS") else { return };
    for (number, fixture) in fixtures.iter().enumerate() {
        std::fs::write(std::path::Path::new(&folder).join(format!("{number}.{ending}")), &fixture.bytes).unwrap();
    }
}

fn run(fixtures: &[Fixture]) {
    crate::contain();
    let failed: Vec<&str> = fixtures
        .iter()
        .filter(|fixture| std::panic::catch_unwind(|| decoder_suite(fixture)).is_err())
        .map(|fixture| fixture.name.as_str())
        .collect();
    assert!(failed.is_empty(), "{} of {} fixtures failed: {failed:#?}", failed.len(), fixtures.len());
}

fn decoder_suite(fixture: &Fixture) {
    let decoder = open_bytes(&fixture.bytes).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
    facts_are_right(fixture, decoder.as_ref());
    pixels_are_right(fixture, decoder.as_ref());
    regions_are_parts_of_the_whole(fixture, decoder.as_ref());
    reductions_have_the_announced_size(fixture, decoder.as_ref());
    no_decode_holds_more_than_its_cost(fixture, decoder.as_ref());
    cancelled_work_ends(fixture, decoder.as_ref());
    threads_share_a_decoder(fixture, decoder.as_ref());
    limits_hold(fixture, decoder.as_ref());
    a_store_far_away_is_read_alike(fixture);
    truncated_files_give_errors_or_pixels(fixture);
    damaged_files_give_errors_or_pixels(fixture);
}

fn open_bytes(bytes: &[u8]) -> Result<Box<dyn Decoder>, DecodeError> {
    open(Arc::new(MemoryAccess::new(bytes)), &OpenOptions::default())
}

fn a_store_far_away_is_read_alike(fixture: &Fixture) {
    for ahead in [1, 700, 1 << 20] {
        let open_far = |bytes: &[u8]| open(Counted::of(MemoryAccess::new(bytes), ahead, None), &OpenOptions::default());
        let decoder = open_far(&fixture.bytes).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        facts_are_right(fixture, decoder.as_ref());
        if ahead == 700 {
            pixels_are_right(fixture, decoder.as_ref());
        }
        let length = fixture.bytes.len();
        for cut in [0, 3, 100, length / 2, length - 1] {
            let cut = &fixture.bytes[..cut.min(length)];
            let [near, far] =
                [open_bytes(cut), open_far(cut)].map(|opened| opened.err().map(|error| error.to_string()));
            assert_eq!(near, far, "{}: the first {} bytes", fixture.name, cut.len());
        }
    }
}

fn request(level: usize, region: Rect, denominator: u32) -> DecodeRequest {
    DecodeRequest { level, region, denominator }
}

fn read(decoder: &dyn Decoder, wanted: &DecodeRequest) -> Result<(Raster, DecodedGeometry), DecodeError> {
    read_raster(decoder, wanted, &Control::default())
}

fn denominators(decoder: &dyn Decoder) -> Vec<u32> {
    [1, 2, 4, 8, 16].into_iter().filter(|d| *d <= decoder.facts().max_denominator).collect()
}

fn facts_are_right(fixture: &Fixture, decoder: &dyn Decoder) {
    let (name, facts) = (&fixture.name, decoder.facts());
    assert_eq!(facts.source_format, fixture.format, "{name}");
    assert_eq!(facts.stored_size(), fixture.size, "{name}");
    assert_eq!(facts.color, fixture.color, "{name}");
    assert_eq!(facts.bits_per_sample, fixture.bits, "{name}");
    assert_eq!(facts.has_alpha, fixture.pixels.has_alpha(), "{name}");
    assert_eq!(facts.max_denominator, fixture.max_denominator, "{name}");
    let levels: Vec<Dimensions> = facts.levels.iter().map(|level| level.size).collect();
    assert_eq!(levels, fixture.levels(), "{name}");
    assert_eq!(facts.levels[0].grid.map(|grid| grid.tile), fixture.tile, "{name}");
    assert_eq!(facts.pages, 1, "{name}");
}

fn pixels_are_right(fixture: &Fixture, decoder: &dyn Decoder) {
    let (raster, geometry) =
        read(decoder, &request(0, fixture.size.rect(), 1)).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
    assert_eq!(geometry.format, fixture.pixels, "{}", fixture.name);
    match &fixture.expected {
        Expected::Exactly(data) => assert_same(&raster, data, &fixture.name),
        Expected::Near { data, max, mean } => {
            let (worst, average) = card::distance(&high_bytes(&raster), &high_bytes_of(data, geometry.format));
            assert!(worst <= *max && average <= *mean, "{}: differs by {worst}, {average:.2} on average", fixture.name);
        }
    }
    for (level, expected) in fixture.reduced_levels.iter().enumerate() {
        let (raster, _) = read(decoder, &request(level + 1, expected.0.rect(), 1)).unwrap();
        assert_same(&raster, &expected.1, &format!("{} level {}", fixture.name, level + 1));
    }
}

/// Samples of 8 bits, for a comparison that is not exact anyway.
fn high_bytes(raster: &Raster) -> Vec<u8> {
    high_bytes_of(raster.data(), raster.format())
}

fn high_bytes_of(data: &[u8], format: PixelFormat) -> Vec<u8> {
    match format.bytes_per_sample() {
        1 => data.to_vec(),
        _ => data.as_chunks().0.iter().map(|word: &[u8; 2]| (u16::from_ne_bytes(*word) >> 8) as u8).collect(),
    }
}

/// Says where the first wrong pixel is instead of printing both images.
fn assert_same(raster: &Raster, data: &[u8], name: &str) {
    assert_eq!(raster.data().len(), data.len(), "{name}: number of bytes");
    if let Some(at) = raster.data().iter().zip(data).position(|(got, want)| got != want) {
        let (y, x) = (at / raster.stride(), at % raster.stride() / raster.format().bytes_per_pixel());
        panic!("{name}: pixel {x},{y} differs: {} instead of {}", raster.data()[at], data[at]);
    }
}

fn regions_are_parts_of_the_whole(fixture: &Fixture, decoder: &dyn Decoder) {
    let mut rng = Rng::new(7);
    for (level, size) in fixture.levels().into_iter().enumerate() {
        let (whole, _) = read(decoder, &request(level, size.rect(), 1)).unwrap();
        for region in rng.rects_in(size, 24) {
            let (raster, geometry) = read(decoder, &request(level, region, 1)).unwrap();
            assert_eq!(geometry.rect, region, "{}", fixture.name);
            assert_same(&raster, &cut(&whole, region), &format!("{} level {level} region {region}", fixture.name));
        }
    }
}

fn cut(whole: &Raster, region: Rect) -> Vec<u8> {
    let bytes = whole.format().bytes_per_pixel();
    let columns = region.x as usize * bytes..(region.x + region.w) as usize * bytes;
    (region.y..region.y + region.h).flat_map(|y| whole.row(y)[columns.clone()].to_vec()).collect()
}

fn reductions_have_the_announced_size(fixture: &Fixture, decoder: &dyn Decoder) {
    let mut rng = Rng::new(11);
    for denominator in denominators(decoder).into_iter().skip(1) {
        let (whole, geometry) = read(decoder, &request(0, fixture.size.rect(), denominator)).unwrap();
        assert_eq!(geometry.rect, fixture.size.reduced(denominator).rect(), "{} 1/{denominator}", fixture.name);
        for region in rng.rects_in(fixture.size, 16) {
            let wanted = request(0, region, denominator);
            let (raster, geometry) = read(decoder, &wanted).unwrap();
            let name = format!("{} 1/{denominator} of {region}", fixture.name);
            assert_eq!(geometry.rect, DecodedGeometry::reduced_rect(&wanted, fixture.size), "{name}");
            assert_eq!(geometry.denominator, denominator, "{name}");
            assert_same(&raster, &cut(&whole, geometry.rect), &name);
        }
    }
}

fn no_decode_holds_more_than_its_cost(fixture: &Fixture, decoder: &dyn Decoder) {
    for region in Rng::new(13).rects_in(fixture.size, 6) {
        for denominator in denominators(decoder) {
            let wanted = request(0, region, denominator);
            let cost = decoder.cost(&wanted);
            let control = Control::default();
            let mut rows_given = 0;
            let peak = peak_bytes(|| {
                let mut rows = decoder.rows(&wanted, &control).unwrap();
                let geometry = rows.geometry();
                while let Some(strip) = rows.next_strip().unwrap() {
                    assert_eq!(strip.width_px(), geometry.rect.w, "{}", fixture.name);
                    assert!(strip.height_px() > 0, "{}", fixture.name);
                    rows_given += strip.height_px();
                }
                assert_eq!(rows_given, geometry.rect.h, "{}", fixture.name);
            });
            let held = cost.bytes_held;
            assert!(peak <= held, "{} {region} 1/{denominator}: held {peak} bytes, announced {held}", fixture.name);
            assert!(cost.pixels >= region.area_px(), "{} {region}: {cost:?}", fixture.name);
        }
    }
}

fn cancelled_work_ends(fixture: &Fixture, decoder: &dyn Decoder) {
    let wanted = request(0, fixture.size.rect(), 1);
    let cancelled = Control::default();
    cancelled.cancel();
    let result = read_raster(decoder, &wanted, &cancelled);
    assert!(matches!(result, Err(DecodeError::Cancelled)), "{}", fixture.name);
    let result = read_raster(decoder, &wanted, &Control::until(Instant::now()));
    assert!(matches!(result, Err(DecodeError::OutOfTime)), "{}", fixture.name);
    let control = Control::default();
    let mut rows = decoder.rows(&wanted, &control).unwrap();
    rows.next_strip().unwrap();
    control.cancel();
    assert!(matches!(rows.next_strip(), Err(DecodeError::Cancelled)), "{}", fixture.name);
}

fn threads_share_a_decoder(fixture: &Fixture, decoder: &dyn Decoder) {
    let wanted = request(0, fixture.size.rect(), 1);
    let (first, _) = read(decoder, &wanted).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| read(decoder, &wanted).unwrap().0)).collect();
        for thread in threads {
            assert!(thread.join().unwrap() == first, "{}", fixture.name);
        }
    });
}

fn limits_hold(fixture: &Fixture, decoder: &dyn Decoder) {
    let source = || Arc::new(MemoryAccess::new(fixture.bytes.as_slice()));
    let area = fixture.size.area_px();
    let few_pixels = OpenOptions { max_pixels: area - 1, ..OpenOptions::default() };
    assert!(matches!(open(source(), &few_pixels), Err(DecodeError::TooLarge { .. })), "{}", fixture.name);
    assert!(open(source(), &OpenOptions { max_pixels: area, ..few_pixels }).is_ok(), "{}", fixture.name);
    let wanted = request(0, fixture.size.rect(), 1);
    let few_bytes = OpenOptions { max_bytes: decoder.cost(&wanted).bytes_held / 16, ..OpenOptions::default() };
    let result = open(source(), &few_bytes).and_then(|decoder| read(decoder.as_ref(), &wanted));
    assert!(matches!(result, Err(DecodeError::TooLarge { .. })), "{}: {:?}", fixture.name, result.err());
    let second_page = open(source(), &OpenOptions { page: 2, ..OpenOptions::default() });
    assert!(matches!(second_page, Err(DecodeError::NoSuchPage { page: 2, pages: 1 })), "{}", fixture.name);
}

/// Opens and reads all of it: the pixels, or the error.
fn read_whole(bytes: &[u8]) -> Result<Raster, DecodeError> {
    let options = OpenOptions { max_pixels: 1 << 24, max_bytes: 256 << 20, ..OpenOptions::default() };
    let decoder = open(Arc::new(MemoryAccess::new(bytes)), &options)?;
    let size = decoder.facts().stored_size();
    read(decoder.as_ref(), &request(0, size.rect(), 1)).map(|(raster, _)| raster)
}

fn truncated_files_give_errors_or_pixels(fixture: &Fixture) {
    let whole = read_whole(&fixture.bytes).unwrap();
    let length = fixture.bytes.len();
    let mut rng = Rng::new(17);
    let lengths = (0..64.min(length)).chain((0..24).map(|_| rng.below(length as u32) as usize)).chain([length - 1]);
    for length in lengths {
        let started = Instant::now();
        match read_whole(&fixture.bytes[..length]) {
            Ok(raster) => assert!(raster == whole, "{} cut at {length} gives other pixels", fixture.name),
            Err(error) => assert_is_about_the_file(&error, &format!("{} cut at {length}", fixture.name)),
        }
        assert!(started.elapsed() < PATIENCE, "{} cut at {length}", fixture.name);
    }
}

fn damaged_files_give_errors_or_pixels(fixture: &Fixture) {
    let mut rng = Rng::new(19);
    for round in 0..32 {
        let mut bytes = fixture.bytes.clone();
        for _ in 0..=rng.below(4) {
            // Every other hit is in the headers, where it hurts most.
            let end = if round % 2 == 0 { bytes.len().min(128) } else { bytes.len() };
            bytes[rng.below(end as u32) as usize] = rng.next_u64() as u8;
        }
        let started = Instant::now();
        if let Err(error) = read_whole(&bytes) {
            assert_is_about_the_file(&error, &format!("{} damaged, round {round}", fixture.name));
        }
        assert!(started.elapsed() < PATIENCE, "{} damaged, round {round}", fixture.name);
    }
}

fn assert_is_about_the_file(error: &DecodeError, name: &str) {
    let fits = match error {
        DecodeError::Corrupt { what, .. } => !what.is_empty(),
        DecodeError::Io(error) => error.kind() == std::io::ErrorKind::UnexpectedEof,
        DecodeError::Cancelled | DecodeError::OutOfTime => false,
        _ => true,
    };
    assert!(fits, "{name}: {error:?}");
}
