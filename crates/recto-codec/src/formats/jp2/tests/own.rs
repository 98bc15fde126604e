//! Our decoder against the library.

use std::fs;

use recto_iiif::Dimensions;

use super::{areas, coding, encode, open, picture};
use crate::Control;
use crate::formats::jp2::compress::Coding;
use crate::formats::jp2::decode::Jp2Decoder;
use crate::formats::jp2::openjpeg;
use crate::formats::jp2::window::Kept;

/// Largest difference between our decoder and the library, over areas of all levels.
pub(in crate::formats::jp2) fn difference(decoder: &Jp2Decoder, random: usize, name: &str) -> i32 {
    let control = Control::default();
    let kept = if random.is_multiple_of(2) { Kept::Memo(&decoder.memo, decoder.image) } else { Kept::Nowhere };
    let mut worst = 0;
    for level in 0..decoder.facts.levels.len() as u8 {
        // Whole large levels take long, and are not more than their parts.
        let areas = areas(decoder.level_area(level), random);
        for area in areas.into_iter().filter(|area| area.area_px() <= 1 << 20) {
            let wanted = decoder.interpretation.component_areas(&decoder.header, level, area);
            let covering = decoder.covering(level, &wanted);
            let own = decoder
                .own_planes(level, covering, &wanted, &kept, &control)
                .unwrap_or_else(|error| panic!("{name} level {level} {area:?}: {error}"))
                .unwrap_or_else(|| panic!("{name}: left to the library"));
            let numbers = &decoder.interpretation.components;
            let covering = if decoder.takes_whole_tiles() { decoder.whole_tiles(covering) } else { covering };
            let library =
                openjpeg::decode(&decoder.source, decoder.range, &decoder.header, (covering, level), numbers, &control)
                    .unwrap_or_else(|error| panic!("{name} level {level} {area:?}: {error}"));
            for (own, library) in own.iter().zip(library) {
                for y in own.area.y0..own.area.y1 {
                    let from = (own.area.x0 - library.area.x0) as usize;
                    let theirs = &library.row(y)[from..from + own.area.width() as usize];
                    for (x, (ours, theirs)) in own.row(y).iter().zip(theirs).enumerate() {
                        let distance = (ours - theirs).abs();
                        assert!(
                            distance <= 2,
                            "{name} level {level} {area:?}: sample {x},{y} is {ours}, the library's is {theirs}"
                        );
                        worst = worst.max(distance);
                    }
                }
            }
        }
    }
    worst
}

#[test]
fn every_way_of_coding_gives_the_librarys_samples() {
    let size = Dimensions::new(203, 157);
    let base = coding(size);
    let tiled = Coding { tile: Dimensions::new(128, 64), resolutions: 4, ..base.clone() };
    let layers = vec![25.0, 32.0, 40.0];
    let mut cases: Vec<(String, Coding)> = Vec::new();
    for (name, coding) in [("untiled", &base), ("tiled", &tiled)] {
        for progression in 0..5 {
            for (kind, quality) in [("5/3", vec![]), ("9/7", vec![38.0]), ("9/7 in layers", layers.clone())] {
                let precinct = (progression % 2 == 0).then_some(64);
                let packet_markers = if progression % 3 == 0 { 6 } else { 0 };
                let coding =
                    Coding { progression, quality, precinct, packet_markers, block: (32, 32), ..coding.clone() };
                cases.push((format!("{name} {kind} progression {progression}"), coding));
            }
        }
        for block_style in [1, 2, 4, 8, 32, 1 | 4, 1 | 2 | 8 | 32, 63 & !16] {
            for (kind, quality) in [("5/3", vec![]), ("9/7 in layers", layers.clone())] {
                let coding = Coding { quality, block_style, ..coding.clone() };
                cases.push((format!("{name} {kind} block style {block_style}"), coding));
            }
        }
        for block in [(4, 4), (4, 256), (256, 16), (16, 32)] {
            cases.push((format!("{name} blocks {block:?}"), Coding { block, ..coding.clone() }));
        }
        let origin = (37, 11);
        cases.push((format!("{name} at {origin:?}"), Coding { origin, ..coding.clone() }));
        let gray = Coding { components: 1, color_transform: false, ..coding.clone() };
        cases.push((format!("{name} gray 9/7"), Coding { quality: vec![36.0], ..gray.clone() }));
        cases.push((format!("{name} gray"), gray));
        cases.push((format!("{name} alpha"), Coding { components: 4, ..coding.clone() }));
        let plain = Coding { color_transform: false, ..coding.clone() };
        cases.push((format!("{name} 4:2:0"), Coding { chroma_step: (2, 2), ..plain.clone() }));
        cases.push((format!("{name} without colour transform"), plain));
        cases.push((format!("{name} one resolution"), Coding { resolutions: 1, ..coding.clone() }));
    }
    for (name, coding) in cases {
        let pixels = picture(size, coding.components as usize);
        let decoder = open(&encode(&coding, &pixels));
        let most = i32::from(!coding.quality.is_empty());
        assert!(difference(&decoder, 6, &name) <= most, "{name}");
    }
}

#[test]
fn small_and_thin_images_give_the_librarys_samples() {
    for (w, h) in [(1, 1), (2, 1), (1, 2), (3, 3), (1, 70), (70, 1), (5, 64), (65, 4)] {
        let size = Dimensions::new(w, h);
        for quality in [vec![], vec![40.0]] {
            let resolutions = w.min(h).ilog2() + 1;
            for origin in [(0, 0), (1, 1), (3, 2)] {
                let coding = Coding { resolutions, origin, quality: quality.clone(), ..coding(size) };
                let name = format!("{w}x{h} at {origin:?} {quality:?}");
                let decoder = open(&encode(&coding, &picture(size, 3)));
                assert!(difference(&decoder, 3, &name) <= i32::from(!quality.is_empty()), "{name}");
            }
        }
    }
}

#[test]
fn samples_of_16_bits_are_the_librarys() {
    let size = Dimensions::new(133, 90);
    let pixels: Vec<u8> =
        picture(size, 3).into_iter().flat_map(|v| ((u16::from(v) * 257) ^ 0x35).to_ne_bytes()).collect();
    for quality in [vec![], vec![60.0]] {
        let coding = Coding { bits: 16, quality: quality.clone(), ..coding(size) };
        let decoder = open(&encode(&coding, &pixels));
        let worst = difference(&decoder, 6, "16 bits");
        assert!(worst <= if quality.is_empty() { 0 } else { 2 }, "{quality:?}: {worst}");
    }
}

#[test]
fn real_files_give_the_librarys_samples() {
    let Some(data) = recto_testkit::data_dir() else { return };
    let mut count = 0;
    for path in recto_testkit::files_below(&data.join("images")) {
        let bytes = fs::read(&path).expect("a test file can be read");
        // One ends in its codestream's header.
        if !super::super::sniff(&bytes[..bytes.len().min(64)]) || path.ends_with("balloon_eciRGBv2_aware.jp2") {
            continue;
        }
        let name = path.display().to_string();
        let decoder = open(&bytes);
        if decoder.needs_library.is_some() {
            continue;
        }
        let random = if decoder.facts.stored_size().area_px() > 1 << 20 { 2 } else { 7 };
        let is_reversible = decoder.header.coding.iter().all(|coding| coding.reversible);
        let worst = difference(&decoder, random, &name);
        assert!(worst <= i32::from(!is_reversible), "{name}: {worst}");
        count += 1;
    }
    assert!(count >= 25, "{count} files");
}
