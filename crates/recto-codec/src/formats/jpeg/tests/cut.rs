//! A cut stream shows the top left of the whole one, and damage never does more than end in an error.

use recto_iiif::Dimensions;

use super::super::cut::cut_to;
use super::super::fill;
use super::super::sniff;
use super::super::stream::{StreamColor, decode_within};
use super::{Kind, Random, sequential_kinds, stream, stream_of};
use crate::{Control, DecodeError, Raster};

fn decode(stream: &[u8]) -> Raster {
    decode_within(stream, StreamColor::Markers, 1, u32::MAX, u64::MAX, &Control::default()).unwrap()
}

/// The largest difference in the rectangle from the top left that is `width` by `height`.
fn difference(a: &Raster, b: &Raster, width: u32, height: u32) -> u8 {
    let row_bytes = width as usize * a.format().bytes_per_pixel();
    let rows = (0..height).map(|y| (&a.row(y)[..row_bytes], &b.row(y)[..row_bytes]));
    rows.flat_map(|(a, b)| a.iter().zip(b)).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

#[test]
fn every_sampling_restart_and_table_cuts_to_the_same_pixels() {
    let (width, height) = (128, 96);
    let mut random = Random::new(5);
    for kind in sequential_kinds() {
        let source = stream(kind, width, height);
        let whole = decode(&source);
        for _ in 0..12 {
            let mut visible = Dimensions::new(1 + random.below(width), 1 + random.below(height));
            if kind.components == 3 && kind.sampling.0 > 1 {
                // With no more than two chroma samples in a row the library does not smooth at all.
                visible.width_px = visible.width_px.max(5);
            }
            let cut = cut_to(&source, visible).unwrap().unwrap_or_else(|| panic!("{kind:?} can be cut"));
            let part = decode(&cut);
            assert_eq!(part.size(), visible, "{kind:?}");
            // Smooth upsampling looks one chroma sample to the right and below: those columns and rows may differ.
            let (h, v) = if kind.components == 3 { kind.sampling } else { (1, 1) };
            let w = if h > 1 { visible.width_px.saturating_sub(2) } else { visible.width_px };
            let h = if v > 1 { visible.height_px.saturating_sub(2) } else { visible.height_px };
            assert_eq!(difference(&whole, &part, w, h), 0, "{kind:?} {visible}");
        }
    }
}

#[test]
fn a_cut_is_what_an_independent_decoder_shows() {
    for kind in sequential_kinds().into_iter().filter(|kind| kind.components != 4) {
        let source = stream(kind, 112, 80);
        let cut = cut_to(&source, Dimensions::new(77, 41)).unwrap().unwrap();
        let other = image::load_from_memory_with_format(&cut, image::ImageFormat::Jpeg).unwrap();
        assert_eq!((other.width(), other.height()), (77, 41));
        let ours = decode(&cut);
        let theirs = if kind.components == 1 { other.into_luma8().into_raw() } else { other.into_rgb8().into_raw() };
        let total = ours.data().iter().zip(&theirs).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>();
        assert!(total < ours.data().len() as u64 * 3, "{kind:?}: mean difference {total}/{}", ours.data().len());
    }
}

#[test]
fn a_flat_picture_with_almost_empty_tables_can_be_cut() {
    // Optimised for a flat left and a different right side: the cut needs DC categories that the table lacks.
    let (width, height) = (64, 64);
    let pixels = (0..width * height)
        .flat_map(|i| if i % width < 24 { [200, 40, 90] } else { [10, 240, (i % width) as u8 * 2] })
        .collect::<Vec<u8>>();
    for restart_interval in [0, 3] {
        for sampling in [(1, 1), (2, 2)] {
            let kind =
                Kind { components: 3, sampling, optimise: true, restart_interval, quality: 90, ..Kind::default() };
            let source = stream_of(kind, width, height, &pixels);
            let whole = decode(&source);
            for columns in 1..=width {
                let cut = cut_to(&source, Dimensions::new(columns, 50)).unwrap().unwrap();
                let w = match sampling.0 {
                    1 => columns,
                    _ if columns < 5 => 0,
                    _ => columns - 2,
                };
                assert_eq!(difference(&whole, &decode(&cut), w, 48), 0, "{columns}");
            }
        }
    }
}

#[test]
fn a_cut_to_the_whole_is_the_whole() {
    for kind in sequential_kinds() {
        let source = stream(kind, 50, 35);
        let cut = cut_to(&source, Dimensions::new(50, 35)).unwrap().unwrap();
        assert_eq!(decode(&cut), decode(&source), "{kind:?}");
    }
}

#[test]
fn what_cannot_be_cut_is_left_alone() {
    let visible = Dimensions::new(9, 9);
    for (progressive, arithmetic) in [(true, false), (false, true), (true, true)] {
        let kind = Kind { components: 3, sampling: (2, 2), progressive, arithmetic, ..Kind::default() };
        assert!(cut_to(&stream(kind, 40, 40), visible).unwrap().is_none(), "{kind:?}");
    }
    let source = stream(Kind { components: 3, sampling: (1, 1), ..Kind::default() }, 40, 40);
    for visible in [Dimensions::new(41, 9), Dimensions::new(9, 41), Dimensions::new(0, 9)] {
        assert!(cut_to(&source, visible).unwrap().is_none(), "{visible}");
    }
}

#[test]
fn a_filled_stream_shows_what_it_showed() {
    let size = Dimensions::new(128, 96);
    for kind in sequential_kinds() {
        for (width, height) in [(50, 35), (64, 64), (33, 70), (128, 96)] {
            let source = stream(kind, width, height);
            let filled = fill(&source, size).unwrap_or_else(|| panic!("{kind:?} {width}x{height}"));
            let (before, after) = (decode(&source), decode(&filled));
            assert_eq!(after.size(), size, "{kind:?}");
            // Smooth upsampling looks one chroma sample to the right and below.
            let (h, v) = if kind.components == 3 { kind.sampling } else { (1, 1) };
            let (w, h) = (width - if h > 1 { 2 } else { 0 }, height - if v > 1 { 2 } else { 0 });
            assert_eq!(difference(&before, &after, w, h), 0, "{kind:?} {width}x{height}");
            let again = cut_to(&filled, Dimensions::new(width, height)).unwrap().unwrap();
            assert!(decode(&again) == before, "{kind:?}: cut off again, it is what it was");
        }
    }
}

#[test]
fn what_fills_a_stream_has_the_colours_beside_it() {
    let pixels = |width: u32, height: u32| {
        let columns = (0..height).flat_map(|y| (0..width).map(move |x| (x / 16, y / 16)));
        columns.flat_map(|(x, y)| [x * 60, y * 60, 255 - x * 60].map(|sample| sample as u8)).collect::<Vec<u8>>()
    };
    for sampling in [(1, 1), (2, 1), (2, 2)] {
        let kind = Kind { components: 3, sampling, quality: 95, ..Kind::default() };
        let filled = decode(&fill(&stream_of(kind, 64, 48, &pixels(64, 48)), Dimensions::new(128, 96)).unwrap());
        // Behind the last column the colours of its rows, below the last row those of its columns.
        for (x, y, beside) in [(100, 8, (56, 8)), (100, 40, (56, 40)), (8, 80, (8, 40)), (56, 80, (56, 40))] {
            let at = |x: u32, y: u32| &filled.row(y)[x as usize * 3..][..3];
            let worst = at(x, y).iter().zip(at(beside.0, beside.1)).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(12), "{sampling:?} {x},{y}: {worst:?}");
        }
    }
}

