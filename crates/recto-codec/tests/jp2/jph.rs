//! JPH files that we write: what is read again, by the library and by its program, and what their headers say.

use std::io::{Cursor, ErrorKind};
use std::process::Command;

use recto_codec::{EncodeHeader, Jp2Options, Jp2Writer, Metadata, Orientation, PixelFormat, Raster};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::position::Samples;
use recto_testkit::{Rng, card, without_program};

use crate::{open_bytes, read, read_all};

const LOSSLESS: Jp2Options = Jp2Options { quality: 100, tile_px: None, high_throughput: true, threads: 1 };

const ALL: [(Samples, PixelFormat); 9] = [
    (Samples::Gray8, PixelFormat::Gray8),
    (Samples::GrayAlpha8, PixelFormat::GrayAlpha8),
    (Samples::Rgb8, PixelFormat::Rgb8),
    (Samples::Rgba8, PixelFormat::Rgba8),
    (Samples::Cmyk8, PixelFormat::Cmyk8),
    (Samples::Gray16, PixelFormat::Gray16),
    (Samples::GrayAlpha16, PixelFormat::GrayAlpha16),
    (Samples::Rgb16, PixelFormat::Rgb16),
    (Samples::Rgba16, PixelFormat::Rgba16),
];

fn written(size: Dimensions, pixels: PixelFormat, data: &[u8], options: &Jp2Options) -> Vec<u8> {
    let header = EncodeHeader { size, pixels, bitonal: false, icc: None, dpi: None };
    let place = Cursor::new(Vec::new());
    let mut writer = Jp2Writer::new(place, &header, Orientation::Normal, &Metadata::default(), options).unwrap();
    // Strips that end where no tile does.
    for rows in data.chunks(size.width_px as usize * pixels.bytes_per_pixel() * 50) {
        let height = rows.len() / (size.width_px as usize * pixels.bytes_per_pixel());
        let size = Dimensions::new(size.width_px, height as u32);
        writer.write(&Raster::from_vec(size, pixels, rows.to_vec())).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn cut(data: &[u8], pixel: usize, width: u32, rect: Rect) -> Vec<u8> {
    let row = |y: u32| {
        let start = (y as usize * width as usize + rect.x as usize) * pixel;
        &data[start..start + rect.w as usize * pixel]
    };
    (rect.y..rect.y + rect.h).flat_map(row).copied().collect()
}

#[test]
fn lossless_files_keep_every_sample_of_every_format() {
    for (samples, pixels) in ALL {
        for (width, height) in [(1, 1), (1, 9), (6, 1), (3, 2), (64, 65), (203, 157)] {
            let size = Dimensions::new(width, height);
            let data = samples.image(size);
            for (tile_px, threads) in [(None, 1), (Some(64), 3), (Some(128), 1)] {
                let name = format!("{samples:?} {size} in {tile_px:?}");
                let file = written(size, pixels, &data, &Jp2Options { tile_px, threads, ..LOSSLESS });
                let decoder = open_bytes(&file).unwrap();
                assert!(decoder.facts().compression.starts_with("HTJ2K, 5/3 wavelet"), "{name}");
                assert!(read_all(decoder.as_ref(), 0).unwrap().data() == data, "{name}");
            }
        }
    }
}

#[test]
fn regions_and_levels_are_read_of_the_tiles_they_touch() {
    let size = Dimensions::new(300, 270);
    for (samples, pixels) in [(Samples::Gray8, PixelFormat::Gray8), (Samples::Rgba16, PixelFormat::Rgba16)] {
        let data = samples.image(size);
        let file = written(size, pixels, &data, &Jp2Options { tile_px: Some(128), ..LOSSLESS });
        let decoder = open_bytes(&file).unwrap();
        let facts = decoder.facts();
        assert_eq!(facts.levels.len(), 6);
        assert_eq!(facts.levels[0].grid.map(|grid| grid.tile), Some(Dimensions::new(128, 128)));
        for rect in Rng::new(7).rects_in(size, 20) {
            let part = read(decoder.as_ref(), 0, rect).unwrap();
            assert!(part.data() == cut(&data, pixels.bytes_per_pixel(), size.width_px, rect), "{samples:?} {rect}");
        }
        for level in 1..6 {
            let whole = read_all(decoder.as_ref(), level).unwrap();
            assert_eq!(whole.size(), size.reduced(1 << level));
            for rect in Rng::new(8).rects_in(whole.size(), 5) {
                let part = read(decoder.as_ref(), level, rect).unwrap();
                let expected = cut(whole.data(), pixels.bytes_per_pixel(), whole.width_px(), rect);
                assert!(part.data() == expected, "{samples:?} level {level} {rect}");
            }
        }
    }
}

/// Noise of all values, or of the two at the ends.
fn noise(size: Dimensions, pixels: PixelFormat, is_extreme: bool) -> Vec<u8> {
    let mut rng = Rng::new(3);
    let samples = size.area_px() as usize * pixels.samples();
    let sample = |bytes: u64| -> Vec<u8> {
        let bytes = if is_extreme { if bytes & 1 == 0 { 0 } else { u64::MAX } } else { bytes };
        bytes.to_ne_bytes()[..pixels.bytes_per_sample()].to_vec()
    };
    (0..samples).flat_map(|_| sample(rng.next_u64())).collect()
}

#[test]
fn noise_and_extremes_are_kept() {
    let size = Dimensions::new(141, 131);
    for (_, pixels) in ALL {
        for is_extreme in [false, true] {
            let data = noise(size, pixels, is_extreme);
            let file = written(size, pixels, &data, &LOSSLESS);
            let decoder = open_bytes(&file).unwrap();
            assert!(read_all(decoder.as_ref(), 0).unwrap().data() == data, "{pixels:?} {is_extreme}");
        }
    }
}

#[test]
fn pictures_of_one_value_have_blocks_that_are_left_out() {
    let size = Dimensions::new(300, 200);
    for (value, pixels) in [(0, PixelFormat::Gray8), (128, PixelFormat::Rgb8), (255, PixelFormat::Rgb16)] {
        for tile_px in [None, Some(64)] {
            let data = vec![value; size.area_px() as usize * pixels.bytes_per_pixel()];
            let file = written(size, pixels, &data, &Jp2Options { tile_px, ..LOSSLESS });
            assert!(read_all(open_bytes(&file).unwrap().as_ref(), 0).unwrap().data() == data, "{value} {pixels:?}");
            // One block in a thousand is anything but zeroes.
            let mut data = data;
            let middle = data.len() / 2;
            data[middle] ^= 1;
            let file = written(size, pixels, &data, &Jp2Options { tile_px, ..LOSSLESS });
            assert!(read_all(open_bytes(&file).unwrap().as_ref(), 0).unwrap().data() == data, "{value} {pixels:?}");
        }
    }
}

/// A smooth card with a texture on it: samples of 8 bits, or the same ones of 16.
fn picture(size: Dimensions, pixels: PixelFormat) -> Vec<u8> {
    let mut rng = Rng::new(4);
    let card = card::rgb8(size);
    let colors = card.as_chunks::<3>().0.iter().enumerate().flat_map(|(at, &[r, g, b])| {
        let (x, y) = (at as u32 % size.width_px, at as u32 / size.width_px);
        let texture = if (x / 13 + y / 9) % 2 == 0 { (rng.next_u64() % 24) as u8 } else { ((x * 7) ^ y) as u8 % 16 };
        [r, g, b, r / 2 + 60].map(|value| value.saturating_add(texture)).into_iter().take(pixels.samples())
    });
    let wide = |value: u8| (u16::from(value) * 257).to_ne_bytes();
    if pixels.bytes_per_sample() == 1 { colors.collect() } else { colors.flat_map(wide).collect() }
}

/// The ratio of peak and noise in decibels.
fn ratio(one: &Raster, other: &Raster) -> f64 {
    let values = |raster: &Raster| -> Vec<f64> {
        if raster.format().bytes_per_sample() == 1 {
            return raster.data().iter().map(|byte| f64::from(*byte) / 255.0).collect();
        }
        let words = raster.data().as_chunks::<2>().0.iter();
        words.map(|word| f64::from(u16::from_ne_bytes(*word)) / 65_535.0).collect()
    };
    let (one, other) = (values(one), values(other));
    let square: f64 = one.iter().zip(&other).map(|(a, b)| (a - b).powi(2)).sum();
    -10.0 * (square / one.len() as f64).log10()
}

#[test]
fn lossy_files_are_as_near_as_their_quality_says() {
    let size = Dimensions::new(390, 310);
    for pixels in [PixelFormat::Gray8, PixelFormat::Rgb8, PixelFormat::Rgba8, PixelFormat::Gray16, PixelFormat::Rgb16] {
        let given = Raster::from_vec(size, pixels, picture(size, pixels));
        for tile_px in [None, Some(128)] {
            let mut last = usize::MAX;
            for quality in [99, 85, 60, 30, 1] {
                let name = format!("{pixels:?} in {tile_px:?}, quality {quality}");
                let file =
                    written(size, pixels, given.data(), &Jp2Options { quality, tile_px, threads: 2, ..LOSSLESS });
                let decoder = open_bytes(&file).unwrap();
                assert!(decoder.facts().compression.starts_with("HTJ2K, 9/7 wavelet"), "{name}");
                let found = ratio(&given, &read_all(decoder.as_ref(), 0).unwrap());
                let asked = 25.0 + 0.2 * f64::from(quality);
                // What is smooth comes out better than that where little is asked for.
                let is_near = (asked - 0.5..asked + if quality < 60 { 3.0 } else { 1.0 }).contains(&found);
                assert!(is_near, "{name}: {found:.2} and not {asked:.2} dB");
                assert!(file.len() < last, "{name}: {} bytes", file.len());
                last = file.len();
            }
            assert!(
                last < size.area_px() as usize / 30,
                "{pixels:?} in {tile_px:?}: {last} bytes of the lowest quality"
            );
        }
    }
}

/// The marker segments from a place on, up to one that is not wanted; and where that begins.
fn segments(bytes: &[u8], mut at: usize, end: u16) -> (Vec<(u16, &[u8])>, usize) {
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    let mut found = Vec::new();
    while word(at) != end {
        let length = usize::from(word(at + 2));
        found.push((word(at), &bytes[at + 4..at + 2 + length]));
        at += 2 + length;
    }
    (found, at)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Numbers of seven bits a byte, of which the last one has no highest bit.
fn packet_lengths(bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut length = 0;
    for byte in bytes {
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            lengths.push(std::mem::take(&mut length));
        }
    }
    lengths
}

#[test]
fn headers_say_what_is_in_the_file_and_where() {
    let size = Dimensions::new(300, 270);
    for (pixels, quality, bit_planes) in [
        (PixelFormat::Gray8, 100, 11),
        (PixelFormat::Rgb8, 100, 12),
        (PixelFormat::Rgba16, 100, 20),
        (PixelFormat::Rgb8, 60, 13),
    ] {
        let name = format!("{pixels:?} {quality}");
        let data = picture(size, pixels);
        let file = written(size, pixels, &data, &Jp2Options { tile_px: Some(128), quality, threads: 2, ..LOSSLESS });
        assert_eq!(&file[12..32], b"\0\0\0\x14ftypjph \0\0\0\0jph ", "{name}");
        let start = file.windows(4).position(|word| word == b"jp2c").unwrap() + 4;
        assert_eq!(file[start..start + 2], [0xff, 0x4f], "{name}");
        let (main, mut at) = segments(&file, start + 2, 0xff90);
        let [(0xff51, siz), (0xff50, cap), (0xff52, cod), (0xff5c, qcd), (0xff55, tlm)] = main[..] else {
            panic!("{name}: {main:x?}");
        };
        assert_eq!(siz[..2], [0x40, 0], "{name}: bit 14 of the capabilities");
        assert_eq!(cap[..4], [0, 2, 0, 0], "{name}: part 15 and no other");
        let is_lossy = quality < 100;
        assert_eq!(number(&cap[4..]), usize::from(is_lossy) << 5 | (bit_planes - 8), "{name}: only high-throughput");
        let is_color = pixels != PixelFormat::Gray8;
        // Precincts; RPCL, one layer; 5 decompositions; blocks of 64 by 64.
        let expected = [1, 2, 0, 1, u8::from(is_color), 5, 4, 4, 0x40, u8::from(!is_lossy)];
        assert_eq!(cod, [&expected[..], &[0x88; 6]].concat(), "{name}");
        assert_eq!(qcd.len(), if is_lossy { 33 } else { 17 }, "{name}");
        assert_eq!(tlm[..2], [0, 0x60], "{name}");
        assert_eq!(tlm.len(), 2 + 9 * 6, "{name}");
        for (tile, listed) in tlm[2..].chunks(6).enumerate() {
            let length = number(&listed[2..]);
            let (head, data_at) = segments(&file, at, 0xff93);
            let [(0xff90, sot), (0xff58, plt)] = head[..] else { panic!("{name}: {head:x?}") };
            assert_eq!((number(&listed[..2]), number(&sot[..2])), (tile, tile), "{name}");
            assert_eq!((number(&sot[2..6]), &sot[6..]), (length, &[0, 1][..]), "{name}");
            let packets: usize = packet_lengths(&plt[1..]).iter().sum();
            assert_eq!(data_at + 2 + packets, at + length, "{name}: the lengths of the packets of tile {tile}");
            at += length;
        }
        assert_eq!(file[at..], [0xff, 0xd9], "{name}");
    }
}

/// The picture as the program of the library, in the version that is installed, writes it as PNG.
fn seen_by_program(file: &[u8]) -> Option<image::DynamicImage> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.jph"), file).unwrap();
    let mut command = Command::new("opj_decompress");
    match command.args(["-i", "in.jph", "-o", "out.png"]).current_dir(folder.path()).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            without_program("opj_decompress", "JPH is not read by another program");
            None
        }
        ran => {
            let ran = ran.unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            Some(image::open(folder.path().join("out.png")).unwrap())
        }
    }
}

#[test]
fn another_program_sees_the_same_pixels() {
    let size = Dimensions::new(203, 157);
    for (samples, pixels) in ALL.into_iter().filter(|(_, pixels)| *pixels != PixelFormat::Cmyk8) {
        let data = samples.image(size);
        let file = written(size, pixels, &data, &Jp2Options { tile_px: Some(64), ..LOSSLESS });
        let Some(seen) = seen_by_program(&file) else { return };
        assert_eq!((seen.width(), seen.height()), (size.width_px, size.height_px), "{samples:?}");
        assert_eq!(usize::from(seen.color().bytes_per_pixel()), pixels.bytes_per_pixel(), "{samples:?}");
        assert!(seen.as_bytes() == data, "{samples:?}");
    }
}
