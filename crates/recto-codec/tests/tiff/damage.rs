//! Files that are cut off or changed at random give an error or pixels, and never more than that.

use std::sync::Arc;
use std::time::{Duration, Instant};

use recto_codec::{Control, CutRequest, DecodeRequest, MemoryAccess, OpenOptions, Orientation, open};
use recto_iiif::{Dimensions, Rect};
use recto_testkit::position::Samples;

use crate::builder::{Builder, Cut, Picture, SHORT};
use crate::slide::slide;
use crate::stored::jpeg_pyramid;
use crate::{open_bytes, read_all};

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let size = Dimensions::new(37, 29);
    let mut fixtures = Vec::new();
    for compression in [1, 5, 8, 32773, 50000] {
        for (cut, planar) in [(Cut::Tiles(Dimensions::new(16, 16)), false), (Cut::Strips(9), true)] {
            let picture = Picture {
                size,
                cut,
                compression,
                predictor: 1,
                photometric: 2,
                bits: 8,
                samples: 4,
                planar,
                extra: vec![(338, SHORT, vec![1])],
            };
            let samples: Vec<u32> = Samples::Rgba8.image(size).into_iter().map(u32::from).collect();
            let mut builder = Builder::new(planar, compression == 8);
            let entries = picture.write(&mut builder, &samples);
            builder.directory(&entries);
            fixtures.push((format!("{compression} {cut:?}"), builder.bytes));
        }
    }
    for compression in [2, 3, 4] {
        let mut builder = Builder::new(false, false);
        let codes: Vec<u8> = (0..600_u32).map(|i| ((i * 7919) >> 3) as u8 | 0x21).collect();
        let (offsets, counts) = builder.chunks(&[codes]);
        let entries =
            [(256, 1000), (257, 90), (259, compression), (262, 0), (273, offsets[0]), (279, counts[0]), (292, 1)];
        builder.directory(&entries.map(|(tag, value)| (tag, 4, vec![value])));
        fixtures.push((format!("fax {compression}"), builder.bytes));
    }
    fixtures.push(("JPEG pyramid".to_owned(), jpeg_pyramid(2).bytes));
    fixtures.push(("slide".to_owned(), slide()));
    fixtures
}

/// Opens and reads all that is small enough, within the limits of a small server.
fn survive(name: &str, bytes: Vec<u8>) {
    let options = OpenOptions { max_pixels: 1 << 24, max_bytes: 64 << 20, ..OpenOptions::default() };
    let started = Instant::now();
    if let Ok(decoder) = open(Arc::new(MemoryAccess::new(bytes)), &options) {
        let facts = decoder.facts().clone();
        for (level, size) in facts.levels.iter().map(|level| level.size).enumerate() {
            let region = Rect::new(0, 0, size.width_px.min(500), size.height_px.min(500));
            for denominator in [1, facts.max_denominator] {
                let wanted = DecodeRequest { level, region, denominator };
                let _ = decoder.cost(&wanted);
                let _ = recto_codec::read_raster(decoder.as_ref(), &wanted, &Control::default());
            }
            for turn in [Orientation::Normal, Orientation::Rotate90] {
                let wanted = CutRequest { region, turn, gray: turn != Orientation::Normal };
                let _ = decoder.can_cut(level, &wanted);
                let _ = decoder.cut(level, &wanted, &Control::default());
            }
            for (column, row) in [(0, 0), (1, 1), (u32::MAX, 0)] {
                let _ = decoder.stored_tile(level, column, row);
            }
        }
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{name} took {:?}", started.elapsed());
}

#[test]
fn files_cut_at_any_length_give_an_error_or_pixels() {
    for (name, bytes) in fixtures() {
        for length in (0..bytes.len()).step_by(1 + bytes.len() / 300) {
            survive(&name, bytes[..length].to_vec());
        }
    }
}

#[test]
fn files_with_changed_bytes_give_an_error_or_pixels() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for (name, bytes) in fixtures() {
        for _ in 0..300 {
            let mut bytes = bytes.clone();
            for _ in 0..=next() % 6 {
                let at = (next() % bytes.len() as u64) as usize;
                // The directory is where changes do most: it lies at the end.
                let at = if next().is_multiple_of(2) { bytes.len() - 1 - at % 300.min(bytes.len()) } else { at };
                bytes[at] = [0, 1, 0x7f, 0xff, next() as u8][(next() % 5) as usize];
            }
            survive(&name, bytes);
        }
    }
}

#[test]
fn a_chunk_that_is_too_short_is_named() {
    let mut builder = Builder::new(false, false);
    let (offsets, _) = builder.chunks(&[vec![1; 100]]);
    let counts = vec![100, 60];
    builder.directory(&[
        (256, SHORT, vec![10]),
        (257, SHORT, vec![20]),
        (258, SHORT, vec![8]),
        (262, SHORT, vec![1]),
        (273, 4, vec![offsets[0], offsets[0]]),
        (278, SHORT, vec![10]),
        (279, 4, counts),
    ]);
    let error = read_all(open_bytes(&builder.bytes).unwrap().as_ref(), 0).unwrap_err();
    assert_eq!(error.to_string(), "the TIFF file is damaged: strip 1 of 10 rows ends at row 6");
}

#[test]
fn a_strip_that_would_expand_beyond_its_image_is_read_only_as_far_as_needed() {
    let mut builder = Builder::new(false, false);
    let bomb = crate::builder::compress(8, &vec![0; 300_000_000]);
    let (offsets, counts) = builder.chunks(&[bomb]);
    builder.directory(&[
        (256, SHORT, vec![10]),
        (257, SHORT, vec![10]),
        (258, SHORT, vec![8]),
        (259, SHORT, vec![8]),
        (262, SHORT, vec![1]),
        (273, 4, offsets),
        (279, 4, counts),
    ]);
    let decoder = open_bytes(&builder.bytes).unwrap();
    let started = Instant::now();
    assert_eq!(read_all(decoder.as_ref(), 0).unwrap().data(), [0; 100]);
    assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
}