#[test]
fn what_cannot_be_filled_is_left_alone() {
    let kind = Kind { components: 3, sampling: (2, 2), ..Kind::default() };
    let source = stream(kind, 40, 40);
    for size in [Dimensions::new(39, 64), Dimensions::new(64, 39), Dimensions::new(40, 65_536)] {
        assert!(fill(&source, size).is_none(), "{size}");
    }
    let size = Dimensions::new(64, 64);
    for (progressive, arithmetic) in [(true, false), (false, true)] {
        assert!(fill(&stream(Kind { progressive, arithmetic, ..kind }, 40, 40), size).is_none());
    }
    let mut random = Random::new(7);
    for _ in 0..150 {
        let mut bad = source.clone();
        bad[2 + random.below(source.len() as u32 - 2) as usize] ^= 1 << random.below(8);
        bad.truncate(source.len() - random.below(40) as usize);
        if let Some(filled) = fill(&bad, size) {
            assert!(sniff(&filled));
        }
    }
}

#[test]
fn a_stream_that_ends_early_is_called_damaged() {
    for kind in sequential_kinds() {
        let source = stream(kind, 64, 64);
        let end = source.len() / 2;
        let cut = cut_to(&source[..end], Dimensions::new(60, 64));
        assert!(matches!(cut, Err(DecodeError::Corrupt { .. })), "{kind:?} {cut:?}");
    }
}

#[test]
fn damage_never_panics() {
    let mut random = Random::new(99);
    for kind in sequential_kinds() {
        let source = stream(kind, 48, 40);
        for round in 0..150 {
            let mut bad = source.clone();
            match round % 3 {
                0 => bad.truncate(random.below(source.len() as u32) as usize),
                1 => {
                    for _ in 0..=random.below(3) {
                        bad[random.below(source.len() as u32) as usize] ^= 1 << random.below(8);
                    }
                }
                _ => {
                    let start = random.below(source.len() as u32) as usize;
                    let end = (start + 16).min(bad.len());
                    bad[start..end].fill(random.below(256) as u8);
                }
            }
            if let Ok(Some(cut)) = cut_to(&bad, Dimensions::new(1 + random.below(48), 1 + random.below(40))) {
                assert!(sniff(&cut));
                let _ = decode_within(&cut, StreamColor::Markers, 1, u32::MAX, u64::MAX, &Control::default());
            }
            let _ = decode_within(&bad, StreamColor::Markers, 1, u32::MAX, u64::MAX, &Control::default());
        }
    }
}
