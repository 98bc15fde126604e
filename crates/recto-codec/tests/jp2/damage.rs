//! Files that were cut or changed: an answer within bounded time, whatever it is.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{
    Control, DecodeError, DecodeRequest, EncodeHeader, Jp2Options, MemoryAccess, OpenOptions, PixelFormat, Raster,
    jp2_encoder, open, read_raster,
};
use recto_iiif::Dimensions;
use recto_testkit::position::Samples;
use recto_testkit::{Rng, data_dir, files_below};

/// Far more than any of these files takes; what hangs is what is looked for.
const PATIENCE: Duration = Duration::from_secs(20);

fn read(bytes: &[u8], level: usize) -> Result<Raster, DecodeError> {
    let options = OpenOptions { max_pixels: 1 << 24, max_bytes: 256 << 20, ..OpenOptions::default() };
    let decoder = open(Arc::new(MemoryAccess::new(bytes)), &options)?;
    let level = level.min(decoder.facts().levels.len() - 1);
    let region = decoder.facts().levels[level].size.rect();
    let control = Control::until(Instant::now() + PATIENCE);
    read_raster(decoder.as_ref(), &DecodeRequest { level, region, denominator: 1 }, &control).map(|(raster, _)| raster)
}

fn answers(bytes: &[u8], level: usize, name: &str) {
    match read(bytes, level) {
        Ok(_) => {}
        Err(error @ (DecodeError::OutOfTime | DecodeError::Cancelled)) => panic!("{name}: {error}"),
        Err(error) => assert!(!error.to_string().is_empty(), "{name}"),
    }
}

const TILED: Jp2Options = Jp2Options { quality: 100, tile_px: Some(64), high_throughput: true, threads: 1 };

/// As our encoder writes it.
fn file(pixels: PixelFormat, samples: Samples, options: &Jp2Options) -> Vec<u8> {
    let size = Dimensions::new(150, 110);
    let header = EncodeHeader { size, pixels, bitonal: false, icc: None, dpi: None };
    let mut encoder = jp2_encoder(&header, options).unwrap();
    encoder.write(&Raster::from_vec(size, pixels, samples.image(size))).unwrap();
    encoder.finish().unwrap()
}

/// Changes up to five bytes; every other time in the headers, where it hurts most.
fn damaged(bytes: &[u8], rng: &mut Rng, round: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(4) {
        let end = if round.is_multiple_of(2) { bytes.len().min(256) } else { bytes.len() };
        bytes[rng.below(end as u32) as usize] = rng.next_u64() as u8;
    }
    bytes
}

#[test]
fn changed_and_cut_files_of_our_own_are_answered() {
    let (rgb, gray16) = ((PixelFormat::Rgb8, Samples::Rgb8), (PixelFormat::Gray16, Samples::Gray16));
    for (name, (pixels, samples), options) in [
        ("colour", rgb, Jp2Options { quality: 100, ..Jp2Options::default() }),
        ("16 bits", gray16, Jp2Options { quality: 100, ..Jp2Options::default() }),
        ("high throughput", rgb, Jp2Options { quality: 100, high_throughput: true, ..Jp2Options::default() }),
        ("high throughput of 16 bits in tiles", gray16, TILED),
        ("high throughput with loss", rgb, Jp2Options { quality: 50, ..TILED }),
    ] {
        let bytes = file(pixels, samples, &options);
        let mut rng = Rng::new(3);
        for round in 0..250 {
            answers(&damaged(&bytes, &mut rng, round), round as usize % 3, &format!("{name}, round {round}"));
        }
        for _ in 0..60 {
            let length = rng.below(bytes.len() as u32 - 2) as usize;
            let result = read(&bytes[..length], 0);
            assert!(result.is_err(), "{name} cut at {length} of {} is whole", bytes.len());
        }
    }
}

#[test]
fn bits_that_are_turned_in_high_throughput_blocks_are_answered() {
    let bytes = file(PixelFormat::Gray8, Samples::Gray8, &TILED);
    let first = bytes.windows(2).position(|marker| marker == [0xff, 0x93]).unwrap();
    let mut rng = Rng::new(11);
    let (mut refused, mut count) = (0, 0);
    for at in (first + 2..bytes.len()).step_by(bytes.len() / 200) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << rng.below(8);
        answers(&changed, 0, &format!("a bit of byte {at}"));
        refused += usize::from(read(&changed, 0).is_err());
        count += 1;
    }
    assert!(0 < refused && refused < count, "{refused} of {count} are refused");
}

#[test]
fn changed_real_files_are_answered() {
    let Some(data) = data_dir() else { return };
    let mut count = 0;
    for path in files_below(&data.join("images")) {
        let name = path.display().to_string();
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if !["jp2", "j2k", "jpx"].contains(&extension) {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        if bytes.len() > 100_000 {
            continue;
        }
        let mut rng = Rng::new(bytes.len() as u64);
        for round in 0..40 {
            answers(&damaged(&bytes, &mut rng, round), round as usize % 4, &format!("{name}, round {round}"));
        }
        for _ in 0..10 {
            let length = rng.below(bytes.len() as u32) as usize;
            answers(&bytes[..length], 0, &format!("{name} cut at {length}"));
        }
        count += 1;
    }
    assert!(count >= 20, "{count} files");
}
